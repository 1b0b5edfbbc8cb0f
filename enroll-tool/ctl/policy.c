/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl policy: each option as logins use it, and the line that sets it. */
#include "common/ctl.h"

#include "host/conf.h"
#include "login/policy_option.h"

/* The line of a text without mistakes that sets an option; its number is 0 if none does. */
static struct policy_line line_of(struct text text, const char *name)
{
	struct policy_line line = {.number = 0};

	while (policy_next_line(&text, &line))
		if (text_is(line.key, name))
			return line;
	return (struct policy_line){.number = 0};
}

static int print_option(const struct tool *tool, const char *path, const struct policy_key *option,
			const struct policy_line *line)
{
	char value[POLICY_LIST_MAX + 2];
	struct json json;

	if (text_copy(line->number ? line->value : text_of(option->fallback), value,
		      sizeof(value)) != TOTP_OK)
		return tool_refuse(tool, "%s:%u: %s", path, line->number, err_name(TOTP_ERR_RANGE));
	if (!tool_json) {
		if (line->number)
			printf("%s = %s  (%s:%u)\n", option->name, value, path, line->number);
		else
			printf("%s = %s  (default)\n", option->name, value);
		return TOOL_DONE;
	}
	tool_begin_json(tool, &json, "option");
	json_text(&json, "name", option->name);
	json_text(&json, "value", value);
	json_text(&json, "default", option->fallback);
	json_text(&json, "file", line->number ? path : NULL);
	json_number(&json, "line", line->number);
	return tool_end_json(tool, &json);
}

static int print_policy(struct ctl *ctl)
{
	struct tool *tool = &ctl->tool;
	const char *path = tool->conf ? tool->conf : POLICY_FILE;
	OWN_TEXT char *bytes = NULL;
	struct reason why = {""};
	struct text text;
	size_t len = 0;
	int code = tool_result(tool, conf_read(path, tool->conf, &bytes, &len, &why), &why);

	text = (struct text){bytes, len};
	if (code == TOOL_DONE &&
	    policy_parse(&tool->policy, text, path, tool_policy_mistake, tool) != TOTP_OK)
		code = TOOL_REFUSED;
	for (size_t i = 0; policy_key_at(i) && code == TOOL_DONE; i++) {
		const struct policy_line line = line_of(text, policy_key_at(i)->name);

		if (policy_key_at(i)->in_file)
			code = print_option(tool, path, policy_key_at(i), &line);
	}
	return code;
}

const struct command ctl_policy = {
	.name = "policy",
	.help = "the policy, and the line that sets each option",
	.more = "The arguments of a PAM line override it for one service: see totpctl doctor.\n",
	.options = ctl_json_rows,
	.run = print_policy,
};
