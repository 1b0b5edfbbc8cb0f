#include "service.h"

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

static void print_complaint(void *context, const struct reason *complaint)
{
	const struct complaint *told = context;

	tool_refuse(told->tool, "%s:%u: %s", told->line->file, told->line->number, complaint->text);
}

enum totp_err service_policy(const struct stack_line *line, const char *conf,
			     policy_complain_fn *complain, void *context, struct policy *ret_policy)
{
	const char *path = NULL;
	bool named = false;
	enum totp_err err =
		policy_conf_of_args(line->argc, line->argv, &path, &named, complain, context);

	if (err == TOTP_OK && !named && conf) {
		path = conf;
		named = true;
	}
	if (err == TOTP_OK)
		err = conf_load(path, named, ret_policy, complain, context);
	if (err == TOTP_OK)
		err = policy_parse_args(ret_policy, line->argc, line->argv, complain, context);
	return err;
}

static int call(const struct tool *tool, const struct stack_line *line, service_line_fn *each,
		void *context)
{
	struct complaint told = {tool, line};
	struct policy policy;

	if (service_policy(line, tool->conf, print_complaint, &told, &policy) != TOTP_OK)
		return tool_refuse(tool, "%s:%u: this line refuses every login", line->file,
				   line->number);
	return each(context, line, &policy);
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
		if (!service_is_ours(&stack.lines[i]))
			continue;
		ours = true;
		if (call(tool, &stack.lines[i], each, context) != TOOL_DONE)
			worst = TOOL_REFUSED;
	}
	if (!ours)
		return tool_refuse(tool,
				   "/etc/pam.d/%s has no line of pam_totp.so: it asks for no code",
				   service);
	return worst;
}
