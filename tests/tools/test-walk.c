/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What doctor reports about a stack, compared with libpam on random stacks, for every combination
 * of return values of its modules; and common stacks by name.
 */
#include "../unit/unit.h"

#include <ftw.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pamconf/walk.h"

#define STACKS    1000
#define LINES_MAX 5

static char directory[] = "/tmp/pam-routes-XXXXXX";

static void write_text(const char *name, const char *text)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(0, fclose(file));
}

static void read_stack(const char *name, const char *type, struct stack *stack)
{
	bool account = strcmp(type, "account") == 0;

	assert_ok(stack_read(directory, name, type, stack));
	for (size_t i = 0; i < stack->count; i++)
		stack->lines[i].role = account ? walk_account_role(&stack->lines[i])
					       : walk_role(&stack->lines[i]);
}

/* --- random stacks --- */

static unsigned chance(unsigned below)
{
	return (unsigned)rand() % below;
}

/* The stacks of one type: what its modules may return, and ours. */
struct kind {
	const char *type;
	enum line_role ours, others;
	int (*call)(pam_handle_t *pamh, int flags);
	int expired; /* PAM_SUCCESS, or another code with which a login continues */
	int answers[5], our_answers[5];
	const char *controls[12]; /* actions differ for these codes only */
};

static const struct kind kinds[] = {
	{"auth",
	 ROLE_CODE,
	 ROLE_OTHER,
	 pam_authenticate,
	 PAM_SUCCESS,
	 {PAM_SUCCESS, PAM_AUTH_ERR, PAM_IGNORE, PAM_MAXTRIES, PAM_AUTHINFO_UNAVAIL},
	 {PAM_SUCCESS, PAM_AUTH_ERR, PAM_IGNORE, PAM_MAXTRIES, PAM_AUTHINFO_UNAVAIL},
	 {"required", "requisite", "sufficient", "optional", "[success=1 default=ignore]",
	  "[success=2 ignore=ignore default=die]", "[success=ok maxtries=1 default=bad]",
	  "[success=done auth_err=reset default=ignore]", "[default=die success=ok ignore=1]",
	  "[auth_err=2 maxtries=done default=ok]", "[maxtries=ignore success=ok default=die]",
	  "[success=done default=ignore]"}},
	{"account",
	 ROLE_ENROLL,
	 ROLE_PLAIN,
	 pam_acct_mgmt,
	 PAM_NEW_AUTHTOK_REQD,
	 {PAM_SUCCESS, PAM_PERM_DENIED, PAM_IGNORE, PAM_NEW_AUTHTOK_REQD, PAM_AUTHINFO_UNAVAIL},
	 {PAM_SUCCESS, PAM_PERM_DENIED, PAM_AUTHINFO_UNAVAIL, PAM_SERVICE_ERR, PAM_PERM_DENIED},
	 {"required", "requisite", "sufficient", "optional", "[success=1 default=ignore]",
	  "[success=1 new_authtok_reqd=done default=ignore]",
	  "[success=ok authinfo_unavail=1 default=bad]",
	  "[success=done perm_denied=reset default=ignore]",
	  "[default=die success=ok ignore=1 new_authtok_reqd=2]",
	  "[perm_denied=2 authinfo_unavail=done default=ok]",
	  "[authinfo_unavail=ignore success=ok new_authtok_reqd=ok default=die]",
	  "[success=done default=ignore]"}},
};

#define ANSWERS  COUNT(kinds[0].answers)
#define CONTROLS COUNT(kinds[0].controls)

static bool goes_on(const struct kind *kind, int result)
{
	return result == PAM_SUCCESS || result == kind->expired;
}

static bool refuses(int answer)
{
	return answer != PAM_SUCCESS && answer != PAM_IGNORE;
}

static void write_line(FILE *file, const struct kind *kind, bool code)
{
	fprintf(file, "%s %s " ANSWER_PATH " %d%s\n", kind->type, kind->controls[chance(CONTROLS)],
		(code ? kind->our_answers : kind->answers)[chance(ANSWERS)],
		code ? " ASKED=yes" : "");
}

