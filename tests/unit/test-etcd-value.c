/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys and values of a store in etcd, byte by byte. */
#include "records.h"

#include "store/etcd/meta.h"
#include "store/etcd/value.h"

static const char meta_text[] = "pam_totp store 2\n"
				"id 000102030405060708090a0b0c0d0e0f\n"
				"cluster 18446744073709551615\n"
				"key 0000abcd\n"
				"since 1800000000\n"
				"epoch 3\n";

static enum totp_err decode_meta(const char *text, struct etcd_meta *meta)
{
	return etcd_meta_decode(text_of(text), meta);
}

static void what_a_store_says_of_itself_is_text(void **unused)
{
	struct etcd_meta meta;
	char again[ETCD_META_MAX];

	assert_ok(decode_meta(meta_text, &meta));
	assert_int_equal(2, meta.version);
	assert_int_equal(15, meta.id[15]);
	assert_true(meta.cluster == UINT64_MAX);
	assert_int_equal(0xabcd, meta.key_id);
	assert_int_equal(1800000000, meta.since);
	assert_int_equal(3, meta.epoch);
	assert_int_equal(strlen(meta_text), etcd_meta_encode(&meta, again));
	assert_string_equal(meta_text, again);
}

static void the_longest_text_fits(void **unused)
{
	struct etcd_meta meta = {.version = 255,
				 .cluster = UINT64_MAX,
				 .key_id = UINT32_MAX,
				 .since = INT64_MAX,
				 .epoch = UINT32_MAX};
	char text[ETCD_META_MAX];

	assert_in_range(etcd_meta_encode(&meta, text), 1, ETCD_META_MAX - 1);
}

static void another_text_is_rejected(void **unused)
{
	static const struct {
		const char *part, *other;
	} changes[] = {
		{"store 2", "store 02"},  {"store 2", "store 0"},      {"store 2\n", "store 2"},
		{"id 00", "id 0"},        {"id 00", "id 0G"},          {"0a0b", "0A0B"},
		{"cluster ", "Cluster "}, {"cluster 1", "cluster -1"}, {"551615", "551616"},
		{"key 00", "key 0x"},     {"since 1", "since 01"},     {"since 1", "since -1"},
		{"epoch 3", "epoch"},     {"epoch 3\n", "epoch 3"},    {"epoch 3\n", "epoch 3\n\n"},
		{"epoch 3\n", ""},        {"pam_totp", " pam_totp"},   {"id ", "id  "},
	};
	struct etcd_meta meta;
	char text[ETCD_META_MAX];

	for (size_t i = 0; i < COUNT(changes); i++) {
		const char *at = strstr(meta_text, changes[i].part);

		assert_non_null(at);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - meta_text), meta_text,
			 changes[i].other, at + strlen(changes[i].part));
		if (decode_meta(text, &meta) != TOTP_ERR_FORMAT)
			fail_msg("accepted: %s", text);
	}
	assert_refused(FORMAT, decode_meta("", &meta));
	assert_refused(UNSUPPORTED, decode_meta("pam_totp store 3\nanything\n", &meta));
}

static void assert_key(const char *expected, const struct etcd_key *key)
{
	assert_int_equal(strlen(expected), key->len);
	assert_memory_equal(expected, key->text, key->len);
}

static void keys_name_the_realm_the_shard_and_the_user(void **unused)
{
	char prefix[ETCD_PREFIX_MAX];
	struct etcd_keys keys;
	struct etcd_key first, end;

	assert_ok(etcd_prefix("example.org", prefix));
	assert_ok(etcd_keys(prefix, "alice", &keys)); /* SHA-256("alice") begins with 2b */
	assert_key("totp/1/example.org/c/2b/alice", &keys.cred);
	assert_key("totp/1/example.org/s/2b/alice", &keys.state);
	assert_key("totp/1/example.org/i/2b/alice", &keys.invite);
	first = etcd_shard(prefix, ETCD_CREDS, 0x2b);
	end = etcd_shard(prefix, ETCD_CREDS, 0x2c);
	assert_key("totp/1/example.org/c/2b/", &first);
	assert_key("totp/1/example.org/c/2c/", &end);
	end = etcd_shard(prefix, ETCD_CREDS, ETCD_SHARDS);
	assert_key("totp/1/example.org/c0", &end);
}

