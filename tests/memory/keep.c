/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded into a program whose memory is searched: no block of the heap is used again, so that
 * what was in it when it was freed can be found; and a process stops before it ends.
 *
 * MEMORY_WITHOUT_WIPES: nothing is wiped, so that a test can show that it notices.
 */
#include <dlfcn.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);

void free(void *block);
void *realloc(void *old, size_t size);
void __explicit_bzero_chk(void *data, size_t len, size_t whole);
void OPENSSL_cleanse(void *data, size_t len);

/* libqrencode wipes nothing, and nobody else can: what it frees is not looked at. */
static bool is_of_qrencode(void *caller)
{
	Dl_info info;

	return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "libqrencode");
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

static void wipe(void *data, size_t len)
{
	if (getenv("MEMORY_WITHOUT_WIPES"))
		return;
	memset(data, 0, len);
	__asm__ volatile("" : : "r"(data) : "memory");
}

void explicit_bzero(void *data, size_t len)
{
	wipe(data, len);
}

void __explicit_bzero_chk(void *data, size_t len, size_t whole)
{
	(void)whole;
	wipe(data, len);
}

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
