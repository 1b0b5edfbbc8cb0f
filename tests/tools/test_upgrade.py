# SPDX-License-Identifier: BSD-2-Clause
"""
totpctl upgrade: a store gets a newer version when the administrator says so, and older programs can
use it until then.

totpctl-later and record-tool-later are the programs of this version, except that they know a
version 3 of records, which this version does not.
"""

import json
import os
import re
import resource
import signal
import subprocess
import time

import pytest

from host import (HANGS, KNOWN, OTHER_SECRET, SECRET, Host, bare, code_at, fresh_code, host, row,
                  wrong_code)

TOTPCTL_LATER = os.environ["TOTPCTL_LATER"]
RECORD_TOOL_LATER = os.environ["RECORD_TOOL_LATER"]


def later(host, *words, stdin=None, fail=False, **more):
    """Run the later totpctl; it must succeed, or with fail=True must fail."""
    ran = subprocess.run([TOTPCTL_LATER, "--conf", host.conf, *words], input=stdin, capture_output=True,
                         text=True, timeout=HANGS, **more)
    assert (ran.returncode != 0) == fail, (ran.returncode, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


def attempt_later(host, user, code):
    return subprocess.run([RECORD_TOOL_LATER, host.conf, "attempt", user, "192.0.2.1", code, "0"],
                          capture_output=True, text=True, timeout=HANGS).stdout.strip()


def versions(host):
    """The version of each state; the version of the credential is encrypted."""
    return {name.rsplit(".", 1)[0]: (host.store / "state" / name).read_bytes()[5]
            for name in os.listdir(host.store / "state")}


def marker(host):
    return (host.store / "STORE").read_text().splitlines()


@pytest.fixture
def used(host):
    """A store with some logins and failures."""
    host.done("import", "csv", "-", stdin=f"alice.x,{SECRET}\nbob.x,{OTHER_SECRET}\n{KNOWN},{SECRET}\n")
    host.code = fresh_code()
    assert host.attempt("alice.x", host.code) == "allow code"
    assert host.attempt("bob.x", wrong_code(OTHER_SECRET)) == "deny wrong_code"
    return host


def test_a_store_of_the_newest_version_stays_unchanged(used):
    before = used.files()
    assert used.done("upgrade") == "3 records of version 2, 0 of an older one\n"
    assert used.files() == before


def test_before_the_upgrade_a_newer_program_writes_what_the_older_one_reads(used):
    later(used, "recovery", "alice.x")
    later(used, "import", "csv", "-", stdin=f"new.x,{SECRET}\n")
    assert attempt_later(used, "new.x", fresh_code()) == "allow code"
    assert set(versions(used).values()) == {2}
    assert marker(used)[0] == "pam_totp store 2"
    assert used.attempt("alice.x", used.code) == "deny used_code"
    assert row(used.done("show", "alice.x"), "recovery codes") == "10 of 10 left"
    assert used.attempt(KNOWN, fresh_code()) == "allow code"


def test_an_upgrade_rewrites_everything_and_keeps_all_states(used):
    before = marker(used)
    assert later(used, "upgrade") == \
        "0 records of version 3, 3 of an older one\n3 records upgraded\n"
    assert versions(used) == {"alice.x": 3, "bob.x": 3, KNOWN: 3}
    assert marker(used) == ["pam_totp store 3", *before[1:]]
    assert attempt_later(used, "alice.x", used.code) == "deny used_code"
    assert attempt_later(used, "bob.x", code_at(time.time(), OTHER_SECRET)) == "allow code"
    assert re.search(r"failures +1", later(used, "show", KNOWN)) is None
    after = used.files()
    assert later(used, "upgrade") == "3 records of version 3, 0 of an older one\n"
    assert used.files() == after
    later(used, "import", "csv", "-", stdin=f"new.x,{SECRET}\n")
    assert versions(used)["new.x"] == 3


def test_an_older_program_rejects_the_whole_of_an_upgraded_store(used):
    later(used, "upgrade")
    before = used.files()
    for words in ("list",), ("upgrade",), ("show", KNOWN), ("import", "csv", "-"):
        said = used.refused(*words, stdin=f"x.x,{SECRET}\n")
        assert "made by a newer version of pam_totp" in said
    assert used.files() == before


def test_a_record_of_a_newer_version_is_reported_and_stays_unchanged(used):
    """A newer record in an older store: from a backup, or put there by hand."""
    old = marker(used)
    later(used, "upgrade")
    (used.store / "STORE").write_text("\n".join([*old, ""]))
    said = later(used, "import", "csv", "--replace", "-", stdin=f"bob.x,{OTHER_SECRET}\n")
    assert versions(used) == {"alice.x": 3, "bob.x": 2, KNOWN: 3}, said
    before = used.files()
    ran = used.run("upgrade")
    assert (ran.returncode, ran.stdout) == (1, "1 record of version 2, 0 of an older one\n")
    for user in "alice.x", KNOWN:
        assert re.search(rf"^totpctl: {user}: .*newer version", ran.stderr, re.M), ran.stderr
    assert used.files() == before
    assert used.attempt("bob.x", code_at(time.time(), OTHER_SECRET)) == "allow code"


def test_a_damaged_record_is_reported_and_the_others_are_upgraded(used):
    used.user_file("bob.x").write_bytes(b"damaged")
    said = later(used, "upgrade", fail=True)
    assert "2 records upgraded" in said and "bob.x: " in said
    assert {user: version for user, version in versions(used).items() if user != "bob.x"} == \
        {"alice.x": 3, KNOWN: 3}


def test_records_of_both_versions_work_side_by_side(used):
    """As after an interruption."""
    later(used, "upgrade")
    old = marker(used)
    (used.store / "STORE").write_text("\n".join(["pam_totp store 2", *old[1:], ""]))
    later(used, "recovery", "bob.x")
    (used.store / "STORE").write_text("\n".join([*old, ""]))
    assert versions(used)["bob.x"] == 2
    assert later(used, "list").count(" ok ") + later(used, "list").count(" no-account ") == 3
    assert attempt_later(used, "alice.x", used.code) == "deny used_code"
    assert later(used, "upgrade") == "2 records of version 3, 1 of an older one\n1 record upgraded\n"


def test_a_full_disk_damages_no_record(used):
    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    said = later(used, "upgrade", fail=True, preexec_fn=small)
    assert "0 records upgraded" in said
    assert set(versions(used).values()) == {2}
    assert attempt_later(used, "alice.x", used.code) == "deny used_code"
    assert "3 records upgraded" in later(used, "upgrade")


# --- from version 1, which had one throttle for all unknown sources

def throttles(host, user):
    """How much of each throttle is used, by the class of its sources."""
    found = json.loads(host.done("list", "--json"))
    return {throttle["source"] or throttle["others"]: throttle["failed_tries"]
            for one in found if one["user"] == user for throttle in one["throttles"]}


@pytest.fixture
def old(host):
    """A store that version 0.1 has made, with failed logins in it."""
    lines = marker(host)
    assert lines[0] == "pam_totp store 2"
    (host.store / "STORE").write_text("\n".join(["pam_totp store 1", *lines[1:], ""]))
    host.done("import", "csv", "-", stdin=f"alice.x,{SECRET}\n")
    for _ in range(3):
        assert host.attempt("alice.x", wrong_code()) == "deny wrong_code"
    return host


def test_a_store_of_version_1_stays_one_until_it_is_upgraded(old):
    assert versions(old) == {"alice.x": 1}
    assert throttles(old, "alice.x") == {"all": 3}
    old.done("recovery", "alice.x")
    assert (versions(old), throttles(old, "alice.x")) == ({"alice.x": 1}, {"all": 3})


def test_an_upgrade_from_version_1_clears_the_failures_of_no_class(old):
    assert old.done("upgrade") == "0 records of version 2, 1 of an older one\n1 record upgraded\n"
    assert versions(old) == {"alice.x": 2}
    assert throttles(old, "alice.x") == dict.fromkeys(("network", "console", "terminal", "user"), 3)
    assert old.attempt("alice.x", wrong_code()) == "deny wrong_code"
    assert throttles(old, "alice.x") == {"network": 4, "console": 3, "terminal": 3, "user": 3}
    old.done("unlock", "alice.x")
    assert set(throttles(old, "alice.x").values()) == {0}