static void a_key_names_its_user_or_nobody(void **unused)
{
	char prefix[ETCD_PREFIX_MAX];
	static const char *const others[] = {"totp/1/r/c/2b/", "totp/1/r/s/2b/alice",
					     "totp/1/q/c/2b/alice", "totp/1/r/meta", "t"};
	struct etcd_keys keys;
	struct text name;

	assert_ok(etcd_prefix("r", prefix));
	assert_ok(etcd_keys(prefix, "/etc", &keys));
	name = etcd_name_of(prefix, ETCD_CREDS, etcd_key_of(&keys.cred));
	assert_true(text_is(name, "%2fetc"));
	for (size_t i = 0; i < COUNT(others); i++)
		assert_int_equal(0, etcd_name_of(prefix, ETCD_CREDS,
						 (struct piece){others[i], strlen(others[i])})
					    .len);
}

static void a_realm_is_a_plain_word(void **unused)
{
	static const char too_long[] = "1234567890123456789012345678901234567890"
				       "1234567890123456789012345";
	static const char *const others[] = {"", "a/b", "A", "a b", "a_b", too_long};
	char prefix[ETCD_PREFIX_MAX];

	for (size_t i = 0; i < COUNT(others); i++)
		assert_refused(RANGE, etcd_prefix(others[i], prefix));
}

static void a_state_is_a_nonce_the_bytes_in_use_and_a_mac(void **unused)
{
	struct cred cred = cred_of("alice", 1);
	struct login_state state = state_of(&cred), again;
	static uint8_t slot[STATE_SLOT_LEN], value[ETCD_STATE_MAX], other[ETCD_STATE_MAX];
	size_t used, len = 0, other_len = 0;

	state.failures = 7;
	assert_ok(state_encode(&state, &cred, slot));
	used = bytes_used(slot, STATE_SLOT_LEN - SHA256_LEN);
	assert_ok(etcd_state_encode(&state, &cred, value, &len));
	assert_int_equal(STORE_NONCE_LEN + used + SHA256_LEN, len);
	assert_memory_equal(slot, value + STORE_NONCE_LEN, used);
	assert_memory_equal(slot + STATE_SLOT_LEN - SHA256_LEN, value + len - SHA256_LEN,
			    SHA256_LEN);
	assert_ok(etcd_state_decode((struct piece){value, len}, &cred, &again));
	assert_int_equal(7, again.failures);
	/* the same state once more differs, in the nonce alone */
	assert_ok(etcd_state_encode(&state, &cred, other, &other_len));
	assert_int_equal(len, other_len);
	assert_memory_not_equal(value, other, STORE_NONCE_LEN);
	assert_memory_equal(value + STORE_NONCE_LEN, other + STORE_NONCE_LEN,
			    len - STORE_NONCE_LEN);
}

static void a_changed_state_is_rejected(void **unused)
{
	struct cred cred = cred_of("alice", 1), bob = cred_of("bob", 1);
	struct login_state state = state_of(&cred), again;
	static uint8_t value[ETCD_STATE_MAX + 1];
	size_t len = 0;

	assert_ok(etcd_state_encode(&state, &cred, value, &len));
	for (size_t i = STORE_NONCE_LEN; i < len; i++) {
		value[i] ^= 1;
		assert_refused(SEAL, etcd_state_decode((struct piece){value, len}, &cred, &again));
		value[i] ^= 1;
	}
	for (size_t cut = 0; cut < len; cut++)
		assert_refused(SEAL, etcd_state_decode((struct piece){value, cut}, &cred, &again));
	assert_refused(SEAL,
		       etcd_state_decode((struct piece){value, sizeof(value)}, &cred, &again));
	assert_refused(SEAL, etcd_state_decode((struct piece){value, len}, &bob, &again));
	/* a state has one encoding: no zeros at its end */
	memmove(value + len - SHA256_LEN + 1, value + len - SHA256_LEN, SHA256_LEN);
	value[len - SHA256_LEN] = 0;
	assert_refused(SEAL, etcd_state_decode((struct piece){value, len + 1}, &cred, &again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_store_says_of_itself_is_text),
		cmocka_unit_test(the_longest_text_fits),
		cmocka_unit_test(another_text_is_rejected),
		cmocka_unit_test(keys_name_the_realm_the_shard_and_the_user),
		cmocka_unit_test(a_key_names_its_user_or_nobody),
		cmocka_unit_test(a_realm_is_a_plain_word),
		cmocka_unit_test(a_state_is_a_nonce_the_bytes_in_use_and_a_mac),
		cmocka_unit_test(a_changed_state_is_rejected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
