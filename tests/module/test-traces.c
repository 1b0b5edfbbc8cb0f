/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a login leaves behind: no secret anywhere, the same words for everybody, and an unchanged
 * program.
 */
#include "module.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "otp/base32.h"

#define OUTCOMES 14

/* One login of every outcome. Which ones these are does not matter here. */
static int outcome(unsigned which)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now), .rhost = A};

	switch (which) {
	case 0:
		return scene_talk(&scene, "daemon", &talk);
	case 1: /* the code that was just used */
		return scene_talk(&scene, "daemon", &talk);
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
		return wrong(B);
	case 7: /* throttled by now */
		return wrong(B);
	case 8:
		return scene_talk(&scene, "bin", &talk);
	case 9:
		return scene_talk(&scene, "no-such-user", &talk);
	case 10:
		talk.fault = TALK_CONV_ERR;
		return scene_talk(&scene, "daemon", &talk);
	case 11:
		talk.answer = "correct-horse";
		return scene_talk(&scene, "daemon", &talk);
	case 12: /* a record that cannot be opened */
		assert_int_equal(0, truncate(scene_record(&scene, "nobody"), 20));
		return scene_talk(&scene, "nobody", &talk);
	default: /* an option that does not exist; the last of all */
		scene_service(&scene, "", "debug no-such-option");
		return scene_talk(&scene, "daemon", &talk);
	}
}

static void play_all_outcomes(void)
{
	static const int expected[OUTCOMES] = {
		PAM_SUCCESS,  PAM_AUTH_ERR, PAM_AUTH_ERR,         PAM_AUTH_ERR,    PAM_AUTH_ERR,
		PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_MAXTRIES,         PAM_AUTH_ERR,    PAM_AUTH_ERR,
		PAM_AUTH_ERR, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL, PAM_SERVICE_ERR,
	};

	scene_enroll(&scene, "nobody");
	for (unsigned i = 0; i < OUTCOMES; i++)
		assert_int_equal(expected[i], outcome(i));
}

/* --- words --- */

static void no_code_secret_or_password_is_logged_or_printed(void **unused)
{
	char out[512], hex[2 * SECRET_NEW_LEN + 1], base32[BASE32_TEXT_MAX], said[4096];
	char before[512];
	int64_t now = scene_now;
	struct secret secret = scene_secret("daemon");
	int fd, kept[2];
	ssize_t len;

	strcpy(out, scene_path(&scene, "out"));
	snprintf(before, sizeof(before), "auth required %s authtok=correct-horse\n", FIRST_PATH);
	scene_service(&scene, before, "debug");

	fflush(NULL);
	kept[0] = dup(1);
	kept[1] = dup(2);
	fd = open(out, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && dup2(fd, 1) == 1 && dup2(fd, 2) == 2);
	play_all_outcomes();
	fflush(NULL);
	assert_true(dup2(kept[0], 1) == 1 && dup2(kept[1], 2) == 2);
	close(kept[0]);
	close(kept[1]);

	len = pread(fd, said, sizeof(said) - 1, 0);
	close(fd);
	assert_int_equal(0, len); /* the module prints nothing at all */

	text_to_hex(secret.data, secret.len, hex);
	base32_encode(&secret, base32);
	assert_lacks(scene_log, hex);
	assert_lacks(scene_log, base32);
	assert_lacks(scene_log, "own 20 bytes");
	assert_lacks(scene_log, "correct-horse");
	for (int step = -3; step <= 3; step++)
		assert_lacks(scene_log, scene_code("daemon", now + step * SCENE_STEP));
	assert_lacks(scene_log, scene_wrong_code("daemon", now));
	assert_true(lines_in(scene_log) > OUTCOMES);
}

static void every_outcome_is_one_line_with_all_its_fields(void **unused)
{
	static const char *const fields[] = {"pam_totp: user=", " service=" SCENE_SERVICE " ",
					     " source=",        " outcome=",
					     " reason=",        " token=\""};

	scene_enroll(&scene, "nobody");
	for (unsigned i = 0; i < OUTCOMES - 1; i++) {
		scene_log_clear();
		(void)outcome(i);
		assert_int_equal(1, lines_in(scene_log));
		for (size_t f = 0; f < COUNT(fields); f++)
			assert_logged(fields[f]);
	}
}

static void unknown_users_unenrolled_users_and_wrong_codes_read_the_same(void **unused)
{
	static const char *const users[] = {"no-such-user", "bin", "daemon"};

	for (size_t i = 0; i < COUNT(users); i++) {
		struct talk talk = {.answer = scene_wrong_code("daemon", scene_now), .rhost = A};

		assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, users[i], &talk));
		assert_string_equal(REFUSED, talk.heard);
		assert_false(talk.echoed);
	}
}

static void the_help_of_the_policy_follows_every_denial_alike(void **unused)
{
	static const char *const users[] = {"no-such-user", "bin", "daemon"};

	scene_policy(&scene, "help = Call the help desk: 555-0100\n");
	for (size_t i = 0; i < COUNT(users); i++) {
		struct talk talk = {.answer = scene_wrong_code("daemon", scene_now), .rhost = A};

		assert_int_equal(PAM_AUTH_ERR, scene_talk(&scene, users[i], &talk));
		assert_string_equal("?Verification code: \n!That code was not accepted.\n"
				    "Call the help desk: 555-0100\n",
				    talk.heard);
	}
}

/* --- the program --- */

