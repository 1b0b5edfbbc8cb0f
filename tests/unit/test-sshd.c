/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/sshd.h"
#include "login/policy.h"
#include "store_fixture.h"

/* A copy of this program, under another name, does this instead of the tests: is it sshd? */
#define ASK     "--is-sshd"
#define GO_AWAY "--is-sshd-after-an-upgrade"

static int ask(char **words)
{
	if (strcmp(words[1], GO_AWAY) == 0 && unlink(words[0]) != 0)
		return 99;
	return sshd_is_caller();
}

static void copy_self(const char *path, mode_t mode)
{
	static char bytes[1 << 16];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	ssize_t got;

	assert_true(from >= 0 && to >= 0);
	while ((got = read(from, bytes, sizeof(bytes))) > 0)
		assert_int_equal(got, write(to, bytes, (size_t)got));
	assert_int_equal(0, fchmod(to, mode));
	close(from);
	close(to);
}

struct program {
	const char *name;
	mode_t mode;
	uid_t owner, real;
	const char *word;
};

/* Does a process that runs this program take itself for sshd? */
static bool is_sshd(const struct program *program)
{
	char dir[32], path[64];
	int status = 0;
	pid_t child;

	directory_begin(dir);
	assert_int_equal(0, chmod(dir, 0777));
	snprintf(path, sizeof(path), "%s/%s", dir, program->name);
	copy_self(path, program->mode);
	assert_int_equal(0, chown(path, program->owner, 0));
	child = fork();
	if (child == 0) {
		if (program->real && setresuid(program->real, 0, 0) != 0)
			_exit(98);
		execl(path, path, program->word, (char *)NULL);
		_exit(97);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	directory_end(dir);
	return WEXITSTATUS(status) == 1;
}

static void sshd_is_a_program_of_that_name_that_root_owns_and_has_started(void **unused)
{
	static const struct {
		struct program program;
		bool is;
	} rows[] = {
		{{"sshd", 0755, 0, 0, ASK}, true},        {{"sshd-session", 0755, 0, 0, ASK}, true},
		{{"sshd-auth", 0755, 0, 0, ASK}, true},   {{"sshd.pam", 0755, 0, 0, ASK}, true},
		{{"sshd", 0755, 0, 0, GO_AWAY}, true},    {{"su", 0755, 0, 0, ASK}, false},
		{{"sudo", 0755, 0, 0, ASK}, false},       {{"ssh", 0755, 0, 0, ASK}, false},
		{{"sshdx", 0755, 0, 0, ASK}, false},      {{"xsshd", 0755, 0, 0, ASK}, false},
		{{"sshd is me", 0755, 0, 0, ASK}, false}, {{"sshd", 0775, 0, 0, ASK}, false},
		{{"sshd", 0757, 0, 0, ASK}, false},       {{"sshd", 0755, 1, 0, ASK}, false},
		{{"sshd", 0755, 0, 1, ASK}, false}, /* set-uid: the caller sets its environment */
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (is_sshd(&rows[i].program) != rows[i].is)
			fail_msg("row %zu: %s %o", i, rows[i].program.name,
				 (unsigned)rows[i].program.mode);
}

static void the_accepted_methods_are_read_from_sshd_s_lines(void **unused)
{
	static const struct {
		const char *info;
		unsigned accepted;
	} rows[] = {
		{"", 0},
		{"publickey ssh-ed25519 AAAA\n", SSH_PUBLICKEY},
		{"publickey ssh-ed25519 AAAA", SSH_PUBLICKEY},
		{"publickey", 0},
		{"publickey ", 0},
		{"publickeyx y", 0},
		{" publickey x", 0},
		{"password\n", 0},
		{"keyboard-interactive/pam\n", 0},
		{"keyboard-interactive publickey x", 0},
		{"gssapi-with-mic alice@EXAMPLE.ORG\n", SSH_GSSAPI},
		{"gssapi-with-mic\n", SSH_GSSAPI},
		{"gssapi-keyex\n", SSH_GSSAPI},
		{"gssapi\n", 0},
		{"hostbased ssh-ed25519 AAAA client user \"alice\", client host \"tower\"\n",
		 SSH_HOSTBASED},
		{"hostbased ssh-ed25519 AAAA client user \"publickey x\"\n", SSH_HOSTBASED},
		{"password\npublickey ssh-ed25519 AAAA\ngssapi-with-mic a@B\n",
		 SSH_PUBLICKEY | SSH_GSSAPI},
		{"PUBLICKEY ssh-ed25519 AAAA\n", 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(rows[i].accepted, sshd_accepted(rows[i].info));
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sshd_is_a_program_of_that_name_that_root_owns_and_has_started),
		cmocka_unit_test(the_accepted_methods_are_read_from_sshd_s_lines),
	};

	if (argc > 1)
		return ask(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
