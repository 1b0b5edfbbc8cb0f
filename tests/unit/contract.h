/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine that test-store-contract.c tests: each has a file of its own, engine_NAME.c. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "store/store.h"

struct engine_under_test {
	bool (*is_possible)(void);                 /* here; else a line of output says why not */
	void (*make)(void);                        /* an empty store that no other test uses */
	struct store *(*open)(struct reason *why); /* it, once more; NULL: *why says why not */
	void (*drop)(void);
};

extern const struct engine_under_test engine_under_test;

#endif
