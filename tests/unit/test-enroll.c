/* SPDX-License-Identifier: BSD-2-Clause */
#include "store_fixture.h"

#include "login/enroll.h"
#include "record/recovery.h"

#define STEP (NOW / 30)

static struct token token_named(const char *label, uint8_t n)
{
	struct token token = {
		.type = TOKEN_TOTP, .alg = HMAC_SHA1, .digits = 6, .period = 30, .created = NOW};

	snprintf(token.label, sizeof(token.label), "%s", label);
	token.secret.len = 20;
	memset(token.secret.data, n, 20);
	return token;
}

static void a_credential_begins_empty_with_an_id_and_a_key_of_its_own(void **unused)
{
	struct cred one, two;

	assert_ok(enroll_begin("alice", true, 1000, NOW, &one));
	assert_ok(enroll_begin("alice", true, 1000, NOW, &two));
	assert_string_equal("alice", one.user);
	assert_true(one.uid_bound);
	assert_int_equal(1000, one.uid);
	assert_int_equal(NOW, one.created);
	assert_int_equal(0, one.token_count);
	assert_int_equal(0, one.recovery_count);
	assert_memory_not_equal(one.id, two.id, sizeof(one.id));
	assert_memory_not_equal(one.state_key, two.state_key, sizeof(one.state_key));
}

static void a_credential_without_an_account_has_no_uid(void **unused)
{
	struct cred cred;

	assert_ok(enroll_begin("alice", false, 1000, NOW, &cred));
	assert_false(cred.uid_bound);
	assert_int_equal(0, cred.uid);
}

static void a_name_has_1_to_200_bytes(void **unused)
{
	struct cred cred;
	char user[CRED_USER_MAX + 2];

	memset(user, 'a', sizeof(user));
	user[CRED_USER_MAX + 1] = '\0';
	assert_refused(RANGE, enroll_begin(user, true, 1, NOW, &cred));
	user[CRED_USER_MAX] = '\0';
	assert_ok(enroll_begin(user, true, 1, NOW, &cred));
	assert_refused(RANGE, enroll_begin("", true, 1, NOW, &cred));
}

static void a_new_secret_has_160_bits_and_never_comes_twice(void **unused)
{
	struct secret one, two;

	memset(&one, 0xff, sizeof(one));
	assert_ok(enroll_secret(&one));
	assert_ok(enroll_secret(&two));
	assert_int_equal(20, one.len);
	assert_zeros(one.data + 20, sizeof(one.data) - 20);
	assert_memory_not_equal(one.data, two.data, 20);
}

static void tokens_get_the_lowest_free_id(void **unused)
{
	struct token a = token_named("a", 1), b = token_named("b", 2), c = token_named("c", 3);
	struct token d = token_named("d", 4);
	struct cred cred;

	assert_ok(enroll_begin("alice", true, 1000, NOW, &cred));
	a.id = 77; /* not for the caller to choose */
	assert_ok(enroll_add(&cred, &a));
	assert_ok(enroll_add(&cred, &b));
	assert_ok(enroll_add(&cred, &c));
	assert_int_equal(1, cred.tokens[0].id);
	assert_int_equal(2, cred.tokens[1].id);
	assert_int_equal(3, cred.tokens[2].id);

	cred.tokens[1] = cred.tokens[2]; /* b is removed */
	cred.token_count = 2;
	assert_ok(enroll_add(&cred, &d));
	assert_int_equal(2, cred.tokens[2].id);
	assert_ok(cred_check(&cred));
}

static void a_ninth_token_is_rejected(void **unused)
{
	struct token ninth = token_named("ninth", 9);
	struct cred cred;

	assert_ok(enroll_begin("alice", true, 1000, NOW, &cred));
	for (uint8_t i = 1; i <= 8; i++) {
		struct token token = token_named((char[]){(char)('a' + i), '\0'}, i);

		assert_ok(enroll_add(&cred, &token));
	}
	assert_refused(RANGE, enroll_add(&cred, &ninth));
	assert_int_equal(8, cred.token_count);
	assert_ok(cred_check(&cred));
}

