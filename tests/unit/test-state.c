/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/bytes.h"
#include "example.h"
#include "record/state.h"

#define MAC_AT (STATE_SLOT_LEN - SHA256_LEN)

/* A state of the example in which every field has a different value. */
static struct login_state example_state(void)
{
	struct cred cred = example_cred();
	struct login_state state = {0};

	state_init(&cred, &state);
	state.sequence = 0x0102030405060708;
	state.tokens[0].moving = 0x1111;
	state.tokens[0].last_used = 0x1222;
	state.tokens[1].moving = COUNTER_DISABLED;
	state.tokens[1].last_used = 0x1333;
	state.spent = 1;
	state.bypass_used = 9;
	state.one_class = true;
	state.shared[0] = (struct throttle){{2, 0x2111}, {3, 0x2222}};
	state.known_count = 2;
	state.known[0] =
		(struct known_source){.source = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}},
				      .last_success = 0x3111,
				      .throttle = {{4, 0x3222}, {5, 0x3333}}};
	state.known[1] = (struct known_source){
		.source = {.kind = SOURCE_UID, .bytes = {0, 0, 3, 232}}, .last_success = 0x4111};
	state.failures = 6;
	state.last_failure = 0x5111;
	state.last_failure_source.kind = SOURCE_IPV6;
	example_bytes(state.last_failure_source.bytes, 8, 0x20);
	state.last_success = 0x5222;
	return state;
}

static void assert_throttle_equal(const struct throttle *a, const struct throttle *b)
{
	assert_int_equal(a->burst.used, b->burst.used);
	assert_int_equal(a->burst.since, b->burst.since);
	assert_int_equal(a->total.used, b->total.used);
	assert_int_equal(a->total.since, b->total.since);
}

static void assert_state_equal(const struct login_state *a, const struct login_state *b)
{
	assert_int_equal(a->sequence, b->sequence);
	assert_memory_equal(a->cred_id, b->cred_id, sizeof(a->cred_id));
	assert_int_equal(a->token_count, b->token_count);
	for (size_t i = 0; i < CRED_TOKENS_MAX; i++) {
		assert_int_equal(a->tokens[i].id, b->tokens[i].id);
		assert_int_equal(a->tokens[i].moving, b->tokens[i].moving);
		assert_int_equal(a->tokens[i].last_used, b->tokens[i].last_used);
	}
	assert_int_equal(a->spent, b->spent);
	assert_int_equal(a->bypass_used, b->bypass_used);
	assert_int_equal(a->one_class, b->one_class);
	for (size_t i = 0; i < SOURCE_CLASSES; i++)
		assert_throttle_equal(&a->shared[i], &b->shared[i]);
	assert_int_equal(a->known_count, b->known_count);
	for (size_t i = 0; i < STATE_KNOWN_MAX; i++) {
		assert_true(source_equal(&a->known[i].source, &b->known[i].source));
		assert_int_equal(a->known[i].last_success, b->known[i].last_success);
		assert_throttle_equal(&a->known[i].throttle, &b->known[i].throttle);
	}
	assert_int_equal(a->failures, b->failures);
	assert_int_equal(a->last_failure, b->last_failure);
	assert_true(source_equal(&a->last_failure_source, &b->last_failure_source));
	assert_int_equal(a->last_success, b->last_success);
}

/* Authenticate a slot that was changed, as only the owner of the state key could. */
static void sign(uint8_t slot[STATE_SLOT_LEN], const struct cred *cred)
{
	size_t used = MAC_AT;
	uint8_t length[2], mac[MAC_MAX];

	while (cred->version > 1 && used > 0 && slot[used - 1] == 0)
		used--;
	length[0] = (uint8_t)(used / 256);
	length[1] = (uint8_t)(used % 256);
	const struct piece pieces[] = {{length, cred->version > 1 ? 2 : 0},
				       {slot, used},
				       {cred->user, strlen(cred->user)}};

	assert_ok(crypto_hmac(HMAC_SHA256, (struct piece){cred->state_key, SHA256_LEN}, pieces, 3,
			      mac));
	memcpy(slot + MAC_AT, mac, SHA256_LEN);
}

