#include "login/wire.h"

#include "base/bytes.h"

#define REQUEST_MAGIC  0x50545132u /* "PTQ2" */
#define RESPONSE_MAGIC 0x50544132u /* "PTA2" */
#define MAGIC_KIND     0xffffff00u /* all of it but the version */
#define REASON_LEN     (sizeof(((struct reason *)0)->text) - 1)

enum {
	FLAG_ENROLLED = 1,
	FLAG_REQUIRED = 4,
	FLAG_MAY_ENROLL = 8,
	FLAG_INVITED = 16,
	FLAG_PENDING = 32,
	FLAG_DISABLED = 64
};
enum { FLAG_BY_INVITATION = 1, FLAG_TELLS = 2 };
enum { FLAG_OFF = 1, FLAG_IN_RUN = 2, FLAG_TORN = 4, FLAG_HOURS = 8 };

void wire_request_wipe(struct wire_request *request)
{
	explicit_bzero(request, sizeof(*request));
}

void wire_response_wipe(struct wire_response *response)
{
	explicit_bzero(response, sizeof(*response));
}

/* --- parts of both --- */

static enum totp_err get_magic(struct bytes *in, uint32_t expected)
{
	uint32_t magic = bytes_u32(in);

	if (magic == expected)
		return TOTP_OK;
	return (magic & MAGIC_KIND) == (expected & MAGIC_KIND) ? TOTP_ERR_UNSUPPORTED
							       : TOTP_ERR_FORMAT;
}

static bool op_is_good(enum wire_op op)
{
	return op >= WIRE_LOOK && op <= WIRE_ENROLL_IN_LOGIN;
}

/* Is it what a code or recovery code of that kind looks like, and zeros elsewhere? */
static bool answer_is_good(const struct answer *answer)
{
	struct answer same;
	const char *text = answer->kind == ANSWER_CODE ? answer->code.text : answer->recovery.text;
	bool good;

	if (answer->kind == ANSWER_OTHER) /* there is none */
		return answer->digits == 0 && !answer->code.text[0] && !answer->recovery.text[0];
	answer_parse(text, NULL, &same);
	good = same.kind == answer->kind && same.digits == answer->digits &&
	       code_equal(&same.code, &answer->code) &&
	       strcmp(same.recovery.text, answer->recovery.text) == 0;
	answer_wipe(&same);
	return good;
}

static void put_answer(struct buffer *out, const struct answer *answer)
{
	if (!answer_is_good(answer))
		out->bad = true;
	buffer_u8(out, (uint8_t)answer->kind);
	buffer_u8(out, (uint8_t)answer->digits);
	buffer_text(out, answer->code.text, CODE_DIGITS_MAX);
	buffer_text(out, answer->recovery.text, RECOVERY_CODE_LEN);
}

static void get_answer(struct bytes *in, struct answer *answer)
{
	answer->kind = (enum answer_kind)bytes_u8(in);
	answer->digits = bytes_u8(in);
	bytes_text(in, answer->code.text, CODE_DIGITS_MAX);
	bytes_text(in, answer->recovery.text, RECOVERY_CODE_LEN);
	if (!answer_is_good(answer))
		in->bad = true;
}

/* A label, or none. */
static void get_label(struct bytes *in, char label[CRED_LABEL_MAX + 1])
{
	bytes_text(in, label, CRED_LABEL_MAX);
	if (label[0] && !cred_label_is_good(text_of(label)))
		in->bad = true;
}

/* --- the request --- */

static void put_new_token(struct buffer *out, const struct wire_token *token)
{
	buffer_u8(out, (uint8_t)token->type);
	buffer_u8(out, (uint8_t)token->alg);
	buffer_u8(out, token->digits);
	buffer_u16(out, token->period);
	buffer_text(out, token->label, CRED_LABEL_MAX);
	buffer_u8(out, (uint8_t)token->secret.len);
	buffer_copy(out, token->secret.data, token->secret.len);
	buffer_zeros(out, SECRET_MAX - token->secret.len);
	buffer_u64(out, token->counter);
	put_answer(out, &token->typed);
}

