# SPDX-License-Identifier: BSD-2-Clause
"""
What totpd and its workers, which answer one request after the other, have in memory after requests:
the keys, where totpd keeps them, and nothing of any request. Freed memory is searched too. Without
its wipes, totpd leaves what this looks for.
"""
import itertools
import os
import signal
import sys

import pytest

import wire
from host import KEYRING, wait_for
from test_fleet import cluster, verifier  # noqa: F401 fixtures
from test_fleet_calls import children, members  # noqa: F401 a fixture
from test_login_host import fleet  # noqa: F401 a fixture
from test_totpd_faults import OLD, NEW, Change, phone_of
from test_totpd_memory import KEEP, state

sys.path.append(os.path.join(os.path.dirname(__file__), "../memory"))
from search import forms_of_keys, places, secret_forms  # noqa: E402

ROOT = "/run/pam_totp/root.socket"


def ask(path, op, code=None, **keywords):
    answer = wire.ask(wire.request(op, "alice", code, **keywords), path)
    assert answer.error == "ok", answer
    return answer


def requests(host, path=ROOT, store_dir=""):
    """Of each kind, one after the other: what no process may hold after it."""
    old, new = map(phone_of, (OLD, NEW))
    host.phones += [old, new]
    needles = {**secret_forms(OLD, "the old secret"), **secret_forms(NEW, "the new secret")}

    def sent(what, code, codes=()):
        needles[f"code of {what}"] = code.replace("-", "").encode()
        for number, each in enumerate(codes):
            needles[f"recovery code {number} of {what}"] = each.encode()
        return what, needles

    def put(*request, **keywords):
        return ask(path, *request, store_dir=store_dir, **keywords)

    token = Change.token(old, "phone", -3)
    enrolled = put(wire.ENROLL, token=token)
    assert enrolled.codes
    yield sent("enroll", token[-1], enrolled.codes)
    used = old.code(-2)
    for what, code in ("a right code", used), ("a used code", used), (
            "a recovery code", enrolled.codes[0]):
        answer = put(wire.CHECK, code)
        assert (answer.verdict == "allow") == (what != "a used code"), (what, answer)
        yield sent(what, code)
    code = old.code(-1)
    token = Change.token(new, "second", -3)
    assert put(wire.ADD, code, token=token).verdict == "allow"
    needles["code of the new phone"] = token[-1].encode()
    yield sent("add", code)
    code = old.code()
    answer = put(wire.RECOVERY, code)
    assert answer.verdict == "allow" and answer.codes
    yield sent("recovery", code, answer.codes)
    assert put(wire.STATUS).labels == ["phone", "second"]
    yield "status", needles


def left_in(pid, needles):
    """The places of the needles in a process, which is stopped meanwhile, or has stopped itself."""
    try:
        if state(pid) != "T":
            os.kill(pid, signal.SIGSTOP)
            assert wait_for(lambda: state(pid) in ("T", "Z", "gone"))
        found = places(pid, needles) if state(pid) == "T" else []
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:  # one that closed connections
        return []
    return found


def everything_left(host, totpd, keys, count=None):
    """
    After each request, or the first ones: where the keys are in each process, and what else there is in
    totpd and all its children.
    """
    of_keys, found = {}, set()
    for what, needles in itertools.islice(requests(host), count):
        for pid in [totpd, *children(totpd)]:
            for name, mapping, at in left_in(pid, {**needles, **keys}):
                if name in keys and " " not in name.removeprefix("key "):
                    of_keys.setdefault(pid, set()).add(at)
                else:
                    found.add(f"after {what}: {name} in {mapping} of {'totpd' if pid == totpd else 'a child'}")
    return of_keys, "\n".join(sorted(found))


@pytest.fixture
def of_etcd(verifier, cluster):  # noqa: F811
    """Starts totpd of a host whose store is in etcd."""
    verifier.policy(store="etcd", etcd_endpoints=cluster.endpoints, fail_delay=0, window=3)

    def start(**variables):
        verifier.totpd(**variables)
        return verifier.totpd_process.pid
    yield start
    verifier.totpd_process.kill()  # it would stop before it ends


@pytest.fixture
def of_login_host(fleet):  # noqa: F811
    """Starts totpd of a host whose codes a verifier checks."""
    fleet.verifier_policy(window=3, hosts_self="hosta", hosts_enroll="hosta")
    own = fleet.running[2]

    def start(**variables):
        fleet.stop(own)
        return fleet.totpd(**variables).pid
    return start


def test_the_workers_of_a_store_in_etcd_leave_nothing(verifier, of_etcd):  # noqa: F811
    totpd = of_etcd(LD_PRELOAD=KEEP)
    keys, found = everything_left(verifier, totpd, forms_of_keys(KEYRING))
    assert found == ""
    # totpd has them in one place, which is the same in its children, and an open store in one more
    assert len(keys[totpd]) == 1
    assert max(map(len, keys.values())) == 2
    assert all(keys[totpd] <= places for places in keys.values())


def test_the_workers_of_a_login_host_leave_nothing(fleet, of_login_host):  # noqa: F811
    assert everything_left(fleet.host, of_login_host(LD_PRELOAD=KEEP), {})[1] == ""


def test_without_its_wipes_the_workers_of_totpd_would_leave_all_of_that(verifier, of_etcd):  # noqa: F811
    # one request: what is left of it would be taken for a part of the next one
    _, found = everything_left(verifier, of_etcd(LD_PRELOAD=KEEP, MEMORY_WITHOUT_WIPES="all"), {}, 1)
    for what in "the old secret", "code of enroll", "recovery code 0 of enroll":
        assert what in found, found