static void decoding_gives_what_was_encoded(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state = example_state(), back;
	uint8_t slot[STATE_SLOT_LEN], again[STATE_SLOT_LEN];

	assert_ok(state_encode(&state, &cred, slot));
	assert_ok(state_decode(slot, &cred, &back));
	assert_state_equal(&state, &back);
	assert_ok(state_encode(&back, &cred, again));
	assert_memory_equal(slot, again, sizeof(slot));
}

static void the_largest_state_fits(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state = example_state(), back;
	uint8_t slot[STATE_SLOT_LEN];

	cred.token_count = state.token_count = CRED_TOKENS_MAX;
	for (uint8_t i = 0; i < CRED_TOKENS_MAX; i++)
		cred.tokens[i].id = state.tokens[i].id = (uint8_t)(200 + i);
	state.known_count = STATE_KNOWN_MAX;
	for (size_t i = 2; i < STATE_KNOWN_MAX; i++)
		state.known[i] = state.known[0];
	memset(cred.user, 'u', CRED_USER_MAX);
	assert_ok(state_encode(&state, &cred, slot));
	assert_ok(state_decode(slot, &cred, &back));
	assert_state_equal(&state, &back);
}

static void the_format_is_that_of_the_manual(void **unused)
{
	/* pam_totp-record(5) */
	static const char hex[] =
		"50545354000101020304" /* 0: magic, 4: version, 6: sequence */
		"05060708"
		"101112131415161718191a1b1c1d1e1f" /* 14: credential id */
		"02"                               /* 30: tokens */
		"01000000000000111100000000000012" /* 31: id, last step, last used */
		"22"
		"07ffffffffffffffff00000000000013" /* 48: id, next counter, last used */
		"33"
		"00000001"                           /* 65: spent recovery codes */
		"09"                                 /* 69: bypass used */
		"000000020000000000002111"           /* 70: shared throttle: burst */
		"000000030000000000002222"           /* 82: total */
		"02"                                 /* 94: known sources */
		"01c0000201000000000000000000000000" /* 95: IPv4 192.0.2.1 */
		"0000000000003111"                   /* 112: last success */
		"000000040000000000003222"           /* 120: its throttle */
		"000000050000000000003333"
		"03000003e8000000000000000000000000" /* 144: uid 1000 */
		"0000000000004111"                   /* 161: last success */
		"000000000000000000000000"           /* 169: its throttle */
		"000000000000000000000000"
		"00000006"                           /* 193: failures */
		"0000000000005111"                   /* 197: last failure */
		"0220212223242526270000000000000000" /* 205: its source, an IPv6 /64 */
		"0000000000005222";                  /* 222: last success */
	uint8_t expected[230];
	struct cred cred = example_cred();
	struct login_state state = example_state(), back;
	uint8_t slot[STATE_SLOT_LEN], signed_slot[STATE_SLOT_LEN] = {0};

	assert_ok(text_hex(text_of(hex), expected, sizeof(expected)));
	assert_ok(state_encode(&state, &cred, slot));
	assert_memory_equal(expected, slot, sizeof(expected));
	assert_zeros(slot + sizeof(expected), MAC_AT - sizeof(expected));

	memcpy(signed_slot, expected, sizeof(expected));
	sign(signed_slot, &cred);
	assert_memory_equal(signed_slot, slot, sizeof(slot));
	assert_ok(state_decode(signed_slot, &cred, &back));
	assert_state_equal(&state, &back);
}

/* --- version 2: a throttle for each class --- */

static struct cred newer_cred(void)
{
	struct cred cred = example_cred();

	cred.version = 2;
	return cred;
}

static struct login_state newer_state(void)
{
	struct login_state state = example_state();

	state.one_class = false;
	for (uint8_t i = 1; i < SOURCE_CLASSES; i++)
		state.shared[i] = (struct throttle){{6u + i, 0x6000 + i}, {7u + i, 0x7000 + i}};
	return state;
}

