#include "record/version.h"

/* In a file of its own: the tests link another one, to see what comes of a newer version. */
const uint8_t record_version_newest = 2;
