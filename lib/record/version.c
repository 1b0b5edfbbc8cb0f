/* SPDX-License-Identifier: BSD-2-Clause */
#include "record/version.h"

/* In a file of its own, because the tests link another one to try a newer version. */
const uint8_t record_version_newest = 2;