static void version_2_has_a_throttle_for_each_class_instead_of_one_for_all(void **unused)
{
	static const char hex[] = "000000020000000000002111" /* 70: the network: burst, total */
				  "000000030000000000002222"
				  "000000070000000000006001" /* 94: consoles */
				  "000000080000000000007001"
				  "000000080000000000006002" /* 118: pseudo-terminals */
				  "000000090000000000007002"
				  "000000090000000000006003" /* 142: users */
				  "0000000a0000000000007003";
	enum { AT = 70, LEN = SOURCE_CLASSES * 24, ONE = 24 };
	static uint8_t slot[STATE_SLOT_LEN], older[STATE_SLOT_LEN];
	uint8_t expected[LEN];
	struct cred cred = newer_cred(), old = example_cred();
	struct login_state state = newer_state(), back, was = example_state();

	assert_ok(text_hex(text_of(hex), expected, sizeof(expected)));
	assert_ok(state_encode(&state, &cred, slot));
	assert_ok(state_encode(&was, &old, older));
	assert_int_equal(2, slot[5]);
	assert_memory_equal(expected, slot + AT, sizeof(expected));
	/* and everything else follows unchanged */
	assert_memory_equal(older + 6, slot + 6, AT - 6);
	assert_memory_equal(older + AT + ONE, slot + AT + LEN, MAC_AT - AT - LEN);
	assert_ok(state_decode(slot, &cred, &back));
	assert_state_equal(&state, &back);
}

static void version_2_ends_with_the_changes_by_self_service(void **unused)
{
	static const char hex[] = "02"               /* 302: devices added, how often */
				  "0000000000008111" /* 303: the last time */
				  "03000003e8000000000000000000000000" /* 311: its source */
				  "00" /* 328: replaced, and 354: new recovery codes */
				  "00000000000000000000000000000000000000000000000000"
				  "00"
				  "00000000000000000000000000000000000000000000000000"
				  "02"; /* 380: the second token was added in this change */
	enum { AT = 302 };
	uint8_t expected[(sizeof(hex) - 1) / 2];
	struct cred cred = newer_cred();
	struct login_state state = newer_state(), back;
	static uint8_t slot[STATE_SLOT_LEN];

	state.notices[NOTICE_ADDED] =
		(struct notice){.count = 2,
				.last = 0x8111,
				.source = {.kind = SOURCE_UID, .bytes = {0, 0, 3, 232}}};
	state.tokens[1].unread = true;
	assert_ok(text_hex(text_of(hex), expected, sizeof(expected)));
	assert_ok(state_encode(&state, &cred, slot));
	assert_memory_equal(expected, slot + AT, sizeof(expected));
	assert_ok(state_decode(slot, &cred, &back));
	assert_memory_equal(state.notices, back.notices, sizeof(back.notices));
	assert_true(back.tokens[1].unread && !back.tokens[0].unread);

	slot[AT + sizeof(expected) - 1] = 4; /* a token that does not exist */
	sign(slot, &cred);
	assert_refused(FORMAT, state_decode(slot, &cred, &back));
	state.notices[NOTICE_RECOVERY].source.kind = SOURCE_HOST + 1;
	assert_refused(RANGE, state_encode(&state, &cred, slot));
}

static void a_state_is_written_in_the_version_of_its_credential(void **unused)
{
	struct cred newer = newer_cred(), older = example_cred();
	struct login_state state = newer_state(), back;
	uint8_t slot[STATE_SLOT_LEN];

	/* an earlier program reads what version 1 holds: the throttle of the network */
	assert_ok(state_encode(&state, &older, slot));
	assert_refused(SEAL, state_decode(slot, &newer, &back));
	assert_ok(state_decode(slot, &older, &back));
	state = example_state();
	assert_state_equal(&state, &back);

	/* after the upgrade no class is cleared of the failures that all classes shared */
	assert_ok(state_encode(&back, &newer, slot));
	assert_ok(state_decode(slot, &newer, &back));
	assert_false(back.one_class);
	for (size_t i = 0; i < SOURCE_CLASSES; i++)
		assert_throttle_equal(&state.shared[0], &back.shared[i]);
}

static void the_largest_state_of_version_2_fits(void **unused)
{
	struct cred cred = newer_cred();
	struct login_state state = newer_state(), back;
	uint8_t slot[STATE_SLOT_LEN];

	cred.token_count = state.token_count = CRED_TOKENS_MAX;
	for (uint8_t i = 0; i < CRED_TOKENS_MAX; i++)
		cred.tokens[i].id = state.tokens[i].id = (uint8_t)(200 + i);
	state.known_count = STATE_KNOWN_MAX;
	for (size_t i = 2; i < STATE_KNOWN_MAX; i++)
		state.known[i] = state.known[0];
	assert_ok(state_encode(&state, &cred, slot));
	assert_ok(state_decode(slot, &cred, &back));
	assert_state_equal(&state, &back);
}

