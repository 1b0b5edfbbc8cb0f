# SPDX-License-Identifier: BSD-2-Clause
"""The stacks of pam_totp(8), each taken from the page itself, with the program that it is for."""
import ftplib
import json
import os
import re
import shutil
import subprocess
import time

import pexpect
import pytest

from host import DIR, PROMPT, console, run, wait_for
from screen import Screen
from test_local import as_user, end
from test_ssh import asked

PAGE = os.path.join(os.path.dirname(__file__), "../../man/pam_totp.8.scd")
PASSWORD = "correct horse"
REST = "@include common-account\n@include common-session-noninteractive\n"


def recipe(title):
    """The files of a section of STACKS: name -> its lines."""
    with open(PAGE, encoding="utf-8") as file:
        section = re.search(rf"^## {re.escape(title)}\n(.*?)^##? ", file.read(), re.M | re.S)[1]
    parts = re.split(r"^```\n(.*?)^```$", section, flags=re.M | re.S)
    return {name: block for before, block in zip(parts[::2], parts[1::2])
            for name in re.findall(r"_(/etc/[\w./]+)_", before.rpartition("\n\n")[2] or before)}


def write_stack(title, service):
    """Install the section's PAM lines; returns those for sshd_config."""
    files = recipe(title)
    with open(f"/etc/pam.d/{service}", "w", encoding="utf-8") as file:
        file.write(files[f"/etc/pam.d/{service}"] + REST)
    return files.get("/etc/ssh/sshd_config", "").splitlines()


@pytest.fixture
def phone(host):
    """alice has a password and a phone; a mistake causes no delay."""
    host.policy(fail_delay=0)
    host.password("alice", PASSWORD)
    return host.enroll("alice")


def test_every_recipe_has_a_test_here():
    with open(PAGE, encoding="utf-8") as file:
        stacks = re.search(r"^# STACKS\n(.*?)^# ", file.read(), re.M | re.S)[1]
    tried = []
    for name in __file__, os.path.join(os.path.dirname(__file__), "prove_postgresql.py"):
        with open(name, encoding="utf-8") as file:
            tried += re.findall(r'(?:write_stack|recipe)\("([^"]+)"', file.read())
    assert sorted(set(tried)) == sorted(re.findall(r"^## (.*)$", stacks, re.M))


SNIPPETS = {
    "sshd-password-code": "sshd, password and code",
    "sshd-key-code": "sshd, key and code",
    "sshd-key-or-password": "sshd, key and code, or password and code",
    "su": "su",
    "sudo": "sudo",
    "login": "login",
    "vsftpd": "vsftpd, and others that ask once",
    "i3lock": "i3lock, swaylock, and other screen lockers",
    "postgresql": "PostgreSQL, certificate and code",
}


def test_the_snippets_are_the_recipes():
    directory = os.path.join(os.path.dirname(__file__), "../../conf/pam.d")
    assert sorted(os.listdir(directory)) == sorted(SNIPPETS)
    for name, title in SNIPPETS.items():
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            text = file.read()
        files = recipe(title)
        service = name.split("-")[0]
        lines = [line.split() for line in text.splitlines() if line and line[0] != "#"]
        assert lines == [line.split() for line in files[f"/etc/pam.d/{service}"].splitlines()]
        for line in files.get("/etc/ssh/sshd_config", "").splitlines():
            assert f"#   {line}\n" in text, (name, line)


# ---- sshd


def test_sshd_password_and_code(host, phone):
    host.sshd(*write_stack("sshd, password and code", "sshd"))
    login = host.ssh("alice", PASSWORD, phone.code())
    assert login.ok and asked(login) == ["Password: ", PROMPT], login
    login = host.ssh("alice", "wrong horse", phone.code(1))
    assert not login.ok and asked(login) == ["Password: "], login
    assert not host.ssh("alice", PASSWORD, phone.wrong()).ok


def test_sshd_key_and_code(host, phone):
    key = host.key("alice")
    host.sshd(*write_stack("sshd, key and code", "sshd"))
    login = host.ssh("alice", phone.code(), options=key)
    assert login.ok and asked(login) == [PROMPT], login
    assert not host.ssh("alice", phone.wrong(), options=key).ok
    assert not host.ssh("alice", phone.code(1), options=("PubkeyAuthentication=no",)).ok


