/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A library of the build for coverage: a process that ends by _exit writes its counts too. Each
 * program, module and library has counts of its own (image.c), and --wrap=_exit leads here.
 */
#include <sys/syscall.h>
#include <unistd.h>

#include "coverage.h"

#define IMAGES_MAX 16

static void (*dumps[IMAGES_MAX])(void);

void coverage_add(void (*dump)(void))
{
	for (int i = 0; i < IMAGES_MAX; i++) {
		if (!dumps[i]) {
			dumps[i] = dump;
			return;
		}
	}
}

void coverage_remove(void (*dump)(void))
{
	for (int i = 0; i < IMAGES_MAX; i++)
		if (dumps[i] == dump)
			dumps[i] = NULL;
}

_Noreturn void __wrap__exit(int status)
{
	for (int i = 0; i < IMAGES_MAX; i++)
		if (dumps[i])
			dumps[i]();
	for (;;)
		syscall(SYS_exit_group, status);
}
