/* SPDX-License-Identifier: BSD-2-Clause */
/* Linked instead of lib/record/version.c: what a later program will know. */
#include "record/version.h"

const uint8_t record_version_newest = 3;
