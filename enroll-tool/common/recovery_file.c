/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/recovery_file.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/recovery_page.h"

int recovery_file_save(const struct tool *tool, const struct recovery_file *codes,
		       const struct outfile *file)
{
	char page[RECOVERY_PAGE_MAX];
	int code;

	recovery_page(codes->user, codes->codes, codes->count, page);
	code = outfile_write(tool, file, page, strlen(page));
	WIPE(page);
	return code == TOOL_DONE ? outfile_sync(tool, file) : code;
}

static int print_object(const struct tool *tool, const struct recovery_file *codes)
{
	char shown[RECOVERY_SHOWN_MAX];
	struct json json;

	tool_begin_json(tool, &json, "recovery_codes");
	json_open(&json, "codes", '[');
	for (unsigned i = 0; i < codes->count; i++) {
		recovery_show(&codes->codes[i], shown);
		json_text(&json, NULL, shown);
	}
	json_close(&json, ']');
	WIPE(shown);
	return tool_end_json(tool, &json);
}

int recovery_file_hand_out(const struct tool *tool, const struct recovery_file *codes,
			   struct outfile *file)
{
	char page[1 + RECOVERY_PAGE_MAX] = "\n";
	enum totp_err err = TOTP_OK;
	int code = TOOL_DONE;

	if (file->fd >= 0) {
		char shown[256];

		text_show(text_of(file->path), shown, sizeof(shown));
		tool_say(tool, SAY_NOTE, "recovery_file",
			 "%u recovery code%s in %s: print it, then delete it.", codes->count,
			 codes->count == 1 ? " is" : "s are", shown);
		outfile_keep(file);
		return TOOL_DONE;
	}
	fflush(stdout);
	if (tool_json) {
		code = print_object(tool, codes);
	} else if (codes->count) {
		recovery_page(codes->user, codes->codes, codes->count, page + 1);
		err = io_write(STDOUT_FILENO, page, strlen(page));
	}
	WIPE(page);
	if (err == TOTP_OK && code == TOOL_DONE)
		return TOOL_DONE;
	return tool_refuse(tool,
			   "the recovery codes could not be shown: '%s recovery' makes new ones",
			   geteuid() == 0 ? "totpctl" : "totp-enroll");
}
