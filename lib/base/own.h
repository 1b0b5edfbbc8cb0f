/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ownership of descriptors and memory. A descriptor declared OWN_FD is closed when it goes out of
 * scope, on every path; to hand it on, move it with fd_take. Closers keep errno.
 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#define OWN(closer) __attribute__((cleanup(closer)))
#define OWN_FD      OWN(fd_scope_end)
#define OWN_TEXT    OWN(text_scope_end)

/*
 * A buffer that is filled before it is read: the compiler, which by -ftrivial-auto-var-init zeroes
 * all variables of a function, leaves it out. For large buffers of a login.
 */
#define NOT_ZEROED __attribute__((uninitialized))

/* Close fd unless it is negative; returns -1, so that `fd = fd_close(fd)` is idiomatic. */
int fd_close(int fd);

/* Move a descriptor: returns what *fd was and leaves -1 behind. */
int fd_take(int *fd);

void fd_scope_end(int *fd);

/* Free a heap string that never held a secret. */
void text_scope_end(char **text);

#endif
