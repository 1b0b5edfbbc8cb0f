/* SPDX-License-Identifier: BSD-2-Clause */
/* totpctl doctor: certificates that have ended, or end soon. */
#ifndef DOCTOR_CERTIFICATE_H
#define DOCTOR_CERTIFICATE_H

#include "doctor/finding.h"

/* What a finding about a certificate says. */
struct certificate_use {
	const char *id;
	const char *why; /* what happens without a valid one */
	const char *repair;
};

/* Report if it ends within 30 days, or ended. what: its file or its server; end: 0: unknown. */
void doctor_certificate_end(struct doctor *doctor, const struct certificate_use *use,
			    const char *what, int64_t end);

/* The same for the certificates of a file, and report if it cannot be read or has none. */
void doctor_certificate(struct doctor *doctor, const struct certificate_use *use, const char *path);

#endif
