/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of a library that is loaded only when it is needed. */
#ifndef HOST_LIBRARY_H
#define HOST_LIBRARY_H

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/*
 * Find a function by its name in a library, or in RTLD_DEFAULT. ret_function: a pointer to a
 * pointer to a function, of `size` bytes. It is copied, since ISO C has no cast from an object's
 * address to a function's.
 */
static inline bool library_find(void *library, const char *name, void *ret_function, size_t size)
{
	void *address = dlsym(library, name);

	memcpy(ret_function, &address, size);
	return address != NULL;
}

#endif
