/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef COVERAGE_H
#define COVERAGE_H

/* Have the counts of an image (a program or a library) written when the process ends by _exit. */
void coverage_add(void (*dump)(void));

/* The image will be unloaded. */
void coverage_remove(void (*dump)(void));

/* What the linker's --wrap=_exit calls instead of _exit. */
_Noreturn void __wrap__exit(int status);

#endif
