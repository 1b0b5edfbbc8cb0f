/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/wire.h"

#define REQUEST_MAGIC  0x50545132u /* "PTQ2" */
#define RESPONSE_MAGIC 0x50544132u /* "PTA2" */
#define MAGIC_KIND     0xffffff00u /* all of it but the version */

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

static void code_answer(const struct codec *codec, struct answer *answer)
{
	CODE(codec, answer->kind, 1);
	CODE(codec, answer->digits, 1);
	codec_text(codec, answer->code.text, CODE_DIGITS_MAX);
	codec_text(codec, answer->recovery.text, RECOVERY_CODE_LEN);
	codec_refuse(codec, !answer_is_good(answer));
}

/* A label, or none. */
static void code_label(const struct codec *codec, char label[CRED_LABEL_MAX + 1])
{
	codec_text(codec, label, CRED_LABEL_MAX);
	codec_refuse(codec, label[0] && !cred_label_is_good(text_of(label)));
}

/* --- the request --- */

static void code_new_token(const struct codec *codec, struct wire_token *token)
{
	CODE(codec, token->type, 1);
	codec_refuse(codec, token->type > TOKEN_HOTP);
	CODE(codec, token->alg, 1);
	CODE(codec, token->digits, 1);
	CODE(codec, token->period, 2);
	code_label(codec, token->label);
	code_secret(codec, &token->secret);
	codec_zeros(codec, SECRET_MAX - token->secret.len);
	CODE(codec, token->counter, 8);
	code_answer(codec, &token->typed);
}

static void code_request(const struct codec *codec, struct wire_request *request)
{
	bool *const flags[] = {&request->by_invitation, &request->tells};

	CODE(codec, request->op, 1);
	codec_text(codec, request->user, CRED_USER_MAX);
	codec_text(codec, request->service, WIRE_SERVICE_MAX);
	code_source(codec, &request->source);
	codec_refuse(codec, request->source.kind > SOURCE_UID);
	code_answer(codec, &request->answer);
	code_label(codec, request->label);
	code_label(codec, request->new_label);
	code_new_token(codec, &request->token);
	/* which store is meant, what a PAM line says about an enrollment, until when it counts */
	codec_bytes(codec, request->store.id, sizeof(request->store.id));
	codec_text(codec, request->store.dir, POLICY_PATH_MAX - 1);
	codec_flags(codec, flags, 2);
	codec_count(codec, &request->recovery_codes, RECOVERY_MAX);
	CODE(codec, request->deadline, 8);
}

enum totp_err wire_put_request(const struct wire_request *request,
			       uint8_t ret_message[WIRE_REQUEST_LEN])
{
	OWN_WIRE_REQUEST struct wire_request copy = *request; /* a walk may write to it */
	struct buffer out = buffer_of(ret_message, WIRE_REQUEST_LEN);

	buffer_u32(&out, REQUEST_MAGIC);
	code_request(&(struct codec){.out = &out}, &copy);
	return buffer_end(&out);
}

enum totp_err wire_get_request(const uint8_t *message, size_t len, struct wire_request *ret_request)
{
	struct bytes in = bytes_of(message, len);
	enum totp_err err = get_magic(&in, REQUEST_MAGIC);

	*ret_request = (struct wire_request){0};
	if (err != TOTP_OK)
		return err;
	code_request(&(struct codec){.in = &in}, ret_request);
	err = bytes_end(&in);
	if (err == TOTP_OK && !op_is_good(ret_request->op))
		err = TOTP_ERR_RANGE;
	if (err != TOTP_OK)
		wire_request_wipe(ret_request);
	return err;
}

/* --- the response --- */

