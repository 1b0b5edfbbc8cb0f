# SPDX-License-Identifier: BSD-2-Clause
"""
A whole host at once: the profile of pam-auth-update over Debian's own stacks, with Debian's own
programs. Users who must enroll are shown how where they log in; nothing else changes.
"""
import filecmp
import glob
import os
import re
import shutil
import signal
import subprocess
import time

import pexpect
import pytest

from host import DIR, PROMPT, STORE, run, wait_for
from test_in_login import ASK, PASSWORD, done, phone_of, stored
from test_local import as_user, end
from test_ssh import asked

ROOT = os.path.join(os.path.dirname(__file__), "../../build/root")
SERVICES = ("sshd", "sudo", "cron", "atd")  # whose packages are unpacked, not installed


def pam_auth_update(*words):
    return run("pam-auth-update", *words, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def pam_files():
    return {name: open(f"/etc/pam.d/{name}", "rb").read() for name in os.listdir("/etc/pam.d")}


@pytest.fixture
def debian(host):
    """A host as Debian's packages leave it; alice and bob have passwords."""
    before = pam_files()
    for service in SERVICES:
        shutil.copy(f"{ROOT}/etc/pam.d/{service}", "/etc/pam.d/")
    for user in "alice", "bob":
        host.password(user, PASSWORD)
        run("chage", "-d", time.strftime("%Y-%m-%d"), user)
        os.chmod(f"/home/{user}", 0o755)
    with open("/etc/sudoers", "w", encoding="utf-8") as file:
        file.write("Defaults !lecture, passwd_tries=1, timestamp_type=global\n"
                   "alice ALL=(ALL) ALL\nbob ALL=(ALL) NOPASSWD: ALL\n")
    os.chmod("/etc/sudoers", 0o440)
    try:
        yield host
    finally:
        for name in set(os.listdir("/etc/pam.d")) - set(before):
            os.unlink(f"/etc/pam.d/{name}")
        for name, text in before.items():
            with open(f"/etc/pam.d/{name}", "wb") as file:
                file.write(text)


@pytest.fixture
def rolled_out(debian):
    """
    The module is in common-auth and common-account; every user must give a code, and nobody is
    enrolled.
    """
    debian.policy(enroll="login", fail_delay=0, period=60)
    pam_auth_update("--enable", "totp")
    assert b"pam_totp.so" in pam_files()["common-auth"]
    assert b"pam_totp.so" in pam_files()["common-account"]
    yield debian
    pam_auth_update("--disable", "totp")


def was_not_met(host):
    """The module has logged nothing, and nobody is enrolled."""
    time.sleep(0.05)
    assert host.events() == [] and stored() == [], host.log_text()


# ---- where no user is at a terminal


def out_of(path, process, how=signal.SIGTERM):
    """What a job has written, as soon as it has; the daemon is then stopped."""
    try:
        assert wait_for(lambda: os.path.exists(path) and os.path.getsize(path))
        with open(path, encoding="utf-8") as file:
            return file.read()
    finally:
        process.send_signal(how)
        process.wait()


def test_cron_runs_its_jobs(rolled_out):
    run("groupadd", "-f", "-r", "crontab")
    with open("/etc/cron.d/job", "w", encoding="utf-8") as file:
        file.write("@reboot alice id -un >/home/alice/cron.out\n")
    daemon = subprocess.Popen(["/usr/sbin/cron", "-f"])
    assert out_of("/home/alice/cron.out", daemon) == "alice\n"
    was_not_met(rolled_out)


def as_installed():
    """What dpkg does with at's package besides unpacking it."""
    open("/etc/at.deny", "w", encoding="utf-8").close()
    for directory in "atjobs", "atspool":
        os.makedirs(f"/var/spool/cron/{directory}", exist_ok=True)
        shutil.chown(f"/var/spool/cron/{directory}", "daemon", "daemon")
        os.chmod(f"/var/spool/cron/{directory}", 0o1770)
    open("/var/spool/cron/atjobs/.SEQ", "w", encoding="utf-8").close()
    shutil.chown("/var/spool/cron/atjobs/.SEQ", "daemon", "daemon")
    shutil.chown("/usr/bin/at", "daemon", "daemon")
    os.chmod("/usr/bin/at", 0o6755)


def catches(pid, number):
    """at(1) sends this signal to atd, which would end if it did not yet handle it."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        caught = re.search(r"^SigCgt:\s+(\w+)", file.read(), re.M)[1]
    return int(caught, 16) >> (number - 1) & 1


def test_at_runs_its_jobs(rolled_out):
    as_installed()
    daemon = subprocess.Popen(["/usr/sbin/atd", "-f"])
    assert wait_for(lambda: os.path.exists("/run/atd.pid") and catches(daemon.pid, signal.SIGHUP))
    child = as_user("alice", "sh", "-c", "echo 'id -un >/home/alice/at.out' | at now")
    assert end(child) == 0, child.before
    assert out_of("/home/alice/at.out", daemon) == "alice\n"
    was_not_met(rolled_out)


def test_programs_with_a_key_are_allowed(rolled_out):
    """ssh, sftp and rsync, as scripts use them."""
    key = rolled_out.key("alice")
    rolled_out.sshd("AuthenticationMethods publickey")
    login = rolled_out.ssh("alice", options=key)
    assert login.ok and login.prompts == [] and login.output == "alice\n", login
    assert login.screen == "", login

    options = [f"-o{option}" for option in (f"UserKnownHostsFile={DIR}/known_hosts",
                                            "BatchMode=yes", *key)]
    done = subprocess.run(["sftp", "-F", "/dev/null", "-q", *options, "-b", "/dev/stdin", "alice@localhost"],
                          input="pwd\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "/home/alice" in done.stdout, done
    with open(f"{DIR}/file", "w", encoding="utf-8") as file:
        file.write("content\n")
    run("rsync", "-e", " ".join(["ssh", "-F", "/dev/null", *options]), f"{DIR}/file",
        "alice@localhost:there")
    assert open("/home/alice/there", encoding="utf-8").read() == "content\n"
    was_not_met(rolled_out)


# ---- where root, or a rule, has decided already


def test_sudo_without_a_password_works_as_before(rolled_out):
    child = as_user("bob", "sudo", "-n", "id", "-un")
    assert end(child) == 0 and child.before == "root\r\n"
    was_not_met(rolled_out)


def test_sudo_that_remembers_works_as_before(rolled_out):
    """The date comes between two calls."""
    rolled_out.policy(enroll="login", enforce="optional", fail_delay=0, period=60)
    child = as_user("alice", "sudo", "id", "-un")
    child.expect_exact("password for alice: ")
    child.sendline(PASSWORD)
    assert end(child) == 0 and "root" in child.before
    rolled_out.policy(enroll="login", fail_delay=0, period=60)
    mark = rolled_out.log_end()
    child = as_user("alice", "sudo", "-n", "id", "-un")
    assert end(child) == 0 and child.before == "root\r\n"
    assert rolled_out.events(mark) == [] and stored() == []


@pytest.mark.parametrize("words", [("su", "alice", "-c", "id -un"), ("su", "-", "alice", "-c", "id -un"),
                                   ("runuser", "-u", "alice", "--", "id", "-un"),
                                   ("runuser", "-l", "alice", "-c", "id -un")], ids=" ".join)
def test_root_becomes_anybody_as_before(rolled_out, words):
    assert run(*words) == "alice\n"
    was_not_met(rolled_out)


def test_root_changes_passwords_and_shells_as_before(rolled_out):
    run("passwd", "alice", given=f"{PASSWORD} new\n{PASSWORD} new\n")
    run("chsh", "-s", "/bin/sh", "alice")
    assert run("getent", "passwd", "alice").strip().endswith(":/bin/sh")
    run("chsh", "-s", "/bin/bash", "alice")
    was_not_met(rolled_out)


# ---- where a user is at a terminal


def enrol_here(child):
    """Go through the enrollment that has begun; returns the phone."""
    child.expect_exact(ASK)
    phone = phone_of(child.before)
    child.sendline(phone.code())
    done(child)
    return phone


def test_on_the_first_day_an_initial_password_can_be_changed(rolled_out):
    """Enroll, choose a password, and log in; the next day password and code."""
    run("chage", "-d", "0", "alice")
    rolled_out.sshd()
    child = rolled_out.ssh_by_hand("alice")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    phone = enrol_here(child)
    child.expect_exact("You are required to change your password immediately")
    child.expect_exact("Current password: ")
    child.sendline(PASSWORD)
    child.expect_exact("New password: ")
    child.sendline("staple battery")
    child.expect_exact("Retype new password: ")
    child.sendline("staple battery")
    child.expect_exact("alice")
    assert end(child) == 0 and stored() == ["alice"]
    login = rolled_out.ssh("alice", "staple battery", phone.code(1))
    assert login.ok and asked(login) == ["Password: ", PROMPT], login


def test_people_change_their_passwords_as_before(rolled_out):
    child = as_user("alice", "passwd")
    child.expect_exact("Current password: ")
    child.sendline(PASSWORD)
    child.expect_exact("New password: ")
    child.sendline("staple battery")
    child.expect_exact("Retype new password: ")
    child.sendline("staple battery")
    child.expect_exact("password updated successfully")
    assert end(child) == 0
    was_not_met(rolled_out)


def test_chsh_asks_as_a_login_does(rolled_out):
    """It asks for a password, so it asks for a code, and enrolls users who have none."""
    child = as_user("alice", "chsh", "-s", "/bin/sh")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    child.sendline("")
    child.expect_exact("Nothing was stored")
    assert end(child) != 0 and stored() == []
    assert run("getent", "passwd", "alice").strip().endswith(":/bin/bash")

    child = as_user("alice", "chsh", "-s", "/bin/sh")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    enrol_here(child)
    assert end(child) == 0 and stored() == ["alice"]
    assert run("getent", "passwd", "alice").strip().endswith(":/bin/sh")
    run("chsh", "-s", "/bin/bash", "alice")


# ---- a unit of systemd


# A systemd that is process 1 of its own namespace and uses a control group of its own.
SYSTEMD = r"""
mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
mkdir /sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
group=/sys/fs/cgroup/systemd/$2 # of all hosts of this machine
case $1 in
end)
	for try in $(seq 600); do
		find $group -depth -type d -exec rmdir {} + && exit
		sleep 0.1
	done
	exit 1 ;;