static void the_example_of_the_manual_is_valid(void **unused)
{
	/* pam_totp-record(5), EXAMPLE */
	static const char start[] = "505453540001000000000000000100010203040506070809"
				    "0a0b0c0d0e0f0101000000000360aa2b";
	static const char mac[] =
		"258012581eb9383d941a9790b60d6a3bf77573c8aafdf6cdbde5c3cc20b271a6";
	struct cred cred = {.version = 1, .user = "alice", .token_count = 1, .tokens = {{.id = 1}}};
	uint8_t slot[STATE_SLOT_LEN] = {0};
	struct login_state state;

	example_bytes(cred.id, sizeof(cred.id), 0);
	example_bytes(cred.state_key, sizeof(cred.state_key), 0x40);
	assert_ok(text_hex(text_of(start), slot, (sizeof(start) - 1) / 2));
	assert_ok(text_hex(text_of(mac), slot + MAC_AT, SHA256_LEN));
	assert_ok(state_decode(slot, &cred, &state));
	assert_int_equal(1, state.sequence);
	assert_int_equal(56666667, state.tokens[0].moving);
}

/* Every byte of it, including those after the fields and the MAC. */
static void assert_authenticated(const struct login_state *state, const struct cred *cred)
{
	static const uint8_t flips[] = {1, 0x80, 0xff};
	struct login_state back;
	uint8_t slot[STATE_SLOT_LEN];

	assert_ok(state_encode(state, cred, slot));
	for (size_t at = 0; at < sizeof(slot); at++) {
		uint8_t flip = flips[at % COUNT(flips)];

		slot[at] ^= flip;
		assert_refused(SEAL, state_decode(slot, cred, &back));
		assert_int_equal(0, back.token_count);
		slot[at] ^= flip;
	}
	assert_ok(state_decode(slot, cred, &back));
}

static void every_changed_byte_breaks_the_mac(void **unused)
{
	struct cred cred = example_cred();
	struct login_state full = example_state(), fresh;

	state_init(&cred, &fresh);
	for (cred.version = RECORD_VERSION_FIRST; cred.version <= record_version_newest;
	     cred.version++) {
		assert_authenticated(&full, &cred);
		assert_authenticated(&fresh, &cred); /* its fields end in zeros */
	}
}

static void every_byte_that_becomes_0_breaks_the_mac(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state = example_state(), back;
	uint8_t slot[STATE_SLOT_LEN];

	cred.version = record_version_newest;
	assert_ok(state_encode(&state, &cred, slot));
	for (size_t at = 0; at < sizeof(slot); at++) {
		uint8_t right = slot[at];

		slot[at] = 0;
		if (right != 0)
			assert_refused(SEAL, state_decode(slot, &cred, &back));
		slot[at] = right;
	}
}

/*
 * Since version 2 the zeros between them are not hashed, but the number of the bytes before them
 * is.
 */
static void the_end_of_a_slot_cannot_be_moved_into_a_user_name(void **unused)
{
	struct cred cred = example_cred(), other;
	struct login_state state = example_state(), back;
	uint8_t slot[STATE_SLOT_LEN];
	size_t used;

	cred.version = record_version_newest;
	assert_ok(state_encode(&state, &cred, slot));
	used = bytes_used(slot, MAC_AT);
	other = cred;
	memmove(other.user, cred.user + 1, strlen(cred.user));
	slot[used] = (uint8_t)cred.user[0];
	assert_refused(SEAL, state_decode(slot, &other, &back));

	assert_ok(state_encode(&state, &cred, slot));
	strcpy(other.user + 1, cred.user);
	other.user[0] = (char)slot[used - 1];
	slot[used - 1] = 0;
	assert_refused(SEAL, state_decode(slot, &other, &back));
}

