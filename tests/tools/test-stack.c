/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of PAM stacks compared with libpam on random stacks with includes, substacks, jumps
 * and mistakes: both must give the same result for a login.
 */
#include "../unit/unit.h"

#include <ftw.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pamconf/stack.h"

#define STACKS 2000

static char directory[] = "/tmp/pam-stacks-XXXXXX";

/* libpam leaks what it has read of a stack that it rejects. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libpam.so";
}

/* A trace by frame pointers ends in libc, which libpam calls, and names nothing of libpam. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

/* --- random stacks --- */

static unsigned chance(unsigned below)
{
	return (unsigned)rand() % below;
}

static const char *pick(const char *const *words, size_t count)
{
	return words[chance((unsigned)count)];
}

static void write_control(FILE *file)
{
	static const char *const words[] = {"required", "requisite", "sufficient",
					    "optional", "REQUIRED",  "Sufficient"};
	static const char *const names[] = {"success",      "auth_err", "ignore",
					    "user_unknown", "default",  "new_authtok_reqd"};
	static const char *const actions[] = {"ignore", "ok", "done", "bad", "die",
					      "reset",  "1",  "2",    "3"};

	if (chance(2)) {
		fputs(pick(words, COUNT(words)), file);
		return;
	}
	fputc('[', file);
	for (unsigned i = 1 + chance(4); i; i--)
		fprintf(file, "%s=%s ", pick(names, COUNT(names)), pick(actions, COUNT(actions)));
	fprintf(file, "%s]", chance(8) ? "default=bad" : "nonsense");
}

static void write_line(FILE *file, unsigned depth, const char *name)
{
	static const int answers[] = {PAM_SUCCESS,      PAM_AUTH_ERR,         PAM_IGNORE,
				      PAM_USER_UNKNOWN, PAM_NEW_AUTHTOK_REQD, PAM_MAXTRIES};
	static const char *const odd[] = {"# auth required pam_deny.so\n",
					  "\n",
					  "  \t\n",
					  "session required pam_no_such.so\n",
					  "account required pam_no_such.so\n",
					  "auth\n",
					  "auth required\n",
					  "nonsense required pam_deny.so\n",
					  "auth include no_such_file\n",
					  "session include no_such_file\n"};

	if (depth == 0 && chance(60) == 0) {
		/*
		 * in an include for one type libpam has no actions for the line, only what was in
		 * that memory
		 */
		fputs("@include no_such_file\n", file);
	} else if (chance(12) == 0) {
		fputs(pick(odd, chance(3) ? 5 : COUNT(odd)), file);
	} else if (depth < 3 && chance(5) == 0) {
		fprintf(file, "auth %s %s/%s.%u\n", chance(2) ? "include" : "substack", directory,
			name, depth + 1);
	} else if (depth < 3 && chance(12) == 0) {
		fprintf(file, "@include %s/%s.%u # all of it\n", directory, name, depth + 1);
	} else {
		fprintf(file, "%s\t", chance(9) ? "auth" : "-AUTH");
		write_control(file);
		fprintf(file, "%s" ANSWER_PATH " %d%s\n", chance(6) ? " " : " \\\n   ",
			answers[chance(COUNT(answers))], chance(6) ? "" : " # a comment");
	}
}

static void write_stack(const char *name, unsigned depth)
{
	char path[200];
	FILE *file;

	snprintf(path, sizeof(path), depth ? "%s/%s.%u" : "%s/%s", directory, name, depth);
	file = fopen(path, "w");
	assert_non_null(file);
	for (unsigned i = 1 + chance(6); i; i--)
		write_line(file, depth, name);
	assert_int_equal(0, fclose(file));
}

/* --- both results --- */

static int by_libpam(const char *name)
{
	const struct pam_conv conv = {NULL, NULL};
	pam_handle_t *pamh = NULL;
	int result;

	/* a file that libpam rejects must be rejected here */
	result = pam_start_confdir(name, "root", &conv, directory, &pamh);
	if (result != PAM_SUCCESS)
		return result;
	result = pam_authenticate(pamh, 0);
	pam_end(pamh, result);
	return result;
}

static int answer_of(const struct stack_line *line)
{
	return line->kind == STACK_MODULE && line->argc == 1 ? atoi(line->argv[0])
							     : PAM_SERVICE_ERR;
}

static int by_us(const char *name)
{
	OWN_STACK struct stack stack = {0};
	struct stack_walk walk = stack_start();

	assert_ok(stack_read(directory, name, "auth", &stack));
	for (size_t i = 0; i < stack.count;)
		i = stack_step(&stack, &walk, i, answer_of(&stack.lines[i]));
	return stack.refused ? PAM_ABORT : stack_result(&walk);
}