begin)
	mkdir $group
	echo $$ >$group/cgroup.procs
	exec unshare --cgroup --pid --fork --mount --mount-proc --uts --ipc --kill-child sh -euc '
		umount /sys/fs/cgroup/systemd
		mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
		exec env -i container=test PATH="$PATH" \
			SYSTEMD_PROC_CMDLINE=systemd.legacy_systemd_cgroup_controller=1 \
			/lib/systemd/systemd --system --unit=rollout.service --log-target=null' ;;
esac
"""


def systemd(word, group):
    return subprocess.Popen(["unshare", "--mount", "sh", "-euc", SYSTEMD, "sh", word, group],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_units_that_run_as_a_user_are_started_as_before(rolled_out):
    """As in user@.service: User= and PAMName=systemd-user."""
    with open("/etc/systemd/system/rollout.service", "w", encoding="utf-8") as file:
        file.write("[Unit]\nDefaultDependencies=no\n[Service]\nUser=alice\nPAMName=systemd-user\n"
                   "ExecStart=/bin/sh -c 'id -un >/home/alice/unit.out'\n")
    group = f"rollout.{os.urandom(8).hex()}"
    manager = systemd("begin", group)
    try:
        assert out_of("/home/alice/unit.out", manager, signal.SIGKILL) == "alice\n"
    finally:
        cleaner = systemd("end", group)
        assert cleaner.wait() == 0, cleaner.stdout.read()
    assert "pam_unix(systemd-user:session): session opened for user alice" in rolled_out.log_text()
    was_not_met(rolled_out)


# ---- the profile


def test_disabling_the_profile_restores_every_file(debian):
    """Enable, use, disable: the files are as before, byte for byte."""
    debian.policy(fail_delay=0)
    debian.sshd()
    before = pam_files()
    assert debian.ssh("alice", PASSWORD).ok
    phone = debian.enroll("alice", period=30)

    pam_auth_update("--enable", "totp")
    changed = {name for name, text in pam_files().items() if text != before.get(name)}
    assert changed == {"common-auth", "common-account"}
    login = debian.ssh("alice", PASSWORD, phone.code())
    assert login.ok and asked(login) == ["Password: ", PROMPT], login
    assert not debian.ssh("bob", PASSWORD, "123456").ok, "a user who needs a code has none"
    child = as_user("alice", "sudo", "-k", "id", "-un")
    child.expect_exact("password for alice: ")
    child.sendline(PASSWORD)
    child.expect_exact(PROMPT)
    child.sendline(phone.code(1))
    assert end(child) == 0 and "root" in child.before
    child = as_user("bob", "passwd")
    for prompt, answer in (("Current password: ", PASSWORD), ("New password: ", "staple battery"),
                           ("Retype new password: ", "staple battery")):
        child.expect_exact(prompt)
        child.sendline(answer)
    child.expect_exact("password updated successfully")
    assert end(child) == 0

    pam_auth_update("--disable", "totp")
    assert pam_files() == before
    login = debian.ssh("alice", PASSWORD)
    assert login.ok and asked(login) == ["Password: "], login


def test_an_installed_profile_is_not_enabled_by_itself(debian):
    before = pam_files()
    pam_auth_update("--package")
    assert pam_files() == before
