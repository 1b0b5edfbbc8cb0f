/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many wrong codes each login host may send to this verifier. A host in the hands of an
 * attacker can claim that its guesses come from anywhere, so that a user's own throttle for each
 * source does not stop it: this bounds what such a host can try, and how many users it can lock out
 * by wrong codes. A leaky bucket for each host: it holds `policy` answers, and loses so many in an
 * hour. Correct codes count nothing, so a busy host is not slowed down. Pure: no clock, no files.
 *
 * Each verifier counts by itself, and forgets when totpd ends.
 */
#ifndef BUDGET_H
#define BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "login/proxy.h"

#define BUDGET_HOSTS 1024           /* that sent wrong codes lately; more share one bucket */
#define BUDGET_TIME  3600000000000u /* ns, in which a full bucket empties */

/* What one host has sent. */
struct budget_host {
	char name[PROXY_HOST_MAX + 1]; /* "": not in use */
	uint64_t empty_at;             /* CLOCK_MONOTONIC, ns: when nothing is left in the bucket */
	uint64_t told_at;              /* when it was last reported to have no more; 0: never */
};

struct budget {
	struct budget_host
		hosts[BUDGET_HOSTS + 1]; /* the last: of all for which there is no room */
};

/*
 * May this host send another code at `now`? allowed: how many wrong ones it may send in an hour. If
 * it may not, *ret_tell: this was not reported in the last minute, and counts as reported now.
 */
MUST_CHECK bool budget_allows(struct budget *budget, const char *host, uint32_t allowed,
			      uint64_t now, bool *ret_tell);

/* The host sent a wrong code. */
void budget_spend(struct budget *budget, const char *host, uint32_t allowed, uint64_t now);

/* Does any bucket hold something? totpd must not forget it by exiting. */
bool budget_is_active(const struct budget *budget, uint64_t now);

#endif
