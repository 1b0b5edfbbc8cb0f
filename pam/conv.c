/* SPDX-License-Identifier: BSD-2-Clause */
#include "pam/conv.h"

#include <stdlib.h>
#include <string.h>

void conv_answer_wipe(struct conv_answer *answer)
{
	explicit_bzero(answer, sizeof(*answer));
}

static void response_free(struct pam_response *response)
{
	if (!response)
		return;
	if (response->resp)
		explicit_bzero(response->resp, strlen(response->resp));
	free(response->resp);
	free(response);
}

/* One message through the application's conversation; NULL if there is no response. */
static struct pam_response *converse(pam_handle_t *pamh, int style, const char *text)
{
	const struct pam_message message = {.msg_style = style, .msg = text};
	const struct pam_message *messages = &message;
	struct pam_response *response = NULL;
	const void *item = NULL;
	const struct pam_conv *conv;

	if (pam_get_item(pamh, PAM_CONV, &item) != PAM_SUCCESS || !item)
		return NULL;
	conv = item;
	if (!conv->conv)
		return NULL;
	if (conv->conv(1, &messages, &response, conv->appdata_ptr) == PAM_SUCCESS)
		return response;
	/* after a failure the array is not ours: what it holds is not defined */
	return NULL;
}

bool conv_ask(pam_handle_t *pamh, const char *prompt, bool echo, struct conv_answer *ret_answer)
{
	struct pam_response *response =
		converse(pamh, echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, prompt);
	size_t len;

	*ret_answer = (struct conv_answer){0};
	if (!response || !response->resp) {
		response_free(response);
		return false;
	}
	len = strlen(response->resp);
	if (len <= ANSWER_MAX)
		memcpy(ret_answer->text, response->resp, len);
	else
		strcpy(ret_answer->text, "too long");
	ret_answer->given = true;
	response_free(response);
	return true;
}

void conv_tell(pam_handle_t *pamh, const char *sentence)
{
	response_free(converse(pamh, PAM_ERROR_MSG, sentence));
}

void conv_inform(pam_handle_t *pamh, const char *sentence)
{
	response_free(converse(pamh, PAM_TEXT_INFO, sentence));
}
