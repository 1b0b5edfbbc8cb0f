# SPDX-License-Identifier: BSD-2-Clause
"""
What ends the time for which `remember` skips the question, and what never makes a used recovery
code valid again.
"""

import os
import subprocess

import pytest

from host import *  # noqa: F403
from test_import import bring, export, other  # noqa: F401

TOTPCTL_LATER = os.environ["TOTPCTL_LATER"]
HERE, THERE = "192.0.2.1", "2001:db8::1"
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")


def remembered(host, user=KNOWN):
    """Does a login from each of the two addresses skip the question?"""
    return {host.record("remembered", user, address) == "yes" for address in (HERE, THERE)}


@pytest.fixture
def known(host):
    """A user with two remembered addresses and with recovery codes of which one is spent."""
    host.policy("remember = 1d")
    host.enroll(KNOWN)
    host.codes = CODE.findall(host.done("recovery", KNOWN))
    assert host.attempt(KNOWN, fresh_code(), HERE) == "allow code"
    assert host.attempt(KNOWN, host.codes[0], THERE) == "allow recovery_code"
    assert remembered(host) == {True}
    host.log.unlink(missing_ok=True)
    return host


def bind_elsewhere_and_back(host):
    host.record("bind", KNOWN, 4711)
    host.done("adopt", KNOWN)


def fail_and_unlock(host):
    host.attempt(KNOWN, wrong_code(), "203.0.113.9")
    host.done("unlock", KNOWN)


def disable_and_enable(host):
    host.done("suspend", KNOWN)
    host.done("resume", KNOWN)


def lose_and_repair(host):
    host.state_file(KNOWN).write_bytes(b"")
    host.done("repair", KNOWN)


def replace_by_import(host):
    host.done("import", "csv", "-", "--replace", stdin=f"{KNOWN},{OTHER_SECRET}\n")


def import_the_same_again(host):
    assert bring(host, export(host), "--replace").returncode == 0


def set_the_clock_right(host):
    host.record("ahead", KNOWN, 86400)
    host.done("repair-clock", KNOWN)


def bypass(host):
    host.done("temporary-code", KNOWN)
    host.done("temporary-code", KNOWN, "--revoke")


def upgrade(host):
    subprocess.run([TOTPCTL_LATER, "--conf", host.conf, "upgrade"], check=True, capture_output=True)


ENDING = {
    "adopt": bind_elsewhere_and_back,
    "disable": disable_and_enable,
    "forget": lambda host: host.done("forget", KNOWN),
    "import": replace_by_import,
    "import-same": import_the_same_again,
    "recovery": lambda host: host.done("recovery", KNOWN),
    "repair": lose_and_repair,
    "repair-clock": set_the_clock_right,
    "unlock": fail_and_unlock,
    "unlock-nothing": lambda host: host.done("unlock", KNOWN),
}
LASTING = {
    "bypass": bypass,
    "rotate": lambda host: host.done("key", "rotate"),
}


@pytest.mark.parametrize("how", ENDING)
def test_after_this_no_address_is_remembered(known, how):
    ENDING[how](known)
    assert remembered(known) == {False}


@pytest.mark.parametrize("how", LASTING)
def test_after_this_the_addresses_are_still_remembered(known, how):
    LASTING[how](known)
    assert remembered(known) == {True}


@pytest.mark.parametrize("how", sorted(set(ENDING | LASTING) - {"recovery", "import"}))
def test_a_spent_recovery_code_stays_spent_after_this(known, how):
    (ENDING | LASTING)[how](known)
    assert known.attempt(KNOWN, known.codes[0]) == "deny spent_recovery_code"


def test_a_spent_recovery_code_stays_spent_after_an_upgrade(known):
    upgrade(known)
    tried = subprocess.run([os.environ["RECORD_TOOL_LATER"], known.conf, "attempt", KNOWN, HERE,
                            known.codes[0], "0"], capture_output=True, text=True, timeout=HANGS)
    assert tried.stdout == "deny spent_recovery_code\n"


def test_addresses_that_another_host_remembers_are_not_imported(known, other):
    other.policy("remember = 1d")
    assert bring(other, export(known)).stdout == "1 user imported\n"
    assert remembered(other) == {False}
    assert other.attempt(KNOWN, known.codes[0]) == "deny spent_recovery_code"
    assert other.attempt(KNOWN, known.codes[1]) == "allow recovery_code"


def test_forgetting_leaves_the_address_its_own_throttle(known):
    known.done("forget", KNOWN)
    for _ in range(6):
        known.attempt(KNOWN, wrong_code(), "203.0.113.9")
    assert known.attempt(KNOWN, known.codes[1], "203.0.113.9") == "allow recovery_code"
    assert known.attempt(KNOWN, wrong_code(), "198.51.100.1") == "wait throttled"
    assert known.attempt(KNOWN, code_at(time.time() + 30), HERE) == "allow code"


def test_one_call_forgets_several_users_and_reports_each(known):
    known.enroll("bob.x", OTHER_SECRET)
    said = known.run("forget", KNOWN, "no.such.user", "bob.x")
    assert said.returncode == 1
    assert f"{KNOWN} needs a code at the next login from each address.\n" in said.stdout
    assert "No address of bob.x is remembered" in said.stdout
    assert "no.such.user is not enrolled" in said.stderr
    assert remembered(known) == {False}
    assert known.logged().count("outcome=forgotten") == 1


def test_forgetting_twice_changes_nothing(known):
    known.done("forget", KNOWN)
    before = known.files()
    assert "nothing is changed" in known.done("forget", KNOWN)
    assert known.files() == before