static void write_stack(const char *name, const struct kind *kind)
{
	char path[200], inner[200];
	unsigned count = 2 + chance(LINES_MAX - 1), code = chance(count);
	bool nested = chance(3) == 0;
	FILE *file, *part;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	snprintf(inner, sizeof(inner), "%s/%s.inner", directory, name);
	file = fopen(path, "w");
	part = fopen(inner, "w");
	assert_true(file && part);
	for (unsigned i = 0; i < count; i++)
		write_line(nested && i < count / 2 ? part : file, kind, i == code);
	assert_int_equal(0, fclose(file));
	assert_int_equal(0, fclose(part));
	if (!nested)
		return;
	/* the inner lines come first, or last */
	file = fopen(path, "a");
	assert_non_null(file);
	fprintf(file, "%s %s %s\n", kind->type, chance(2) ? "substack" : "include", inner);
	write_line(file, kind, false);
	assert_int_equal(0, fclose(file));
}

static enum line_role role_of(const struct kind *kind, const struct stack_line *line)
{
	if (line->kind != STACK_MODULE)
		return ROLE_FAILS;
	return line->argc == 2 ? kind->ours : kind->others;
}

/* One login, with the return values that the stack contains. */
static void compare_with_libpam(const char *name, const struct kind *kind,
				const struct walk *routes, unsigned all, bool refused)
{
	const struct pam_conv conv = {NULL, NULL};
	pam_handle_t *pamh = NULL;
	bool asked;
	int result;

	assert_int_equal(PAM_SUCCESS, pam_start_confdir(name, "root", &conv, directory, &pamh));
	result = kind->call(pamh, 0);
	asked = pam_getenv(pamh, "ASKED");
	pam_end(pamh, result);
	if (!goes_on(kind, result))
		return;
	assert_true(routes->open);
	if (!asked && !(all & MARK_SKIPS))
		fail_msg("%s/%s: libpam allows a login without asking, and nothing is reported",
			 directory, name);
	if (asked && refused && !(all & MARK_OVERRULED))
		fail_msg("%s/%s: libpam allows a login that was denied, and nothing is reported",
			 directory, name);
}

struct seen {
	bool open, skipped, overruled, asked, unasked;
};

/* One login, with the return values that the digits of `number` select. */
static void try_answers(const struct stack *stack, const struct kind *kind, unsigned number,
			struct seen *seen)
{
	struct stack_walk walk = stack_start();
	bool asked = false, refused = false, vouched = false;

	for (size_t i = 0; i < stack->count;) {
		bool ours = role_of(kind, &stack->lines[i]) == kind->ours;
		int answer = (ours ? kind->our_answers : kind->answers)[number % ANSWERS];

		if (stack->lines[i].kind == STACK_MODULE)
			number /= ANSWERS;
		if (ours) {
			asked = true;
			refused = refuses(answer);
			vouched = answer == PAM_SUCCESS;
		}
		i = stack_step(stack, &walk, i, answer);
	}
	if (!goes_on(kind, stack_result(&walk)))
		return;
	seen->open = true;
	seen->skipped |= !asked;
	seen->overruled |= asked && refused;
	seen->asked |= asked;
	seen->unasked |= !refused && !vouched;
}

static void compare_with_every_answer(const char *name, const struct kind *kind,
				      const struct stack *stack, const struct walk *routes,
				      unsigned all)
{
	struct seen seen = {0};
	unsigned ways = 1;

	for (size_t i = 0; i < stack->count; i++)
		if (stack->lines[i].kind == STACK_MODULE)
			ways *= ANSWERS;
	for (unsigned i = 0; i < ways; i++)
		try_answers(stack, kind, i, &seen);
	if (seen.open != routes->open || seen.skipped != ((all & MARK_SKIPS) != 0) ||
	    seen.overruled != ((all & MARK_OVERRULED) != 0) ||
	    (seen.asked && !seen.unasked) != routes->stuck)
		fail_msg("%s/%s: open %d %d, skipped %d, overruled %d, marks %u, stuck %d %d",
			 directory, name, seen.open, routes->open, seen.skipped, seen.overruled,
			 all, seen.asked && !seen.unasked, routes->stuck);
}

