/* SPDX-License-Identifier: BSD-2-Clause */
/* Linked into each program, module and library of the build for coverage. */
#include "coverage.h"

void __gcov_dump(void); /* of libgcov: each image has its own */

static __attribute__((constructor)) void add(void)
{
	coverage_add(__gcov_dump);
}

static __attribute__((destructor)) void remove_it(void)
{
	coverage_remove(__gcov_dump);
}
