/* SPDX-License-Identifier: BSD-2-Clause */
#include "login/throttle.h"

/* What is left in a bucket at `now`, and since when the next drop drains. */
static struct leak leak_at(struct leak leak, uint32_t refill, int64_t now)
{
	int64_t drained;

	if (leak.used == 0 || leak.since > now)
		leak.since = now;
	if (leak.used == 0 || refill == 0)
		return leak;

	drained = (now - leak.since) / refill;
	if (drained >= leak.used)
		return (struct leak){.since = now};
	leak.used -= (uint32_t)drained;
	leak.since += drained * refill;
	return leak;
}

static uint32_t leak_wait(struct leak leak, uint32_t limit, uint32_t refill, int64_t now)
{
	uint64_t surplus, wait;

	leak = leak_at(leak, refill, now);
	if (leak.used < limit)
		return 0;
	if (refill == 0)
		return THROTTLE_FOREVER;
	/* more than one drop too many only after an administrator lowered the limit */
	surplus = leak.used - limit;
	wait = (surplus + 1) * refill - (uint64_t)(now - leak.since);
	return wait < THROTTLE_FOREVER ? (uint32_t)wait : THROTTLE_FOREVER;
}

static void leak_count(struct leak *leak, uint32_t refill, int64_t now)
{
	*leak = leak_at(*leak, refill, now);
	if (leak->used < UINT32_MAX)
		leak->used++;
}

static struct known_source *known_find(struct login_state *state, const struct source *source)
{
	for (size_t i = 0; i < state->known_count; i++)
		if (source_equal(&state->known[i].source, source))
			return &state->known[i];
	return NULL;
}

struct throttle *throttle_of(struct login_state *state, const struct source *source)
{
	struct known_source *known = known_find(state, source);

	if (known)
		return &known->throttle;
	return &state->shared[state->one_class ? 0 : source_class(source)];
}

static bool leak_settle(struct leak *leak, int64_t now)
{
	if (leak->used == 0 || leak->since <= now)
		return false;
	leak->since = now;
	return true;
}

bool throttle_settle(struct throttle *throttle, int64_t now)
{
	bool burst = leak_settle(&throttle->burst, now);

	return leak_settle(&throttle->total, now) || burst;
}

uint32_t throttle_wait(const struct throttle *throttle, const struct policy *policy, int64_t now)
{
	uint32_t burst = leak_wait(throttle->burst, policy->attempts, policy->attempts_refill, now);
	uint32_t total = leak_wait(throttle->total, policy->attempts_total,
				   policy->attempts_total_refill, now);

	return burst > total ? burst : total;
}

void throttle_count(struct throttle *throttle, const struct policy *policy, int64_t now)
{
	leak_count(&throttle->burst, policy->attempts_refill, now);
	leak_count(&throttle->total, policy->attempts_total_refill, now);
}

void throttle_remember(struct login_state *state, const struct source *source, int64_t now)
{
	struct known_source *known = known_find(state, source);

	if (source->kind == SOURCE_UNKNOWN)
		return;
	if (!known) {
		known = &state->known[0];
		if (state->known_count < STATE_KNOWN_MAX)
			known = &state->known[state->known_count++];
		else /* instead of the one not seen for longest */
			for (size_t i = 1; i < STATE_KNOWN_MAX; i++)
				if (state->known[i].last_success < known->last_success)
					known = &state->known[i];
		*known = (struct known_source){.source = *source};
	}
	known->last_success = now;
}
