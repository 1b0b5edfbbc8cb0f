/* SPDX-License-Identifier: BSD-2-Clause */
#include "pamconf/walk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"

#define ROUTES_MAX 32768
#define NOWHERE    SIZE_MAX

/* --- what is known of modules --- */

#define ANSWER(value) (1u << (value))
#define ANSWER_ANY    (~ANSWER(PAM_INCOMPLETE))
#define ANSWER_CODE \
	(ANSWER(PAM_SUCCESS) | ANSWER(PAM_IGNORE) | ANSWER(PAM_AUTH_ERR) | ANSWER(PAM_MAXTRIES) | \
	 ANSWER(PAM_AUTHINFO_UNAVAIL) | ANSWER(PAM_SERVICE_ERR))
#define ANSWER_KEY (ANSWER(PAM_SUCCESS) | ANSWER(PAM_IGNORE) | ANSWER(PAM_SERVICE_ERR))
#define ANSWER_ENROLL \
	(ANSWER(PAM_SUCCESS) | ANSWER(PAM_PERM_DENIED) | ANSWER(PAM_AUTHINFO_UNAVAIL) | \
	 ANSWER(PAM_SERVICE_ERR))
#define ANSWER_QUIET (ANSWER_ANY & ~(ANSWER(PAM_SUCCESS) | ANSWER(PAM_NEW_AUTHTOK_REQD)))

/* First factors: modules that prove an identity by something else than our code. */
static const char *const factors[] = {
	"aad",    "authd",        "centrifydc", "fprintd", "himmelblau",  "howdy",
	"krb5",   "ldap",         "lsass",      "mysql",   "p11",         "pgsql",
	"pkcs11", "poldi",        "pwdfile",    "radius",  "radius_auth", "ssh_agent_auth",
	"sss",    "systemd_home", "tacplus",    "tcb",     "u2f",         "unix",
	"unix2",  "userdb",       "vas3",       "winbind"};

/* Modules that are no first factor: these allow nobody (nologin: without successok)… */
static const char *const quiet[] = {"env",     "faildelay", "group",   "issue",
				    "keyinit", "mail",      "nologin", "warn"};

/* …and these may answer anything, except for permit and deny. */
static const char *const plain[] = {
	"permit",     "deny",      "access",    "cap",           "debug",
	"echo",       "ecryptfs",  "faillock",  "gnome_keyring", "google_authenticator",
	"kwallet",    "kwallet5",  "lastlog",   "limits",        "listfile",
	"localuser",  "loginuid",  "mkhomedir", "motd",          "mount",
	"oath",       "securetty", "selinux",   "sepermit",      "shells",
	"succeed_if", "systemd",   "tally",     "tally2",        "time",
	"umask",      "usertype",  "wheel",     "xauth"};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Is the module "pam_NAME.so"? */
static bool is_module(const struct stack_line *line, const char *name)
{
	size_t len = strlen(name);

	return strncmp(line->module, "pam_", 4) == 0 && strncmp(line->module + 4, name, len) == 0 &&
	       strcmp(line->module + 4 + len, ".so") == 0;
}

static bool is_one_of(const struct stack_line *line, const char *const names[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_module(line, names[i]))
			return true;
	return false;
}

bool walk_is_misspelt(const struct stack_line *line)
{
	static const char *const names[] = {"pam_totp", "pam_totp.so", "totp",
					    "totp.so",  "pam-totp",    "pam-totp.so"};
	size_t len = strcspn(line->module, "\r");

	if (line->kind != STACK_MODULE || is_module(line, "totp"))
		return false;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strlen(names[i]) == len && strncasecmp(line->module, names[i], len) == 0)
			return true;
	return false;
}

/* if_publickey, or with the methods that it names */
static bool asks_sshd(const struct stack_line *line)
{
	static const char word[] = "if_publickey";
	size_t len = sizeof(word) - 1;

	for (int i = 0; i < line->argc; i++)
		if (strncmp(line->argv[i], word, len) == 0 &&
		    (line->argv[i][len] == '\0' || line->argv[i][len] == '='))
			return strcmp(line->argv[i] + len, "=no") != 0;
	return false;
}

