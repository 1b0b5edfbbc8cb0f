/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl key rotate: replace the active key. Each step leaves a keyring that opens everything, and
 * a mark in it with which the next run continues:
 *
 *   1. the new key is added as the second, an old key; totpd, which holds the keyring in
 *      memory, is restarted to read it
 *   2. it becomes the first; programs that are sealing with the old one are awaited
 *   3. records that other keys have sealed are sealed again
 *   4. when nothing needs the old key, it is removed
 *
 * Logins continue meanwhile, and nothing here waits for a person.
 */
#include <string.h>
#include <sys/resource.h>

#include "base/io.h"
#include "host/clock.h"
#include "keys/keys.h"
#include "common/enrolled.h"
#include "common/progress.h"

#define AWAIT_MS   60000 /* for a program that writes many records at once */
#define FILES_OPEN 8192
#define PASSES     4 /* the next pass seals records that were replaced meanwhile */

/* --- files that other keys have sealed --- */

struct rotate {
	struct ctl *ctl;
	struct keyring_text text;
	struct keyring keyring;
	struct keyring_rotation rotation;
	struct progress progress;
	struct enrolled names[2]; /* by enum store_kind: to be sealed again */
	size_t keep;              /* files that may need the old key */
	bool reported;            /* problems with files were printed */
	enum store_kind kind;     /* being sealed again */
	size_t done, total;       /* files of this pass */
	size_t sealed[2];         /* by kind: files sealed in this pass… */
	size_t all_sealed[2];     /* …and in all passes */
};

static void rotate_end(struct rotate *rotate)
{
	progress_clear(&rotate->progress);
	keyring_text_wipe(&rotate->text);
	keyring_wipe(&rotate->keyring);
	enrolled_end(&rotate->names[STORE_RECORD]);
	enrolled_end(&rotate->names[STORE_INVITE]);
}

/* Only once in several passes. */
static void tell_fault(struct rotate *rotate, const struct reason *why)
{
	progress_clear(&rotate->progress);
	if (!rotate->reported)
		tool_refuse(&rotate->ctl->tool, "%s", why->text);
}

static void look_at(void *context, const struct store_sealed *sealed)
{
	struct rotate *rotate = context;

	if (sealed->err == TOTP_ERR_FORMAT) /* no key opens it */
		return;
	if (sealed->err != TOTP_OK)
		tell_fault(rotate, &sealed->why);
	rotate->keep += sealed->err != TOTP_OK || sealed->key_id == rotate->rotation.from;
	/* files of a missing key cannot be sealed again */
	if (sealed->err == TOTP_OK && sealed->key_id != rotate->rotation.to &&
	    keyring_find(&rotate->keyring, sealed->key_id))
		enrolled_add(&rotate->names[sealed->kind], sealed->user);
}

static int look(struct rotate *rotate)
{
	const struct tool *tool = &rotate->ctl->tool;
	struct reason why = {""};
	enum totp_err err;

	enrolled_end(&rotate->names[STORE_RECORD]);
	enrolled_end(&rotate->names[STORE_INVITE]);
	rotate->keep = 0;
	err = store_each_key(tool->store, look_at, rotate, &why);
	if (rotate->names[STORE_RECORD].no_memory || rotate->names[STORE_INVITE].no_memory)
		err = TOTP_ERR_NOMEM;
	return tool_result(tool, err, &why);
}

static void note(void *context, const char *user, enum totp_err err, const struct reason *why)
{
	struct rotate *rotate = context;

	(void)user;
	rotate->done++;
	rotate->sealed[rotate->kind] += err == TOTP_OK;
	/* the next pass reads the others again */
	if (err != TOTP_OK && err != TOTP_ERR_NOT_FOUND && err != TOTP_ERR_STALE)
		tell_fault(rotate, why);
	progress_show(&rotate->progress, "sealing again", rotate->done, rotate->total);
}

static int reseal(struct rotate *rotate)
{
	const struct tool *tool = &rotate->ctl->tool;
	struct reason why = {""};
	enum totp_err err = TOTP_OK;

	rotate->done = rotate->sealed[STORE_RECORD] = rotate->sealed[STORE_INVITE] = 0;
	rotate->total = rotate->names[STORE_RECORD].count + rotate->names[STORE_INVITE].count;
	for (int kind = STORE_RECORD; kind <= STORE_INVITE && err == TOTP_OK; kind++) {
		const struct enrolled *names = &rotate->names[kind];
		const struct store_reseal wish = {(enum store_kind)kind, names->users, names->count,
						  note, rotate};

		rotate->kind = (enum store_kind)kind;
		err = store_reseal(tool->store, &wish, &why);
		rotate->all_sealed[kind] += rotate->sealed[kind];
	}
	progress_clear(&rotate->progress);
	return tool_result(tool, err, &why);
}

/* Until no file is left that can be sealed again. */
static int reseal_all(struct rotate *rotate)
{
	int code = look(rotate);

	for (unsigned pass = 0; pass < PASSES && code == TOOL_DONE; pass++) {
		code = reseal(rotate);
		rotate->reported = true;
		if (code == TOOL_DONE)
			code = look(rotate);
		if (rotate->sealed[STORE_RECORD] + rotate->sealed[STORE_INVITE] == 0)
			break;
	}
	return code;
}

/* --- the steps --- */

