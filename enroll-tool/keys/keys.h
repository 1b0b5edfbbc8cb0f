/* What the subcommands about keys share: who needs which key, and putting a keyring in place. */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include "store/keyring_edit.h"
#include "common/ctl.h"

/* --- who needs which key --- */

struct key_use {
	uint32_t id;
	size_t records, invites; /* that it has sealed */
};

#define KEY_USES_MAX (KEYRING_KEYS_MAX + 64)

struct key_uses {
	size_t count;
	struct key_use use[KEY_USES_MAX]; /* the keyring's keys in their order, then missing ones */
	size_t unknown;                   /* files that cannot be looked at… */
	struct reason why;                /* …one of them */
};

/* Count. An exit code, after a sentence. */
MUST_CHECK int key_uses_find(const struct tool *tool, const struct keyring *keyring,
			     struct key_uses *ret_uses);

/* --- the keyring --- */

/* Read text and keys of the policy's keyring. The same. */
MUST_CHECK int keys_load(const struct tool *tool, struct keyring_text *ret_text,
			 struct keyring *ret_keyring);

/* Put it in the place of the one that is there, sealed anew if it is kept sealed. The same. */
MUST_CHECK int keys_save(const struct tool *tool, const struct keyring_text *text);

/* Make the keyring's folder, if it is not there; its parent must be. The same. */
MUST_CHECK int keys_make_folder(const struct tool *tool);

/* One line to syslog: what was done to the key of that id. */
void keys_log(const struct tool *tool, const char *what, uint32_t id);

/* --- totpd, which holds the keyring in its memory --- */

enum totpd { TOTPD_NONE, TOTPD_RESTARTED, TOTPD_BY_HAND, TOTPD_FAILED };

/* Have totpd, if there is one, read the keyring again; says so, or what systemctl said. */
enum totpd keys_restart_totpd(const struct tool *tool);

/* The same where it need not know yet, since it leaves by itself when it meets a key that it
 * does not know: says what to do. */
void keys_tell_totpd(const struct tool *tool);

/* A keyring has come, without which systemd skips totpd's sockets: start them if they are enabled.
 * Says so; true if they listen now. */
bool keys_start_sockets(const struct tool *tool);

#endif