static void a_token_like_another_is_rejected_and_changes_nothing(void **unused)
{
	struct token a = token_named("a", 1), label = token_named("a", 2);
	struct token secret = token_named("b", 1), bad = token_named("c", 3);
	struct cred cred, before;

	assert_ok(enroll_begin("alice", true, 1000, NOW, &cred));
	assert_ok(enroll_add(&cred, &a));
	before = cred;
	bad.digits = 9;
	assert_refused(RANGE, enroll_add(&cred, &label));
	assert_refused(RANGE, enroll_add(&cred, &secret));
	assert_refused(RANGE, enroll_add(&cred, &bad));
	assert_memory_equal(&before, &cred, sizeof(cred));
}

/* A record with two tokens whose state has a value in every field. */
static void used_record(struct cred *ret_cred, struct login_state *ret_state)
{
	struct token second = token_named("second", 9);

	*ret_cred = cred_of("alice", 1);
	assert_ok(enroll_add(ret_cred, &second));
	*ret_state = state_of(ret_cred);
	ret_state->sequence = 41;
	ret_state->tokens[0].moving = STEP;
	ret_state->tokens[0].last_used = NOW;
	ret_state->tokens[1].moving = STEP - 7;
	ret_state->tokens[1].last_used = NOW - 210;
	ret_state->spent = 6;
	ret_state->bypass_used = 2;
	ret_state->shared[0].burst = (struct leak){4, NOW - 20};
	ret_state->shared[0].total = (struct leak){90, NOW - 2000};
	ret_state->known_count = 1;
	ret_state->known[0] = (struct known_source){
		.source = {.kind = SOURCE_UID, .bytes = {0, 0, 3, 232}},
		.last_success = NOW,
		.throttle = {.burst = {2, NOW - 10}, .total = {3, NOW - 100}}};
	ret_state->failures = 3;
	ret_state->last_failure = NOW - 20;
	ret_state->last_failure_source = (struct source){.kind = SOURCE_IPV4, .bytes = {9}};
	ret_state->last_success = NOW - 300;
}

static void a_change_that_cannot_be_made_has_a_cause_and_changes_nothing(void **unused)
{
	struct cred cred = cred_of("alice", 1), one = cred, was;
	struct token spare = token_named("spare", 40), same = token_named("other", 40);
	char long_label[CRED_LABEL_MAX + 2];

	memset(long_label, 'x', sizeof(long_label) - 1);
	long_label[sizeof(long_label) - 1] = '\0';
	assert_ok(enroll_add(&cred, &spare));
	was = cred;
	assert_refused(NOT_FOUND, enroll_remove(&cred, "car"));
	assert_refused(NOT_FOUND, enroll_rename(&cred, "car", "bike"));
	assert_refused(NOT_FOUND, enroll_replace(&cred, "car", &same));
	assert_refused(RANGE, enroll_rename(&cred, "spare", cred.tokens[0].label));
	assert_refused(RANGE, enroll_rename(&cred, "spare", long_label));
	assert_refused(RANGE, enroll_replace(&cred, cred.tokens[0].label, &same));
	assert_refused(RANGE, enroll_remove(&one, one.tokens[0].label));
	assert_memory_equal(&was, &cred, sizeof(cred));
}

static void a_token_that_replaces_another_has_its_id_and_label(void **unused)
{
	struct cred cred = cred_of("alice", 1);
	struct token token = token_named("new", 40);
	char label[CRED_LABEL_MAX + 1];
	uint8_t id = cred.tokens[0].id;

	memcpy(label, cred.tokens[0].label, sizeof(label));
	assert_ok(enroll_replace(&cred, label, &token));
	assert_int_equal(1, cred.token_count);
	assert_int_equal(id, cred.tokens[0].id);
	assert_string_equal(label, cred.tokens[0].label);
	assert_memory_equal(token.secret.data, cred.tokens[0].secret.data, token.secret.len);
}

static void a_renewed_credential_has_a_new_id_and_key_and_its_state_fits(void **unused)
{
	struct cred was, cred;
	struct login_state before, after;
	uint8_t slot[STATE_SLOT_LEN];

	used_record(&was, &before);
	cred = was;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_memory_not_equal(was.id, cred.id, sizeof(cred.id));
	assert_memory_not_equal(was.state_key, cred.state_key, sizeof(cred.state_key));
	assert_int_equal(1, after.sequence);
	assert_ok(state_encode(&after, &cred, slot));
	assert_refused(RANGE, state_encode(&after, &was, slot));
}