static void get_new_token(struct bytes *in, struct wire_token *token)
{
	token->type = (enum token_type)bytes_u8(in);
	token->alg = (enum hmac_alg)bytes_u8(in);
	token->digits = bytes_u8(in);
	token->period = bytes_u16(in);
	get_label(in, token->label);
	token->secret.len = bytes_u8(in);
	if (token->secret.len > SECRET_MAX) {
		in->bad = true;
		token->secret.len = 0;
	}
	bytes_copy(in, token->secret.data, token->secret.len);
	bytes_zeros(in, SECRET_MAX - token->secret.len);
	token->counter = bytes_u64(in);
	get_answer(in, &token->typed);
	if (token->type > TOKEN_HOTP)
		in->bad = true;
}

/* Which store is meant, what a PAM line says about an enrollment, and until when it counts. */
static void put_terms(struct buffer *out, const struct wire_request *request)
{
	buffer_copy(out, request->store.id, sizeof(request->store.id));
	buffer_text(out, request->store.dir, POLICY_PATH_MAX - 1);
	buffer_u8(out, (uint8_t)((request->by_invitation ? FLAG_BY_INVITATION : 0) |
				 (request->tells ? FLAG_TELLS : 0)));
	buffer_u8(out, request->recovery_codes);
	buffer_u64(out, request->deadline);
}

static void get_terms(struct bytes *in, struct wire_request *request)
{
	uint8_t flags;

	bytes_copy(in, request->store.id, sizeof(request->store.id));
	bytes_text(in, request->store.dir, POLICY_PATH_MAX - 1);
	flags = bytes_u8(in);
	request->by_invitation = flags & FLAG_BY_INVITATION;
	request->tells = flags & FLAG_TELLS;
	request->recovery_codes = bytes_u8(in);
	request->deadline = bytes_u64(in);
	if (flags & ~(FLAG_BY_INVITATION | FLAG_TELLS) || request->recovery_codes > RECOVERY_MAX)
		in->bad = true;
}

enum totp_err wire_put_request(const struct wire_request *request,
			       uint8_t ret_message[WIRE_REQUEST_LEN])
{
	struct buffer out = buffer_of(ret_message, WIRE_REQUEST_LEN);

	buffer_u32(&out, REQUEST_MAGIC);
	buffer_u8(&out, (uint8_t)request->op);
	buffer_text(&out, request->user, CRED_USER_MAX);
	buffer_text(&out, request->service, WIRE_SERVICE_MAX);
	source_put(&out, &request->source);
	put_answer(&out, &request->answer);
	buffer_text(&out, request->label, CRED_LABEL_MAX);
	buffer_text(&out, request->new_label, CRED_LABEL_MAX);
	put_new_token(&out, &request->token);
	put_terms(&out, request);
	return buffer_end(&out);
}

enum totp_err wire_get_request(const uint8_t *message, size_t len, struct wire_request *ret_request)
{
	struct bytes in = bytes_of(message, len);
	enum totp_err err = get_magic(&in, REQUEST_MAGIC);

	*ret_request = (struct wire_request){0};
	if (err != TOTP_OK)
		return err;
	ret_request->op = (enum wire_op)bytes_u8(&in);
	bytes_text(&in, ret_request->user, CRED_USER_MAX);
	bytes_text(&in, ret_request->service, WIRE_SERVICE_MAX);
	source_get(&in, &ret_request->source);
	in.bad |= ret_request->source.kind > SOURCE_UID;
	get_answer(&in, &ret_request->answer);
	get_label(&in, ret_request->label);
	get_label(&in, ret_request->new_label);
	get_new_token(&in, &ret_request->token);
	get_terms(&in, ret_request);
	err = bytes_end(&in);
	if (err == TOTP_OK && !op_is_good(ret_request->op))
		err = TOTP_ERR_RANGE;
	if (err != TOTP_OK)
		wire_request_wipe(ret_request);
	return err;
}

/* --- the response --- */

