"""totpd, asked by the programs of ordinary people, by set-uid ones and by strangers."""
import os
import subprocess
import sys
import time

import pytest

import wire
from host import DIR, HERE, PROMPT, STORE, run, wait_for


@pytest.fixture
def served(host):
    """A host with the service account and totpd at work."""
    host.serve()
    return host


def as_user(user, *argv, given=None, fail=False, env=None):
    """Run a program as an ordinary user, to its end."""
    return run("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--reset-env",
               "--", "env", *(f"{key}={value}" for key, value in (env or {}).items()), *argv,
               given=given, fail=fail, cwd="/")


def ask_as(user, *arguments, **keywords):
    """The same with wire.ask; returns what print shows of the response."""
    return as_user(user, "/usr/bin/python3", "-B", "-c",
                   f"import sys; sys.path.insert(0, {HERE!r})\n"
                   f"import wire\nprint(wire.ask(wire.request(*{arguments!r}, **{keywords!r})))")


def log_in(user, code, fail=False):
    """A program of the user's own asks PAM, as a screen locker does."""
    return as_user(user, "pamtester", "locker", user, "authenticate", given=code + "\n", fail=fail)


def test_a_program_of_one_s_own_checks_a_code_once(served):
    phone = served.enroll("alice")
    served.pam("locker", "auth required pam_totp.so")
    code = phone.code()
    assert "successfully authenticated" in log_in("alice", code)
    event = served.event()
    assert (event["user"], event["outcome"], event["source"]) == ("alice", "allow", "uid:64001")
    assert event["service"] == "locker"
    assert "already used" in log_in("alice", code, fail=True)
    assert "not accepted" in log_in("alice", phone.wrong(), fail=True)
    assert len(served.events()) == 3


def test_nobody_is_asked_about_another(served):
    served.enroll("bob")
    served.pam("locker", "auth required pam_totp.so")
    as_user("alice", "pamtester", "locker", "bob", "authenticate", given="123456\n", fail=True)
    assert served.event()["outcome"] == "error"
    assert "forbidden" in ask_as("alice", wire.CHECK, "bob", "123456")
    for op in range(wire.LOOK, wire.DISABLE + 1):
        assert "forbidden" in ask_as("alice", op, "bob")
    assert all(event["outcome"] == "error" for event in served.events())
