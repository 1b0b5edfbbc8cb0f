/* SPDX-License-Identifier: BSD-2-Clause */
#include "budget.h"

#include <string.h>

#define TELL_TIME 60000000000u /* ns between two reports about one host */

/*
 * A bucket is stored as the time at which it will be empty: each wrong code adds what one of them
 * takes to leave, and the bucket is full when less than that is free.
 */
static uint64_t time_of_one(uint32_t allowed)
{
	return BUDGET_TIME / (allowed ? allowed : 1);
}

/* The host's bucket, or NULL; *ret_free: one that holds nothing, or that of all others. */
static struct budget_host *find(struct budget *budget, const char *host, uint64_t now,
				struct budget_host **ret_free)
{
	*ret_free = NULL;
	for (size_t i = 0; i < BUDGET_HOSTS; i++) {
		struct budget_host *one = &budget->hosts[i];

		if (one->name[0] && strcmp(one->name, host) == 0)
			return one;
		if (!*ret_free && one->empty_at <= now)
			*ret_free = one;
	}
	if (!*ret_free)
		*ret_free = &budget->hosts[BUDGET_HOSTS];
	return NULL;
}

/* The same, which the host has from now on. */
static struct budget_host *take(struct budget *budget, const char *host, uint64_t now)
{
	struct budget_host *unused, *one = find(budget, host, now, &unused);

	if (one || unused == &budget->hosts[BUDGET_HOSTS])
		return one ? one : unused;
	*unused = (struct budget_host){.name = ""};
	strncpy(unused->name, host, sizeof(unused->name) - 1);
	return unused;
}

bool budget_allows(struct budget *budget, const char *host, uint32_t allowed, uint64_t now,
		   bool *ret_tell)
{
	struct budget_host *one = take(budget, host, now);

	*ret_tell = false;
	if (allowed && one->empty_at <= now + BUDGET_TIME - time_of_one(allowed))
		return true;
	*ret_tell = one->told_at == 0 || now - one->told_at >= TELL_TIME;
	if (*ret_tell)
		one->told_at = now;
	return false;
}

void budget_spend(struct budget *budget, const char *host, uint32_t allowed, uint64_t now)
{
	struct budget_host *one = take(budget, host, now);
	uint64_t full = now + BUDGET_TIME;

	if (one->empty_at < now)
		one->empty_at = now;
	one->empty_at += time_of_one(allowed);
	if (one->empty_at > full) /* codes that were checked at the same time */
		one->empty_at = full;
}

bool budget_is_active(const struct budget *budget, uint64_t now)
{
	for (size_t i = 0; i <= BUDGET_HOSTS; i++)
		if (budget->hosts[i].empty_at > now)
			return true;
	return false;
}
