# SPDX-License-Identifier: BSD-2-Clause
"""Eight login hosts with one verifier, whose store is in etcd with three members."""
import os
import subprocess
import time

import pytest

from host import run
from test_fleet import cluster, give_certificate  # noqa: F401
from test_login_host import PORT, VERIFIER, Fleet, fleet, identity, write_policy  # noqa: F401

HOSTS = 8
PROCESSES = 8  # on each
CODES = 3000 if os.environ.get("FLEET_LONG") else 60
NO_LIMIT = {"attempts": 100, "attempts_refill": 1, "attempts_total": 10000, "fail_delay": 0}


class Race:
    def __init__(self, policies):
        program = f"{os.environ['HOST_BUILD']}/tests/fleet/hosts"
        self.process = subprocess.Popen([program, str(PROCESSES), *policies], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def check(self, user, code):
        """(how many were allowed, how many got no answer)"""
        print(user, code, file=self.process.stdin, flush=True)
        _, allowed, _, unanswered = self.process.stdout.readline().split()
        return int(allowed), int(unanswered)

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


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


def codes(users):
    """A user and a code, for each; none in the last moments of a step."""
    for user, secret in users:
        if time.time() % 30 > 28:
            time.sleep(2.1)
        yield user, run("oathtool", "--totp", "-d", "6", "-b", "-", given=secret).strip()


def test_a_code_that_64_processes_on_eight_hosts_try_at_once_is_accepted_once(eight):
    users = [(f"user{number}", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP") for number in range(CODES)]
    path = "/root/users.csv"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{user},{secret}\n" for user, secret in users)
    with open("/etc/passwd", "a") as passwd:
        passwd.writelines(f"user{number}:x:{70000 + number}:65534::/:/bin/false\n"
                          for number in range(CODES))
    run("totpctl", "--conf", VERIFIER, "import", "csv", path)
    os.unlink(path)
    race = Race(eight)
    results = [race.check(user, code) for user, code in codes(users)]
    race.end()
    assert not [each for each in results if each[0] != 1], results
