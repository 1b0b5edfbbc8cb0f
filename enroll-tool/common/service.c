/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/service.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/conf.h"

bool service_is_ours(const struct stack_line *line)
{
	return line->kind == STACK_MODULE && strcmp(line->module, "pam_totp.so") == 0;
}

struct complaint {
	const struct tool *tool;
	const struct stack_line *line;
};

static void print_line_complaint(void *context, const struct reason *complaint)
{
	const struct complaint *told = context;

	tool_refuse(told->tool, "%s:%u: %s", told->line->file, told->line->number, complaint->text);
}

static void keep_quiet(void *context, const struct reason *complaint)
{
	(void)context;
	(void)complaint;
}

enum totp_err service_policy(const struct stack_line *line, const char *conf,
			     const struct service_complain *complain, struct policy *ret_policy)
{
	static const struct service_complain quiet = {keep_quiet, keep_quiet, NULL};
	const char *path = NULL;
	enum totp_err err;

	if (!complain)
		complain = &quiet;
	err = policy_conf_of_args(line->argc, line->argv, &path, complain->of_line,
				  complain->context);
	if (!path)
		path = conf;
	if (err == TOTP_OK)
		err = conf_load(path ? path : POLICY_FILE, path, ret_policy, complain->of_file,
				complain->context);
	if (err == TOTP_OK)
		err = policy_parse_args(ret_policy, line->argc, line->argv, complain->of_line,
					complain->context);
	return err;
}

int service_each_line(const struct tool *tool, const char *service, service_line_fn *each,
		      void *context)
{
	OWN_STACK struct stack stack = {0};
	int worst = TOOL_DONE;
	bool ours = false;

	if (stack_read(NULL, service, "auth", &stack) != TOTP_OK || stack.missing)
		return tool_refuse(tool, "/etc/pam.d/%s: there is no such service", service);
	for (size_t i = 0; i < stack.count; i++) {
		const struct stack_line *line = &stack.lines[i];
		struct complaint told = {tool, line};
		const struct service_complain complain = {print_line_complaint,
							  print_line_complaint, &told};
		struct policy policy;
		int code;

		if (!service_is_ours(line))
			continue;
		ours = true;
		code = service_policy(line, tool->conf, &complain, &policy) == TOTP_OK
			       ? each(context, line, &policy)
			       : tool_refuse(tool, "%s:%u: this line denies every login",
					     line->file, line->number);
		if (code != TOOL_DONE)
			worst = TOOL_REFUSED;
	}
	if (!ours)
		return tool_refuse(tool,
				   "/etc/pam.d/%s has no line of pam_totp.so: it asks for no code",
				   service);
	return worst;
}

const char *service_enforce(const struct policy *policy, char text[11])
{
	if (policy->enforce == ENFORCE_FROM)
		text_to_date(policy->enforce_from, text);
	else
		strcpy(text, policy->enforce == ENFORCE_OPTIONAL ? "optional" : "required");
	return text;
}

#define OVERRIDE_MAX 160

/* How the line's policy differs from the file's in the users that it asks; "" if it does not. */
static void describe_override(const struct policy *line, const struct policy *file,
			      char ret_text[OVERRIDE_MAX])
{
	const struct {
		const char *name, *line, *file;
	} lists[] = {{"required_for", line->required_for, file->required_for},
		     {"exempt", line->exempt, file->exempt}};
	char enforce[11], ours[11];
	size_t len = 0;

	ret_text[0] = '\0';
	if (strcmp(service_enforce(line, enforce), service_enforce(file, ours)) != 0)
		len = (size_t)snprintf(ret_text, OVERRIDE_MAX, "%s", enforce);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(lists[i].line, lists[i].file) != 0 && len < OVERRIDE_MAX)
			len += (size_t)snprintf(ret_text + len, OVERRIDE_MAX - len, "%s%s=%s",
						len ? " " : "", lists[i].name, lists[i].line);
}

/* The first line that differs. doctor reports a line with a mistake, or with another store. */
static bool find_override(const struct tool *tool, const char *service, char ret_text[OVERRIDE_MAX])
{
	OWN_STACK struct stack stack = {0};
	struct policy policy;

	if (stack_read(NULL, service, "auth", &stack) != TOTP_OK || stack.missing)
		return false;
	for (size_t i = 0; i < stack.count; i++) {
		const struct stack_line *line = &stack.lines[i];

		if (!service_is_ours(line) ||
		    service_policy(line, tool->conf, NULL, &policy) != TOTP_OK ||
		    policy.if_publickey || strcmp(policy.store_dir, tool->policy.store_dir) != 0)
			continue;
		describe_override(&policy, &tool->policy, ret_text);
		if (ret_text[0])
			return true;
	}
	return false;
}

static int is_service(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && text_is_clean(text_of(entry->d_name));
}

void service_overrides(const struct tool *tool, char ret_text[SERVICE_OVERRIDES_MAX])
{
	struct dirent **names = NULL;
	int count = scandir("/etc/pam.d", &names, is_service, alphasort);
	size_t len = 0;
	char override[OVERRIDE_MAX];

	ret_text[0] = '\0';
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;

		if (len + strlen(name) + OVERRIDE_MAX < SERVICE_OVERRIDES_MAX &&
		    find_override(tool, name, override))
			len += (size_t)snprintf(ret_text + len, SERVICE_OVERRIDES_MAX - len,
						"%s%s: %s", len ? ", " : "", name, override);
		free(names[i]);
	}
	free(names);
}
