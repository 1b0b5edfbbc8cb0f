# SPDX-License-Identifier: BSD-2-Clause
"""
Common configurations of sshd: what totpctl doctor finds in them; the repairs that it prints are
run, and then a user logs in.
"""
import os
import re
import shlex
import shutil
import subprocess

import pytest

from host import DIR, run
from test_doctor import COMMON, GOOD, REST, found, settings

CONFIG = "/etc/ssh/sshd_config"
DROP_INS = CONFIG + ".d"
PASSWORD = "open sesame"


@pytest.fixture
def server(host):
    """alice has a password, a key and a phone; the stack asks for password and code."""
    host.password("alice", PASSWORD)
    host.alice = host.enroll("alice")
    host.pam("sshd", *COMMON, "auth required pam_totp.so", *REST)
    clean = "rm -rf /etc/ssh/sshd_config /etc/ssh/sshd_config.d /home/alice/.ssh /home/bob/.ssh /root/.ssh"
    run("sh", "-c", clean)
    host.sshd()
    yield host
    run("sh", "-c", clean)


def repair(said):
    """Run the command that was printed; there is no systemd to reload sshd."""
    assert " && sshd -t && systemctl reload ssh" in said["repair"], said
    run("sh", "-euc", said["repair"].replace("systemctl reload ssh", "true"))


def started(server):
    """sshd with what is in its own files."""
    server.sshd(f"Include {CONFIG}")


def asked_by_doctor():
    return found("--service", "sshd")


