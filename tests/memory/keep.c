/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a program whose memory is searched: no block of the heap is used again, so that
 * what was in it when it was freed can be found; and a process stops before it ends.
 *
 * MEMORY_WITHOUT_WIPES: nothing is wiped, or not at one place in the code, "FILE+OFFSET", so that a
 * test can show that it notices. MEMORY_WIPES: append the places that wipe to this file.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PLACE_MAX 256

extern void *__libc_malloc(size_t size);

void free(void *block);
void *realloc(void *old, size_t size);
void __explicit_bzero_chk(void *data, size_t len, size_t whole);
void OPENSSL_cleanse(void *data, size_t len);

/*
 * libqrencode wipes nothing, and nobody else can: what it frees is not looked at. dladdr is slow:
 * what it has found out about a caller is kept.
 */
static bool is_of_qrencode(void *caller)
{
	static struct {
		void *caller;
		bool is;
	} known[4096];
	size_t at = ((size_t)caller >> 2) % (sizeof(known) / sizeof(known[0]));
	Dl_info info;

	if (known[at].caller != caller) {
		known[at].is = dladdr(caller, &info) && info.dli_fname &&
			       strstr(info.dli_fname, "libqrencode");
		known[at].caller = caller;
	}
	return known[at].is;
}

void free(void *block)
{
	if (block && is_of_qrencode(__builtin_return_address(0)))
		memset(block, 0, malloc_usable_size(block));
}

void *realloc(void *old, size_t size)
{
	void *block = __libc_malloc(size);
	size_t had = old ? malloc_usable_size(old) : 0;

	if (block && had)
		memcpy(block, old, had < size ? had : size);
	return block;
}

/* Where the program wipes: the file that holds the code, and an offset in it. */
static void name_place(const void *caller, char ret_place[static PLACE_MAX])
{
	Dl_info info;
	const char *slash;

	if (!dladdr(caller, &info) || !info.dli_fname)
		return;
	slash = strrchr(info.dli_fname, '/');
	snprintf(ret_place, PLACE_MAX, "%s+%#tx\n", slash ? slash + 1 : info.dli_fname,
		 (const char *)caller - (const char *)info.dli_fbase);
}

static void note_place(const char *path, const char *place)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd >= 0 && write(fd, place, strlen(place)) < 0)
		abort();
	close(fd);
}

static void wipe(void *data, size_t len, const void *caller)
{
	const char *without = getenv("MEMORY_WITHOUT_WIPES"), *noted = getenv("MEMORY_WIPES");
	char place[PLACE_MAX] = "";

	if (without || noted)
		name_place(caller, place);
	if (noted)
		note_place(noted, place);
	place[strcspn(place, "\n")] = '\0';
	if (without && (strcmp(without, "all") == 0 || strcmp(without, place) == 0))
		return;
	memset(data, 0, len);
	__asm__ volatile("" : : "r"(data) : "memory");
}

void explicit_bzero(void *data, size_t len)
{
	wipe(data, len, __builtin_return_address(0));
}

void __explicit_bzero_chk(void *data, size_t len, size_t whole)
{
	(void)whole;
	wipe(data, len, __builtin_return_address(0));
}

void OPENSSL_cleanse(void *data, size_t len)
{
	wipe(data, len, __builtin_return_address(0));
}

static void __attribute__((destructor)) stop(void)
{
	raise(SIGSTOP);
}

void _exit(int status)
{
	stop();
	syscall(SYS_exit_group, status);
	__builtin_unreachable();
}