struct process {
	uid_t uid[3], fsuid;
	gid_t gid[3], fsgid, groups[64];
	int group_count;
	mode_t mask;
	char cwd[4096];
	unsigned fds;
	void (*handlers[32])(int);
	int flags[32];
	sigset_t blocked;
	struct rlimit core, files, size;
};

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void look_at_process(struct process *process)
{
	memset(process, 0, sizeof(*process));
	getresuid(&process->uid[0], &process->uid[1], &process->uid[2]);
	getresgid(&process->gid[0], &process->gid[1], &process->gid[2]);
	process->fsuid = (uid_t)setfsuid((uid_t)-1);
	process->fsgid = (gid_t)setfsgid((gid_t)-1);
	process->group_count = getgroups(COUNT(process->groups), process->groups);
	process->mask = umask(022);
	umask(process->mask);
	assert_non_null(getcwd(process->cwd, sizeof(process->cwd)));
	process->fds = count_fds();
	for (int i = 1; i < 32; i++) {
		struct sigaction action = {.sa_flags = 0};

		sigaction(i, NULL, &action);
		process->handlers[i] = action.sa_handler;
		process->flags[i] = action.sa_flags;
	}
	sigprocmask(SIG_BLOCK, NULL, &process->blocked);
	getrlimit(RLIMIT_CORE, &process->core);
	getrlimit(RLIMIT_NOFILE, &process->files);
	getrlimit(RLIMIT_FSIZE, &process->size);
}

static void after_every_outcome_the_program_is_as_it_was(void **unused)
{
	static struct process before, after;

	scene_enroll(&scene, "nobody");
	(void)wrong(A); /* NSS and libcrypto keep what they opened once */
	for (unsigned i = 0; i < OUTCOMES; i++) {
		look_at_process(&before);
		(void)outcome(i);
		look_at_process(&after);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

/* Run in a child process, which may change itself; its exit status is a PAM code. */
static int in_a_child(int (*run)(void))
{
	int status = 0;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(run());
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int log_in_without_standard_files(void)
{
	char code[9];

	strcpy(code, scene_code("daemon", scene_now));
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	return scene_login(&scene, "daemon", A, code);
}

static void a_program_without_standard_files_can_log_in(void **unused)
{
	assert_int_equal(PAM_SUCCESS, in_a_child(log_in_without_standard_files));
}

static void forbid_descriptors(void *context)
{
	struct rlimit none = {3, 3};

	(void)context;
	setrlimit(RLIMIT_NOFILE, &none);
}

/*
 * 0 if the module denied with an error. libpam may return another code than the module, because its
 * audit message needs a descriptor, too.
 */
static int refused_with_an_error(int code)
{
	return code == PAM_SUCCESS || code == SCENE_IGNORED || !strstr(scene_log, "outcome=error");
}

static int log_in_without_descriptors(void)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now)};
	struct pam_conv conv;
	pam_handle_t *handle = scene_begin(&scene, "daemon", &talk, &conv);

	forbid_descriptors(NULL);
	return refused_with_an_error(pam_authenticate(handle, 0));
}

static int log_in_without_descriptors_from_the_prompt_on(void)
{
	struct talk talk = {.answer = scene_code("daemon", scene_now),
			    .while_typing = forbid_descriptors};

	return refused_with_an_error(scene_talk(&scene, "daemon", &talk));
}

static void a_program_that_may_open_no_file_is_denied(void **unused)
{
	assert_int_equal(0, in_a_child(log_in_without_descriptors));
	assert_int_equal(0, in_a_child(log_in_without_descriptors_from_the_prompt_on));
	assert_int_equal(PAM_SUCCESS, right(A));
}

static int log_in_without_file_size(void)
{
	struct rlimit none = {0, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &none);
	return right(A);
}

static void a_program_that_may_write_no_file_is_denied(void **unused)
{
	uint64_t last = scene_last_step(&scene, "daemon");

	assert_int_equal(PAM_AUTHINFO_UNAVAIL, in_a_child(log_in_without_file_size));
	assert_int_equal(last, scene_last_step(&scene, "daemon"));
	assert_int_equal(PAM_SUCCESS, right(A));
}

/* --- the file of the module --- */

static void every_symbol_resolves_and_no_qr_or_network_library_is_loaded(void **unused)
{
	static const char *const unwanted[] = {"libqrencode", "libcurl", "libssl.", "libpng"};
	static const char *const entries[] = {"pam_sm_authenticate", "pam_sm_setcred"};
	void *module = dlopen(MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
	char line[4096];
	FILE *maps;

	if (!module)
		fail_msg("%s", dlerror());
	for (size_t i = 0; i < COUNT(entries); i++)
		assert_non_null(dlsym(module, entries[i]));
	assert_null(dlsym(module, "pam_code_of"));
	maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		for (size_t i = 0; i < COUNT(unwanted); i++)
			assert_lacks(line, unwanted[i]);
	fclose(maps);
	dlclose(module);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(no_code_secret_or_password_is_logged_or_printed),
		in_a_scene(every_outcome_is_one_line_with_all_its_fields),
		in_a_scene(unknown_users_unenrolled_users_and_wrong_codes_read_the_same),
		in_a_scene(the_help_of_the_policy_follows_every_denial_alike),
		in_a_scene(after_every_outcome_the_program_is_as_it_was),
		in_a_scene(a_program_without_standard_files_can_log_in),
		in_a_scene(a_program_that_may_open_no_file_is_denied),
		in_a_scene(a_program_that_may_write_no_file_is_denied),
		cmocka_unit_test(every_symbol_resolves_and_no_qr_or_network_library_is_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
