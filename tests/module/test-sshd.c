/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the module does with what sshd passes on. It believes only sshd, so this program runs its
 * tests in a copy of itself with that name.
 */
#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define AUTH "SSH_AUTH_INFO_0="
#define KEY  AUTH "publickey ssh-ed25519 AAAAC3Nza"
#define HOST AUTH "hostbased ssh-ed25519 AAAAC3Nza client user \"x\", client host \"tower\"\n"

static void sshd_s_address_counts_even_if_it_passes_a_host_name(void **unused)
{
	struct talk talk = {.answer = "never",
			    .rhost = "gw.example.org",
			    .env = "SSH_CONNECTION=192.0.2.9 50000 192.0.2.1 22"};

	scene_service(&scene, "", "trusted_networks=192.0.2.0/24");
	assert_int_equal(SCENE_IGNORED, scene_talk(&scene, "daemon", &talk));
	assert_logged("source=192.0.2.9 outcome=skip reason=trusted_network");
}

static void make_service(const char *name, const char *arguments)
{
	char text[1000], path[100];

	snprintf(text, sizeof(text),
		 "auth [success=done ignore=ignore default=die] %s conf=%s %s\n", MODULE_PATH,
		 scene_path(&scene, "conf"), arguments);
	snprintf(path, sizeof(path), "service/%s", name);
	scene_write(&scene, path, text, 0644);
}

static int as_service(const char *name, const char *env, struct talk *talk)
{
	struct pam_conv conv;
	pam_handle_t *handle;
	int code;

	scene_log_clear();
	*talk = (struct talk){.answer = "never", .rhost = A, .env = env};
	handle = scene_begin(&scene, "daemon", talk, &conv);
	assert_int_equal(PAM_SUCCESS, pam_set_item(handle, PAM_SERVICE, name));
	code = pam_authenticate(handle, 0);
	pam_end(handle, code);
	return code;
}

static void a_method_that_the_line_names_succeeds_without_a_question(void **unused)
{
	static const struct {
		const char *line, *env;
		bool accepted;
	} rows[] = {
		{"if_publickey", KEY, true},
		{"if_publickey", KEY "\n", true},
		{"if_publickey", AUTH "hostbased x\npublickey ssh-ed25519 AAAAC3Nza\n", true},
		{"if_publickey", AUTH "gssapi-with-mic daemon@AAAAC3Nza\n", true},
		{"if_publickey", AUTH "gssapi-keyex daemon@AAAAC3Nza\n", true},
		{"if_publickey=yes", AUTH "gssapi-with-mic daemon@AAAAC3Nza\n", true},
		{"if_publickey=publickey", KEY, true},
		{"if_publickey=publickey,hostbased", KEY, true},
		{"if_publickey=publickey,hostbased", HOST, true},
		{"if_publickey=hostbased", HOST, true},
		/* a host's key proves no user, unless the line says that it does */
		{"if_publickey", HOST, false},
		{"if_publickey=publickey", AUTH "gssapi-with-mic daemon@AAAAC3Nza\n", false},
		{"if_publickey=hostbased", KEY, false},
		{"if_publickey", NULL, false},
		{"if_publickey", AUTH, false},
		{"if_publickey", AUTH "password", false},
		{"if_publickey", AUTH "publickey", false},
		{"if_publickey", AUTH "publickey ", false},
		{"if_publickey", AUTH "keyboard-interactive publickey x", false},
		{"if_publickey", AUTH " publickey x", false},
		{"if_publickey", AUTH "publickeyx y", false},
		{"if_publickey", "SSH_AUTH_INFO=publickey x", false},
	};
	static const char *const services[] = {"sshd", "ssh-from-outside"};
	struct talk talk;

	for (size_t i = 0; i < COUNT(rows) * COUNT(services); i++) {
		const char *line = rows[i / 2].line, *env = rows[i / 2].env;

		make_service(services[i % 2], line);
		assert_int_equal(rows[i / 2].accepted ? PAM_SUCCESS : SCENE_IGNORED,
				 as_service(services[i % 2], env, &talk));
		assert_string_equal("", talk.heard);
		assert_lacks(scene_log, "AAAAC3Nza");
		if (rows[i / 2].accepted)
			assert_logged("reason=publickey");
	}
}

static void a_line_that_names_no_method_is_rejected(void **unused)
{
	static const char *const lines[] = {"if_publickey=", "if_publickey=password",
					    "if_publickey=publickey,", "if_publickey=,publickey",
					    "if_publickey=publickey,keyboard-interactive"};
	struct talk talk;

	for (size_t i = 0; i < COUNT(lines); i++) {
		make_service("sshd", lines[i]);
		assert_int_equal(PAM_SERVICE_ERR, as_service("sshd", KEY, &talk));
		assert_logged("if_publickey: expected publickey, gssapi-with-mic");
	}
}

static void the_process_s_own_environment_shows_no_key(void **unused)
{
	struct talk talk;

	make_service("sshd", "if_publickey");
	setenv("SSH_AUTH_INFO_0", "publickey ssh-ed25519 AAAA", 1);
	assert_int_equal(SCENE_IGNORED, as_service("sshd", NULL, &talk));
	unsetenv("SSH_AUTH_INFO_0");
}

/* --- under the name of sshd --- */

static void copy_self(const char *path)
{
	static char bytes[1 << 16];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	ssize_t got;

	assert_true(from >= 0 && to >= 0);
	while ((got = read(from, bytes, sizeof(bytes))) > 0)
		assert_int_equal(got, write(to, bytes, (size_t)got));
	close(from);
	close(to);
}

static int run_as_sshd(char **argv)
{
	char dir[] = "/tmp/sshd.XXXXXX", path[sizeof(dir) + 5];
	int status = -1;
	pid_t child;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sshd", dir);
	copy_self(path);
	child = fork();
	if (child == 0) {
		execv(path, argv);
		_exit(99);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	unlink(path);
	rmdir(dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		in_a_scene(sshd_s_address_counts_even_if_it_passes_a_host_name),
		in_a_scene(a_method_that_the_line_names_succeeds_without_a_question),
		in_a_scene(a_line_that_names_no_method_is_rejected),
		in_a_scene(the_process_s_own_environment_shows_no_key),
	};

	if (strcmp(program_invocation_short_name, "sshd") != 0) {
		argv[0] = "sshd";
		return run_as_sshd(argv);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
