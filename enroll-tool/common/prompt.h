/*
 * What a person types on standard input, or a script sends there. Secrets and codes come
 * this way and no other: not as arguments, which every user of the host can read.
 */
#ifndef COMMON_PROMPT_H
#define COMMON_PROMPT_H

#include <signal.h>

#include "base/err.h"
#include "base/secret.h"

#define PROMPT_MAX 256 /* bytes of a line with its NUL; the rest of a longer one is dropped */

/*
 * Keep SIGINT, SIGQUIT, SIGTERM and SIGHUP from ending the program from here on, so that what
 * is stored is stored whole and is told, and a terminal shows again what is typed. *ret_asking is the mask that lets them through.
 */
void prompt_hold_signals(sigset_t *ret_asking);

/* Let them end the program again. */
void prompt_release_signals(const sigset_t *asking);

/*
 * Read one line, without its end. asking: the signal mask while a person types. *ret_got is
 * false at the end of input and after a signal. The line is the caller's to wipe.
 * TOTP_ERR_SYSTEM: errno.
 */
MUST_CHECK enum totp_err prompt_line(const sigset_t *asking, char ret_line[PROMPT_MAX],
				     bool *ret_got);

/* The same, not shown on a terminal. */
MUST_CHECK enum totp_err prompt_secret_line(const sigset_t *asking, char ret_line[PROMPT_MAX],
					    bool *ret_got);

/* The same, from another descriptor than standard input. */
MUST_CHECK enum totp_err prompt_secret_from(int fd, const sigset_t *asking,
					    char ret_line[PROMPT_MAX], bool *ret_got);

#endif