@pytest.mark.parametrize("title", ["sshd, password and code", "sshd, key and code"])
def test_root_gives_a_code_to_sshd_only_with_permitrootlogin_yes(host, title):
    host.policy(fail_delay=0)
    phone = host.enroll("root")
    host.password("root", PASSWORD)
    answers, options = ([PASSWORD], ()) if "password" in title else ([], host.key("root"))
    if options:
        shutil.rmtree("/root/.ssh", ignore_errors=True)  # of another test
        shutil.move("/home/root/.ssh", "/root/.ssh")
    settings = write_stack(title, "sshd")
    try:
        host.sshd("PermitRootLogin prohibit-password", *settings)
        login = host.ssh("root", *answers, phone.code(), options=options)
        assert not login.ok and login.prompts, login
        host.sshd("PermitRootLogin yes", *settings)
        assert host.ssh("root", *answers, phone.code(1), options=options).ok
        assert not host.ssh("root", *answers, phone.wrong(), options=options).ok
        if options:
            assert not host.ssh("root", phone.code(2), options=("PubkeyAuthentication=no",)).ok
    finally:
        run("usermod", "-p", "*", "root")
        shutil.rmtree("/root/.ssh", ignore_errors=True)


def test_sshd_key_and_code_or_password_and_code(host, phone):
    key = host.key("alice")
    host.sshd(*write_stack("sshd, key and code, or password and code", "sshd"))

    login = host.ssh("alice", phone.code(), options=key)
    assert login.ok and asked(login) == [PROMPT], login
    events = host.events()
    assert [(event["outcome"], event["reason"]) for event in events] == [
        ("skip", "publickey"), ("allow", "code")]
    assert not host.ssh("alice", phone.wrong(), options=key).ok, "a key alone is not enough"

    no_key = ("PubkeyAuthentication=no",)
    login = host.ssh("alice", PASSWORD, phone.code(1), options=no_key)
    assert login.ok and asked(login) == ["Password: ", PROMPT], login
    login = host.ssh("alice", "wrong horse", phone.wrong(), options=no_key)
    assert not login.ok and asked(login) == ["Password: "], login
    assert not host.ssh("alice", PASSWORD, phone.wrong(), options=no_key).ok


def sftp(host, user, *answers, options=()):
    """List the top directory; the client's prompts are answered as ssh's are."""
    askpass_dir = f"{DIR}/askpass.{time.monotonic_ns()}"
    os.mkdir(askpass_dir)
    with open(f"{askpass_dir}/answers", "w", encoding="utf-8") as file:
        file.writelines(answer + "\n" for answer in answers)
    env = {"PATH": os.environ["PATH"], "HOME": "/root", "ASKPASS_DIR": askpass_dir,
           "LC_ALL": "C.UTF-8",
           "SSH_ASKPASS": f"{os.path.dirname(__file__)}/askpass", "SSH_ASKPASS_REQUIRE": "force"}
    options = [f"-o{option}" for option in (
        f"UserKnownHostsFile={DIR}/known_hosts", "NumberOfPasswordPrompts=1", "BatchMode=no",
        *options)]
    return subprocess.run(["sftp", "-F", "/dev/null", *options, "-b", "/dev/stdin",
                           f"{user}@localhost"], env=env, input="ls -1\n", text=True,
                          capture_output=True, timeout=60, start_new_session=True)


def test_sshd_accounts_for_sftp_only(host, phone):
    run("groupadd", "-f", "sftponly")
    run("usermod", "-a", "-G", "sftponly", "alice")
    os.makedirs("/var/lib/sftp/alice/inbox", 0o755)
    key = host.key("alice")
    settings = write_stack("sshd, key and code", "sshd")
    host.sshd(*settings, match=recipe("sshd, accounts for sftp alone")[
        "/etc/ssh/sshd_config"].splitlines())

    done = sftp(host, "alice", phone.code(), options=key)
    assert done.returncode == 0 and "inbox" in done.stdout, done
    assert "etc" not in done.stdout, "the root is another one"
    assert sftp(host, "alice", phone.wrong(), options=key).returncode != 0
    login = host.ssh("alice", phone.code(1), options=key)
    assert not login.ok or "alice" not in login.output, "there is no shell"

    host.policy(fail_delay=0, exempt="@sftponly")
    done = sftp(host, "alice", options=key)
    assert done.returncode == 0 and "inbox" in done.stdout, done


# ---- su, sudo, login