static void a_slot_of_one_version_is_not_valid_in_another(void **unused)
{
	struct cred first = example_cred(), newest = first;
	struct login_state state = example_state(), back;
	uint8_t slot[STATE_SLOT_LEN];

	newest.version = record_version_newest;
	assert_ok(state_encode(&state, &first, slot));
	assert_refused(SEAL, state_decode(slot, &newest, &back));
	assert_ok(state_encode(&state, &newest, slot));
	assert_refused(SEAL, state_decode(slot, &first, &back));
	sign(slot, &first); /* with the bytes of a later one */
	assert_refused(UNSUPPORTED, state_decode(slot, &first, &back));
}

static void the_state_of_another_user_key_or_credential_is_rejected(void **unused)
{
	const struct cred cred = example_cred();
	struct login_state state = example_state(), back;
	struct cred other;
	uint8_t slot[STATE_SLOT_LEN];

	assert_ok(state_encode(&state, &cred, slot));
	other = cred;
	strcpy(other.user, "alicf");
	assert_refused(SEAL, state_decode(slot, &other, &back));
	strcpy(other.user, "alice2");
	assert_refused(SEAL, state_decode(slot, &other, &back));
	other = cred;
	other.state_key[31] ^= 1;
	assert_refused(SEAL, state_decode(slot, &other, &back));
	other = cred;
	other.id[0] ^= 1; /* two credentials never share a key, but even then */
	assert_refused(RANGE, state_decode(slot, &other, &back));
	assert_wiped(back.cred_id);
	assert_refused(RANGE, state_encode(&state, &other, slot));
}

/* What an authentic slot of another program, or of another version, may hold. */
static void an_authentic_slot_is_checked_nevertheless(void **unused)
{
	static const struct {
		size_t at;
		uint8_t value;
		enum totp_err err;
	} rows[] = {
		{0, 'p', TOTP_ERR_FORMAT},
		{4, 1, TOTP_ERR_UNSUPPORTED},
		{5, 0, TOTP_ERR_UNSUPPORTED},
		{5, 2, TOTP_ERR_UNSUPPORTED},
		{14, 0, TOTP_ERR_RANGE},  /* credential id */
		{30, 1, TOTP_ERR_FORMAT}, /* one token fewer shifts all that follows */
		{30, 9, TOTP_ERR_FORMAT},
		{30, 255, TOTP_ERR_FORMAT},
		{31, 2, TOTP_ERR_RANGE}, /* a token that the credential lacks */
		{31, 7, TOTP_ERR_RANGE},
		{48, 1, TOTP_ERR_RANGE},
		{68, 255, TOTP_OK}, /* spent recovery codes */
		{69, 255, TOTP_OK}, /* bypass used */
		{94, 9, TOTP_ERR_FORMAT},
		{95, 0, TOTP_ERR_RANGE}, /* the source "unknown" is never a known source */
		{95, 4, TOTP_OK},
		{95, 5, TOTP_ERR_RANGE},
		{205, 0, TOTP_OK},
		{205, 4, TOTP_OK},
		{205, 5, TOTP_ERR_RANGE},
		{230, 1, TOTP_ERR_FORMAT}, /* the rest is zeros */
		{MAC_AT - 1, 1, TOTP_ERR_FORMAT},
	};
	struct cred cred = example_cred();
	struct login_state state = example_state();

	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t slot[STATE_SLOT_LEN], again[STATE_SLOT_LEN];
		struct login_state back;

		assert_ok(state_encode(&state, &cred, slot));
		slot[rows[i].at] = rows[i].value;
		sign(slot, &cred);
		assert_int_equal(rows[i].err, state_decode(slot, &cred, &back));
		if (rows[i].err != TOTP_OK) {
			assert_int_equal(0, back.sequence);
			continue;
		}
		assert_ok(state_encode(&back, &cred, again));
		assert_memory_equal(slot, again, sizeof(slot));
	}
}

static void an_authentic_change_is_rejected_or_means_something_else(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state = example_state();
	uint8_t slot[STATE_SLOT_LEN], again[STATE_SLOT_LEN];

	assert_ok(state_encode(&state, &cred, slot));
	for (size_t at = 0; at < 240; at++) {
		uint8_t right = slot[at];

		for (unsigned byte = 0; byte < 256; byte += 5) {
			struct login_state back;

			slot[at] = (uint8_t)byte;
			sign(slot, &cred);
			if (state_decode(slot, &cred, &back) != TOTP_OK)
				continue;
			assert_ok(state_encode(&back, &cred, again));
			assert_memory_equal(slot, again, sizeof(slot));
		}
		slot[at] = right;
	}
}