/* Make a random stack and compare; returns what is reported. */
static unsigned try_stack(const char *name, const struct kind *kind)
{
	OWN_STACK struct stack stack = {0};
	OWN_WALK struct walk routes = {0};
	bool refused = false;
	unsigned all = 0;

	write_stack(name, kind);
	assert_ok(stack_read(directory, name, kind->type, &stack));
	assert_in_range(stack.count, 1, 2 * LINES_MAX);
	for (size_t i = 0; i < stack.count; i++) {
		int answer = stack.lines[i].argc ? atoi(stack.lines[i].argv[0]) : 0;

		stack.lines[i].role = role_of(kind, &stack.lines[i]);
		refused |= stack.lines[i].role == kind->ours && refuses(answer);
	}
	assert_ok(walk_stack(&stack, &routes));
	for (size_t i = 0; i < stack.count; i++)
		all |= routes.marks[i];
	compare_with_libpam(name, kind, &routes, all, refused);
	compare_with_every_answer(name, kind, &stack, &routes, all);
	return all;
}

static void what_is_reported_about_a_stack_is_what_libpam_does(void **unused)
{
	srand(6238);
	for (size_t k = 0; k < COUNT(kinds); k++) {
		unsigned skipped = 0;

		for (unsigned n = 0; n < STACKS; n++) {
			char name[32];

			snprintf(name, sizeof(name), "%s%u", kinds[k].type, n);
			skipped += (try_stack(name, &kinds[k]) & MARK_SKIPS) != 0;
		}
		assert_in_range(skipped, STACKS / 20, STACKS - STACKS / 20);
	}
}

/* --- common stacks --- */

#define DEBIAN \
	"auth [success=1 default=ignore] pam_unix.so nullok\n" \
	"auth requisite pam_deny.so\n" \
	"auth required pam_permit.so\n"
#define RED_HAT \
	"auth required pam_env.so\n" \
	"auth required pam_faildelay.so delay=2000000\n" \
	"auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular\n" \
	"auth [default=1 ignore=ignore success=ok] pam_localuser.so\n" \
	"auth sufficient pam_unix.so nullok\n" \
	"auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular\n" \
	"auth sufficient pam_sss.so forward_pass\n" \
	"auth required pam_deny.so\n"
#define OURS "auth required pam_totp.so\n"

static const struct {
	const char *text;
	unsigned marks[10]; /* by line */
	bool closed, stuck;
} known[] = {
	/* correct */
	{DEBIAN OURS "auth optional pam_cap.so\n", {0}, false, false},
	{"auth requisite pam_unix.so\n" OURS, {0}, false, false},
	{"auth [success=2 default=ignore] pam_unix.so\n"
	 "auth [success=1 default=ignore] pam_sss.so use_first_pass\n"
	 "auth requisite pam_deny.so\nauth required pam_permit.so\n" OURS,
	 {0},
	 false,
	 false},
	{OURS "auth required pam_permit.so\n", {0}, false, false},
	{"auth sufficient pam_rootok.so\n" DEBIAN OURS, {0}, false, false},
	{"auth [success=1 default=ignore] pam_totp.so if_publickey\n"
	 "auth requisite pam_unix.so\n" OURS "auth required pam_permit.so\n",
	 {0},
	 false,
	 false},
	{"auth required pam_env.so\nauth requisite pam_nologin.so\n" DEBIAN OURS,
	 {0},
	 false,
	 false},
	/* a login skips the module */
	{"auth sufficient pam_unix.so\n" OURS, {MARK_SKIPS, MARK_ALONE}, false, false},
	{"auth sufficient pam_fprintd.so\n" DEBIAN OURS, {MARK_SKIPS}, false, false},
	{"auth [success=4 default=ignore] pam_succeed_if.so user ingroup staff\n" DEBIAN OURS
	 "auth required pam_permit.so\n",
	 {MARK_SKIPS},
	 false,
	 false},
	{"auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n" OURS
	 "auth required pam_permit.so\n",
	 {MARK_SKIPS},
	 false,
	 false},
	{"auth sufficient pam_totp.so if_publickey\n" DEBIAN OURS, {MARK_SKIPS}, false, false},
	/* its result does not count */
	{"auth requisite pam_unix.so\nauth optional pam_totp.so\n",
	 {0, MARK_OVERRULED},
	 false,
	 false},
	{"auth requisite pam_unix.so\nauth [default=ignore] pam_totp.so\n",
	 {0, MARK_OVERRULED},
	 false,
	 false},
	{"auth requisite pam_unix.so\nauth sufficient pam_totp.so\n",
	 {0, MARK_OVERRULED},
	 false,
	 false},
	/* wrong order */
	{OURS "auth required pam_unix.so\n", {MARK_EARLY}, false, false},
	{OURS DEBIAN, {MARK_EARLY}, false, false},
	{"auth required pam_unix.so\n" OURS, {0, MARK_UNPROVEN}, false, false},
	{"auth optional pam_unix.so\n" OURS, {0, MARK_ALONE}, false, false},
	/* asks for two codes */
	{DEBIAN OURS OURS, {0, 0, 0, 0, MARK_TWICE}, false, false},
	{DEBIAN "auth optional pam_cap.so\nauth sufficient pam_totp.so enforce=optional\n" OURS,
	 {0},
	 false,
	 false},
	/* our module has denied before a password was asked for */
	{"auth optional pam_unknown.so\n" OURS OURS, {0, 0, MARK_TWICE}, false, false},
	/* an expired password, which was correct */
	{"auth [success=1 new_authtok_reqd=1 ignore=ignore default=bad] pam_unix.so\n"
	 "auth [default=die] pam_faillock.so authfail\n" OURS,
	 {0},
	 false,
	 true},
	/* our module only, or nobody gets in */
	{OURS, {0}, false, true},
	{"auth required pam_env.so\nauth required pam_nologin.so\n" OURS, {0}, false, true},
	{"auth sufficient pam_totp.so\nauth required pam_deny.so\n", {0}, false, true},
	{"auth requisite pam_deny.so\n" OURS, {0}, true, false},
	{DEBIAN OURS "auth required\n", {0}, true, false},
};