def test_su(host, phone):
    write_stack("su", "su")
    child = as_user("bob", "su", "alice", "-c", "id -un")
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(PROMPT)
    child.sendline(phone.code())
    assert end(child) == 0 and "alice" in child.before
    assert run("su", "alice", "-c", "id -un") == "alice\n", "root is asked for nothing"
    child = as_user("bob", "su", "alice", "-c", "id -un")
    child.expect_exact("Password: ")
    child.sendline("wrong horse")
    assert end(child) != 0 and PROMPT not in child.before


def test_sudo(host, phone):
    write_stack("sudo", "sudo")
    with open("/etc/sudoers", "w", encoding="utf-8") as file:
        file.write("Defaults passwd_tries=1\nDefaults !lecture\nalice ALL=(ALL) ALL\n")
    os.chmod("/etc/sudoers", 0o440)
    child = as_user("alice", "sudo", "-k", "id", "-un")
    child.expect_exact("password for alice: ")
    child.sendline(PASSWORD)
    child.expect_exact(PROMPT)
    child.sendline(phone.code())
    assert end(child) == 0 and "root" in child.before


def at_the_console(*answers):
    """Log in at a terminal; returns the status and everything that was shown."""
    child = console(env={"PATH": os.environ["PATH"], "TERM": "linux"})
    child.sendline("alice")
    shown = ""
    for prompt, answer in answers:
        child.expect_exact([prompt, "Login incorrect", pexpect.EOF])
        shown += child.before + str(child.after)
        if child.after != prompt:
            break
        child.sendline(answer)
    return child, shown


def test_login(host, phone):
    write_stack("login", "login")
    child, _ = at_the_console(("Password: ", PASSWORD),
                              (PROMPT, phone.code()), ("$", "id -un; exit"))
    child.expect_exact(pexpect.EOF)
    assert "alice" in child.before
    child.close()
    assert wait_for(lambda: host.events())
    assert host.events()[0]["service"] == "login"

    child, shown = at_the_console(("Password: ", PASSWORD),
                                  (PROMPT, phone.wrong()), ("$", "exit"))
    assert "Login incorrect" in shown, shown
    child.close(force=True)


# ---- a program that asks once


@pytest.fixture
def vsftpd(host):
    write_stack("vsftpd, and others that ask once", "vsftpd")
    conf = f"{DIR}/vsftpd.conf"
    with open(conf, "w", encoding="utf-8") as file:
        file.write("listen=YES\nlisten_address=127.0.0.1\nlisten_port=21\nbackground=NO\n"
                   "anonymous_enable=NO\nlocal_enable=YES\npam_service_name=vsftpd\n"
                   "secure_chroot_dir=/var/empty\nseccomp_sandbox=NO\nisolate_network=NO\n"
                   "check_shell=NO\nmax_login_fails=1\ndelay_failed_login=0\n")
    os.makedirs("/var/empty", 0o755, exist_ok=True)
    with subprocess.Popen(["/usr/sbin/vsftpd", conf]) as daemon:
        try:
            yield
        finally:
            daemon.terminate()


def ftp(answer):
    """Is alice allowed with this one answer?"""
    def connect():
        try:
            return ftplib.FTP("127.0.0.1", timeout=60)
        except OSError:
            return None
    client = wait_for(connect)
    try:
        client.login("alice", answer)
        return True
    except ftplib.error_perm:
        return False
    finally:
        client.close()


def test_vsftpd_accepts_password_and_code_in_one_answer(host, phone, vsftpd):
    code = phone.code()
    mark = host.log_end()
    assert ftp(PASSWORD + code)
    event = host.event(mark)
    assert (event["service"], event["source"], event["outcome"]) == \
        ("vsftpd", "127.0.0.1", "allow")
    assert not ftp(PASSWORD + code), "a used code"
    assert not ftp(PASSWORD + phone.wrong())
    assert not ftp(PASSWORD), "no code"
    assert not ftp("wrong horse" + phone.code(1)), "a wrong password"
    assert PASSWORD not in host.log_text()

    host.policy(fail_delay=0, exempt="alice")
    assert ftp(PASSWORD), "a user who needs no code may leave it out"
    assert ftp(PASSWORD + phone.code(1)), "or type it"


# ---- a screen locker, which does not run as root