enum line_role walk_role(const struct stack_line *line)
{
	if (line->kind != STACK_MODULE || walk_is_misspelt(line))
		return ROLE_FAILS;
	if (is_module(line, "totp"))
		return asks_sshd(line) ? ROLE_KEY : ROLE_CODE;
	if (is_module(line, "rootok"))
		return ROLE_ROOT;
	if (is_one_of(line, factors, COUNT_OF(factors)))
		return ROLE_FACTOR;
	return is_one_of(line, quiet, COUNT_OF(quiet)) || is_one_of(line, plain, COUNT_OF(plain))
		       ? ROLE_PLAIN
		       : ROLE_OTHER;
}

enum line_role walk_account_role(const struct stack_line *line)
{
	if (line->kind != STACK_MODULE)
		return ROLE_FAILS;
	return is_module(line, "totp") ? ROLE_ENROLL : ROLE_PLAIN;
}

bool walk_is_code(enum line_role role)
{
	return role == ROLE_CODE || role == ROLE_COMBINED || role == ROLE_ENROLL;
}

static bool is_factor(enum line_role role)
{
	return role == ROLE_FACTOR;
}

bool walk_may_be_factor(enum line_role role)
{
	return role == ROLE_FACTOR || role == ROLE_OTHER;
}

/* Has the line an argument that begins with so many bytes of the word? */
static bool has_argument(const struct stack_line *line, const char *word, size_t len)
{
	for (int i = 0; i < line->argc; i++)
		if (strncmp(line->argv[i], word, len) == 0)
			return true;
	return false;
}

static uint32_t answers_of(const struct stack_line *line, enum line_role role)
{
	switch (role) {
	case ROLE_CODE:
	case ROLE_COMBINED:
		return ANSWER_CODE;
	case ROLE_KEY:
		return ANSWER_KEY;
	case ROLE_ENROLL:
		return ANSWER_ENROLL;
	case ROLE_ROOT:
		return ANSWER(PAM_SUCCESS) | ANSWER(PAM_AUTH_ERR);
	case ROLE_FAILS:
		return ANSWER(PAM_PERM_DENIED);
	case ROLE_FACTOR:
		/* some skip users by an argument such as ignore_root= */
		return has_argument(line, "ignore", 6) ? ANSWER_ANY
						       : ANSWER_ANY & ~ANSWER(PAM_IGNORE);
	case ROLE_OTHER:
	case ROLE_PLAIN:
		break;
	}
	if (is_module(line, "nologin") && has_argument(line, "successok", sizeof("successok")))
		return ANSWER_ANY;
	if (is_module(line, "permit"))
		return ANSWER(PAM_SUCCESS);
	if (is_module(line, "deny"))
		return ANSWER(PAM_AUTH_ERR);
	return is_one_of(line, quiet, COUNT_OF(quiet)) ? ANSWER_QUIET : ANSWER_ANY;
}

/* --- one way --- */

/* What has happened on the way. */
enum fact {
	FACT_TRIED = 1 << 0,   /* a first factor was asked… */
	FACT_PROVEN = 1 << 1,  /* …and one succeeded, or sshd has checked a key */
	FACT_ASKED = 1 << 2,   /* a line of ours was asked… */
	FACT_PASSED = 1 << 3,  /* …and one did not deny… */
	FACT_VOUCHED = 1 << 4, /* …or one succeeded */
	FACT_ROOT = 1 << 5,    /* the caller is root, who need not be asked */
};

struct route {
	struct stack_walk walk; /* of all failing statuses only PAM_AUTH_ERR is used */
	unsigned facts;
	size_t past; /* the line that skipped ours, or NOWHERE */
	size_t ours; /* the last line of ours that was asked, or NOWHERE */
	size_t next; /* another route at the same line, or NOWHERE */
};

struct walking {
	const struct stack *stack;
	struct walk *routes;
	struct route *all;
	size_t count, room;
	bool no_memory;
	bool account; /* there is a line of ours in account */
	size_t *at;   /* by line, the end included: the first route at it */
};

/* Does a login go on with this result of PAM? */
static bool is_admitted(const struct walking *walking, int status)
{
	return status == PAM_SUCCESS || (walking->account && status == PAM_NEW_AUTHTOK_REQD);
}