static int add_key(struct rotate *rotate)
{
	const struct tool *tool = &rotate->ctl->tool;
	struct reason why = {""};
	bool restarted;
	int code;

	if (keyring_rotation_begin(&rotate->text, clock_now(), &rotate->rotation, &why) != TOTP_OK)
		return tool_refuse(tool, "%s: %s", tool->policy.keyring, why.text);
	code = keys_save(tool, &rotate->text);
	if (code != TOOL_DONE)
		return code;
	keys_log(tool, "key-added", rotate->rotation.to);
	printf("Key %08x is added; it only decrypts until it becomes the active key.\n",
	       (unsigned)rotate->rotation.to);
	restarted = keys_restart_totpd(tool);
	if (tool->policy.store == STORE_IN_ETCD) /* others share the store, and lack the key */
		return tool_refuse(tool,
				   "copy %s to each other verifier, and restart totpd here and "
				   "there; then run 'totpctl key rotate' again",
				   tool->policy.keyring);
	if (restarted)
		return TOOL_DONE;
	return tool_refuse(
		tool,
		"restart totpd, so that it reads the new key; then run 'totpctl key rotate' again");
}

static int promote_key(struct rotate *rotate)
{
	const struct tool *tool = &rotate->ctl->tool;
	int code;

	if (keyring_rotation_promote(&rotate->text, &rotate->rotation) != TOTP_OK)
		return tool_refuse(tool, "%s: there is no room to move a line",
				   tool->policy.keyring);
	code = keys_save(tool, &rotate->text);
	if (code != TOOL_DONE)
		return code;
	keys_log(tool, "key-promoted", rotate->rotation.to);
	printf("Key %08x is the active key from now on.\n", (unsigned)rotate->rotation.to);
	return TOOL_DONE;
}

static int keep_old(const struct rotate *rotate)
{
	const struct tool *tool = &rotate->ctl->tool;

	return tool_refuse(tool,
			   "key %08x is kept, since %zu file%s may need it: repair or delete the "
			   "credentials above, then run 'totpctl key rotate' again",
			   (unsigned)rotate->rotation.from, rotate->keep,
			   rotate->keep == 1 ? "" : "s");
}

static int drop_key(struct rotate *rotate)
{
	const struct tool *tool = &rotate->ctl->tool;
	int code;

	keyring_rotation_end(&rotate->text, &rotate->rotation);
	code = keys_save(tool, &rotate->text);
	if (code != TOOL_DONE)
		return code;
	keys_log(tool, "key-dropped", rotate->rotation.from);
	printf("Key %08x is removed: nothing needs it.\n", (unsigned)rotate->rotation.from);
	keys_renew_totpd(tool);
	printf("\nYour copies of the keyring lack the new key. Make a new copy now:\n"
	       "totpctl key backup FILE\n"
	       "An older backup of the store needs the old key: keep a copy that has this key\n"
	       "for as long as you keep that backup.\n");
	return TOOL_DONE;
}

static void print_sealed(const struct rotate *rotate)
{
	size_t records = rotate->all_sealed[STORE_RECORD];
	size_t invites = rotate->all_sealed[STORE_INVITE];

	printf("Encrypted again: %zu record%s", records, records == 1 ? "" : "s");
	if (invites)
		printf(", %zu invitation%s", invites, invites == 1 ? "" : "s");
	printf(".\n");
}

static int go_on(struct rotate *rotate)
{
	const struct tool *tool = &rotate->ctl->tool;
	struct reason why = {""};
	int code = rotate->rotation.promoted ? TOOL_DONE : promote_key(rotate);

	if (code != TOOL_DONE)
		return code;
	keys_renew_totpd(tool);
	code = tool_result(
		tool,
		store_seal_with(tool->store, rotate->rotation.to, io_deadline(AWAIT_MS), &why),
		&why);
	if (code == TOOL_DONE)
		code = reseal_all(rotate);
	if (code != TOOL_DONE)
		return code;
	print_sealed(rotate);
	return rotate->keep ? keep_old(rotate) : drop_key(rotate);
}

/* The store seals as many files at once as it can have open. */
static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_OPEN ? limit.rlim_max : FILES_OPEN;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int rotate_key(struct ctl *ctl)
{
	OWN(rotate_end) struct rotate rotate = {.ctl = ctl, .progress = progress_begin()};
	const struct tool *tool = &ctl->tool;
	struct reason why = {""};
	int code = tool_open(&ctl->tool, "rotate keys");

	allow_files();
	if (code == TOOL_DONE)
		code = tool_result(tool, store_claim_keys(tool->store, &why), &why);
	if (code == TOOL_DONE)
		code = keys_load(tool, &rotate.text, &rotate.keyring);
	if (code != TOOL_DONE)
		return code;
	if (keyring_rotation_of(&rotate.text, &rotate.rotation))
		printf("Continuing the rotation from key %08x to %08x.\n",
		       (unsigned)rotate.rotation.from, (unsigned)rotate.rotation.to);
	else
		code = add_key(&rotate);
	return code == TOOL_DONE ? go_on(&rotate) : code;
}

const struct command ctl_key_rotate = {
	.name = "key rotate",
	.help = "make a new key, and encrypt everything again with it",
	.more = "Adds a new key, has totpd read the keyring again, makes the key the active one,\n"
		"encrypts everything again, and removes the old key when nothing needs it. Logins\n"
		"continue meanwhile. If it is interrupted, nothing is lost: run it again.\n",
	.run = rotate_key,
};
