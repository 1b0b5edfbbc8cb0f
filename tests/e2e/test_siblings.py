# SPDX-License-Identifier: BSD-2-Clause
"""
Programs with more than one PAM service: the real sudo -i and su -. What doctor reports about them
is true, and the repair that it prints works.
"""
import os
import subprocess

import pytest

from host import PROMPT, run
from test_doctor import COMMON, REST, found
from test_local import as_user, end

PASSWORD = "open sesame"
OURS = "auth required pam_totp.so"


@pytest.fixture
def phone(host):
    host.policy(fail_delay=0)
    host.password("alice", PASSWORD)
    host.password("bob", PASSWORD)
    host.enroll("bob")
    with open("/etc/sudoers", "w", encoding="utf-8") as file:
        file.write("Defaults passwd_tries=1\nDefaults !lecture\nroot ALL=(ALL) ALL\n"
                   "alice ALL=(ALL) ALL\n")
    os.chmod("/etc/sudoers", 0o440)
    return host.enroll("alice")


def asks_for_code(*argv):
    """After the password: is a code asked for, or is the password enough?"""
    child = as_user("alice", *argv)
    child.expect("assword")
    child.sendline(PASSWORD)
    asked = child.expect_exact(["uid=", PROMPT]) == 1
    if asked:
        child.sendline("000000")
    end(child)
    return asked


@pytest.mark.parametrize("service, sibling, usual, other, lines", [
    ("sudo", "sudo-i", ("sudo", "-k", "id"), ("sudo", "-k", "-i", "id"), COMMON),
    ("su", "su-l", ("su", "bob", "-c", "id"), ("su", "-", "bob", "-c", "id"),
     ("auth sufficient pam_rootok.so", "auth required pam_unix.so")),
], ids=["sudo", "su"])
def test_a_service_without_our_line_is_reported(host, phone, service, sibling, usual, other, lines):
    host.pam(service, "auth sufficient pam_rootok.so", *COMMON, OURS, *REST)
    host.pam(sibling, *lines, *REST)
    assert asks_for_code(*usual)
    assert not asks_for_code(*other)
    said = found()["sibling"]
    assert said["services"] == [sibling] and f"/etc/pam.d/{sibling}: " in said["what"]
    run("sh", "-c", said["repair"])
    assert asks_for_code(*other)
    assert "sibling" not in found()


def test_for_root_s_own_su_nothing_changes(host, phone):
    host.pam("su", "auth sufficient pam_rootok.so", *COMMON, OURS, *REST)
    host.pam("su-l", "auth sufficient pam_rootok.so", *COMMON, *REST)
    run("sh", "-c", found()["sibling"]["repair"])
    ran = subprocess.run(["su", "-", "bob", "-c", "id -un"], capture_output=True, text=True,
                         stdin=subprocess.DEVNULL, timeout=60)
    assert ran.stdout.strip() == "bob"
