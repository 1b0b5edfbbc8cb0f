/* SPDX-License-Identifier: BSD-2-Clause */
/* The files engine, for the contract's test. */
#include "contract.h"
#include "store_fixture.h"

static void *fixture;

static bool is_possible(void)
{
	if (geteuid() == 0)
		return true;
	puts("skipped: needs root");
	return false;
}

static void make(void)
{
	fixture_begin(&fixture);
}

static struct store *open_files(struct reason *why)
{
	const struct fixture *f = fixture;
	struct store *store = NULL;

	return files_open(&f->config, &store, why) == TOTP_OK ? store : NULL;
}

static void drop(void)
{
	fixture_end(&fixture);
}

const struct engine_under_test engine_under_test = {is_possible, make, open_files, drop};