static void nothing_out_of_range_is_encoded(void **unused)
{
	const struct login_state good = example_state();
	struct cred cred = example_cred();
	struct login_state state = good;
	uint8_t slot[STATE_SLOT_LEN];

	state.token_count = 1;
	assert_refused(RANGE, state_encode(&state, &cred, slot));
	state = good;
	state.tokens[1].id = 8;
	assert_refused(RANGE, state_encode(&state, &cred, slot));
	state = good;
	state.known_count = STATE_KNOWN_MAX + 1;
	assert_refused(RANGE, state_encode(&state, &cred, slot));
	state = good;
	state.known[1].source.kind = SOURCE_UNKNOWN;
	assert_refused(RANGE, state_encode(&state, &cred, slot));
	state = good;
	state.last_failure_source.kind = SOURCE_HOST + 1;
	assert_refused(RANGE, state_encode(&state, &cred, slot));
}

static void a_new_state_knows_the_tokens_and_nothing_else(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state, expected = {.sequence = 1, .token_count = 2};

	memset(&state, 0xff, sizeof(state));
	state_init(&cred, &state);
	memcpy(expected.cred_id, cred.id, sizeof(cred.id));
	expected.tokens[0].id = 1;
	expected.tokens[1].id = 7;
	assert_state_equal(&expected, &state);
}

/* The file of a state in which both slots are valid. */
static void encode_file(uint64_t sequence, uint8_t file[STATE_FILE_LEN])
{
	struct cred cred = example_cred();
	struct login_state state = example_state();

	state.sequence = sequence;
	assert_ok(state_encode_file(&state, &cred, file));
}

static void put_slot(uint8_t file[STATE_FILE_LEN], size_t slot, uint64_t sequence)
{
	struct cred cred = example_cred();
	struct login_state state = example_state();

	state.sequence = sequence;
	assert_ok(state_encode(&state, &cred, file + slot * STATE_SLOT_LEN));
}

/* The sequence of the slot that counts; 0: the file is rejected. */
static uint64_t choose(const uint8_t file[STATE_FILE_LEN], bool *ret_torn)
{
	struct cred cred = example_cred();
	struct login_state state = {.sequence = 99};
	enum totp_err err = state_choose(file, STATE_FILE_LEN, &cred, &state, ret_torn);

	if (err == TOTP_OK)
		return state.sequence;
	assert_int_equal(TOTP_ERR_SEAL, err);
	return 0;
}

static void of_two_slots_the_later_one_counts(void **unused)
{
	uint8_t file[STATE_FILE_LEN];
	bool torn = true;

	encode_file(8, file); /* 8 in slot 0, 7 in slot 1 */
	assert_int_equal(8, choose(file, &torn));
	assert_false(torn);
	put_slot(file, 1, 9);
	assert_int_equal(9, choose(file, &torn));
	put_slot(file, 0, 10);
	assert_int_equal(10, choose(file, &torn));
	put_slot(file, 1, UINT64_MAX);
	assert_int_equal(UINT64_MAX, choose(file, &torn));
	assert_false(torn);
}

static void a_new_file_has_two_valid_slots(void **unused)
{
	struct cred cred = example_cred();
	uint8_t file[STATE_FILE_LEN];
	struct login_state back;

	encode_file(1, file);
	assert_ok(state_decode(file, &cred, &back));
	assert_int_equal(0, back.sequence);
	assert_ok(state_decode(file + STATE_SLOT_LEN, &cred, &back));
	assert_int_equal(1, back.sequence);
}

static void a_new_file_needs_a_sequence_above_0(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state = example_state();
	uint8_t file[STATE_FILE_LEN];

	state.sequence = 0;
	assert_refused(RANGE, state_encode_file(&state, &cred, file));
}

