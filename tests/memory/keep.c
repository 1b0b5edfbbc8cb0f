/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a program whose memory is searched: no block of the heap is used again, so that
 * what was in it when it was freed can be found; and a process stops before it ends.
 *
 * MEMORY_WITHOUT_WIPES: nothing is wiped, so that a test can show that it notices. MEMORY_WIPES: a
 * file, to which each wipe appends a line: the place in the code and its callers, "FILE+OFFSET" of
 * each; then " = " and what is wiped, in hexadecimal.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLERS   4
#define PLACE_MAX 512

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

static const char own_place; /* in this library, whose own calls do not count */

/* The last part of the path. Of the program dladdr returns argv[0], which it may have changed. */
static const char *name_of(const Dl_info *file)
{
	static char program[PLACE_MAX];
	const void *start = (const void *)getauxval(AT_ENTRY);
	const char *path = file->dli_fname, *slash;
	Dl_info own;

	if (dladdr(start, &own) && own.dli_fbase == file->dli_fbase) {
		if (!program[0] && readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
			abort();
		path = program;
	}
	slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Where the program wipes: the files that hold the code, and offsets in them. */
static void name_place(char ret_place[static PLACE_MAX])
{
	void *frames[CALLERS + 8];
	int count = backtrace(frames, CALLERS + 8), named = 0;
	size_t len = 0;
	Dl_info own, info;

	if (!dladdr(&own_place, &own))
		return;
	for (int i = 0; i < count && named < CALLERS; i++) {
		if (!dladdr(frames[i], &info) || !info.dli_fname)
			break;
		if (info.dli_fbase == own.dli_fbase)
			continue;
		len += (size_t)snprintf(ret_place + len, PLACE_MAX - len, "%s%s+%#tx",
					named++ ? " " : "", name_of(&info),
					(const char *)frames[i] - (const char *)info.dli_fbase);
		if (len >= PLACE_MAX)
			abort();
	}
}

static void note_wipe(const char *path, const unsigned char *data, size_t len)
{
	char place[PLACE_MAX] = "", *line = __libc_malloc(PLACE_MAX + 2 * len + 8);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	size_t at;

	name_place(place);
	if (!line)
		abort();
	at = (size_t)sprintf(line, "%s = ", place);
	for (size_t i = 0; i < len; i++)
		at += (size_t)sprintf(line + at, "%02x", data[i]);
	line[at++] = '\n';
	if (fd >= 0 && write(fd, line, at) < 0)
		abort();
	close(fd);
	memset(line, 0, at); /* nothing is freed here */
}

static void __attribute__((constructor)) prepare(void)
{
	void *frame;

	(void)backtrace(&frame, 1); /* it loads a library at its first call */
}

static void wipe(void *data, size_t len)
{
	if (getenv("MEMORY_WITHOUT_WIPES"))
		return;
	memset(data, 0, len);
	__asm__ volatile("" : : "r"(data) : "memory");
}

static void note_and_wipe(void *data, size_t len)
{
	const char *noted = getenv("MEMORY_WIPES");

	if (noted)
		note_wipe(noted, data, len);
	wipe(data, len);
}

void explicit_bzero(void *data, size_t len)
{
	note_and_wipe(data, len);
}

void __explicit_bzero_chk(void *data, size_t len, size_t whole)
{
	(void)whole;
	note_and_wipe(data, len);
}

/* Libcrypto's own, of which there are many. */
void OPENSSL_cleanse(void *data, size_t len)
{
	wipe(data, len);
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