static void a_renewed_credential_keeps_what_happened(void **unused)
{
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	cred = was;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_memory_equal(before.tokens, after.tokens, sizeof(after.tokens));
	assert_memory_equal(before.shared, after.shared, sizeof(after.shared));
	assert_int_equal(1, after.known_count);
	assert_memory_equal(before.known, after.known, sizeof(after.known));
	assert_int_equal(3, after.failures);
	assert_int_equal(NOW - 20, after.last_failure);
	assert_true(source_equal(&before.last_failure_source, &after.last_failure_source));
	assert_int_equal(NOW - 300, after.last_success);
}

static void new_recovery_codes_are_unspent(void **unused)
{
	struct recovery_code codes[RECOVERY_MAX];
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	assert_ok(recovery_make(&was, 4, codes));
	cred = was;
	assert_ok(recovery_make(&cred, 4, codes));
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_int_equal(0, after.spent);
}

static void a_spent_recovery_code_stays_spent_where_it_is_kept(void **unused)
{
	struct recovery_code codes[RECOVERY_MAX];
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	assert_ok(recovery_make(&was, 4, codes));
	cred = was;
	cred.disabled = true;
	before.spent = UINT32_MAX; /* as after a repair */
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_int_equal(15, after.spent);
	assert_int_equal(0, recovery_left(&cred, &after));
}

static bool is_remembered(const struct login_state *state)
{
	return state->known_count == 1 && state->known[0].last_success != 0;
}

static void disable(struct cred *cred)
{
	cred->disabled = true;
}

static void give_uid(struct cred *cred)
{
	cred->uid++;
}

static void drop_token(struct cred *cred)
{
	cred->token_count--;
}

static void replace_token(struct cred *cred)
{
	cred->tokens[1].secret.data[3] ^= 1;
}

static void drop_recovery(struct cred *cred)
{
	cred->recovery_count--;
}

static void renew_recovery(struct cred *cred)
{
	struct recovery_code codes[RECOVERY_MAX];

	assert_ok(recovery_make(cred, 3, codes));
}

static void add_third(struct cred *cred)
{
	struct token third = token_named("third", 33);

	assert_ok(enroll_add(cred, &third));
}

static void rename_token(struct cred *cred)
{
	strcpy(cred->tokens[0].label, "other");
}

static void set_offset(struct cred *cred)
{
	cred->tokens[0].offset = 4;
}

static void give_bypass(struct cred *cred)
{
	cred->bypass = (struct bypass){.uses = 1, .expires = 1};
}

static void removing_something_ends_what_is_remembered_and_nothing_else(void **unused)
{
	static const struct {
		void (*change)(struct cred *cred);
		bool ends;
	} rows[] = {{disable, true},       {give_uid, true},      {drop_token, true},
		    {replace_token, true}, {drop_recovery, true}, {renew_recovery, true},
		    {add_third, false},    {rename_token, false}, {set_offset, false},
		    {give_bypass, false}};
	struct recovery_code codes[RECOVERY_MAX];

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct cred was, cred;
		struct login_state before, after;

		used_record(&was, &before);
		assert_ok(recovery_make(&was, 3, codes));
		cred = was;
		rows[i].change(&cred);
		assert_ok(enroll_renew(&cred, &was, &before, &after));
		if (is_remembered(&after) == rows[i].ends)
			fail_msg("row %zu", i);
		/* a source stays known: no stranger can lock the owner out there */
		assert_int_equal(1, after.known_count);
		assert_memory_equal(&before.known[0].throttle, &after.known[0].throttle,
				    sizeof(after.known[0].throttle));
	}
}

static void enabling_a_user_again_remembers_no_address(void **unused)
{
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	cred = was;
	was.disabled = true;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_false(is_remembered(&after));
}

static void a_temporary_code_keeps_its_uses_and_a_new_one_starts_unused(void **unused)
{
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	was.bypass = (struct bypass){.uses = 3, .expires = NOW, .salt = {1}};
	cred = was;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_int_equal(2, after.bypass_used);
	cred.bypass.salt[15] = 1;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_int_equal(0, after.bypass_used);
	cred.bypass = (struct bypass){0};
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_int_equal(0, after.bypass_used);
}

