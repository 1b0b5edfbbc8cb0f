/*
 * The passphrase of a passbox: asked at the terminal, which need not be standard input, or
 * read from a file. It never comes as an argument or in the environment, which others can
 * read.
 */
#ifndef COMMON_PASSPHRASE_H
#define COMMON_PASSPHRASE_H

#include "base/secret.h"
#include "common/tool.h"

/*
 * The passphrase that something is to be sealed under: asked twice, PWSEAL_PHRASE_MIN bytes
 * or more. file: the option's value; NULL to ask. An exit code, after a sentence; TOOL_DONE to
 * go on, and *ret_phrase is then the caller's to wipe.
 */
MUST_CHECK int passphrase_new(const struct tool *tool, const char *file, struct secret *ret_phrase);

/* The one that opens what is sealed: asked once. The same. */
MUST_CHECK int passphrase_old(const struct tool *tool, const char *file, struct secret *ret_phrase);

#endif
