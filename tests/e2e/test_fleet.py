# SPDX-License-Identifier: BSD-2-Clause
"""A host whose store is in etcd: the module, totpd and the tools, over a real cluster."""
import os
import shutil
import signal
import sys
import time

import pytest

import wire
from host import DIR, HERE, quickest, run, sockets_at, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fleet"))
import cluster as clusters  # noqa: E402

CERTIFICATES = "/etc/pam_totp/etcd"


@pytest.fixture
def members():
    """How many the cluster has."""
    return 3


@pytest.fixture
def cluster(members):
    binaries = clusters.binaries()
    if not binaries:
        pytest.skip("no etcd is unpacked: scripts/install-deps test")
    directory = f"{DIR}/etcd.{time.monotonic_ns()}"
    with clusters.Cluster(directory, binaries[0], members) as cluster:
        yield cluster
    shutil.rmtree(directory)


def give_certificate(cluster):
    """totpd gets the certificate with which the cluster knows verifiers."""
    os.makedirs(CERTIFICATES, exist_ok=True)
    certificate, key = cluster.client_certificate
    for source, name in ((cluster.authority.certificate, "ca.crt"), (certificate, "verifier.crt"),
                         (key, "verifier.key")):
        shutil.copy(source, f"{CERTIFICATES}/{name}")
    run("chgrp", "_pam_totp", f"{CERTIFICATES}/verifier.key")
    os.chmod(f"{CERTIFICATES}/verifier.key", 0o640)


@pytest.fixture
def verifier(host, cluster):
    """A host with the service account, a policy that names the cluster, its store, and totpd."""
    host.serve()
    host.stop_totpd()
    host.forget()
    give_certificate(cluster)
    host.policy(store="etcd", etcd_endpoints=cluster.endpoints, fail_delay=0)
    run("totpctl", "store", "init")
    host.pam("locker", "auth required pam_totp.so")
    host.totpd()
    yield host
    os.unlink("/etc/pam.d/locker")  # other tests look at all services


def log_in(user, code, fail=False):
    """A program that runs as the user, or as root for root, asks PAM."""
    became = () if user == "root" else ("setpriv", f"--reuid={user}", f"--regid={user}",
                                        "--init-groups", "--reset-env", "--")
    return run(*became, "pamtester", "locker", "alice", "authenticate", given=code + "\n",
               fail=fail, cwd="/")


@pytest.mark.parametrize("caller", ["root", "alice"])
def test_a_code_that_was_used_is_denied_at_the_next_login(verifier, caller):
    phone = verifier.enroll("alice")
    assert not os.path.exists("/var/lib/pam_totp/users")
    code = phone.code()
    assert "successfully authenticated" in log_in(caller, code)
    since = verifier.log_end()
    assert "already used" in log_in(caller, code, fail=True)
    assert verifier.event(since)["outcome"] == "deny"
    log_in(caller, phone.code(ahead=1))


def test_people_log_in_over_ssh(verifier):
    phone = verifier.enroll("alice")
    verifier.sshd()
    code = phone.code()
    assert verifier.ssh("alice", code).ok
    assert not verifier.ssh("alice", code).ok


def test_root_enrolls_and_the_user_looks_at_it(verifier):
    verifier.enroll("alice")
    status = run("setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--reset-env", "--",
                 "totp-enroll", "status", cwd="/")
    assert "phone" in status.lower(), status
    assert "alice" in run("totpctl", "list")


def metrics():
    """Name and labels -> number, as texts."""
    return dict(line.rsplit(" ", 1) for line in run("totpctl", "metrics").splitlines() if line[0] != "#")


def test_metrics_count_the_records_and_the_logins_of_the_cluster(verifier, cluster):
    phone = verifier.enroll("alice")
    verifier.enroll("bob")
    found = metrics()
    assert (found["pam_totp_store_up"], found['pam_totp_records{status="ok"}']) == ("1", "2")
    assert not [name for name in found if "store_free" in name], "the disk of a member is its own matter"
    assert found["pam_totp_last_login_timestamp_seconds"] == "0"
    log_in("alice", phone.code())
    found = metrics()
    assert found['pam_totp_recent_users{within="1d"}'] == "1"
    assert found['pam_totp_decisions_total{outcome="allow",reason="code"}'] == "1"
    for member in cluster.members[1:]:
        member.kill()
    found = metrics()
    assert found["pam_totp_store_up"] == "0" and 'pam_totp_records{status="ok"}' not in found