static void a_confirmed_record_stays_confirmed_whatever_is_removed(void **unused)
{
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	was.must_confirm = true;
	before.tokens[1].last_used = 0;
	cred = was;
	cred.tokens[0] = was.tokens[1]; /* the token that confirmed it is removed */
	cred.token_count = 1;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_false(state_is_pending(&after, &cred));

	before.tokens[0].last_used = 0;
	cred = was;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_true(state_is_pending(&after, &cred));
}

static void a_token_keeps_its_step_at_any_position(void **unused)
{
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	cred = was;
	cred.tokens[0] = was.tokens[1]; /* the first was removed */
	cred.token_count = 1;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_int_equal(1, after.token_count);
	assert_int_equal(2, after.tokens[0].id);
	assert_int_equal(STEP - 7, after.tokens[0].moving);
	assert_int_equal(NOW - 210, after.tokens[0].last_used);
}

static void change_secret(struct token *token)
{
	token->secret.data[19] ^= 1;
}

static void shorten_secret(struct token *token)
{
	token->secret.len = 19;
}

static void change_period(struct token *token)
{
	token->period = 60;
}

static void change_type(struct token *token)
{
	token->type = TOKEN_HOTP;
	token->period = 0;
}

static void change_id(struct token *token)
{
	token->id = 5;
}

static void a_different_token_starts_unused(void **unused)
{
	static void (*const changes[])(struct token * token) = {
		change_secret, shorten_secret, change_period, change_type, change_id};

	for (size_t i = 0; i < COUNT(changes); i++) {
		struct cred was, cred;
		struct login_state before, after;

		used_record(&was, &before);
		cred = was;
		changes[i](&cred.tokens[0]);
		assert_ok(enroll_renew(&cred, &was, &before, &after));
		assert_int_equal(0, after.tokens[0].moving);
		assert_int_equal(0, after.tokens[0].last_used);
		assert_int_equal(cred.tokens[0].id, after.tokens[0].id);
		assert_int_equal(STEP - 7, after.tokens[1].moving);
	}
}

static void another_label_or_offset_keeps_the_token_the_same(void **unused)
{
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	cred = was;
	strcpy(cred.tokens[0].label, "new phone");
	cred.tokens[0].offset = 3;
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_int_equal(STEP, after.tokens[0].moving);
}

/* An imported record with the secrets of `was` in the other order, and a third one. */
static void record_from_elsewhere(const struct cred *was, struct cred *ret_cred,
				  struct login_state *ret_state)
{
	struct token third = token_named("third", 33);

	assert_ok(enroll_begin("alice", true, 1000, NOW, ret_cred));
	assert_ok(enroll_add(ret_cred, &was->tokens[1]));
	assert_ok(enroll_add(ret_cred, &was->tokens[0]));
	assert_ok(enroll_add(ret_cred, &third));
	*ret_state = state_of(ret_cred);
}

static void an_import_makes_no_step_valid_that_was_used_here(void **unused)
{
	struct cred was, cred;
	struct login_state before, state;

	used_record(&was, &before);
	record_from_elsewhere(&was, &cred, &state);
	state.tokens[0].moving = STEP + 3;
	state.tokens[1].moving = STEP - 100;
	state.tokens[2].moving = 5;
	enroll_inherit(&cred, &state, &was, &before);
	assert_int_equal(STEP + 3, state.tokens[0].moving); /* used elsewhere, and later */
	assert_int_equal(STEP, state.tokens[1].moving);     /* used here, and later */
	assert_int_equal(5, state.tokens[2].moving);
	assert_int_equal(NOW - 210, state.tokens[0].last_used);
	assert_int_equal(NOW, state.tokens[1].last_used);
}

static void a_counter_disabled_here_stays_so(void **unused)
{
	struct cred was = cred_of("alice", 1), cred = was;
	struct login_state before = state_of(&was), state = before;

	was.tokens[0].type = cred.tokens[0].type = TOKEN_HOTP;
	was.tokens[0].period = cred.tokens[0].period = 0;
	before.tokens[0].moving = COUNTER_DISABLED;
	state.tokens[0].moving = 7;
	enroll_inherit(&cred, &state, &was, &before);
	assert_true(state.tokens[0].moving == COUNTER_DISABLED);
}

