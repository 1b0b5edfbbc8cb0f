/* SPDX-License-Identifier: BSD-2-Clause */
/* What every test of the module includes: cmocka, the scene, and a few abbreviations. */
#ifndef MODULE_H
#define MODULE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "names.h"

#include "scene.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define QUESTION      "?Verification code: \n"
#define REFUSED       QUESTION "!That code was not accepted.\n"
#define USED(seconds) QUESTION "!This code was already used. The next one comes in " seconds ".\n"
#define BROKEN        "!Verification is not possible right now. Please tell your administrator.\n"

#define A "192.0.2.1"
#define B "192.0.2.2"

/* The scene of the running test: daemon is enrolled, the other users are not. */
static struct scene scene;

static inline int setup(void **unused)
{
	(void)unused;
	scene_make(&scene, MODULE_PATH);
	scene_enroll(&scene, "daemon");
	scene_log_clear();
	return 0;
}

static inline int teardown(void **unused)
{
	(void)unused;
	scene_remove(&scene);
	return 0;
}

#define in_a_scene(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* daemon logs in with the current code. */
static inline int right(const char *rhost)
{
	return scene_login(&scene, "daemon", rhost, scene_code("daemon", scene_now));
}

static inline int wrong(const char *rhost)
{
	return scene_login(&scene, "daemon", rhost, scene_wrong_code("daemon", scene_now));
}

static inline void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("expected <%s> in <%s>", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("did not expect <%s> in <%s>", part, text);
}

static inline void assert_logged(const char *part)
{
	assert_holds(scene_log, part);
}

static inline size_t lines_in(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

#endif