static int relevant_status(const struct walking *walking, int status)
{
	return is_admitted(walking, status) ? status : PAM_AUTH_ERR;
}

/* Clear what was saved on entering substacks that were left, since it no longer counts. */
static void normalise(const struct walking *walking, struct stack_walk *walk)
{
	walk->status = relevant_status(walking, walk->status);
	for (unsigned i = 0; i <= STACK_LEVEL_MAX; i++) {
		if (i > walk->level)
			walk->saved[i].impression = walk->saved[i].status = 0;
		else
			walk->saved[i].status = relevant_status(walking, walk->saved[i].status);
	}
}

/* The list may move. */
static bool grow_routes(struct walking *walking)
{
	walking->routes->too_many = walking->count == ROUTES_MAX;
	if (walking->routes->too_many)
		return false;
	walking->no_memory =
		!array_room(&walking->all, walking->count, &walking->room, sizeof(*walking->all));
	return !walking->no_memory;
}

static void add_route(struct walking *walking, size_t line, const struct route *route)
{
	for (size_t i = walking->at[line]; i != NOWHERE; i = walking->all[i].next) {
		const struct route *other = &walking->all[i];

		if (other->facts == route->facts && other->past == route->past &&
		    other->ours == route->ours &&
		    memcmp(&other->walk, &route->walk, sizeof(route->walk)) == 0)
			return;
	}
	if (!grow_routes(walking))
		return;
	walking->all[walking->count] = *route;
	walking->all[walking->count].next = walking->at[line];
	walking->at[line] = walking->count++;
}

static unsigned facts_after(unsigned facts, enum line_role role, int answer)
{
	if (walk_is_code(role)) {
		facts |= FACT_ASKED;
		if (answer == PAM_SUCCESS)
			facts |= FACT_PASSED | FACT_VOUCHED;
		if (answer == PAM_IGNORE)
			facts |= FACT_PASSED;
	}
	if (walk_may_be_factor(role))
		facts |= FACT_TRIED;
	/* an expired password is still the right one */
	if ((walk_may_be_factor(role) &&
	     (answer == PAM_SUCCESS || answer == PAM_NEW_AUTHTOK_REQD)) ||
	    (role == ROLE_KEY && answer == PAM_SUCCESS))
		facts |= FACT_PROVEN;
	if (role == ROLE_ROOT && answer == PAM_SUCCESS)
		facts |= FACT_ROOT;
	return facts;
}

/* Is a line of ours, or a first factor, between two lines? */
static bool has_between(const struct walking *walking, size_t after, size_t before,
			bool (*is)(enum line_role role))
{
	for (size_t i = after + 1; i < before; i++)
		if (is(walking->stack->lines[i].role))
			return true;
	return false;
}

static void take_answer(struct walking *walking, const struct route *route, size_t line, int answer)
{
	enum line_role role = walking->stack->lines[line].role;
	struct route after = *route;
	size_t to = stack_step(walking->stack, &after.walk, line, answer);

	normalise(walking, &after.walk);
	after.facts = facts_after(route->facts, role, answer);
	if (walk_is_code(role))
		after.ours = line;
	else if (after.past == NOWHERE && has_between(walking, line, to, walk_is_code))
		after.past = line;
	add_route(walking, to, &after);
}

/* --- marks --- */

static void look_at_order(struct walking *walking, const struct route *route, size_t line)
{
	unsigned *marks = &walking->routes->marks[line];

	if (walk_is_code(walking->stack->lines[line].role) && !walking->account &&
	    route->facts & FACT_VOUCHED)
		*marks |= MARK_TWICE;
	if (walking->stack->lines[line].role != ROLE_CODE ||
	    route->facts & (FACT_ROOT | FACT_PROVEN))
		return;
	if (!(route->facts & FACT_TRIED)) {
		if (has_between(walking, line, walking->stack->count, is_factor))
			*marks |= MARK_EARLY;
	} else if (route->walk.impression < 0 &&
		   (route->facts & (FACT_ASKED | FACT_PASSED)) != FACT_ASKED) {
		/* not by a denial of ours */
		*marks |= MARK_UNPROVEN;
	}
}

