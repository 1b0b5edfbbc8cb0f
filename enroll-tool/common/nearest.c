/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/nearest.h"

#include <string.h>

#define LETTERS_MAX 32

/* Optimal string alignment distance; both words have at most LETTERS_MAX letters. */
static size_t distance(const char *a, const char *b)
{
	size_t cost[LETTERS_MAX + 1][LETTERS_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t i = 0; i <= a_len; i++) {
		for (size_t j = 0; j <= b_len; j++) {
			if (i == 0 || j == 0) {
				cost[i][j] = i + j;
				continue;
			}
			cost[i][j] = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (cost[i - 1][j] + 1 < cost[i][j])
				cost[i][j] = cost[i - 1][j] + 1;
			if (cost[i][j - 1] + 1 < cost[i][j])
				cost[i][j] = cost[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    cost[i - 2][j - 2] + 1 < cost[i][j])
				cost[i][j] = cost[i - 2][j - 2] + 1;
		}
	}
	return cost[a_len][b_len];
}

const char *nearest_word(const char *typed, const char *const *words, size_t count)
{
	size_t len = strlen(typed), least = len < 3 ? 1 : len / 3;
	const char *nearest = NULL;

	if (len > LETTERS_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t away = strlen(words[i]) > LETTERS_MAX ? LETTERS_MAX
			      : len >= 3 && strncmp(typed, words[i], len) == 0
				      ? words[i][len] != '\0'
				      : distance(typed, words[i]);

		if (away < least || (away == least && !nearest)) {
			least = away;
			nearest = words[i];
		}
	}
	return nearest;
}