static void put_outcome(struct buffer *out, const struct outcome *outcome)
{
	buffer_u8(out, (uint8_t)outcome->verdict);
	buffer_u8(out, (uint8_t)outcome->reason);
	buffer_text(out, outcome->label, CRED_LABEL_MAX);
	buffer_u32(out, outcome->wait_seconds);
	buffer_u8(out,
		  (uint8_t)((outcome->off ? FLAG_OFF : 0) | (outcome->in_run ? FLAG_IN_RUN : 0) |
			    (outcome->torn ? FLAG_TORN : 0) |
			    (outcome->off_hours ? FLAG_HOURS : 0)));
	buffer_u64(out, (uint64_t)outcome->offset);
	buffer_u8(out, (uint8_t)outcome->off_type);
	buffer_u32(out, outcome->failures);
	buffer_u64(out, (uint64_t)outcome->last_failure);
	source_put(out, &outcome->failure_source);
	buffer_u8(out, (uint8_t)outcome->recovery_left);
	buffer_u8(out, (uint8_t)outcome->bypass_left);
	buffer_u64(out, (uint64_t)outcome->bypass_expires);
}

static void get_outcome(struct bytes *in, struct outcome *outcome)
{
	uint8_t flags;

	outcome->verdict = (enum verdict)bytes_u8(in);
	outcome->reason = (enum judge_reason)bytes_u8(in);
	get_label(in, outcome->label);
	outcome->wait_seconds = bytes_u32(in);
	flags = bytes_u8(in);
	outcome->off = flags & FLAG_OFF;
	outcome->in_run = flags & FLAG_IN_RUN;
	outcome->torn = flags & FLAG_TORN;
	outcome->off_hours = flags & FLAG_HOURS;
	outcome->offset = (int64_t)bytes_u64(in);
	outcome->off_type = (enum token_type)bytes_u8(in);
	outcome->failures = bytes_u32(in);
	outcome->last_failure = (int64_t)bytes_u64(in);
	source_get(in, &outcome->failure_source);
	outcome->recovery_left = bytes_u8(in);
	outcome->bypass_left = bytes_u8(in);
	outcome->bypass_expires = (int64_t)bytes_u64(in);
	if (outcome->failure_source.kind > SOURCE_UID || outcome->verdict > VERDICT_ALLOW ||
	    outcome->reason >= JUDGE_COUNT_ || outcome->off_type > TOKEN_HOTP ||
	    flags & ~(FLAG_OFF | FLAG_IN_RUN | FLAG_TORN | FLAG_HOURS))
		in->bad = true;
}

static void put_status(struct buffer *out, const struct wire_status *status)
{
	buffer_u64(out, (uint64_t)status->created);
	buffer_u8(out, status->recovery_count);
	buffer_u8(out, status->recovery_left);
	buffer_u64(out, (uint64_t)status->last_success);
	buffer_u32(out, status->wait_seconds);
	buffer_u8(out, status->token_count);
	for (size_t i = 0; i < CRED_TOKENS_MAX; i++) {
		const struct wire_shown *shown = &status->tokens[i];

		buffer_u8(out, (uint8_t)shown->type);
		buffer_u8(out, (uint8_t)shown->alg);
		buffer_u8(out, shown->digits);
		buffer_u16(out, shown->period);
		buffer_text(out, shown->label, CRED_LABEL_MAX);
		buffer_u64(out, (uint64_t)shown->created);
		buffer_u64(out, (uint64_t)shown->last_used);
	}
}

static void get_status(struct bytes *in, struct wire_status *status)
{
	status->created = (int64_t)bytes_u64(in);
	status->recovery_count = bytes_u8(in);
	status->recovery_left = bytes_u8(in);
	status->last_success = (int64_t)bytes_u64(in);
	status->wait_seconds = bytes_u32(in);
	status->token_count = bytes_u8(in);
	for (size_t i = 0; i < CRED_TOKENS_MAX; i++) {
		struct wire_shown *shown = &status->tokens[i];

		shown->type = (enum token_type)bytes_u8(in);
		shown->alg = (enum hmac_alg)bytes_u8(in);
		shown->digits = bytes_u8(in);
		shown->period = bytes_u16(in);
		get_label(in, shown->label);
		shown->created = (int64_t)bytes_u64(in);
		shown->last_used = (int64_t)bytes_u64(in);
		if (shown->type > TOKEN_HOTP || shown->alg > HMAC_SHA512)
			in->bad = true;
	}
	if (status->token_count > CRED_TOKENS_MAX)
		in->bad = true;
}

