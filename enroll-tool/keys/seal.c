/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl key seal: the keyring as a systemd encrypted credential. */
#include "keys/keys.h"

static void print_next(const struct ctl *ctl)
{
	printf("\nNext, so that you can delete the unencrypted keyring:\n"
	       "  1. totpctl key backup FILE, and keep FILE elsewhere: only this host can decrypt\n"
	       "     the sealed keyring, and not even this host without its TPM or host key.\n"
	       "  2. systemctl enable --now pam_totp-keyring.service, which decrypts it into\n"
	       "     " RUN_DIR_PATH "/keyring at each boot.\n"
	       "  3. In the policy: keyring = " RUN_DIR_PATH "/keyring; then totpctl key list.\n"
	       "  4. For totpd: systemctl edit totpd.service, [Service],\n"
	       "     LoadCredentialEncrypted=keyring:" SEALED_FILE "\n"
	       "  5. Log in with a code, then: shred -u %s\n",
	       ctl->tool.policy.keyring);
}

static int seal_keys(struct ctl *ctl)
{
	const struct tool *tool = &ctl->tool;
	OWN_KEYRING_TEXT struct keyring_text text = {.len = 0};
	OWN_KEYRING struct keyring keyring = {.count = 0};
	struct reason why = {""};
	int code = tool_open(&ctl->tool, "seal keys");

	if (code == TOOL_DONE)
		code = tool_result(tool, store_claim_keys(tool->store, &why), &why);
	if (code == TOOL_DONE)
		code = keys_load(tool, &text, &keyring);
	if (code == TOOL_DONE)
		code = sealed_put(tool, &text);
	if (code != TOOL_DONE)
		return code;
	keys_log(tool, "key-sealed", keyring.keys[0].id);
	printf("Sealed: " SEALED_FILE " holds the %zu key%s of %s.\n", keyring.count,
	       keyring.count == 1 ? "" : "s", tool->policy.keyring);
	if (!sealed_is_in_run(tool))
		print_next(ctl);
	return TOOL_DONE;
}

const struct command ctl_key_seal = {
	.name = "key seal",
	.help = "encrypt the keyring so that only this host can read it",
	.more = "Writes an encrypted credential of systemd, which only this host's TPM or host\n"
		"key decrypts, and prints what to do so that the keyring itself is in /run\n"
		"alone. It changes nothing else.\n",
	.run = seal_keys,
};