static void code_outcome(const struct codec *codec, struct outcome *outcome)
{
	bool *const flags[] = {&outcome->off, &outcome->in_run, &outcome->torn,
			       &outcome->off_hours};

	CODE(codec, outcome->verdict, 1);
	CODE(codec, outcome->reason, 1);
	code_label(codec, outcome->label);
	CODE(codec, outcome->wait_seconds, 4);
	codec_flags(codec, flags, 4);
	CODE(codec, outcome->offset, 8);
	CODE(codec, outcome->off_type, 1);
	CODE(codec, outcome->failures, 4);
	CODE(codec, outcome->last_failure, 8);
	code_source(codec, &outcome->failure_source);
	CODE(codec, outcome->recovery_left, 1);
	CODE(codec, outcome->bypass_left, 1);
	CODE(codec, outcome->bypass_expires, 8);
	codec_refuse(codec, outcome->failure_source.kind > SOURCE_HOST ||
				    outcome->verdict > VERDICT_ALLOW ||
				    outcome->reason >= JUDGE_COUNT_ ||
				    outcome->off_type > TOKEN_HOTP);
}

static void code_status(const struct codec *codec, struct wire_status *status)
{
	CODE(codec, status->created, 8);
	CODE(codec, status->recovery_count, 1);
	CODE(codec, status->recovery_left, 1);
	CODE(codec, status->last_success, 8);
	CODE(codec, status->wait_seconds, 4);
	codec_count(codec, &status->token_count, CRED_TOKENS_MAX);
	for (size_t i = 0; i < CRED_TOKENS_MAX; i++) {
		struct wire_shown *shown = &status->tokens[i];

		CODE(codec, shown->type, 1);
		CODE(codec, shown->alg, 1);
		codec_refuse(codec, shown->type > TOKEN_HOTP || shown->alg > HMAC_SHA512);
		CODE(codec, shown->digits, 1);
		CODE(codec, shown->period, 2);
		code_label(codec, shown->label);
		CODE(codec, shown->created, 8);
		CODE(codec, shown->last_used, 8);
	}
}

static void code_codes(const struct codec *codec, struct wire_response *response)
{
	codec_count(codec, &response->code_count, RECOVERY_MAX);
	for (size_t i = 0; i < RECOVERY_MAX; i++) {
		char *text = response->codes[i].text;
		struct recovery_code same;

		codec_text(codec, text, RECOVERY_CODE_LEN);
		codec_refuse(codec, i < response->code_count ? !recovery_read(text, &same) ||
								       strcmp(same.text, text) != 0
							     : text[0] != '\0');
		WIPE(same);
	}
}

static void code_response(const struct codec *codec, struct wire_response *response)
{
	bool *const flags[] = {&response->enrolled, NULL,
			       &response->required, &response->may_enroll,
			       &response->invited,  &response->pending,
			       &response->disabled};

	CODE(codec, response->op, 1);
	CODE(codec, response->err, 1);
	codec_text(codec, response->why.text, sizeof(response->why.text) - 1);
	codec_flags(codec, flags, 7);
	code_outcome(codec, &response->outcome);
	code_status(codec, &response->status);
	code_codes(codec, response);
	code_notices(codec, response->outcome.notices);
	for (size_t i = 0; i < NOTICE_KINDS; i++)
		codec_refuse(codec, response->outcome.notices[i].source.kind > SOURCE_HOST);
}

enum totp_err wire_put_response(const struct wire_response *response,
				uint8_t ret_message[WIRE_RESPONSE_LEN])
{
	OWN_WIRE_RESPONSE struct wire_response copy = *response;
	struct buffer out = buffer_of(ret_message, WIRE_RESPONSE_LEN);

	buffer_u32(&out, RESPONSE_MAGIC);
	code_response(&(struct codec){.out = &out}, &copy);
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
	code_response(&(struct codec){.in = &in}, ret_response);
	err = bytes_end(&in);
	if (err == TOTP_OK &&
	    (!op_is_good(ret_response->op) || ret_response->err >= TOTP_ERR_COUNT_))
		err = TOTP_ERR_RANGE;
	if (err != TOTP_OK)
		wire_response_wipe(ret_response);
	return err;
}