static uint8_t response_flags(const struct wire_response *response)
{
	return (uint8_t)((response->enrolled ? FLAG_ENROLLED : 0) |
			 (response->required ? FLAG_REQUIRED : 0) |
			 (response->may_enroll ? FLAG_MAY_ENROLL : 0) |
			 (response->invited ? FLAG_INVITED : 0) |
			 (response->pending ? FLAG_PENDING : 0) |
			 (response->disabled ? FLAG_DISABLED : 0));
}

static void get_response_flags(struct bytes *in, struct wire_response *response)
{
	uint8_t flags = bytes_u8(in);

	response->enrolled = flags & FLAG_ENROLLED;
	response->required = flags & FLAG_REQUIRED;
	response->may_enroll = flags & FLAG_MAY_ENROLL;
	response->invited = flags & FLAG_INVITED;
	response->pending = flags & FLAG_PENDING;
	response->disabled = flags & FLAG_DISABLED;
	if (flags != response_flags(response))
		in->bad = true;
}

static void get_codes(struct bytes *in, struct wire_response *response)
{
	response->code_count = bytes_u8(in);
	if (response->code_count > RECOVERY_MAX)
		in->bad = true;
	for (size_t i = 0; i < RECOVERY_MAX; i++) {
		char *text = response->codes[i].text;
		struct recovery_code same;

		bytes_text(in, text, RECOVERY_CODE_LEN);
		if (i < response->code_count
			    ? !recovery_read(text, &same) || strcmp(same.text, text) != 0
			    : text[0] != '\0')
			in->bad = true;
		WIPE(same);
	}
}

enum totp_err wire_put_response(const struct wire_response *response,
				uint8_t ret_message[WIRE_RESPONSE_LEN])
{
	struct buffer out = buffer_of(ret_message, WIRE_RESPONSE_LEN);

	buffer_u32(&out, RESPONSE_MAGIC);
	buffer_u8(&out, (uint8_t)response->op);
	buffer_u8(&out, (uint8_t)response->err);
	buffer_text(&out, response->why.text, REASON_LEN);
	buffer_u8(&out, response_flags(response));
	put_outcome(&out, &response->outcome);
	put_status(&out, &response->status);
	buffer_u8(&out, response->code_count);
	for (size_t i = 0; i < RECOVERY_MAX; i++)
		buffer_text(&out, response->codes[i].text, RECOVERY_CODE_LEN);
	notices_put(&out, response->outcome.notices);
	return buffer_end(&out);
}

enum totp_err wire_get_response(const uint8_t *message, size_t len,
				struct wire_response *ret_response)
{
	struct bytes in = bytes_of(message, len);
	enum totp_err err = get_magic(&in, RESPONSE_MAGIC);

	*ret_response = (struct wire_response){0};
	if (err != TOTP_OK)
		return err;
	ret_response->op = (enum wire_op)bytes_u8(&in);
	ret_response->err = (enum totp_err)bytes_u8(&in);
	bytes_text(&in, ret_response->why.text, REASON_LEN);
	get_response_flags(&in, ret_response);
	get_outcome(&in, &ret_response->outcome);
	get_status(&in, &ret_response->status);
	get_codes(&in, ret_response);
	notices_get(&in, ret_response->outcome.notices);
	for (size_t i = 0; i < NOTICE_KINDS; i++)
		in.bad |= ret_response->outcome.notices[i].source.kind > SOURCE_UID;
	err = bytes_end(&in);
	if (err == TOTP_OK &&
	    (!op_is_good(ret_response->op) || ret_response->err >= TOTP_ERR_COUNT_))
		err = TOTP_ERR_RANGE;
	if (err != TOTP_OK)
		wire_response_wipe(ret_response);
	return err;
}