static void a_torn_slot_leaves_the_other_and_is_reported(void **unused)
{
	uint8_t file[STATE_FILE_LEN];
	bool torn = false;

	encode_file(8, file);
	file[100] ^= 1; /* 8, the later one */
	assert_int_equal(7, choose(file, &torn));
	assert_true(torn);

	torn = false;
	encode_file(8, file);
	file[STATE_SLOT_LEN + 100] ^= 1; /* 7 */
	assert_int_equal(8, choose(file, &torn));
	assert_true(torn);
}

static void a_write_cut_short_at_any_sector_leaves_the_other_slot(void **unused)
{
	struct cred cred = example_cred();
	struct login_state next = example_state();
	uint8_t file[STATE_FILE_LEN], slot[STATE_SLOT_LEN];

	next.sequence = 9;
	assert_ok(state_encode(&next, &cred, slot));
	for (size_t cut = 0; cut <= STATE_SLOT_LEN; cut += 512) {
		bool torn = false;

		encode_file(8, file);
		memcpy(file + STATE_SLOT_LEN, slot, cut);
		assert_int_equal(cut == STATE_SLOT_LEN ? 9 : 8, choose(file, &torn));
		assert_int_equal(cut > 0 && cut < STATE_SLOT_LEN, torn);
	}
}

static void two_damaged_slots_are_rejected(void **unused)
{
	uint8_t file[STATE_FILE_LEN];
	bool torn = false;

	encode_file(8, file);
	file[100] ^= 1;
	file[STATE_SLOT_LEN + 100] ^= 1;
	assert_int_equal(0, choose(file, &torn));
	memset(file, 0, sizeof(file));
	assert_int_equal(0, choose(file, &torn));
}

static void a_slot_in_the_wrong_place_does_not_count(void **unused)
{
	uint8_t file[STATE_FILE_LEN];
	bool torn = false;

	encode_file(8, file);
	/* the older slot copied over the later one, to make a used code valid again */
	memcpy(file, file + STATE_SLOT_LEN, STATE_SLOT_LEN);
	assert_int_equal(7, choose(file, &torn));
	assert_true(torn);

	put_slot(file, 0, 9);
	put_slot(file, 1, 10);
	assert_int_equal(0, choose(file, &torn));
}

static void a_file_of_another_length_is_rejected(void **unused)
{
	uint8_t file[STATE_FILE_LEN + 1] = {0};
	struct cred cred = example_cred();
	struct login_state state;
	bool torn;

	encode_file(8, file);
	assert_refused(FORMAT, state_choose(file, STATE_FILE_LEN - 1, &cred, &state, &torn));
	assert_refused(FORMAT, state_choose(file, STATE_FILE_LEN + 1, &cred, &state, &torn));
	assert_refused(FORMAT, state_choose(file, STATE_SLOT_LEN, &cred, &state, &torn));
	assert_refused(FORMAT, state_choose(file, 0, &cred, &state, &torn));
}

static void a_newer_version_is_never_taken_for_damage(void **unused)
{
	uint8_t file[STATE_FILE_LEN];
	struct cred cred = example_cred();
	struct login_state state;
	bool torn;

	encode_file(8, file);
	file[5] = 2;
	sign(file, &cred);
	assert_refused(UNSUPPORTED, state_choose(file, sizeof(file), &cred, &state, &torn));
}

static void raising_moves_time_based_tokens_to_now_and_no_others(void **unused)
{
	struct cred cred = example_cred(); /* 60 s, offset -2 */
	struct login_state state;

	state_init(&cred, &state);
	state.tokens[1].moving = 5;
	state_raise(&state, &cred, 6000, 0);
	assert_int_equal(98, state.tokens[0].moving);
	state_raise(&state, &cred, 6000, 3);
	assert_int_equal(101, state.tokens[0].moving);
	assert_int_equal(5, state.tokens[1].moving);
	assert_int_equal(1, state.sequence);
}

static void raising_lowers_nothing(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state;

	state_init(&cred, &state);
	state.tokens[0].moving = 1000;
	state_raise(&state, &cred, 6000, 1);
	assert_int_equal(1000, state.tokens[0].moving);
	state_raise(&state, &cred, 0, 1); /* step 0, ahead 1, offset -2: before the first */
	assert_int_equal(1000, state.tokens[0].moving);
	state_raise(&state, &cred, -1, 1);
	assert_int_equal(1000, state.tokens[0].moving);
}