static void look_at_end(struct walking *walking, const struct route *route, bool *asked,
			bool *unasked)
{
	struct walk *routes = walking->routes;

	if (!is_admitted(walking, stack_result(&route->walk)))
		return;
	routes->open = true;
	*asked |= (route->facts & FACT_ASKED) != 0;
	if (route->facts & FACT_ROOT)
		return;
	*unasked |= !(route->facts & FACT_ASKED) ||
		    (route->facts & (FACT_PASSED | FACT_VOUCHED)) == FACT_PASSED;
	if (!(route->facts & FACT_ASKED)) {
		if (route->past != NOWHERE)
			routes->marks[route->past] |= MARK_SKIPS;
	} else if (!(route->facts & FACT_PASSED)) {
		routes->marks[route->ours] |= MARK_OVERRULED;
	} else if (routes->factor && !(route->facts & FACT_PROVEN)) {
		routes->marks[route->ours] |= MARK_ALONE;
	}
}

/* Does the answer mean something beside the action of the line? */
static bool is_special(const struct walking *walking, int answer)
{
	return answer == PAM_IGNORE || is_admitted(walking, answer);
}

/* Each answer that leads to another line, or means something else to us. */
static void step_all(struct walking *walking, const struct route *route, size_t line)
{
	const struct stack_line *at = &walking->stack->lines[line];
	uint32_t answers = answers_of(at, walking->stack->lines[line].role);

	for (int answer = 0; answer < STACK_RETURNS; answer++) {
		bool same = false;

		if (!(answers & ANSWER(answer)))
			continue;
		for (int i = 0; i < answer && !is_special(walking, answer); i++)
			same |= answers & ANSWER(i) && !is_special(walking, i) &&
				at->actions[i] == at->actions[answer];
		if (!same)
			take_answer(walking, route, line, answer);
	}
}

static void walk_lines(struct walking *walking)
{
	bool asked = false, unasked = false;
	size_t count = walking->stack->count;

	for (size_t line = 0; line < count && !walking->routes->too_many; line++) {
		for (size_t i = walking->at[line]; i != NOWHERE; i = walking->all[i].next) {
			struct route route = walking->all[i];

			look_at_order(walking, &route, line);
			step_all(walking, &route, line);
		}
	}
	for (size_t i = walking->at[count]; i != NOWHERE; i = walking->all[i].next)
		look_at_end(walking, &walking->all[i], &asked, &unasked);
	walking->routes->stuck = asked && !unasked;
}

void walk_end(struct walk *routes)
{
	free(routes->marks);
	*routes = (struct walk){0};
}

static enum totp_err begin_walk(struct walking *walking)
{
	struct route begin = {.walk = stack_start(), .past = NOWHERE, .ours = NOWHERE};
	size_t count = walking->stack->count;

	walking->routes->marks = calloc(count + 1, sizeof(*walking->routes->marks));
	walking->at = calloc(count + 1, sizeof(*walking->at));
	if (!walking->routes->marks || !walking->at)
		return TOTP_ERR_NOMEM;
	for (size_t i = 0; i <= count; i++)
		walking->at[i] = NOWHERE;
	for (size_t i = 0; i < count; i++) {
		walking->routes->code |= walk_is_code(walking->stack->lines[i].role);
		walking->account |= walking->stack->lines[i].role == ROLE_ENROLL;
		walking->routes->factor |= is_factor(walking->stack->lines[i].role);
		walking->routes->unknown |= walking->stack->lines[i].role == ROLE_OTHER;
	}
	normalise(walking, &begin.walk);
	add_route(walking, 0, &begin);
	return walking->no_memory ? TOTP_ERR_NOMEM : TOTP_OK;
}

enum totp_err walk_stack(const struct stack *stack, struct walk *ret_routes)
{
	struct walking walking = {.stack = stack, .routes = ret_routes};
	enum totp_err err;

	*ret_routes = (struct walk){0};
	err = begin_walk(&walking);
	if (err == TOTP_OK)
		walk_lines(&walking);
	if (walking.no_memory)
		err = TOTP_ERR_NOMEM;
	free(walking.all);
	free(walking.at);
	if (err != TOTP_OK)
		walk_end(ret_routes);
	return err;
}