static void a_clock_offset_that_was_learned_here_is_kept(void **unused)
{
	struct cred was, cred;
	struct login_state before, state;

	used_record(&was, &before);
	was.tokens[0].offset = -3;
	record_from_elsewhere(&was, &cred, &state);
	cred.tokens[1].offset = 0;
	enroll_inherit(&cred, &state, &was, &before);
	assert_int_equal(0, cred.tokens[0].offset);
	assert_int_equal(-3, cred.tokens[1].offset);
	cred.tokens[1].offset = 2;
	enroll_inherit(&cred, &state, &was, &before);
	assert_int_equal(2, cred.tokens[1].offset);
}

static void a_recovery_code_spent_here_stays_spent_at_any_position(void **unused)
{
	static const struct code list[] = {{"10000001"}, {"10000002"}, {"10000003"}};
	struct cred was = cred_of("alice", 1), cred = was;
	struct login_state before = state_of(&was), state = before;

	assert_ok(recovery_take_scratch(&was, list, 3));
	before.spent = 2;
	assert_ok(recovery_take_scratch(&cred, list + 1, 2)); /* the first was used elsewhere */
	state.spent = 0;
	enroll_inherit(&cred, &state, &was, &before);
	assert_int_equal(1, state.spent);
	before.spent = UINT32_MAX;
	enroll_inherit(&cred, &state, &was, &before);
	assert_int_equal(3, state.spent);
	cred.recovery_salt[0] ^= 1; /* codes of another set */
	state.spent = 0;
	enroll_inherit(&cred, &state, &was, &before);
	assert_int_equal(0, state.spent);
}

static void an_import_clears_no_failures(void **unused)
{
	struct cred was, cred;
	struct login_state before, state;
	uint8_t slot[STATE_SLOT_LEN];

	used_record(&was, &before);
	was.disabled = true;
	was.bypass = (struct bypass){.uses = 3, .expires = NOW, .salt = {1}};
	record_from_elsewhere(&was, &cred, &state);
	cred.bypass = was.bypass;
	enroll_inherit(&cred, &state, &was, &before);
	assert_true(cred.disabled);
	assert_int_equal(2, state.bypass_used);
	assert_memory_equal(before.shared, state.shared, sizeof(state.shared));
	assert_memory_equal(&before.known[0].throttle, &state.known[0].throttle,
			    sizeof(state.known[0].throttle));
	assert_false(is_remembered(&state));
	assert_int_equal(3, state.failures);
	assert_ok(state_encode(&state, &cred, slot));
}

/* An older export may hold a code that was used up or revoked here, and then replaced. */
static void a_temporary_code_of_an_old_export_does_not_come_back(void **unused)
{
	struct cred was, cred;
	struct login_state before, state;

	used_record(&was, &before);
	for (uint8_t other = 0; other < 2; other++) {
		was.bypass = (struct bypass){.uses = other, .expires = NOW, .salt = {other}};
		record_from_elsewhere(&was, &cred, &state);
		cred.bypass = (struct bypass){.uses = 3, .expires = NOW, .salt = {7}};
		state.bypass_used = 1;
		enroll_inherit(&cred, &state, &was, &before);
		assert_int_equal(0, bypass_left(&cred, &state, NOW - 1));
		assert_int_equal(0, cred.bypass.uses);
	}
}

/* Where codes are optional the user would not be asked for a code any more. */
static void an_import_is_not_pending_where_a_code_was_needed_before(void **unused)
{
	for (int pending = 0; pending < 2; pending++) {
		struct cred was, cred;
		struct login_state before, state;

		used_record(&was, &before);
		was.must_confirm = pending;
		if (pending)
			before.tokens[0].last_used = before.tokens[1].last_used = 0;
		record_from_elsewhere(&was, &cred, &state);
		cred.tokens[0].secret.data[0] ^= 1;
		cred.tokens[1].secret.data[0] ^= 1;
		cred.must_confirm = true;
		enroll_inherit(&cred, &state, &was, &before);
		assert_int_equal(pending, state_is_pending(&state, &cred));
	}
}

