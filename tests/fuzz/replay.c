/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs every file of the directories on the command line through the fuzz target. */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>

#include "base/io.h"
#include "base/own.h"
#include "fuzz.h"

#define INPUT_MAX (1 << 20)

static void replay(int dir, const char *name)
{
	OWN_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	uint8_t *data = malloc(INPUT_MAX);
	size_t size = 0;

	if (fd < 0 || !data || io_read_all(fd, data, INPUT_MAX, &size) != TOTP_OK)
		err(1, "%s", name);
	/* of exactly its size, so that a sanitizer sees a read past it */
	data = realloc(data, size ? size : 1);
	if (!data)
		err(1, "%s", name);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++) {
		DIR *directory = opendir(argv[i]);
		struct dirent *entry;

		if (!directory)
			err(1, "%s", argv[i]);
		while ((entry = readdir(directory))) {
			if (entry->d_name[0] == '.')
				continue;
			replay(dirfd(directory), entry->d_name);
			count++;
		}
		closedir(directory);
	}
	printf("%u inputs\n", count);
	return count >= 3 ? 0 : 1;
}