static void libpam_and_the_reader_give_the_same_result(void **unused)
{
	unsigned successes = 0;

	srand(6238);
	for (unsigned i = 0; i < STACKS; i++) {
		char name[32];
		int theirs, ours;

		snprintf(name, sizeof(name), "stack%u", i);
		for (unsigned depth = 0; depth < 4; depth++)
			write_stack(name, depth);
		theirs = by_libpam(name);
		ours = by_us(name);
		if (theirs != ours)
			fail_msg("%s/%s: the result of libpam is %d, of the reader %d", directory,
				 name, theirs, ours);
		successes += ours == PAM_SUCCESS;
	}
	assert_in_range(successes, STACKS / 20, STACKS / 2);
}

/* --- single cases --- */

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

static void a_line_has_its_file_its_number_and_its_arguments(void **unused)
{
	OWN_STACK struct stack stack = {0};

	write_text("args", "# first\n\nauth [success=2 default=die] /lib/security/pam_x.so "
			   "prompt=Code: [prompt=Your code [now\\]: ] \\\n  last\n");
	assert_ok(stack_read(directory, "args", "auth", &stack));
	assert_int_equal(1, stack.count);
	assert_int_equal(4, stack.lines[0].number);
	assert_non_null(strstr(stack.lines[0].file, "/args"));
	assert_string_equal("pam_x.so", stack.lines[0].module);
	assert_int_equal(3, stack.lines[0].argc);
	assert_string_equal("prompt=Your code [now]: ", stack.lines[0].argv[1]);
	assert_string_equal("last", stack.lines[0].argv[2]);
	assert_int_equal(2, stack.lines[0].actions[PAM_SUCCESS]);
	assert_int_equal(STACK_DIE, stack.lines[0].actions[PAM_AUTH_ERR]);
}

static void a_line_knows_the_lines_of_the_service_that_bring_it(void **unused)
{
	static const struct {
		const char *module;
		unsigned from, to;
		bool whole;
	} rows[] = {
		{"pam_a.so", 1, 1, false}, {"pam_s.so", 2, 2, true},  {"pam_i.so", 2, 2, true},
		{"pam_t.so", 3, 3, false}, {"pam_i.so", 3, 3, false}, {"pam_z.so", 4, 5, false},
	};
	OWN_STACK struct stack stack = {0};

	write_text("own", "auth required pam_a.so\n@include shared\nauth include typed\n"
			  "auth required \\\n pam_z.so\n");
	write_text("shared", "auth required pam_s.so\n@include inner\n");
	write_text("typed", "auth required pam_t.so\n@include inner\n");
	write_text("inner", "auth required pam_i.so\n");
	assert_ok(stack_read(directory, "own", "auth", &stack));
	assert_int_equal(COUNT(rows), stack.count);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(rows[i].module, stack.lines[i].module);
		assert_int_equal(rows[i].from, stack.lines[i].own_from);
		assert_int_equal(rows[i].to, stack.lines[i].own_to);
		assert_int_equal(rows[i].whole, stack.lines[i].own_whole);
	}
}

static void a_service_without_a_file_has_the_lines_of_other(void **unused)
{
	OWN_STACK struct stack stack = {0};

	assert_int_equal(TOTP_ERR_NOT_FOUND, stack_read(directory, "nobody", "auth", &stack));
	write_text("other", "auth required pam_deny.so\n");
	assert_ok(stack_read(directory, "nobody", "auth", &stack));
	assert_true(stack.missing);
	assert_int_equal(1, stack.count);
	unlink("other");
}

static void files_that_include_each_other_end(void **unused)
{
	OWN_STACK struct stack stack = {0};
	char text[200];

	snprintf(text, sizeof(text), "auth include %s/round\n", directory);
	write_text("round", text);
	assert_ok(stack_read(directory, "round", "auth", &stack));
	assert_int_equal(1, stack.count);
	assert_int_equal(STACK_MUST_FAIL, stack.lines[0].kind);
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(libpam_and_the_reader_give_the_same_result),
		cmocka_unit_test(a_line_has_its_file_its_number_and_its_arguments),
		cmocka_unit_test(a_line_knows_the_lines_of_the_service_that_bring_it),
		cmocka_unit_test(a_service_without_a_file_has_the_lines_of_other),
		cmocka_unit_test(files_that_include_each_other_end),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
