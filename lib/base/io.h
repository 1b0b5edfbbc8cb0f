/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole reads and writes of small files. A call that a signal interrupts is repeated; a short
 * write is an error, because half a record is useless.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"

/*
 * Read from the current offset to the end of the file, at most cap bytes.
 * TOTP_ERR_RANGE: there is more; TOTP_ERR_SYSTEM: errno. After an error buf may hold part of the
 * file: wipe it if that can be a secret.
 */
MUST_CHECK enum totp_err io_read_all(int fd, void *buf, size_t cap, size_t *ret_len);

/* Read up to len bytes at offset, fewer only at the end of the file. */
MUST_CHECK enum totp_err io_pread(int fd, void *buf, size_t len, off_t offset, size_t *ret_len);

/*
 * Write all len bytes, at offset or at the file's own position. TOTP_ERR_SYSTEM: errno; EFBIG:
 * the process may not make a file that large, and nothing was written.
 */
MUST_CHECK enum totp_err io_pwrite(int fd, const void *buf, size_t len, off_t offset);
MUST_CHECK enum totp_err io_write(int fd, const void *buf, size_t len);

/* Which version of a file was read, so that its change is noticed without reading it again. */
struct io_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed, modified;
};

/* To be taken before the file is opened. Zeros: it cannot be looked at, or is not there. */
struct io_stamp io_stamp_of(const char *path);

bool io_stamp_equal(const struct io_stamp *a, const struct io_stamp *b);

/* CLOCK_MONOTONIC in nanoseconds: for deadlines, never for codes. */
uint64_t io_monotonic_ns(void);

/* The same, so many milliseconds from now: a deadline. */
uint64_t io_deadline(unsigned ms);

#endif