def test_a_cluster_without_a_quorum_denies_everybody_and_comes_back_by_itself(verifier, cluster):
    phone = verifier.enroll("alice")
    log_in("alice", phone.code())
    for member in cluster.members[1:]:
        member.kill()
    for user in "alice", "root":
        code = phone.code(ahead=1)  # which may wait for the next time step
        since = verifier.log_end()
        # 4 s, and the start of the program that asks
        assert quickest(lambda user=user, code=code: log_in(user, code, fail=True), 5) < 5
        events = verifier.events(since)
        assert events and all(event["outcome"] == "error" and "127.0.0.1" in str(event)
                              for event in events), events
    for member in cluster.members[1:]:
        member.start()
    cluster.wait()
    log_in("alice", phone.code(ahead=1))


def test_without_totpd_nobody_is_let_in(verifier):
    phone = verifier.enroll("alice")
    verifier.stop_totpd()
    for user in "alice", "root":
        log_in(user, phone.code(), fail=True)


def answers(cluster, member):
    try:
        cluster.ask("kv/range", {"key": clusters.key("x")}, member)
        return True
    except OSError:
        return False


def test_a_member_that_dies_is_not_noticed(verifier, cluster):
    for _ in range(3):  # a busy machine may delay the program that asks
        phone = verifier.enroll("alice", "--force")
        log_in("alice", phone.code())
        leader = cluster.leader()
        leader.kill()
        code = phone.code(ahead=1)
        seconds = quickest(lambda code=code: log_in("alice", code), 3, tries=1)
        if seconds < 3:
            break
        leader.start()
        assert wait_for(lambda leader=leader: answers(cluster, leader))
    assert seconds < 3


@pytest.mark.parametrize("members", [1])
def test_a_client_that_waits_no_longer_costs_no_process(verifier, cluster):
    """A process that answers has a connection to the cluster, and others would have to wait for a new one."""
    phone = verifier.enroll("alice")
    log_in("alice", phone.code())
    wrong = phone.wrong()

    def processes():
        """When all connections are closed: the others that close them have ended soon after."""
        sockets = "/run/pam_totp/root.socket", "/run/pam_totp/socket"
        assert wait_for(lambda: [sockets_at(path) for path in sockets] == [[True], [True]])
        time.sleep(0.5)
        totpd = verifier.totpd_process.pid
        with open(f"/proc/{totpd}/task/{totpd}/children") as children:
            return set(children.read().split())

    def is_stopped():
        tasks = f"/proc/{cluster.members[0].process.pid}/task"
        return all("\nState:\tT" in open(f"{tasks}/{task}/status").read() for task in os.listdir(tasks))

    def ask():
        """None: a busy totpd has seen the request too late."""
        cluster.members[0].signal(signal.SIGSTOP)
        assert wait_for(is_stopped)
        try:
            with wire.connect("/run/pam_totp/root.socket") as client:
                client.send(wire.request(wire.CHECK, "alice", wrong, store_dir="", seconds=1))
                time.sleep(1.2)
                cluster.members[0].signal(signal.SIGCONT)
                return wire.Response(client.recv(4096))
        except ConnectionResetError:
            return None
        finally:
            cluster.members[0].signal(signal.SIGCONT)

    before = processes()
    assert before
    said = next(filter(None, (ask() for _ in range(5))))
    assert said.error == "timeout" and "waits no longer" in said.why
    assert before <= processes()
    log_in("alice", phone.code(ahead=1))


def test_requests_that_are_forbidden_cost_no_connection_to_the_cluster(verifier):
    """What any user can send as often as they like."""
    phone = verifier.enroll("alice")
    log_in("alice", phone.code())

    def descriptors():
        """Of the most loaded process of totpd."""
        totpd = verifier.totpd_process.pid
        with open(f"/proc/{totpd}/task/{totpd}/children") as children:
            pids = [pid for pid in children.read().split() if os.path.exists(f"/proc/{pid}/fd")]
        return max(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)

    def look():
        assert wire.ask(wire.request(wire.LOOK, "alice", store_dir=""), "/run/pam_totp/root.socket").enrolled

    for _ in range(20):  # a worker that asks often knows the leader, too
        look()
    before = descriptors()
    for _ in range(20):
        # root asks by the way of users, about a user who is not root
        assert wire.ask(wire.request(wire.LOOK, "alice", store_dir="")).error == "forbidden"
        look()
    assert wait_for(lambda: descriptors() <= before), (descriptors(), before)
    log_in("alice", phone.code(ahead=1))
