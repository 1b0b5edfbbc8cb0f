# SPDX-License-Identifier: BSD-2-Clause
"""The removal that docs/uninstall.md describes, with the real sshd and libpam."""
import glob
import os
import re
import subprocess

import pytest

from host import DIR, HERE, run
from test_doctor import COMMON, REST
from test_recipes import write_stack

PASSWORD = "open sesame"


def listing():
    """
    The command of docs/uninstall.md that lists every file that names the module; the manual has the
    same.
    """
    with open(f"{HERE}/../../docs/uninstall.md", encoding="utf-8") as file:
        command = re.search(r"^ +(grep .*)$", file.read(), re.M)[1]
    with open(f"{HERE}/../../man/pam_totp.8.scd", encoding="utf-8") as file:
        assert f"\n{command}\n" in file.read()
    return command


def files_that_name_it():
    done = subprocess.run(["sh", "-c", listing()], capture_output=True, text=True, timeout=60)
    return sorted(done.stdout.splitlines())


def remove_the_module():
    for path in glob.glob("/usr/lib/*/security/pam_totp.so"):
        os.unlink(path)


@pytest.fixture
def server(host):
    """No file names the module; its file and those of PAM are restored when the test ends."""
    module, = glob.glob("/usr/lib/*/security/pam_totp.so")
    run("cp", "-a", "/etc/pam.d", module, DIR)
    run("sh", "-c", f"rm -f /etc/pam.conf; {listing()} | xargs -r rm")
    host.password("alice", PASSWORD)
    yield host
    run("sh", "-c", f"rm -rf /etc/pam.d /usr/lib/pam.d/h /usr/etc/pam.d /etc/pam.conf; "
                    f"mv {DIR}/pam.d /etc/pam.d; mv {DIR}/pam_totp.so {module}")


def test_every_file_that_names_the_module_is_listed(server):
    for directory in "/usr/lib/pam.d", "/usr/etc/pam.d", "/etc/elsewhere":
        os.makedirs(directory, exist_ok=True)
    lines = {"/etc/pam.d/sshd": "auth required pam_totp.so\n",
             "/etc/pam.d/su": "-auth [success=1 default=ignore] \\\n /usr/lib/security/pam_totp.so\n",
             "/usr/lib/pam.d/h": "account required pam_totp.so enroll_in_account\n",
             "/usr/etc/pam.d/h": "auth required pam_totp # without its ending\n",
             "/etc/pam.conf": "sshd auth required pam_totp.so\n",
             "/etc/elsewhere/system-auth": "auth required pam_totp.so\n"}
    for path, line in lines.items():
        with open(path, "w", encoding="utf-8") as file:
            file.write(line)
    with open("/etc/pam.d/cron", "w", encoding="utf-8") as file:
        file.write("# auth required pam_totp.so\nauth required pam_deny.so\n")
    os.symlink("/etc/elsewhere/system-auth", "/etc/pam.d/linked")
    assert files_that_name_it() == sorted([*set(lines) - {"/etc/elsewhere/system-auth"},
                                           "/etc/pam.d/linked"])


@pytest.mark.parametrize("title", ["sshd, password and code", "sshd, key and code",
                                   "sshd, key and code, or password and code"])
def test_after_the_removal_users_log_in_as_before_and_nobody_else_does(server, title):
    server.sshd(*write_stack(title, "sshd"))
    assert files_that_name_it() == ["/etc/pam.d/sshd"]
    server.pam("sshd", *COMMON, *REST)
    assert files_that_name_it() == []
    server.sshd()
    remove_the_module()
    assert server.ssh("alice", PASSWORD).ok
    assert not server.ssh("alice", "").ok and not server.ssh("alice", "wrong horse").ok


def test_removing_the_module_while_a_line_names_it_denies_everybody(server):
    server.policy(exempt="alice")
    server.pam("sshd", *COMMON, "auth required pam_totp.so", *REST)
    server.sshd()
    assert server.ssh("alice", PASSWORD).ok
    remove_the_module()
    assert not server.ssh("alice", PASSWORD).ok