static void common_auth_stacks_are_judged_by_name(void **unused)
{
	for (size_t n = 0; n < COUNT(known); n++) {
		OWN_STACK struct stack stack = {0};
		OWN_WALK struct walk routes = {0};

		write_text("known", known[n].text);
		read_stack("known", "auth", &stack);
		assert_ok(walk_stack(&stack, &routes));
		for (size_t i = 0; i < stack.count; i++)
			if (routes.marks[i] != (i < 10 ? known[n].marks[i] : 0))
				fail_msg("line %zu is marked %u in:\n%s", i + 1, routes.marks[i],
					 known[n].text);
		if (routes.open == known[n].closed || routes.stuck != known[n].stuck)
			fail_msg("open %d, stuck %d:\n%s", routes.open, routes.stuck,
				 known[n].text);
	}
}

#define ENROLL "account requisite pam_totp.so enroll_in_account\n"
#define DEBIAN_ACCOUNT \
	"account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n" \
	"account requisite pam_deny.so\n" \
	"account required pam_permit.so\n"
#define RED_HAT_ACCOUNT \
	"account required pam_unix.so\n" \
	"account sufficient pam_localuser.so\n" \
	"account sufficient pam_usertype.so issystem\n" \
	"account required pam_permit.so\n"

static const struct {
	const char *text;
	unsigned marks[6]; /* by line */
} accounts[] = {
	/* correct */
	{ENROLL DEBIAN_ACCOUNT, {0}},
	{"account required pam_nologin.so\n" ENROLL DEBIAN_ACCOUNT, {0}},
	{ENROLL RED_HAT_ACCOUNT, {0}},
	{"account required pam_totp.so enroll_in_account\n" DEBIAN_ACCOUNT, {0}},
	{"account required pam_unix.so\n" ENROLL, {0}},
	/* a login skips the module */
	{DEBIAN_ACCOUNT ENROLL, {MARK_SKIPS}},
	{RED_HAT_ACCOUNT ENROLL, {0, MARK_SKIPS, MARK_SKIPS}},
	{"account sufficient pam_rootok.so\n" ENROLL DEBIAN_ACCOUNT, {MARK_SKIPS}},
	{"account [success=1 default=ignore] pam_succeed_if.so user = x\n" ENROLL DEBIAN_ACCOUNT,
	 {MARK_SKIPS}},
	/* its result does not count */
	{"account optional pam_totp.so enroll_in_account\n" DEBIAN_ACCOUNT, {MARK_OVERRULED}},
	{"account [success=ok default=ignore] pam_totp.so enroll_in_account\n" DEBIAN_ACCOUNT,
	 {MARK_OVERRULED}},
	{"account [success=ok authinfo_unavail=ignore default=die] pam_totp.so "
	 "enroll_in_account\n" DEBIAN_ACCOUNT,
	 {MARK_OVERRULED}},
	{"account sufficient pam_totp.so enroll_in_account\n" DEBIAN_ACCOUNT, {MARK_OVERRULED}},
	/* denied, and the password has expired */
	{"account [default=ok] pam_unix.so\naccount [default=ok] pam_totp.so enroll_in_account\n",
	 {0, MARK_OVERRULED}},
};

