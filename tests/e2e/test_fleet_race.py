# SPDX-License-Identifier: BSD-2-Clause
"""Eight login hosts with one verifier, whose store is in etcd with three members."""
import os

import pytest

from host import accounts, run
from test_fleet import cluster, give_certificate, members  # noqa: F401
from test_login_host import PORT, VERIFIER, fleet, identity, write_policy  # noqa: F401
from test_race import Program, code, users_file

HOSTS = 8
PROCESSES = 8  # on each
CODES = 3000 if os.environ.get("FLEET_LONG") else 60
NO_LIMIT = {"attempts": 100, "attempts_refill": 1, "attempts_total": 10000, "fail_delay": 0}


@pytest.fixture
def eight(fleet, cluster):  # noqa: F811
    """The policies of the hosts, whose totpds run."""
    fleet.stop(fleet.verifier)
    give_certificate(cluster)
    fleet.verifier_policy(**NO_LIMIT, host_failures=100000, hosts="*", store="etcd",
                          etcd_endpoints=cluster.endpoints)
    run("totpctl", "--conf", VERIFIER, "store", "init")
    fleet.verifier = fleet.totpd("--conf", VERIFIER, "--verifier", "haproxy")
    policies = []
    for number in range(HOSTS):
        identity(f"/etc/host{number}", f"host{number}")
        policies.append(f"/etc/security/host{number}.conf")
        write_policy(policies[-1], store="verifier", verifiers=f"127.0.0.1:{PORT}",
                     fleet_dir=f"/etc/host{number}", run_dir=f"/run/host{number}")
        fleet.totpd("--conf", policies[-1])
    return policies


def test_a_code_that_64_processes_on_eight_hosts_try_at_once_is_accepted_once(eight):
    users = [f"race{number}" for number in range(CODES)]
    with accounts(*users):
        run("totpctl", "--conf", VERIFIER, "import", "csv", users_file("race", users))
        race = Program("fleet/hosts", PROCESSES, *eight)
        results = [race.ask(user, code()) for user in users]
        race.end()
    assert not [each for each in results if each[0] != 1], results
