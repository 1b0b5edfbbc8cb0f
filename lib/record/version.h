/*
 * Versions of records. A credential and its state have the same version. A program writes the
 * version in the store's marker, so that an administrator can go back to an older program until
 * totpctl upgrade has given the store a newer version.
 *
 * Version 2 has a throttle for each class of sources that are not known, 1 one for all; and its
 * MAC covers the bytes of a state that are in use, that of version 1 the zeros after them too. Version
 * 2 keeps what self-service did until the owner was told.
 */
#ifndef RECORD_VERSION_H
#define RECORD_VERSION_H

#include <stdint.h>

#define RECORD_VERSION_FIRST 1

/* The newest one that this program knows. */
extern const uint8_t record_version_newest;

#endif
