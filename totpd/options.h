/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of totpd. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *conf;      /* an absolute path, or NULL */
	uint64_t idle_seconds; /* when activated: exit after so long without a request */
	const char
		*verifier; /* the account of the program that ends TLS for login hosts, or NULL */
	bool foreground;   /* make the sockets, instead of taking those of a service manager */
};

/* False: totpd must exit with *ret_code; the reason, or what was asked for, has been printed. */
bool options_read(int argc, char **argv, struct options *ret_options, int *ret_code);

#endif
