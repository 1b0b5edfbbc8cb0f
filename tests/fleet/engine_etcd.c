/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The etcd engine, for the contract's test: a realm for each test, in the cluster that the
 * environment names as FLEET_ENDPOINTS, FLEET_CA, FLEET_CERTIFICATE and FLEET_KEY.
 */
#include "contract.h"
#include "records.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/etcd.h"

static char realm[32], directory[32], keyring[48];
static unsigned realms;

static struct etcd_store_config config_of_test(void)
{
	return (struct etcd_store_config){
		.cluster = {getenv("FLEET_ENDPOINTS"), getenv("FLEET_CA"),
			    getenv("FLEET_CERTIFICATE"), getenv("FLEET_KEY")},
		.realm = realm,
		.keyring = keyring,
	};
}

static bool is_possible(void)
{
	if (getenv("FLEET_ENDPOINTS"))
		return true;
	puts("skipped: tests/fleet/run starts a cluster for it");
	return false;
}

static void make(void)
{
	const struct etcd_store_config config = config_of_test();
	struct reason why = {""};

	snprintf(realm, sizeof(realm), "test-%d-%u", (int)getpid(), ++realms);
	strcpy(directory, "/tmp/pam_totp-fleet-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(keyring, sizeof(keyring), "%s/keyring", directory);
	if (keyring_create(keyring, NOW, &why) != TOTP_OK ||
	    etcd_setup(&config, io_deadline(10000), &why) != TOTP_OK)
		fail_msg("%s", why.text);
}

static struct store *open_etcd(struct reason *why)
{
	const struct etcd_store_config config = config_of_test();
	struct store *store = NULL;

	return etcd_open(&config, io_deadline(10000), &store, why) == TOTP_OK ? store : NULL;
}

static void drop(void)
{
	unlink(keyring);
	rmdir(directory);
}

const struct engine_under_test engine_under_test = {is_possible, make, open_etcd, drop};
