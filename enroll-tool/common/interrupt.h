/* Ctrl-C and its like during work on many: noticed between two, so that what was begun can be
 * taken back. */
#ifndef COMMON_INTERRUPT_H
#define COMMON_INTERRUPT_H

#include <stdbool.h>

/* From here on SIGINT, SIGTERM and SIGHUP no longer end the program. */
void interrupt_watch(void);

/* Has one come? */
bool interrupt_seen(void);

#endif
