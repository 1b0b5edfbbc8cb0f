/*
 * Everybody whose enrolment is a question: the accounts of people that the name service lists,
 * whoever has a record or an invitation, and whom the policy names; and the groups that they
 * are in. All of it is read once: a hundred thousand single look-ups would take minutes.
 */
#ifndef REPORT_ACCOUNTS_H
#define REPORT_ACCOUNTS_H

#include "common/tool.h"

/* How far somebody has come. */
enum stage {
	STAGE_IN_USE = 0, /* enrolled, and has logged in with a code */
	STAGE_UNUSED,     /* enrolled, and has not yet */
	STAGE_PENDING,    /* has a credential that waits for its first code */
	STAGE_REFUSED,    /* has a record with which every login is refused */
	STAGE_INVITED,    /* not enrolled, and has an invitation that holds */
	STAGE_MISSING,    /* must give a code, now or from a day to come, and is not enrolled */
	STAGE_FREE,       /* need not */
	STAGE_EXEMPT,     /* is not asked */
	STAGES
};

struct somebody {
	char *name;
	uid_t uid;
	gid_t gid;
	bool counted; /* one of the people; the others are accounts of programs */
	bool required, exempt;
	enum stage stage;
	size_t order; /* of those listed: the first name of a uid is the account's */
};

struct crew {
	char *name;
	gid_t gid;
	bool required, exempt; /* named in the policy's lists */
	uint32_t *members;     /* indices of people, each once */
	size_t count, room;
};

struct primary {
	gid_t gid;
	uint32_t index;
};

struct accounts {
	struct somebody *list;
	size_t count, room;
	struct crew *crews;
	size_t crew_count, crew_room;
	uint32_t *table; /* name to index + 1; its size is a power of two */
	size_t table_size;
	uint32_t *stamps;          /* one for each of list: seen in which crew + 1 */
	struct primary *primaries; /* those listed, in the order of their account's group */
	size_t listed;
	bool partial; /* the name service does not list everybody */
};

#define OWN_ACCOUNTS OWN(accounts_end)

void accounts_end(struct accounts *people);

/*
 * Read accounts and groups, and who is in which list of the policy. A group of a list that does
 * not exist is told, and nobody is in it. An exit code, after a sentence; TOOL_DONE to go on.
 */
MUST_CHECK int accounts_load(const struct tool *tool, struct accounts *ret_people);

/*
 * Find somebody by name, and count them among the people; one whom the name service does not
 * list is looked up. NULL: there is no such account, or *ret_code is no longer TOOL_DONE.
 */
struct somebody *accounts_find(const struct tool *tool, struct accounts *people, const char *name,
			       int *ret_code);

#endif