LAYOUTS = {
    "nothing-included": ("UsePAM yes", "KbdInteractiveAuthentication no"),
    "included": ("Include /etc/ssh/sshd_config.d/*.conf", "UsePAM yes", "KbdInteractiveAuthentication no"),
    "included-by-relative-path": ("Include sshd_config.d/*.conf", "KbdInteractiveAuthentication no",
                                  "UsePAM yes"),
    "included-below-the-setting": ("KbdInteractiveAuthentication no", "UsePAM yes",
                                   "AuthenticationMethods publickey", "Include /etc/ssh/sshd_config.d/*.conf"),
    "included-in-a-match-block": ("UsePAM yes", "Match User bob",
                                  "Include /etc/ssh/sshd_config.d/*.conf"),
    "another-file-sorts-first": ("Include /etc/ssh/sshd_config.d/*", "UsePAM yes"),
    "another-directory": ("Include /etc/ssh/other.d/*.conf", "UsePAM yes"),
    "carriage-returns": ("UsePAM yes\r", "KbdInteractiveAuthentication no\r"),
    "all-in-a-match-block": ("UsePAM yes", "Match User bob", "X11Forwarding no"),
    "empty": (),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_repair_of_sshd_goes_where_sshd_reads_it_first(server, name):
    os.makedirs(DROP_INS)
    if name == "another-file-sorts-first":
        with open(f"{DROP_INS}/00-a.conf", "w", encoding="ascii") as file:
            file.write("AuthenticationMethods publickey\n")
    settings(*LAYOUTS[name])
    findings = asked_by_doctor()
    assert "sshd-methods" in findings, findings
    repair(findings["sshd-methods"])
    assert asked_by_doctor() == {}
    started(server)
    assert server.ssh("alice", PASSWORD, server.alice.code()).ok
    assert not server.ssh("alice", PASSWORD, server.alice.wrong()).ok
    assert not server.ssh("alice", options=(*server.key("alice"), "BatchMode=yes")).ok


def test_a_line_with_which_sshd_would_not_start_is_reported_first(server):
    settings("UsePAM yes", "AuthenticationMethods any", "KbdInteractiveAuthentication yes")
    said = asked_by_doctor()["sshd-methods"]["repair"]
    # OpenSSH 10 passes over the second line, as over all others that come late
    shutil.copy(CONFIG, f"{DIR}/both")
    run("sed", "-i", "1iAuthenticationMethods keyboard-interactive:pam", f"{DIR}/both")
    starts = subprocess.run(["/usr/sbin/sshd", "-t", "-f", f"{DIR}/both"], check=False).returncode
    assert said.endswith(f"vi}} +2 {CONFIG}") != (starts == 0), said
    run("sed", "-i", "2d", CONFIG)
    repair(asked_by_doctor()["sshd-methods"])
    assert asked_by_doctor() == {}


def test_where_the_repair_would_lock_an_administrator_out_no_command_is_printed(server):
    """alice is an administrator who logs in by key, and has no password."""
    run("usermod", "-p", "*", "alice")
    run("sh", "-c", "grep -q ^sudo: /etc/group || groupadd sudo; usermod -a -G sudo alice")
    server.key("alice")
    settings("UsePAM yes", "PermitRootLogin no")
    said = asked_by_doctor()["sshd-methods"]
    assert "sed" not in said["repair"] and "alice" in said["repair"], said
    run("sh", "-c", "usermod -r -G sudo alice 2>/dev/null || gpasswd -d alice sudo")
    run("sh", "-c", "mkdir -p /root/.ssh && cp /home/alice/.ssh/authorized_keys /root/.ssh/")
    settings("UsePAM yes", "PermitRootLogin prohibit-password")
    said = asked_by_doctor()["sshd-methods"]
    assert "sed" not in said["repair"] and "root" in said["repair"], said


MATCHES = {
    "key-alone": (("Match User bob", "AuthenticationMethods publickey"), "sshd-methods",
                  "sshd_config:5: Match User bob: .*publickey is enough"),
    "in-an-include": (("Include /etc/ssh/sshd_config.d/*.conf",), "sshd-methods",
                      "more.conf:2: Match Address 10.0.0.0/8: .*publickey is enough"),
    "one-of-two": (("Match Group staff", "AuthenticationMethods keyboard-interactive:pam publickey"),
                   "sshd-methods", "sshd_config:5: Match Group staff: .*publickey is enough"),
    "no-questions": (("Match Address 10.0.0.0/8", "KbdInteractiveAuthentication=no"),
                     "sshd-questions", "sshd_config:5: Match Address"),
    "password": (("Match Host *.lan", '  authenticationmethods "password"'), "sshd-password",
                 "sshd_config:5: .*cannot ask"),
    "port": (("Match LocalPort 2222", "AuthenticationMethods publickey"), "sshd-methods",
             "sshd_config:5: Match LocalPort 2222"),
    "second": (("Match LocalPort 2222", "X11Forwarding no", "Match User bob",
                "AuthenticationMethods publickey"), "sshd-methods", "sshd_config:7: "),
}


@pytest.mark.parametrize("name", MATCHES)
def test_a_match_block_that_asks_for_no_code_is_reported_with_its_line(server, name):
    lines, id, what = MATCHES[name]
    os.makedirs(DROP_INS)
    with open(f"{DROP_INS}/more.conf", "w", encoding="ascii") as file:
        file.write("# for the cluster\nMatch Address 10.0.0.0/8\nAuthenticationMethods publickey\n"
                   if name == "in-an-include" else "")
    settings(*GOOD, *lines)
    findings = asked_by_doctor()
    assert set(findings) == {id}, findings
    assert re.search(what, findings[id]["what"]), findings


@pytest.mark.parametrize("lines", [
    ("Match LocalPort 2222", "X11Forwarding no"),
    ("Match RDomain x", "X11Forwarding no", "Match LocalAddress 127.0.0.1", "X11Forwarding no"),
    ("Match User bob", "AuthenticationMethods publickey,keyboard-interactive:pam"),
    ("Match User bob", "AuthenticationMethods publickey"),
], ids=["port", "more", "more-than-asked", "exempt"])
def test_a_match_block_that_always_asks_for_a_code_is_not_reported(server, lines):
    server.policy(exempt="bob")
    settings(*GOOD, *lines)
    assert asked_by_doctor() == {}


# ---- exempt accounts that a program uses


KEY_AND_CODE = ("UsePAM yes", "KbdInteractiveAuthentication yes", "PermitRootLogin no",
                "PasswordAuthentication no")


@pytest.mark.parametrize("methods, after", [
    ("publickey,keyboard-interactive:pam", "publickey"),
    ("publickey,keyboard-interactive:pam keyboard-interactive:pam", "publickey keyboard-interactive:pam"),
])
def test_a_program_with_the_key_of_an_exempt_account_gets_in_after_the_repair(server, methods, after):
    server.policy(exempt="bob", fail_delay=0)
    if " " in methods:
        server.pam("sshd", "auth [success=1 default=ignore] pam_totp.so if_publickey",
                   "auth requisite pam_unix.so", "auth required pam_totp.so",
                   "auth required pam_permit.so", *REST)
    else:
        server.pam("sshd", "auth required pam_totp.so", "auth required pam_permit.so", *REST)
    settings(*KEY_AND_CODE, f"AuthenticationMethods {methods}")
    assert asked_by_doctor() == {}, "it has no key yet"
    key = server.key("bob")
    started(server)
    program = (*key, "BatchMode=yes")
    refused = server.ssh("bob", options=program)
    assert not refused.ok and "Permission denied" in refused.screen, refused

    said = asked_by_doctor()
    assert set(said) == {"sshd-program"} and "bob is exempt" in said["sshd-program"]["what"], said
    repair(said["sshd-program"])
    assert asked_by_doctor() == {}
    with open(CONFIG, encoding="ascii") as file:
        assert file.read().endswith(f"\n\nMatch User bob\n\tAuthenticationMethods {after}\n")
    started(server)
    assert server.ssh("bob", options=program).ok
    command = server.ssh_command("bob", *program)
    shell = " ".join(shlex.quote(word) for word in command[:-2])
    with open(f"{DIR}/sent", "w", encoding="ascii") as file:
        file.write("a backup\n")
    run("rsync", "-e", shell, f"{DIR}/sent", "bob@localhost:received")
    assert open("/home/bob/received", encoding="ascii").read() == "a backup\n"
    alice = server.key("alice")
    assert not server.ssh("alice", options=(*alice, "BatchMode=yes")).ok, "alice is not exempt"
    assert server.ssh("alice", server.alice.code(), options=alice).ok
    if " " in methods:
        server.password("bob", PASSWORD)
        assert server.ssh("bob", PASSWORD).ok, "by password, as before"


# ---- the time for an enrollment in the login


def test_a_login_that_ends_before_somebody_can_enroll_is_reported_and_repaired(server):
    server.policy(enroll="login")
    server.pam("sshd", *COMMON, "auth required pam_totp.so enroll_in_account",
               "account requisite pam_totp.so enroll_in_account", *REST)
    settings(*GOOD)
    said = asked_by_doctor()
    assert set(said) == {"login-grace"} and "120 seconds" in said["login-grace"]["what"], said
    repair(said["login-grace"])
    assert asked_by_doctor() == {}
    shown = run("sshd", "-T")
    assert "logingracetime 600\n" in shown and "maxstartups 100:30:300\n" in shown
    settings(*GOOD, "LoginGraceTime 0")
    assert asked_by_doctor() == {}, "0: no limit"


def test_an_sshd_that_refuses_an_address_after_one_wrong_code_is_reported_and_repaired(server):
    settings(*GOOD)
    if "persourcepenalties" not in run("sshd", "-T"):
        return  # before OpenSSH 9.8; tests/tools has what newer ones print
    settings(*GOOD, "PerSourcePenalties authfail:30 min:60")
    assert asked_by_doctor() == {}, "a second wrong code is allowed"
    settings(*GOOD, "PerSourcePenalties authfail:1h")
    said = asked_by_doctor()
    assert set(said) == {"sshd-penalty"} and "authfail:3600 and min:15" in said["sshd-penalty"]["what"], said
    repair(said["sshd-penalty"])
    assert asked_by_doctor() == {}
