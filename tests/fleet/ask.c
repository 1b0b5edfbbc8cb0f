/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask ENDPOINTS CA CERTIFICATE KEY NAME COUNT PAUSE_MS [WAIT_MS]: write COUNT random values to the
 * key NAME, each on top of the one before, with a pause after each, and print what became of it. It
 * waits for an answer as long as a login does, or WAIT_MS.
 *
 *   committed VALUE      it is there
 *   stale VALUE          somebody else wrote first
 *   unknown VALUE WHY    nobody can tell
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"
#include "store/etcd/client.h"

#define NONCE_LEN 16

static unsigned wait_ms = ETCD_WAIT_MS;

static bool is_value(struct piece piece, const char *value)
{
	return piece.len == strlen(value) && memcmp(piece.at, value, piece.len) == 0;
}

/* Write a value if the key was last changed at *revision, which becomes the current one. */
static void write_once(struct etcd_client *client, struct piece key, uint64_t *revision)
{
	uint8_t nonce[NONCE_LEN];
	char value[2 * NONCE_LEN + 1];
	const struct etcd_compare unchanged = {ETCD_MODIFIED, key, *revision};
	const struct etcd_op put[] = {
		{.kind = ETCD_PUT, .key = key, .value = {value, 2 * NONCE_LEN}},
		{.kind = ETCD_RANGE, .key = key, .value = {value, 2 * NONCE_LEN}},
	};
	const struct etcd_op look[] = {{.kind = ETCD_RANGE, .key = key}};
	const struct etcd_request request = {1, &unchanged, {2, put}, {1, look}};
	OWN_ETCD_ANSWER struct etcd_answer answer;
	struct reason why = {""};
	const struct etcd_result *seen;
	bool ours;

	if (crypto_random(nonce, sizeof(nonce)) != TOTP_OK)
		err(1, "no random bytes");
	text_to_hex(nonce, sizeof(nonce), value);
	if (etcd_client_ask(client, &request, io_deadline(wait_ms), &answer, &why) != TOTP_OK) {
		printf("unknown %s %s\n", value, why.text);
		return;
	}
	seen = &answer.results[answer.succeeded ? 1 : 0];
	ours = seen->pair_count && is_value(seen->pairs[0].value, value);
	printf("%s %s\n", ours ? "committed" : "stale", value);
	*revision = seen->pair_count ? seen->pairs[0].modified : 0;
}

int main(int argc, char **argv)
{
	struct etcd_client *client = NULL;
	struct reason why = {""};
	uint64_t revision = 0;

	if (argc != 8 && argc != 9)
		errx(2, "usage: ask ENDPOINTS CA CERTIFICATE KEY NAME COUNT PAUSE_MS [WAIT_MS]");
	if (argc == 9)
		wait_ms = (unsigned)atoi(argv[8]);
	if (etcd_client_open(&(struct etcd_config){argv[1], argv[2], argv[3], argv[4]}, &client,
			     &why) != TOTP_OK)
		errx(1, "%s", why.text);
	setlinebuf(stdout);
	for (int i = atoi(argv[6]); i > 0; i--) {
		write_once(client, (struct piece){argv[5], strlen(argv[5])}, &revision);
		usleep((useconds_t)atoi(argv[7]) * 1000);
	}
	etcd_client_close(client);
	return 0;
}
