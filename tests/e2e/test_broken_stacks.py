# SPDX-License-Identifier: BSD-2-Clause
"""
Stacks in which the lines for enrollment in the login are wrong: the login does what pam_totp(8)
says, and doctor reports each.
"""
import os

import pytest

from host import PROMPT, run
from test_doctor import GOOD, found, settings
from test_in_login import ASK, PASSWORD, phone_of, stored
from test_local import end
from test_ssh import asked

UNIX = "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so"
AUTH = ("auth [success=1 default=ignore] pam_unix.so nullok", "auth requisite pam_deny.so",
        "auth required pam_permit.so")
DENY = ("account requisite pam_deny.so", "account required pam_permit.so")
REST = ("session required pam_permit.so", "password requisite pam_unix.so")
OURS = "pam_totp.so enroll_in_account"


@pytest.fixture
def people(host):
    host.policy(enroll="login", fail_delay=0, period=60)
    host.password("alice", PASSWORD)
    run("chage", "-d", "2026-01-01", "alice")
    host.sshd()
    settings(*GOOD, "LoginGraceTime 10m")  # time to enroll
    return host


def stack(host, *lines):
    """sshd's lines; returns what doctor finds in them."""
    host.pam("sshd", *lines, *REST)
    return found("--service", "sshd")


def gives_up(host):
    """Does alice get in if she cancels the enrollment?"""
    child = host.ssh_by_hand("alice")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    child.sendline("")
    child.expect_exact("Nothing was stored")
    return end(child) == 0


def test_the_stack_of_the_manual_has_no_findings(people):
    for control in "requisite", "required":
        assert stack(people, *AUTH, f"auth required {OURS}", f"account {control} {OURS}", UNIX,
                     *DENY) == {}
        assert not gives_up(people) and stored() == []


def test_without_an_account_line_the_first_factor_is_enough(people):
    said = stack(people, *AUTH, f"auth required {OURS}", UNIX, *DENY)
    assert set(said) == {"enroll-missing"}
    login = people.ssh("alice", PASSWORD)
    assert login.ok and asked(login) == ["Password: "], login


def test_below_pam_unix_an_expired_password_skips_the_code(people):
    said = stack(people, *AUTH, f"auth required {OURS}", UNIX, *DENY, f"account requisite {OURS}")
    assert set(said) == {"enroll-skipped"} and "sshd:5: " in said["enroll-skipped"]["what"]
    assert not gives_up(people)
    run("chage", "-d", "0", "alice")
    login = people.ssh("alice", PASSWORD, PASSWORD, "staple battery", "staple battery")
    assert login.ok and ASK not in "".join(login.prompts) + login.screen, login
    assert stored() == []


@pytest.mark.parametrize("control", ["optional", "sufficient", "[success=ok default=ignore]"])
def test_with_an_optional_account_line_a_cancelled_enrollment_gets_in(people, control):
    said = stack(people, *AUTH, f"auth required {OURS}", f"account {control} {OURS}", UNIX, *DENY)
    assert set(said) == {"enroll-overruled"}
    assert gives_up(people) and stored() == []


@pytest.mark.parametrize("control", ["optional", "sufficient", "[success=ok default=ignore]"])
def test_with_an_optional_auth_line_a_wrong_code_gets_in(people, control):
    phone = people.enroll("alice")
    said = stack(people, *AUTH, f"auth {control} {OURS}", f"account requisite {OURS}", UNIX, *DENY)
    assert set(said) == {"overruled"}
    assert people.ssh("alice", PASSWORD, phone.wrong()).ok


def test_an_account_line_that_ignores_failures_is_skipped_while_the_store_fails(people):
    control = "[success=ok ignore=ignore authinfo_unavail=ignore default=die]"
    said = stack(people, *AUTH, f"auth required {OURS}", f"account {control} {OURS}", UNIX, *DENY)
    assert set(said) == {"enroll-overruled"}
    assert not gives_up(people)
    os.rename("/etc/pam_totp/keyring", "/etc/pam_totp/lost")
    child = people.ssh_by_hand("alice")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    child.sendline(phone_of(child.before).code())
    child.expect_exact("not possible right now")
    assert end(child) == 0 and stored() == []


def test_with_an_auth_line_that_ignores_failures_anyone_gets_in_while_the_store_fails(people):
    control = "[success=ok ignore=ignore authinfo_unavail=ignore default=die]"
    phone = people.enroll("alice")
    said = stack(people, *AUTH, f"auth {control} {OURS}", f"account requisite {OURS}", UNIX, *DENY)
    assert set(said) == {"overruled"}
    assert not people.ssh("alice", PASSWORD, phone.wrong()).ok
    os.rename("/etc/pam_totp/keyring", "/etc/pam_totp/lost")
    login = people.ssh("alice", PASSWORD, phone.wrong())
    assert login.ok and asked(login) == ["Password: ", PROMPT], login


def test_an_account_line_without_the_argument_denies(people):
    said = stack(people, *AUTH, f"auth required {OURS}", "account requisite pam_totp.so", UNIX, *DENY)
    assert set(said) == {"enroll-argument"}
    login = people.ssh("alice", PASSWORD)
    assert not login.ok and asked(login) == ["Password: "], login
    assert "another policy" in people.log_text()


def test_an_account_line_with_another_policy_denies(people):
    with open("/etc/security/other.conf", "w", encoding="utf-8") as file:
        file.write("enroll = tool\n")
    said = stack(people, *AUTH, f"auth required {OURS}",
                 f"account requisite {OURS} conf=/etc/security/other.conf", UNIX, *DENY)
    assert set(said) == {"enroll-policy"}
    assert not people.ssh("alice", PASSWORD).ok and stored() == []
