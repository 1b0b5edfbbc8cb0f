# SPDX-License-Identifier: BSD-2-Clause
"""
The role of packaging/ansible, from this machine to a guest with systemd and sshd. A stand-in for ssh
runs the commands in the guest; the packages come from a repository in it.
"""
import json
import os
import re
import subprocess

import pytest

import guest as guest_module
from test_packages import packages  # noqa: F401 (a fixture)

TOP = guest_module.TOP
KEYRING = "/etc/pam_totp/keyring"
SOURCES = "deb [trusted=yes] file:/debs ./\n"
SSH = """#!/bin/bash
# ssh OPTION... HOST COMMAND: in the guest
exec nsenter -t {first} -m -p -u -i -n -C -r -w -- env -i LC_ALL=C.UTF-8 HOME=/root \\
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "${{@: -1}}"
"""


@pytest.fixture
def guest(packages):  # noqa: F811
    made = guest_module.Guest(packages, guest_module.MORE)
    try:
        with open(f"{made.root}/debs/Packages", "w", encoding="utf-8") as index:
            subprocess.run(["dpkg-scanpackages", "-m", "."], cwd=f"{made.root}/debs", stdout=index,
                           stderr=subprocess.DEVNULL, check=True)
        made.run("sh", "-ec", "rm -rf /etc/apt/sources.list.d/* && tee /etc/apt/sources.list && "
                 "apt-get update -q && useradd breakglass && systemctl start ssh", input=SOURCES)
        yield made
    finally:
        made.close()


class Ansible:
    """ansible-playbook with the role, for this guest."""

    def __init__(self, guest, directory):
        self.directory = directory
        ssh = directory / "ssh"
        ssh.write_text(SSH.format(first=guest.first()))
        ssh.chmod(0o755)
        (directory / "inventory").write_text(
            f"guest ansible_ssh_executable={ssh} ansible_ssh_transfer_method=piped "
            "ansible_python_interpreter=/usr/bin/python3\n")

    def run(self, *options, **variables):
        """Run the role; the result has `counts` (ok, changed, failed) and `said`."""
        playbook = self.directory / "playbook.json"
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "roles": [
            {"role": "pam_totp", "vars": {"pam_totp_rescue": "breakglass", **variables}}]}]))
        ran = subprocess.run(
            ["ansible-playbook", "-i", str(self.directory / "inventory"), "--diff", "-vvv", *options,
             str(playbook)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800,
            stdin=subprocess.DEVNULL, check=False,
            env=dict(os.environ, ANSIBLE_ROLES_PATH=f"{TOP}/packaging/ansible", LC_ALL="C.UTF-8",
                     ANSIBLE_LOCAL_TEMP=str(self.directory / "tmp"), HOME=str(self.directory),
                     ANSIBLE_PIPELINING="True", ANSIBLE_NOCOLOR="1"))
        recap = re.search(r"^guest .*?ok=(\d+) +changed=(\d+) .*failed=(\d+) .*rescued=(\d+)",
                          ran.stdout, re.M)
        assert recap, ran.stdout[-4000:]
        self.said = ran.stdout
        self.changed, self.failed = int(recap[2]), int(recap[3])
        return ran.returncode == 0

    def failure(self):
        return self.said[self.said.index("fatal:"):][:3000]


@pytest.fixture
def ansible(guest, tmp_path):
    return Ansible(guest, tmp_path)


def etc(guest):
    return guest.run("sh", "-c", "find /etc -type f ! -name 'ld.so.cache' -exec cksum {} +")


def password(guest):
    guest.run("chpasswd", input="breakglass:a long password in a safe\n")


def test_without_an_account_for_emergencies_or_in_check_mode_nothing_is_changed(guest, ansible):
    before = etc(guest)
    assert not ansible.run() and "no password" in ansible.failure()
    assert not ansible.run(pam_totp_rescue="") and "Set pam_totp_rescue" in ansible.failure()
    assert etc(guest) == before

    password(guest)
    before = etc(guest)
    assert ansible.run("--check"), "no package is installed yet: " + ansible.failure()
    assert ansible.changed > 0 and etc(guest) == before


def test_a_host_gets_everything_once_and_nothing_changes_then(guest, ansible):
    password(guest)
    key = guest_module.sh("openssl rand -base64 32", stdout=subprocess.PIPE, text=True).stdout.strip()
    keyring = f"0a0b0c0d {key} 2026-01-31"
    settings = {"pam_totp_keyring": keyring, "pam_totp_enforce": "2099-02-01",
                "pam_totp_policy": {"enroll": "login, tool"}}
    assert ansible.run(**settings), ansible.failure()
    assert ansible.changed > 5 and key not in ansible.said
    assert guest.run("cat", KEYRING) == keyring + "\n"
    assert guest.run("stat", "-c", "%U %a", KEYRING) == "root 600\n"
    policy = guest.run("cat", "/etc/security/pam_totp.conf")
    assert "\nenforce = 2099-02-01\nexempt = breakglass\nenroll = login, tool\n" in policy
    assert "@include common-auth\nauth required pam_totp.so\n" in guest.run("cat", "/etc/pam.d/sshd")
    assert guest.run("systemctl", "is-active", "totpd.socket", "totpd-root.socket", "ssh").split() == [
        "active"] * 3
    assert "kbdinteractiveauthentication yes" in guest.run("sshd", "-T")
    assert guest.run("find", "/etc/pam.d", "-name", "*totp*") == ""

    after = etc(guest)
    for options in (), ("--check",):
        assert ansible.run(*options, **settings), ansible.failure()
        assert ansible.changed == 0, re.findall(r"^changed:.*", ansible.said, re.M)
        assert key not in ansible.said
    assert etc(guest) == after

    # a keyring that a host has is never replaced
    assert ansible.run(**dict(settings, pam_totp_keyring=keyring.replace("0a", "1b"))), ansible.failure()
    assert guest.run("cat", KEYRING) == keyring + "\n"


def test_a_stack_or_setting_that_would_not_work_is_not_written(guest, ansible):
    password(guest)
    guest.run("sed", "-i", "1i auth sufficient pam_permit.so", "/etc/pam.d/sshd")
    before = guest.run("cat", "/etc/pam.d/sshd")
    assert not ansible.run(), "doctor finds a way around the module"
    assert "totp-candidate" in ansible.failure()
    assert guest.run("cat", "/etc/pam.d/sshd") == before
    assert guest.run("find", "/etc/pam.d", "-name", "*totp*") == ""
    guest.run("sed", "-i", "1d", "/etc/pam.d/sshd")

    mistake = "UsePAM yes\nKbdInteractiveAuthentication perhaps\n"
    assert not ansible.run(pam_totp_sshd=mistake) and "former settings" in ansible.said
    assert guest.run("sh", "-c", "ls /etc/ssh/sshd_config.d") == ""
    assert "pam_totp" not in guest.run("cat", "/etc/pam.d/sshd")
    assert not ansible.run(pam_totp_policy={"enforce_at": "soon"}) and "enforce_at" in ansible.said
    guest.run("sshd", "-t")
