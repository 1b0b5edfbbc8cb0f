/* SPDX-License-Identifier: BSD-2-Clause */
/* What the subcommands about keys share: the use of keys, the keyring, and totpd. */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include "store/keyring.h"
#include "common/ctl.h"

/* --- use of keys --- */

struct key_use {
	uint32_t id;
	size_t records, invites; /* sealed by it */
};

#define KEY_USES_MAX (KEYRING_KEYS_MAX + 64)

struct key_uses {
	size_t count;
	struct key_use use[KEY_USES_MAX]; /* the keyring's keys in their order, then missing ones */
	size_t unknown;                   /* files that cannot be read… */
	struct reason why;                /* …one of them */
};

/* Count them. An exit code, after a message. */
MUST_CHECK int key_uses_find(const struct tool *tool, const struct keyring *keyring,
			     struct key_uses *ret_uses);

/* --- the keyring --- */

/* Read text and keys of the policy's keyring. An exit code, after a message. */
MUST_CHECK int keys_load(const struct tool *tool, struct keyring_text *ret_text,
			 struct keyring *ret_keyring);

/* Replace the keyring, and seal it again if it is kept sealed. An exit code, after a message. */
MUST_CHECK int keys_save(const struct tool *tool, const struct keyring_text *text);

/* Make the keyring's directory, if it is missing; its parent must exist. An exit code. */
MUST_CHECK int keys_make_directory(const struct tool *tool);

/* Log what was done with a key. */
void keys_log(const struct tool *tool, const char *what, uint32_t id);

/* --- the keyring, sealed --- */

/*
 * It may be on disk only as a systemd encrypted credential (systemd-creds(1)), which this host's
 * key or TPM opens. A unit unseals it into /run at each boot, so a change of the keyring is lost
 * unless it is sealed again first.
 */
#define SEALED_FILE KEYRING_PATH ".cred"

/* Is the policy's keyring below /run, which a boot empties? */
bool sealed_is_in_run(const struct tool *tool);

/* Is there a sealed one? */
bool sealed_is_there(void);

/*
 * Seal the text into SEALED_FILE, which is replaced after the new file was opened once. An exit
 * code, after a message; on error the old file stays.
 */
MUST_CHECK int sealed_put(const struct tool *tool, const struct keyring_text *text);

/* --- totpd, which holds the keyring in its memory --- */

/* Have totpd, if there is one, read the keyring again; prints the result. False: it did not. */
MUST_CHECK bool keys_restart_totpd(const struct tool *tool);

/* The same if it is not urgent, since totpd restarts when it meets an unknown key; prints what to
 * do. */
void keys_renew_totpd(const struct tool *tool);

/* After the first keyring, without which systemd skips the sockets of totpd: start them if they are
 * enabled. Prints that; true if they listen now. */
bool keys_start_sockets(const struct tool *tool);

#endif
