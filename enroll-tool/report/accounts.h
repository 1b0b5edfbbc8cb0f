/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The accounts of a report: those that the name service lists, those with a record or an
 * invitation, those that the policy names, and their groups. All are read once: a hundred thousand
 * single look-ups would take minutes.
 */
#ifndef REPORT_ACCOUNTS_H
#define REPORT_ACCOUNTS_H

#include "common/names.h"
#include "common/tool.h"

/* How far the enrollment of an account is. */
enum stage {
	STAGE_IN_USE = 0, /* enrolled, and has logged in with a code */
	STAGE_UNUSED,     /* enrolled, but has not logged in yet */
	STAGE_PENDING,    /* has a credential that waits for its first code */
	STAGE_REFUSED,    /* has a record with which every login is denied */
	STAGE_INVITED,    /* not enrolled, but has a valid invitation */
	STAGE_MISSING,    /* must give a code, now or from a date on, and is not enrolled */
	STAGE_FREE,       /* need not give a code, and is not enrolled */
	STAGE_EXEMPT,     /* exempt, and not enrolled */
	STAGES
};

struct somebody {
	const char *name;
	uid_t uid;
	bool counted; /* a person; other accounts are of programs, or further names of one */
	bool required, exempt;
	enum stage stage;
	uint32_t stamp; /* index of the crew in which it was seen last + 1 */
};

struct tally {
	size_t people;
	size_t of[STAGES];
};

/* A group. */
struct crew {
	char *name;
	gid_t gid;
	bool required, exempt; /* named in the policy's lists */
	uint32_t *members;     /* indices of people, each once */
	size_t count, room;
	struct tally tally; /* of its members */
};

struct primary {
	gid_t gid;
	uint32_t index;
};

struct accounts {
	struct names *names;
	struct somebody *list; /* one for each of names->list */
	size_t count, list_room;
	struct crew *crews;
	size_t crew_count, crew_room;
	struct primary *primaries; /* listed accounts, ordered by their primary group */
	size_t listed;
};

void accounts_end(struct accounts *people);

/*
 * Read accounts, groups and the lists of the policy. A group of a list that does not exist is
 * reported and has no members. An exit code, after a message; TOOL_DONE to continue.
 */
MUST_CHECK int accounts_load(const struct tool *tool, struct accounts *ret_people);

/*
 * Find an account by name, by a look-up if the name service does not list it, and count it as a
 * person. NULL: there is no such account, or *ret_code is no longer TOOL_DONE.
 */
struct somebody *accounts_find(const struct tool *tool, struct accounts *people, const char *name,
			       int *ret_code);

#endif
