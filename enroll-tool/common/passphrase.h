/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The passphrase of an export file or a copy of the keyring: asked at the terminal, which need not
 * be standard input, or read from a file. It is never an argument or in the environment, which
 * others can read.
 */
#ifndef COMMON_PASSPHRASE_H
#define COMMON_PASSPHRASE_H

#include "base/secret.h"
#include "common/command.h"
#include "common/tool.h"

/* The option --passphrase-file, of each command that asks. */
extern const struct option_row passphrase_rows[];
extern const char *passphrase_path; /* its value, or NULL: ask */

/*
 * A new passphrase, to seal with: asked twice, PWSEAL_PHRASE_MIN bytes or more. An exit code,
 * after a sentence; TOOL_DONE to continue, and the caller then wipes *ret_phrase.
 */
MUST_CHECK int passphrase_new(const struct tool *tool, struct secret *ret_phrase);

/* The passphrase that opens what is sealed: asked once. The rest is as above. */
MUST_CHECK int passphrase_old(const struct tool *tool, struct secret *ret_phrase);

#endif
