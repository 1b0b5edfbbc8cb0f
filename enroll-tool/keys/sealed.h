/*
 * A keyring that lies on the disk as a systemd encrypted credential alone (systemd-creds(1)),
 * which this host's key or TPM opens, and that a unit unseals into /run at each boot. What
 * lies in /run is gone then, so whoever changes that keyring seals it anew first.
 */
#ifndef KEYS_SEALED_H
#define KEYS_SEALED_H

#include "store/keyring_edit.h"
#include "common/tool.h"

#define SEALED_FILE KEYRING_PATH ".cred"

/* Is the policy's keyring one that a boot takes away? */
bool sealed_is_in_run(const struct tool *tool);

/* Is there a sealed one? */
bool sealed_is_there(void);

/*
 * Seal the text into SEALED_FILE, in the place of what is there: what is sealed is opened once
 * before it gets its name. An exit code, after a sentence; on error the old file stays.
 */
MUST_CHECK int sealed_put(const struct tool *tool, const struct keyring_text *text);

#endif
