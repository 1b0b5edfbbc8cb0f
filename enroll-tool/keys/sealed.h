/*
 * A keyring that is on disk only as a systemd encrypted credential (systemd-creds(1)), which this
 * host's key or TPM opens. A unit unseals it into /run at each boot, so a change of the keyring
 * is lost unless it is sealed again first.
 */
#ifndef KEYS_SEALED_H
#define KEYS_SEALED_H

#include "store/keyring.h"
#include "common/tool.h"

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

#endif