static void common_account_lines_that_skip_the_module_are_marked(void **unused)
{
	for (size_t n = 0; n < COUNT(accounts); n++) {
		OWN_STACK struct stack stack = {0};
		OWN_WALK struct walk routes = {0};

		write_text("known", accounts[n].text);
		read_stack("known", "account", &stack);
		assert_ok(walk_stack(&stack, &routes));
		for (size_t i = 0; i < stack.count; i++)
			if (routes.marks[i] != (i < 6 ? accounts[n].marks[i] : 0))
				fail_msg("line %zu is marked %u in:\n%s", i + 1, routes.marks[i],
					 accounts[n].text);
		assert_true(routes.open);
	}
}

/* Red Hat's line is a substack: its failure does not end the login before the code is asked for. */
static void after_a_substack_that_denies_the_code_is_still_asked_for(void **unused)
{
	OWN_STACK struct stack stack = {0};
	OWN_WALK struct walk routes = {0};

	write_text("password-auth", RED_HAT);
	write_text("known", "auth substack password-auth\n" OURS);
	read_stack("known", "auth", &stack);
	assert_ok(walk_stack(&stack, &routes));
	for (size_t i = 0; i + 1 < stack.count; i++)
		assert_int_equal(0, routes.marks[i]);
	assert_int_equal(MARK_UNPROVEN, routes.marks[stack.count - 1]);

	/* and a sufficient line ends an include */
	stack_end(&stack);
	walk_end(&routes);
	write_text("known", "auth include password-auth\n" OURS);
	read_stack("known", "auth", &stack);
	assert_ok(walk_stack(&stack, &routes));
	assert_int_equal(MARK_SKIPS, routes.marks[4]);
	assert_int_equal(MARK_SKIPS, routes.marks[6]);
}

static void a_stack_with_very_many_paths_is_finished(void **unused)
{
	OWN_STACK struct stack stack = {0};
	OWN_WALK struct walk routes = {0};
	static char text[32768];

	for (size_t i = 0; i < 200; i++)
		strcat(text, i % 2 ? "auth [success=3 auth_err=7 ignore=5 default=2] pam_x.so\n"
				   : "auth optional pam_unix.so\n");
	strcat(text, DEBIAN OURS);
	write_text("many", text);
	read_stack("many", "auth", &stack);
	assert_ok(walk_stack(&stack, &routes));
	assert_true(routes.too_many || routes.open);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int set_up(void **unused)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **unused)
{
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void a_module_whose_name_is_almost_ours_is_misspelt(void **unused)
{
	static const char *const almost[] = {"pam_totp", "totp",        "totp.so",    "pam-totp",
					     "PAM_TOTP", "pam-totp.so", "pam_totp\r", "totp.SO"};
	static const char *const others[] = {"pam_totp.so", "pam_unix.so", "pam_tot", "pam_totp2",
					     ""};
	struct stack_line line = {.kind = STACK_MODULE};

	for (size_t i = 0; i < COUNT(almost); i++) {
		line.module = line.path = almost[i];
		assert_true(walk_is_misspelt(&line));
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		line.module = line.path = others[i];
		assert_false(walk_is_misspelt(&line));
	}
	line = (struct stack_line){.kind = STACK_MUST_FAIL, .module = "totp", .path = "totp"};
	assert_false(walk_is_misspelt(&line));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_reported_about_a_stack_is_what_libpam_does),
		cmocka_unit_test(common_auth_stacks_are_judged_by_name),
		cmocka_unit_test(common_account_lines_that_skip_the_module_are_marked),
		cmocka_unit_test(after_a_substack_that_denies_the_code_is_still_asked_for),
		cmocka_unit_test(a_module_whose_name_is_almost_ours_is_misspelt),
		cmocka_unit_test(a_stack_with_very_many_paths_is_finished),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
