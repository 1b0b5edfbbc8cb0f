# SPDX-License-Identifier: BSD-2-Clause
"""Members of a help desk, who are no administrators, run totpctl helpdesk through the real sudo."""
import hashlib
import json
import os
import re
import subprocess

import pytest

from host import PROMPT, run
from test_local import STACK, as_user, end

CONF = "/etc/pam_totp/helpdesk.conf"
HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = f"{HERE}/../../conf/helpdesk"
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def install(text, path, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def add(path, *lines):
    with open(path, "a", encoding="ascii") as file:
        file.writelines(line + "\n" for line in lines)


@pytest.fixture
def desk(host):
    """bob is of the help desk, carol and dave are administrators, toor is a second name of root."""
    before = {path: read(path) for path in (*ACCOUNTS, "/etc/pam.d/sudo") if os.path.exists(path)}
    add("/etc/passwd", "carol:x:64003:64003::/:/bin/sh", "toor:x:0:0::/root:/bin/sh",
        "dave:x:64004:64990::/:/bin/sh")
    run("sed", "-i", "/^sudo:/d", "/etc/group")
    add("/etc/group", "sudo:x:64990:carol", "totp-helpdesk:x:64991:bob")
    host.pam("sudo", "auth required pam_permit.so", "account required pam_permit.so",
             "session required pam_permit.so")
    install("Defaults !lecture, passwd_tries=1\n@includedir /etc/sudoers.d\n", "/etc/sudoers", 0o440)
    os.makedirs("/etc/sudoers.d", exist_ok=True)
    rule = read(f"{EXAMPLES}/sudoers.in").decode().replace("@sbindir@", "/usr/sbin")
    install(rule, "/etc/sudoers.d/totp-helpdesk", 0o440)
    install(read(f"{EXAMPLES}/helpdesk.conf").decode(), CONF)
    try:
        yield host
    finally:
        os.unlink("/etc/sudoers.d/totp-helpdesk")
        for path, text in before.items():
            with open(path, "wb") as file:
                file.write(text)


def sudo(*words, user="bob"):
    """What a member of the help desk types after sudo: status and everything that is printed."""
    done = subprocess.run(["runuser", "-u", user, "--", "sudo", *words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
                          cwd="/", check=False)
    return done.returncode, done.stdout


def helpdesk(*words):
    return sudo("totpctl", "helpdesk", *words)


def fingerprint():
    """Everything that a command of totpctl could have changed."""
    found = []
    for top in "/etc/pam_totp", "/var/lib/pam_totp", "/etc/security", "/home/bob", "/run/pam_totp":
        for directory, _, names in os.walk(top):
            for name in names:
                path = os.path.join(directory, name)
                found.append((path, hashlib.sha256(read(path)).hexdigest()))
    return sorted(found)


def test_the_sudoers_file_is_one_for_sudo(desk):
    assert "parsed OK" in run("visudo", "-cf", "/etc/sudoers.d/totp-helpdesk")


def test_a_member_helps_several_users_in_one_call_and_the_log_names_the_member(desk):
    for user in "alice", "sshd":
        desk.enroll(user)
    since = desk.log_end()
    for words in (("suspend",), ("resume",), ("temporary-code", "--for", "8h", "--uses", "2"),
                  ("unlock",), ("temporary-code", "--revoke")):
        code, said = helpdesk(*words, "alice", "sshd")
        assert code == 0 and "alice" in said and "sshd" in said, said
    assert helpdesk("list")[1].count("phone") == 2
    assert "recovery codes" in helpdesk("show", "alice")[1]
    logged = re.findall(r"user=(\w+) service=totpctl \S+ outcome=(\S+) .*?detail=\"(.*)\"",
                        desk.log_text(since))
    assert [(user, what) for user, what, _ in logged] == [
        (user, what) for what in ("disabled", "enabled", "bypass-made", "bypass-revoked")
        for user in ("alice", "sshd")]
    member = r"(loginuid|sudo) 64002 \(bob\)$"
    assert all(re.search(member, detail) for _, _, detail in logged), logged


def test_a_member_invites_and_takes_it_back(desk):
    desk.policy(enforce="required", enroll="login", enroll_until="2020-01-01")
    assert helpdesk("invite", "--for", "1d", "alice")[0] == 0
    assert "alice" in helpdesk("invite")[1]
    assert helpdesk("uninvite", "alice")[0] == 0
    assert json.loads(helpdesk("invite", "--json")[1]) == []


def test_a_member_is_told_to_run_nothing_that_only_an_administrator_may(desk):
    desk.enroll("alice")
    code, said = helpdesk("invite", "alice")
    assert code == 1 and "alice is enrolled already" in said
    assert "ask an administrator" in said and "totpctl delete" not in said


def test_a_command_that_a_member_is_told_to_run_is_one_of_the_help_desk(desk):
    desk.policy(enforce="required", enroll="login", enroll_until="2020-01-01", attempts=1)
    desk.pam("su", *STACK)
    phone = desk.enroll("alice")
    child = as_user("bob", "su", "alice")
    child.expect_exact(PROMPT)
    child.sendline(phone.wrong())
    assert end(child) != 0
    for words, command in ((("show", "alice"), "unlock"),
                           (("temporary-code", "alice"), "temporary-code --revoke alice"),
                           (("suspend", "alice"), "resume alice"),
                           (("temporary-code", "alice"), "resume first"),
                           (("show", "alice"), "resume alice")):
        said = helpdesk(*words)[1]
        assert f"totpctl helpdesk {command}" in said
        assert "totpctl " not in said.replace("totpctl helpdesk ", ""), said
    assert helpdesk("invite", "sshd")[0] == 0
    assert "(totpctl helpdesk uninvite)" in helpdesk("show", "sshd")[1]


def test_sudo_asks_the_member_for_password_and_code(desk):
    phone = desk.enroll("bob")
    desk.enroll("alice")
    desk.password("bob", "horse")
    desk.pam("sudo", "auth required pam_unix.so", "auth required pam_totp.so",
             "account required pam_permit.so", "session required pam_permit.so")
    child = as_user("bob", "sudo", "-k", "/usr/sbin/totpctl", "helpdesk", "suspend", "alice")
    child.expect_exact("password for bob: ")
    child.sendline("horse")
    child.expect_exact(PROMPT)
    child.sendline(phone.code())
    assert end(child) == 0 and "is denied until" in child.before, child.before


# ---- accounts that are not the help desk's


def test_accounts_that_can_become_root_are_left_alone(desk):
    """dave is one by the primary group."""
    names = "root", "toor", "carol", "dave", "bob"
    for name in "root", "carol", "dave", "bob":
        desk.enroll(name)
    before = fingerprint()
    for words in (("temporary-code",), ("temporary-code", "--revoke"), ("suspend",), ("resume",),
                  ("unlock",), ("invite",), ("uninvite",)):
        code, said = helpdesk(*words, "--json", *names)
        assert code == 1
        assert [json.loads(line)["id"] for line in said.splitlines()] == ["not_allowed"] * 5, said
    code, said = helpdesk("suspend", *names)
    assert said.count("only an administrator can do this") == 5, said
    assert fingerprint() == before


def test_of_several_users_the_others_are_done(desk):
    for name in "carol", "alice":
        desk.enroll(name)
    code, said = helpdesk("suspend", "carol", "alice")
    assert code == 1 and "carol is exempt" in said and "Every code of alice is denied" in said


def test_an_account_that_this_host_does_not_know_is_left_alone(desk):
    desk.enroll("carol")
    run("sed", "-i", "/^carol:/d", "/etc/passwd")
    for word in "suspend", "unlock", "resume", "invite":
        code, said = helpdesk(word, "carol")
        assert code == 1 and "there is no account carol" in said, said


def test_without_a_list_that_is_sound_nobody_can_be_changed(desk):
    desk.enroll("alice")
    good = read(CONF).decode()
    for change, word in (
            (lambda: os.unlink(CONF), "an administrator installs it"), (lambda: os.chmod(CONF, 0o664), "mode 0664"),
            (lambda: os.chown(CONF, 64002, 64002), "own"),
            (lambda: install("exempt = @no-such-group\n", CONF), "no-such-group"),
            (lambda: install("exempt = carol bob\n", CONF), "expected"),
            (lambda: install("except = carol\n", CONF), "no such key")):
        change()
        before = fingerprint()
        code, said = helpdesk("suspend", "alice")
        assert code == 1 and CONF in said and word in said.lower(), said
        assert fingerprint() == before
        if os.path.exists(CONF):
            os.unlink(CONF)
        install(good, CONF)
    assert helpdesk("suspend", "alice")[0] == 0


# ---- what else a member may try


def test_a_member_gets_nothing_but_these_subcommands(desk):
    desk.enroll("alice")
    own = "/home/bob/own.conf"
    install(f"store_dir = /home/bob/store\nkeyring = {own}\n", own)
    os.symlink("/usr/sbin/totpctl", "/home/bob/totpctl")
    before = fingerprint()
    for words in (
            # not through sudo
            ("totpctl",), ("totpctl", "list"), ("totpctl", "delete", "--yes", "alice"),
            ("totpctl", "help", "helpdesk"), ("totpctl", "--conf", own, "helpdesk", "list"),
            ("totpctl", "helpdeskx", "list"), ("totpctl", "list", "helpdesk"), ("id",),
            ("/home/bob/totpctl", "helpdesk", "delete", "alice"), ("totp-enroll", "--user", "alice"),
            ("-u", "alice", "totpctl", "helpdesk", "list"), ("-s",), ("-i",), ("-e", "/etc/shadow"),
            ("SHELL=/bin/sh", "totpctl", "helpdesk", "list"),
            ("LD_PRELOAD=/home/bob/x.so", "totpctl", "helpdesk", "list"),
            ("-D", "/etc", "totpctl", "helpdesk", "list"), ("-E", "totpctl", "helpdesk", "list"),
            # through sudo, but rejected by totpctl
            ("totpctl", "helpdesk", "--conf", own, "list"),
            ("totpctl", "helpdesk", f"--conf={own}", "list"),
            ("totpctl", "helpdesk", "list", "--conf", own),
            ("totpctl", "helpdesk", "suspend", "alice", "--conf", own),
            ("totpctl", "helpdesk", "--co", own, "list"),
            ("totpctl", "helpdesk", "helpdesk", "list"),
            ("totpctl", "helpdesk list", "--conf", own), ("totpctl", "helpdesk list"),
            ("totpctl", "helpdesk\nlist"), ("totpctl", "helpdesk --conf", own, "list"),
            ("totpctl", "helpdesk", "report", "--html", "/home/bob/owned"),
            ("totpctl", "helpdesk", "list", "--html", "/home/bob/owned"),
            ("totpctl", "helpdesk", "recovery", "--save", "/home/bob/owned", "alice"),
            ("totpctl", "helpdesk", "unlock", "--save", "/home/bob/owned", "alice"),
            ("totpctl", "helpdesk", "export", "/home/bob/owned"),
            ("totpctl", "helpdesk", "export", "--passphrase-file", "/etc/shadow", "-"),
            ("totpctl", "helpdesk", "check", "/etc/shadow"),
            ("totpctl", "helpdesk", "policy"), ("totpctl", "helpdesk", "doctor", "--fix"),
            ("totpctl", "helpdesk", "enroll", "--batch", "/etc/shadow", "--letters", "/home/bob/l"),
            ("totpctl", "helpdesk", "import", "csv", "/etc/shadow"),
            ("totpctl", "helpdesk", "delete", "--yes", "alice"),
            ("totpctl", "helpdesk", "disable", "alice"), ("totpctl", "helpdesk", "test", "alice"),
            ("totpctl", "helpdesk", "key", "backup", "/home/bob/owned"),
            ("totpctl", "helpdesk", "key", "rotate"), ("totpctl", "helpdesk", "init"),
            ("totpctl", "helpdesk", "store", "accept"), ("totpctl", "helpdesk", "adopt", "alice"),
            ("totpctl", "helpdesk", "unlock", "../../../etc/shadow"),
            ("totpctl", "helpdesk", "unlock", "alice sshd"), ("totpctl", "helpdesk", "unlock", ""),
            ("totpctl", "helpdesk", "unlock", "--", "--yes"), ("totpctl", "helpdesk", "--", "delete"),
            ("totpctl", "helpdesk", "temporary-code", "--for", "31d", "alice")):
        code, said = sudo(*words)
        assert code != 0, (words, said)
        assert fingerprint() == before, words


def test_what_prints_a_help_opens_no_pager_and_needs_no_right(desk):
    for words in ("--help",), ("help", "unlock"), ("unlock", "--help"), ("--version",):
        code, said = helpdesk(*words)
        assert code == 0 and "totpctl" in said
        assert run("runuser", "-u", "alice", "--", "totpctl", "helpdesk", *words) == said


def test_another_user_gets_nothing(desk):
    desk.enroll("alice")
    code, said = sudo("totpctl", "helpdesk", "list", user="alice")
    assert code != 0 and "alice is not" in said
    done = subprocess.run(["runuser", "-u", "bob", "--", "/usr/sbin/totpctl", "helpdesk", "list"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "only root can" in done.stderr
