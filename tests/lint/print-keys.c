/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the option table for manual.py: name, places, default, separated by tabs. */
#include <stdio.h>

#include "login/policy.h"
#include "login/policy_option.h"

int main(void)
{
	const struct policy_key *key;

	for (size_t i = 0; (key = policy_key_at(i)); i++)
		printf("%s\t%s%s\t%s\n", key->name, key->in_file ? "file " : "",
		       key->in_args ? "args" : "", key->fallback);
	return 0;
}
