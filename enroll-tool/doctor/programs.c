/*
 * totpctl doctor: programs, by the PAM service that they use, that cannot ask a second question,
 * or give PAM no address of their clients. PAM does not tell either; this is a list of what
 * their sources do.
 */
#include <string.h>

#include "doctor/doctor.h"

static const struct {
	const char *service;
	bool once;       /* one answer, which it gives to every question */
	bool no_address; /* in some version that is in use */
} programs[] = {
	{"cups", true, true},      {"dovecot", true, false},
	{"exim", true, false},     {"i3lock", true, false},
	{"imap", true, true}, /* saslauthd: one service for each protocol */
	{"ldap", true, true},      {"netatalk", true, false},
	{"nntp", true, true},      {"openvpn", true, true},
	{"pop", true, true},       {"postgresql", true, false},
	{"proftpd", true, false},  {"proxmox-ve-auth", true, false},
	{"pure-ftpd", true, true}, /* it gives its own name */
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
	doctor_repair(
		doctor_find(doctor, "asks-once", service,
			    planned ? "with a line of pam_totp.so there, an enrolled user cannot "
				      "log in through this program"
				    : "an enrolled user cannot log in through this program",
			    "the program asks one question, and gives the answer to every other"),
		"write into the service's own file, in place of its auth lines: auth required "
		"pam_totp.so password=combined, and below it: auth required pam_unix.so "
		"use_first_pass");
}

static void look_at_program(struct doctor *doctor, const struct patient *patient, size_t program)
{
	/* a code that is the only answer needs no second question */
	if (programs[program].once && patient->own_prompt && !patient->key_needed)
		report_once(doctor, patient->name, false);
	if (programs[program].no_address)
		doctor_repair(
			doctor_find(doctor, "no-address", patient->name,
				    "all its clients are one source: somebody who guesses through "
				    "it makes the others wait, and trusted_networks has no effect",
				    "the program may give PAM no address of its clients"),
			"limit who can reach it, in a firewall for example, and see SERVICES "
			"without an address in pam_totp(8)");
}

void doctor_programs(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->patient_count; i++)
		for (size_t p = 0; p < PROGRAMS && !doctor->patients[i].planned; p++)
			if (strcmp(doctor->patients[i].name, programs[p].service) == 0)
				look_at_program(doctor, &doctor->patients[i], p);
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
