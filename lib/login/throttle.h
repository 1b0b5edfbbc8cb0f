/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two leaky buckets bound how often a source may be wrong: a short one that drains soon and a
 * long one that stops a patient guesser. Only failures fill them; no success empties them; a
 * denied try changes nothing.
 */
#ifndef LOGIN_THROTTLE_H
#define LOGIN_THROTTLE_H

#include "login/policy.h"
#include "record/state.h"

#define THROTTLE_FOREVER UINT32_MAX

/* The throttle that counts this source: its own if it is known, else that of its class. */
struct throttle *throttle_of(struct login_state *state, const struct source *source);

/*
 * Seconds until the throttle has room for a try; 0: now; THROTTLE_FOREVER: only after
 * `totpctl unlock`. A stored time later than now is read as now, so no wait is longer
 * than one refill.
 */
uint32_t throttle_wait(const struct throttle *throttle, const struct policy *policy, int64_t now);

/*
 * A clock was set back: a time that lies after now becomes now, so that draining begins.
 * True if it changed anything, which is then worth storing.
 */
bool throttle_settle(struct throttle *throttle, int64_t now);

/* Count one failure in both buckets, after draining what the time has forgiven. */
void throttle_count(struct throttle *throttle, const struct policy *policy, int64_t now);

/*
 * Note a success from this source: a new one gets a throttle of its own, instead of the one that
 * has not been seen for longest. SOURCE_UNKNOWN never becomes known.
 */
void throttle_remember(struct login_state *state, const struct source *source, int64_t now);

#endif