def test_sshd_accounts_of_programs(host, phone):
    """A program has a key, and answers no questions."""
    host.policy(fail_delay=0, exempt="bob")
    match = recipe("sshd, accounts of programs")["/etc/ssh/sshd_config"].replace("backup", "bob")
    settings = write_stack("sshd, key and code", "sshd")
    program = (*host.key("bob"), "BatchMode=yes")
    host.sshd(*settings)
    assert not host.ssh("bob", options=program).ok
    host.sshd(*settings, match=match.splitlines())
    assert host.ssh("bob", options=program).ok
    assert not host.ssh("alice", options=(*host.key("alice"), "BatchMode=yes")).ok


@pytest.fixture
def screen(host):
    host.serve(fail_delay=0)
    host.password("alice", PASSWORD)
    write_stack("i3lock, swaylock, and other screen lockers", "i3lock")
    made = Screen()
    yield made
    made.close()


def test_a_screen_locker_of_a_user_unlocks_with_a_code_once(host, screen):
    phone = host.enroll("alice")
    code = phone.code()
    screen.lock()
    screen.type(PASSWORD + code, host.events)
    assert screen.locker.wait(60) == 0
    assert (host.event()["source"], host.event()["service"]) == ("uid:64001", "i3lock")

    screen.lock()
    for answer, reason in ((code, "used_code"), (phone.wrong(), "wrong_code"),
                           (phone.code(1), "code")):
        assert screen.is_locked()
        count = len(host.events())
        screen.type(PASSWORD + answer, lambda count=count: len(host.events()) > count)
        assert host.events()[-1]["reason"] == reason
    assert screen.locker.wait(60) == 0
    assert PASSWORD not in host.log_text()


@pytest.fixture
def common_auth():
    with open("/etc/pam.d/common-auth", encoding="utf-8") as file:
        text = file.read()
    yield
    with open("/etc/pam.d/common-auth", "w", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.usefixtures("common_auth")
def test_a_locker_under_the_host_wide_profile_unlocks_with_the_lines_that_doctor_prints(host, screen):
    phone = host.enroll("alice")
    host.pam("common-auth", "auth [success=1 default=ignore] pam_unix.so", "auth requisite pam_deny.so",
             "auth required pam_permit.so", "auth required pam_totp.so")
    host.pam("i3lock", "@include common-auth", *REST.splitlines())
    said = subprocess.run(["totpctl", "doctor", "--json", "--service", "i3lock"], capture_output=True,
                          text=True, timeout=60)
    one, = [one for one in json.loads(said.stdout) if one["id"] == "asks-once"]
    screen.lock()
    count = len(host.events())
    screen.type(PASSWORD, lambda: len(host.events()) > count)
    assert screen.is_locked() and host.events()[-1]["outcome"] == "deny"

    host.pam("i3lock", *re.findall(r"auth required pam_\w+\.so [\w=]+", one["repair"]),
             *REST.splitlines())
    screen.locker.kill()  # it read its stack when it started
    screen.locker.wait()
    screen.lock()
    count = len(host.events())
    screen.type(PASSWORD + phone.code(), lambda: len(host.events()) > count)
    assert screen.locker.wait(60) == 0


# ---- what the policy adds, over ssh


def test_failures_since_the_last_login_are_reported_over_ssh(host, phone):
    host.sshd()
    assert host.ssh("alice", phone.code()).ok
    for _ in range(2):
        assert not host.ssh("alice", phone.wrong()).ok
    login = host.ssh("alice", phone.code(1))
    assert login.ok, login
    assert re.search(r"2 wrong codes since your last login, the last on "
                     r"\d{4}-\d\d-\d\d \d\d:\d\d UTC\s+from 127\.0\.0\.1\.", login.screen), login


def test_nobody_is_asked_from_a_trusted_network_over_ssh(host, phone):
    host.policy(trusted_networks="127.0.0.0/8")
    host.sshd()
    login = host.ssh("alice")
    assert login.ok and login.prompts == [], login
    assert host.event()["reason"] == "trusted_network"
    host.policy(trusted_networks="192.0.2.0/24", fail_delay=0)
    assert not host.ssh("alice", phone.wrong()).ok


def test_an_address_is_remembered_over_ssh(host, phone):
    host.policy(remember="1h")
    host.sshd()
    assert host.ssh("alice", phone.code()).ok
    before = host.state_files()
    mark = host.log_end()
    login = host.ssh("alice")
    assert login.ok and login.prompts == [], login
    assert host.event(mark)["reason"] == "remembered"
    assert host.state_files() == before, "it is not prolonged"
    host.policy(remember="1s", fail_delay=0)
    time.sleep(1.1)
    assert not host.ssh("alice", phone.wrong()).ok
