# SPDX-License-Identifier: BSD-2-Clause
"""su and sudo, started by ordinary users: set-uid programs, whose caller may be hostile."""
import os
import signal

import pexpect
import pytest

from host import PROMPT, Terminal, day

STACK = ("auth sufficient pam_rootok.so", "auth required pam_totp.so {}",
         "auth required pam_permit.so", "account required pam_permit.so",
         "session required pam_permit.so")


def as_user(user, *argv):
    """Run a program at a terminal as an ordinary user."""
    return Terminal("setpriv", [f"--reuid={user}", f"--regid={user}", "--init-groups",
                                "--reset-env", "--", *argv], cwd="/")


def end(child):
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


@pytest.fixture
def su(host):
    """alice becomes bob, with bob's code."""
    host.pam("su", *STACK)
    phone = host.enroll("bob")

    def become(code):
        child = as_user("alice", "su", "bob", "-c", "id -un")
        child.expect_exact(PROMPT)
        child.sendline(code)
        status = end(child)
        return (status, child.before)

    become.phone = phone
    return become


@pytest.fixture
def sudo(host):
    """alice becomes root, with her own code."""
    host.pam("sudo", *STACK)
    with open("/etc/sudoers", "w") as file:
        file.write("Defaults passwd_tries=1\nDefaults !lecture\nroot ALL=(ALL) ALL\nalice ALL=(ALL) ALL\n")
    os.chmod("/etc/sudoers", 0o440)
    phone = host.enroll("alice")

    def become(code):
        child = as_user("alice", "sudo", "-k", "id", "-un")
        child.expect_exact(PROMPT)
        child.sendline(code)
        status = end(child)
        return (status, child.before)

    become.phone = phone
    return become


def test_su_accepts_a_code_once(host, su):
    code = su.phone.code()
    mark = host.log_end()
    status, screen = su(code)
    assert status == 0 and "bob" in screen, screen
    event = host.event(mark)
    assert (event["user"], event["service"], event["source"], event["outcome"]) == \
        ("bob", "su", "uid:64001", "allow")
    assert su(code)[0] != 0
    assert su(su.phone.wrong())[0] != 0
    assert [event["reason"] for event in host.events(mark)] == ["code", "used_code", "wrong_code"]
    assert su(su.phone.code(1))[0] == 0


def test_sudo_accepts_a_code_once(host, sudo):
    code = sudo.phone.code()
    mark = host.log_end()
    status, screen = sudo(code)
    assert status == 0 and "root" in screen, screen
    event = host.event(mark)
    assert (event["user"], event["service"], event["source"], event["outcome"]) == \
        ("alice", "sudo", "uid:64001", "allow")
    assert sudo(code)[0] != 0
    assert sudo(sudo.phone.wrong())[0] != 0
    assert [event["reason"] for event in host.events(mark)] == ["code", "used_code", "wrong_code"]
    assert sudo(sudo.phone.code(1))[0] == 0


def test_another_time_zone_of_the_caller_changes_nothing(host, su):
    """enforce=DATE is in UTC: TZ, which the caller of su sets, does not move it."""
    today, tomorrow = day(), day(1)
    for zone in "Etc/GMT+12", "Pacific/Kiritimati":
        for date, must in (tomorrow, False), (today, True):
            host.policy(enforce=date, fail_delay=0)
            child = as_user("alice", "env", f"TZ={zone}", "su", "root", "-c", "id -un")
            asked = child.expect_exact([PROMPT, "root"]) == 0
            assert asked == must, (zone, date)
            if asked:
                child.sendline("000000")
            end(child)


def test_a_caller_who_limits_file_sizes_cannot_use_a_code_twice(host, su):
    """
    Set-uid programs inherit RLIMIT_FSIZE: if the state cannot be written, the login is denied.
    """
    code = su.phone.code()
    child = as_user("alice", "sh", "-c", "trap '' XFSZ; ulimit -f 0; exec su bob -c 'id -un'")
    child.expect_exact(PROMPT)
    child.sendline(code)
    assert end(child) != 0
    assert host.event()["outcome"] == "error"
    assert su(code)[0] == 0, "it was not used"


def test_a_su_that_is_killed_or_stopped_at_its_prompt_holds_no_lock(host, su):
    """
    Killed or stopped at its prompt, su holds nothing that others need: a login that waits for a lock
    is denied in the end.
    """
    for sign in signal.SIGKILL, signal.SIGSTOP:
        child = as_user("alice", "su", "bob", "-c", "id -un")
        child.expect_exact(PROMPT)
        os.kill(child.pid, sign)
        assert su(su.phone.code(0 if sign == signal.SIGKILL else 1))[0] == 0
        child.close(force=True)
