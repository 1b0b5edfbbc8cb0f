/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * totpctl doctor: programs that cannot ask a second question, or give PAM no address of their
 * clients. PAM reports neither, so this is a list, by PAM service, of what their sources do.
 */
#include <string.h>

#include "doctor/finding.h"

static const struct {
	const char *service;
	bool once;       /* it asks once, and gives PAM that answer to every question */
	bool no_address; /* in some version that is in use */
} programs[] = {
	{"cups", true, true},      {"dovecot", true, false},
	{"exim", true, false},     {"i3lock", true, false},
	{"imap", true, true}, /* saslauthd: one service for each protocol */
	{"ldap", true, true},      {"netatalk", true, false},
	{"nntp", true, true},      {"openvpn", true, true},
	{"pop", true, true},       {"postgresql", true, false},
	{"proftpd", true, false},  {"proxmox-ve-auth", true, false},
	{"pure-ftpd", true, true}, /* it gives PAM its own name */
	{"radiusd", true, true},   {"sddm", true, false},
	{"sieve", true, true},     {"smtp", true, true},
	{"squid", true, true},     {"swaylock", true, false},
	{"tigervnc", true, true},  {"usermin", true, false},
	{"vnc", true, true},       {"vsftpd", true, false},
	{"webmin", true, false},   {"xrdp-sesman", true, true},
};

#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static void report_once(struct doctor *doctor, const char *service, bool planned)
{
	doctor_report(
		(struct subject){doctor, "asks-once", service, NULL},
		planned ? "with a line of pam_totp.so there, an enrolled user cannot log in "
			  "through this program"
			: "an enrolled user cannot log in through this program",
		"replace the auth lines of the service's own file by: auth required pam_totp.so "
		"password=combined, and below it: auth required pam_unix.so use_first_pass",
		"the program asks one question, and gives PAM the same answer to every other");
}

static void look_at_program(struct doctor *doctor, const struct code_service *code_service,
			    size_t program)
{
	/* if the code is the only answer, one question is enough */
	if (programs[program].once && code_service->own_prompt && !code_service->key_needed)
		report_once(doctor, code_service->name, false);
	if (programs[program].no_address)
		doctor_report((struct subject){doctor, "no-address", code_service->name, NULL},
			      "all its clients are one source: a client that guesses codes makes "
			      "the others wait, and trusted_networks has no effect",
			      strcmp(code_service->name, "radiusd") == 0
				      ? "let FreeRADIUS ask totpd, which tells users apart: see "
					"pam_totp-radius(7)"
				      : "limit access to it, for example by a firewall, and see "
					"SERVICES WITHOUT AN ADDRESS in pam_totp(8)",
			      "the program may give PAM no address of its clients");
}

void doctor_programs(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->code_service_count; i++)
		for (size_t p = 0; p < PROGRAMS && !doctor->code_services[i].planned; p++)
			if (strcmp(doctor->code_services[i].name, programs[p].service) == 0)
				look_at_program(doctor, &doctor->code_services[i], p);
}

void doctor_plan_programs(struct doctor *doctor, const char *part)
{
	for (size_t p = 0; p < PROGRAMS; p++) {
		OWN_STACK struct stack stack = {0};

		if (programs[p].once &&
		    stack_read(NULL, programs[p].service, "auth", &stack) == TOTP_OK &&
		    !stack.missing && doctor_includes(&stack, part))
			report_once(doctor, programs[p].service, true);
	}
}
