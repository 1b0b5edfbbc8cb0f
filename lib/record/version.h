/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Versions of records. A credential and its state have the same version. A program writes the
 * version in the store's marker, so that an administrator can go back to an older program until
 * totpctl upgrade has given the store a newer version.
 *
 * Version 1 has one throttle for all unknown sources, version 2 one for each class. The MAC of
 * version 1 covers the zeros at the end of a state, that of version 2 only the bytes in use.
 * Version 2 keeps the notices about self-service until the owner has seen them.
 */
#ifndef RECORD_VERSION_H
#define RECORD_VERSION_H

#include <stdint.h>

#define RECORD_VERSION_FIRST 1

/* The newest one that this program knows. */
extern const uint8_t record_version_newest;

#endif
