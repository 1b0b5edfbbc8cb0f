/* SPDX-License-Identifier: BSD-2-Clause */
#include "doctor/certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/certificate.h"
#include "base/io.h"
#include "base/own.h"
#include "base/secret.h"
#include "host/clock.h"

#define RENEW_BEFORE (30 * 86400) /* seconds */
#define PEM_MAX      65536

void doctor_certificate_end(struct doctor *doctor, const struct certificate_use *use,
			    const char *what, int64_t end)
{
	int64_t now = clock_now();
	char date[11];

	if (!end || end - now > RENEW_BEFORE)
		return;
	text_to_date(end, date);
	doctor_report(doctor_subject(doctor, use->id), use->why, use->repair,
		      "%s: the certificate %s on %s", what, end <= now ? "ended" : "ends", date)
		->minor = end > now;
}

void doctor_certificate(struct doctor *doctor, const struct certificate_use *use, const char *path)
{
	OWN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	OWN_TEXT char *pem = malloc(PEM_MAX);
	const char *wrong = NULL;
	int64_t end = 0;
	size_t len = 0;

	if (fd < 0)
		wrong = strerror(errno);
	else if (!pem || io_read_all(fd, pem, PEM_MAX, &len) != TOTP_OK)
		wrong = "cannot read";
	else if (certificate_end((struct piece){pem, len}, &end) != TOTP_OK)
		wrong = "it has no certificate";
	if (pem)
		explicit_bzero(pem, PEM_MAX); /* a key may follow */
	if (wrong)
		doctor_report(doctor_subject(doctor, use->id), use->why, use->repair, "%s: %s",
			      path, wrong);
	else
		doctor_certificate_end(doctor, use, path, end);
}
