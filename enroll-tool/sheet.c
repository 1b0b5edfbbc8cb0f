#include "sheet.h"

#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "host/clock.h"
#include "host/machine.h"

#define PAGE_MAX 2048

/* One line: two codes, the second from the other half. */
static void add_row(char *page, const struct sheet *sheet, unsigned row, unsigned rows)
{
	for (unsigned i = row; i < sheet->count; i += rows) {
		char shown[RECOVERY_SHOWN_MAX];
		size_t len = strlen(page);

		recovery_show(&sheet->codes[i], shown);
		snprintf(page + len, PAGE_MAX - len, "%s%2u  %s", i == row ? "  " : "      ", i + 1,
			 shown);
		WIPE(shown);
	}
	strncat(page, "\n", PAGE_MAX - strlen(page) - 1);
}

static void make_page(const struct sheet *sheet, char page[PAGE_MAX])
{
	char host[MACHINE_NAME_MAX], full_host[MACHINE_NAME_MAX], day[11], user[CRED_USER_MAX + 1];
	unsigned rows = (sheet->count + 1) / 2;

	machine_names(host, full_host);
	text_to_date(clock_now(), day);
	text_printable(text_of(sheet->user), user, sizeof(user));
	snprintf(page, PAGE_MAX,
		 "Recovery codes of %s for %.100s, %s\n"
		 "Each works once in place of a code, when the phone is not at hand. Keep them\n"
		 "on paper and away from the phone: nobody can show them again.\n\n",
		 user, full_host, day);
	for (unsigned row = 0; row < rows; row++)
		add_row(page, sheet, row, rows);
}

int sheet_save(const struct tool *tool, const struct sheet *sheet, const struct outfile *file)
{
	char page[PAGE_MAX];
	int code;

	make_page(sheet, page);
	code = outfile_write(tool, file, page, strlen(page));
	WIPE(page);
	return code == TOOL_DONE ? outfile_sync(tool, file) : code;
}

enum totp_err sheet_show(const struct sheet *sheet)
{
	char page[PAGE_MAX] = "\n";
	enum totp_err err;

	if (sheet->count == 0)
		return TOTP_OK;
	err = io_write(STDOUT_FILENO, page, 1);
	make_page(sheet, page);
	if (err == TOTP_OK)
		err = io_write(STDOUT_FILENO, page, strlen(page));
	WIPE(page);
	return err;
}

int sheet_hand_out(const struct tool *tool, const struct sheet *sheet, struct outfile *file)
{
	char shown[256];

	fflush(stdout);
	if (file->path) {
		text_printable(text_of(file->path), shown, sizeof(shown));
		printf("%u recovery codes are in %s: print it, then delete it.\n", sheet->count,
		       shown);
		outfile_keep(file);
		return TOOL_DONE;
	}
	if (sheet_show(sheet) == TOTP_OK)
		return TOOL_DONE;
	return tool_refuse(tool, "the recovery codes could not be shown: 'totpctl recovery' makes "
				 "new ones");
}
