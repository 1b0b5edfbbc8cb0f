/*
 * How many lines one user makes totpd log: the first of each minute, and then one line that says
 * how many more there were. Denials and accepted codes are counted apart, so that nobody hides an
 * accepted code behind denials. Pure: no clock, no log.
 *
 * totpd alone changes the ledger. A child goes by the copy that it was forked with and leaves a
 * note, which totpd enters when the child has ended: so children that work at the same time may
 * write one line more each.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LEDGER_TIME  60000000000ull /* ns, from a user's first line on */
#define LEDGER_USERS 256            /* with a page of their own; the others share one */

#define LEDGER_OTHERS ((uid_t)-1)

enum ledger_kind { LEDGER_DENIED = 0, LEDGER_ACCEPTED, LEDGER_KINDS };

#define LEDGER_DENIED_LINES   20 /* denials and errors of one user in LEDGER_TIME */
#define LEDGER_ACCEPTED_LINES 60 /* accepted codes and what they changed */

/* What was logged for one user, and what was not. */
struct ledger_page {
	uid_t uid;
	uint32_t written[LEDGER_KINDS];
	uint32_t withheld[LEDGER_KINDS];
	uint64_t end; /* CLOCK_MONOTONIC, ns; 0: the page is free */
};

struct ledger {
	struct ledger_page pages[LEDGER_USERS];
	struct ledger_page others; /* users who found no free page; uid says nothing */
};

/* May a line of this kind be written for the user? The note keeps which was decided. */
bool ledger_write(const struct ledger *ledger, struct ledger_page *note, uid_t uid,
		  enum ledger_kind kind);

/* Enter the note of a child that has ended. */
void ledger_enter(struct ledger *ledger, const struct ledger_page *note, uint64_t now);

/* Copy the pages that end by `now` and have lines that were withheld; how many there are. The uid
 * of that of the others becomes LEDGER_OTHERS. */
size_t ledger_due(const struct ledger *ledger, uint64_t now,
		  struct ledger_page ret_pages[LEDGER_USERS + 1]);

/* Free the pages that end by `now`. */
void ledger_clear(struct ledger *ledger, uint64_t now);

/* Is there a page that is not free? */
bool ledger_is_open(const struct ledger *ledger);

#endif
