/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: codes over RADIUS, at both ends. On a client it looks at the lines of
 * pam_radius_auth.so, on a server at FreeRADIUS, if its module pam_totp is enabled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor/finding.h"
#include "host/account.h"

#define BETWEEN \
	"somebody between the client and the server can turn a denial into a login " \
	"(CVE-2024-3596)"

/* --- a client: lines of pam_radius_auth.so --- */

static bool has_argument(const struct stack_line *line, const char *word)
{
	for (int i = 0; i < line->argc; i++)
		if (strcmp(line->argv[i], word) == 0)
			return true;
	return false;
}

/* Does the password of a line above reach this one, because it was right there? */
static bool follows_password(struct stack *stack, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		const struct stack_line *line = &stack->lines[i];
		int action = line->actions[PAM_SUCCESS];

		if (walk_role(line) == ROLE_FACTOR &&
		    (action == STACK_OK || action == STACK_IGNORE ||
		     (action > 0 && i + 1 + (size_t)action <= index)))
			return true;
	}
	return false;
}

void doctor_radius_stack(struct doctor *doctor, const char *service, struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct stack_line *line = &stack->lines[i];

		if (line->kind != STACK_MODULE ||
		    strncmp(line->module, "pam_radius_auth", strlen("pam_radius_auth")) != 0)
			continue;
		if (!has_argument(line, "force_prompt") && follows_password(stack, i))
			doctor_report((struct subject){doctor, "radius-password", service, line},
				      "it sends the password of the account to the server, where "
				      "it is taken for a code",
				      "add force_prompt to the line",
				      "pam_radius_auth does not ask for a code");
		if (!has_argument(line, "require_message_authenticator"))
			doctor_report((struct subject){doctor, "radius-unsigned", service, line},
				      BETWEEN,
				      "add require_message_authenticator to the line; before "
				      "version 3.0 of the module use a tunnel, see "
				      "pam_totp-radius(7)",
				      "pam_radius_auth accepts answers that are not authenticated");
	}
}

/* --- a server: FreeRADIUS --- */

/* A line of its configuration, without blanks at its ends and without a comment. */
static bool next_line(FILE *file, char **line, size_t *room, struct text *ret_text)
{
	ssize_t len = getline(line, room, file);

	if (len < 0)
		return false;
	*ret_text = text_trim((struct text){*line, strcspn(*line, "#\n")});
	return true;
}

/* The value of `key = value`, perhaps in quotes; empty: the line has another key, or none. */
static struct text value_of(struct text line, const char *key)
{
	struct text name;

	if (!text_field(&line, '=', &name) || !text_is(text_trim(name), key))
		return (struct text){"", 0};
	line = text_trim(line);
	if (line.len > 1 && line.at[0] == '"')
		return (struct text){line.at + 1, line.len - 2};
	return line;
}

static bool is_yes(struct text value)
{
	return text_is(value, "yes") || text_is(value, "true") || text_is(value, "on");
}

/* What radiusd.conf says: which account the server runs as, and whether all clients sign. */
static void read_settings(const char *directory, char account[ACCOUNT_NAME_MAX + 1], bool *ret_sign)
{
	char path[64], *line = NULL;
	size_t room = 0;
	struct text text;
	FILE *file;

	snprintf(path, sizeof(path), "%s/radiusd.conf", directory);
	file = fopen(path, "re");
	while (file && next_line(file, &line, &room, &text)) {
		struct text user = value_of(text, "user");

		if (user.len)
			(void)!text_copy(user, account, ACCOUNT_NAME_MAX + 1);
		*ret_sign |= is_yes(value_of(text, "require_message_authenticator"));
	}
	free(line);
	if (file)
		fclose(file);
}

static void look_at_lists(struct doctor *doctor, const char *name)
{
	const struct policy *policy = doctor_policy(doctor);
	const struct {
		const char *key, *list, *why;
	} lists[] = {{"may_check", policy->may_check, "totpd does not answer it: all are denied"},
		     {"may_tell_source", policy->may_tell_source,
		      "all its users are one source: a stranger who guesses codes makes the "
		      "others wait"}};
	struct account account = {.known = false};

	if (account_find(name, &account, NULL) != TOTP_OK || !account.known)
		return; /* there is no such server yet */
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		bool listed = false;

		if (account_is_listed(&account, name, lists[i].list, &listed, NULL) == TOTP_OK &&
		    !listed)
			doctor_repair(doctor_report((struct subject){doctor, "radius-account", NULL,
								     NULL},
						    lists[i].why, NULL,
						    "FreeRADIUS runs as %s, which is not in %s",
						    name, lists[i].key),
				      "add %s to %s in " POLICY_FILE, name, lists[i].key);
	}
}

/* A section `client NAME {` of clients.conf. */
struct client {
	char name[80];
	unsigned depth; /* of its own lines; 0: none is open */
	bool signs;
};

static void look_at_client(struct doctor *doctor, const struct client *client)
{
	if (!client->signs)
		doctor_report((struct subject){doctor, "radius-client", NULL, NULL}, BETWEEN,
			      "write require_message_authenticator = yes into its section",
			      "FreeRADIUS answers the client %s without a Message-Authenticator",
			      client->name);
}

static void look_at_clients(struct doctor *doctor, const char *directory)
{
	char path[64], *line = NULL;
	size_t room = 0;
	unsigned depth = 0;
	struct client client = {.depth = 0};
	struct text text;
	FILE *file;

	snprintf(path, sizeof(path), "%s/clients.conf", directory);
	file = fopen(path, "re");
	while (file && next_line(file, &line, &room, &text)) {
		bool opens = text.len && text.at[text.len - 1] == '{';

		depth += opens;
		if (opens && text.len > 8 && strncmp(text.at, "client ", 7) == 0) {
			struct text name = {text.at + 7, text.len - 8};

			client = (struct client){.depth = depth};
			snprintf(client.name, sizeof(client.name), "%.*s", (int)text_trim(name).len,
				 text_trim(name).at);
		}
		if (client.depth == depth)
			client.signs |= is_yes(value_of(text, "require_message_authenticator")) ||
					text_is(value_of(text, "proto"), "tls");
		if (!text_is(text, "}") || !depth)
			continue;
		if (client.depth == depth) {
			look_at_client(doctor, &client);
			client.depth = 0;
		}
		depth--;
	}
	free(line);
	if (file)
		fclose(file);
}

void doctor_radius(struct doctor *doctor)
{
	static const char *const directories[] = {"/etc/freeradius/3.0", "/etc/raddb"};

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		char account[ACCOUNT_NAME_MAX + 1] = "", module[64];
		bool all_sign = false;

		snprintf(module, sizeof(module), "%s/mods-enabled/pam_totp", directories[i]);
		if (access(module, F_OK) != 0)
			continue;
		read_settings(directories[i], account, &all_sign);
		look_at_lists(doctor, account);
		if (!all_sign)
			look_at_clients(doctor, directories[i]);
	}
}