static void a_lost_state_keeps_nothing(void **unused)
{
	struct cred was, cred;
	struct login_state before, after;

	used_record(&was, &before);
	cred = was;
	before = (struct login_state){0};
	assert_ok(enroll_renew(&cred, &was, &before, &after));
	assert_int_equal(2, after.token_count);
	assert_int_equal(0, after.tokens[0].moving);
}

static void a_repaired_record_accepts_no_earlier_code(void **unused)
{
	struct cred cred = cred_of("alice", 1), was;
	struct token counter = token_named("counter", 9), slow = token_named("slow", 8);
	struct login_state after;
	uint8_t slot[STATE_SLOT_LEN];

	counter.type = TOKEN_HOTP;
	counter.period = 0;
	slow.period = 300;
	cred.must_confirm = true;
	assert_ok(enroll_add(&cred, &counter));
	assert_ok(enroll_add(&cred, &slow));
	was = cred;
	assert_ok(enroll_repair(&cred, NOW, 2, &after));

	assert_memory_not_equal(was.id, cred.id, sizeof(cred.id));
	assert_memory_not_equal(was.state_key, cred.state_key, sizeof(cred.state_key));
	assert_memory_equal(was.tokens, cred.tokens, sizeof(was.tokens));
	assert_int_equal(STEP + 2, after.tokens[0].moving);
	assert_int_equal(COUNTER_DISABLED, after.tokens[1].moving);
	assert_int_equal(NOW / 300 + 2, after.tokens[2].moving);
	assert_int_equal(UINT32_MAX, after.spent);
	assert_int_equal(UINT8_MAX, after.bypass_used);
	assert_false(state_is_pending(&after, &cred));
	assert_int_equal(0, after.known_count);
	assert_ok(state_encode(&after, &cred, slot));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_credential_begins_empty_with_an_id_and_a_key_of_its_own),
		cmocka_unit_test(a_credential_without_an_account_has_no_uid),
		cmocka_unit_test(a_name_has_1_to_200_bytes),
		cmocka_unit_test(a_new_secret_has_160_bits_and_never_comes_twice),
		cmocka_unit_test(tokens_get_the_lowest_free_id),
		cmocka_unit_test(a_ninth_token_is_rejected),
		cmocka_unit_test(a_token_like_another_is_rejected_and_changes_nothing),
		cmocka_unit_test(a_change_that_cannot_be_made_has_a_cause_and_changes_nothing),
		cmocka_unit_test(a_token_that_replaces_another_has_its_id_and_label),
		cmocka_unit_test(a_renewed_credential_has_a_new_id_and_key_and_its_state_fits),
		cmocka_unit_test(a_renewed_credential_keeps_what_happened),
		cmocka_unit_test(new_recovery_codes_are_unspent),
		cmocka_unit_test(a_spent_recovery_code_stays_spent_where_it_is_kept),
		cmocka_unit_test(removing_something_ends_what_is_remembered_and_nothing_else),
		cmocka_unit_test(enabling_a_user_again_remembers_no_address),
		cmocka_unit_test(a_temporary_code_keeps_its_uses_and_a_new_one_starts_unused),
		cmocka_unit_test(a_confirmed_record_stays_confirmed_whatever_is_removed),
		cmocka_unit_test(a_token_keeps_its_step_at_any_position),
		cmocka_unit_test(a_different_token_starts_unused),
		cmocka_unit_test(another_label_or_offset_keeps_the_token_the_same),
		cmocka_unit_test(an_import_makes_no_step_valid_that_was_used_here),
		cmocka_unit_test(a_counter_disabled_here_stays_so),
		cmocka_unit_test(a_clock_offset_that_was_learned_here_is_kept),
		cmocka_unit_test(a_recovery_code_spent_here_stays_spent_at_any_position),
		cmocka_unit_test(an_import_clears_no_failures),
		cmocka_unit_test(a_temporary_code_of_an_old_export_does_not_come_back),
		cmocka_unit_test(an_import_is_not_pending_where_a_code_was_needed_before),
		cmocka_unit_test(a_lost_state_keeps_nothing),
		cmocka_unit_test(a_repaired_record_accepts_no_earlier_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
