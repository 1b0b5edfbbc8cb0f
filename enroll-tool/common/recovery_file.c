#include "common/recovery_file.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/recovery_page.h"

int recovery_file_save(const struct tool *tool, const struct recovery_file *sheet,
		       const struct outfile *file)
{
	char page[RECOVERY_PAGE_MAX];
	int code;

	recovery_page(sheet->user, sheet->codes, sheet->count, page);
	code = outfile_write(tool, file, page, strlen(page));
	WIPE(page);
	return code == TOOL_DONE ? outfile_sync(tool, file) : code;
}

static enum totp_err show(const struct recovery_file *sheet)
{
	char page[RECOVERY_PAGE_MAX];
	enum totp_err err;

	if (sheet->count == 0)
		return TOTP_OK;
	err = io_write(STDOUT_FILENO, "\n", 1);
	recovery_page(sheet->user, sheet->codes, sheet->count, page);
	if (err == TOTP_OK)
		err = io_write(STDOUT_FILENO, page, strlen(page));
	WIPE(page);
	return err;
}

int recovery_file_hand_out(const struct tool *tool, const struct recovery_file *sheet,
			   struct outfile *file)
{
	char shown[256];

	fflush(stdout);
	if (file->fd >= 0) {
		text_printable(text_of(file->path), shown, sizeof(shown));
		printf("%u recovery code%s in %s: print it, then delete it.\n", sheet->count,
		       sheet->count == 1 ? " is" : "s are", shown);
		outfile_keep(file);
		return TOOL_DONE;
	}
	if (show(sheet) == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(tool,
			   "the recovery codes could not be shown: '%s recovery' makes new ones",
			   geteuid() == 0 ? "totpctl" : "totp-enroll");
}
