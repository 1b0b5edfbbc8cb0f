/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "login/policy.h"

#define IDLE_DEFAULT 60
#define IDLE_MAX     86400
#define EXIT_USAGE   2

static const char help[] =
	"Usage: totpd [OPTION...]\n"
	"Check codes, and store enrollments, for programs that do not run as root.\n"
	"\n"
	"  --foreground        make the sockets, instead of taking those of a service\n"
	"                      manager\n"
	"  --verifier ACCOUNT  with --foreground: answer login hosts too, by way of a\n"
	"                      program that ends TLS and runs as this account\n"
	"  --conf FILE         read this policy instead of " POLICY_FILE "\n"
	"  --idle SECONDS      with sockets of a service manager: exit after this many\n"
	"                      seconds without a request (%d)\n"
	"  --help, --version\n"
	"\n"
	"On SIGTERM, totpd finishes the requests that are running. See totpd(8).\n";

bool options_read(int argc, char **argv, struct options *ret_options, int *ret_code)
{
	static const struct option known[] = {{"foreground", no_argument, NULL, 'f'},
					      {"conf", required_argument, NULL, 'c'},
					      {"idle", required_argument, NULL, 'i'},
					      {"help", no_argument, NULL, 'h'},
					      {"version", no_argument, NULL, 'v'},
					      {"verifier", required_argument, NULL, 't'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.idle_seconds = IDLE_DEFAULT};
	const char *wrong = NULL;
	int option;

	*ret_code = EXIT_SUCCESS;
	while (!wrong && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'h' || option == 'v') {
			if (option == 'h')
				printf(help, IDLE_DEFAULT);
			else
				printf("totpd (pam_totp) " VERSION "\n");
			return false;
		}
		if (option == 'f')
			options.foreground = true;
		else if (option == 'c')
			options.conf = optarg;
		else if (option == 't')
			options.verifier = optarg;
		else if (option != 'i')
			wrong = ""; /* getopt_long has printed what */
		else if (text_number(text_of(optarg), 1, IDLE_MAX, &options.idle_seconds) !=
			 TOTP_OK)
			wrong = "totpd: --idle: expected 1 to 86400 seconds\n";
	}
	if (!wrong && optind < argc)
		wrong = "totpd: it takes options only\n";
	if (!wrong && options.conf && options.conf[0] != '/')
		wrong = "totpd: --conf: expected an absolute path\n";
	if (!wrong && options.verifier && !options.foreground)
		wrong = "totpd: --verifier goes with --foreground\n";
	*ret_options = options;
	if (!wrong)
		return true;
	fprintf(stderr, "%sTry 'totpd --help'.\n", wrong);
	*ret_code = EXIT_USAGE;
	return false;
}