static void merging_keeps_every_use_that_either_state_knows(void **unused)
{
	struct login_state earlier = example_state(), later = earlier, merged;

	later.sequence++;
	earlier.tokens[0].moving = 0x1112;
	later.tokens[0].last_used = 0x1223;
	earlier.spent = 2;
	earlier.bypass_used = 10;
	later.failures = 7;
	merged = earlier;
	state_merge(&merged, &later);
	later.tokens[0].moving = 0x1112;
	later.spent = 3;
	later.bypass_used = 10;
	assert_state_equal(&later, &merged);
	earlier.bypass_used = 11;
	state_merge(&merged, &earlier);
	later.bypass_used = 11;
	assert_state_equal(&later, &merged);
}

static void a_credential_to_be_confirmed_is_pending_until_a_token_was_used(void **unused)
{
	struct cred cred = example_cred();
	struct login_state state;

	state_init(&cred, &state);
	assert_true(state_is_pending(&state, &cred));
	state.tokens[0].moving = 1; /* its confirmation at enrollment, or a resynchronization */
	state.spent = 1;
	state.last_success = 1;
	assert_true(state_is_pending(&state, &cred));
	cred.must_confirm = false;
	assert_false(state_is_pending(&state, &cred));
	cred.must_confirm = true;
	state.tokens[1].last_used = 1;
	assert_false(state_is_pending(&state, &cred));
}

static void sources_are_equal_in_kind_and_in_every_byte(void **unused)
{
	struct source a = {.kind = SOURCE_IPV4, .bytes = {192, 0, 2, 1}}, b = a;

	assert_true(source_equal(&a, &b));
	b.kind = SOURCE_UID;
	assert_false(source_equal(&a, &b));
	b = a;
	b.bytes[15] = 1;
	assert_false(source_equal(&a, &b));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_gives_what_was_encoded),
		cmocka_unit_test(the_largest_state_fits),
		cmocka_unit_test(the_format_is_that_of_the_manual),
		cmocka_unit_test(version_2_has_a_throttle_for_each_class_instead_of_one_for_all),
		cmocka_unit_test(version_2_ends_with_the_changes_by_self_service),
		cmocka_unit_test(a_state_is_written_in_the_version_of_its_credential),
		cmocka_unit_test(the_largest_state_of_version_2_fits),
		cmocka_unit_test(the_example_of_the_manual_is_valid),
		cmocka_unit_test(every_changed_byte_breaks_the_mac),
		cmocka_unit_test(every_byte_that_becomes_0_breaks_the_mac),
		cmocka_unit_test(the_end_of_a_slot_cannot_be_moved_into_a_user_name),
		cmocka_unit_test(a_slot_of_one_version_is_not_valid_in_another),
		cmocka_unit_test(the_state_of_another_user_key_or_credential_is_rejected),
		cmocka_unit_test(an_authentic_slot_is_checked_nevertheless),
		cmocka_unit_test(an_authentic_change_is_rejected_or_means_something_else),
		cmocka_unit_test(nothing_out_of_range_is_encoded),
		cmocka_unit_test(a_new_state_knows_the_tokens_and_nothing_else),
		cmocka_unit_test(of_two_slots_the_later_one_counts),
		cmocka_unit_test(a_new_file_has_two_valid_slots),
		cmocka_unit_test(a_new_file_needs_a_sequence_above_0),
		cmocka_unit_test(a_torn_slot_leaves_the_other_and_is_reported),
		cmocka_unit_test(a_write_cut_short_at_any_sector_leaves_the_other_slot),
		cmocka_unit_test(two_damaged_slots_are_rejected),
		cmocka_unit_test(a_slot_in_the_wrong_place_does_not_count),
		cmocka_unit_test(a_file_of_another_length_is_rejected),
		cmocka_unit_test(a_newer_version_is_never_taken_for_damage),
		cmocka_unit_test(raising_moves_time_based_tokens_to_now_and_no_others),
		cmocka_unit_test(raising_lowers_nothing),
		cmocka_unit_test(merging_keeps_every_use_that_either_state_knows),
		cmocka_unit_test(a_credential_to_be_confirmed_is_pending_until_a_token_was_used),
		cmocka_unit_test(sources_are_equal_in_kind_and_in_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
