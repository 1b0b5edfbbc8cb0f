# SPDX-License-Identifier: BSD-2-Clause
"""The filter for fail2ban finds what the programs write to a real journal, and no forged line."""
import os
import re
import subprocess

import pytest

from host import run
from test_log import FORGED, forge, journal  # noqa: F401 - a fixture

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FAIL2BAN = f"{TOP}/build/root/etc/fail2ban"
WRONG = FORGED.replace("outcome=allow reason=code", "outcome=deny reason=wrong_code")


@pytest.fixture
def regex(host):
    if not os.path.exists("/usr/bin/fail2ban-regex"):
        pytest.skip("there is no fail2ban: scripts/install-deps test")
    run("cp", "-r", FAIL2BAN, "/etc/")
    run("cp", f"{TOP}/conf/fail2ban/filter.conf", "/etc/fail2ban/filter.d/pam_totp.conf")
    run("cp", f"{TOP}/conf/fail2ban/jail.conf", "/etc/fail2ban/jail.d/pam_totp.conf")

    def matched(where):
        done = subprocess.run(["/usr/bin/python3", "/usr/bin/fail2ban-regex", where, "pam_totp"],
                              capture_output=True, text=True, timeout=60)
        return int(re.search(r"^Lines: \d+ lines, \d+ ignored, (\d+) matched", done.stdout, re.M)[1])
    return matched


def test_a_wrong_code_in_the_journal_is_found_and_a_forged_line_is_not(host, regex, journal):  # noqa: F811
    host.policy(fail_delay=0)
    phone = host.enroll("alice")
    host.sshd()
    assert not host.ssh("alice", phone.wrong()).ok
    assert host.ssh("alice", phone.code()).ok
    for _ in range(3):
        forge(line=WRONG)
    assert len([line for line in journal.lines() if "reason=wrong_code" in line]) == 4
    assert regex("systemd-journal") == 1


def test_in_a_file_it_finds_the_same_lines(host, regex):
    lines = [WRONG, WRONG.replace("source=192.0.2.9", "source=2001:db8:0:1::/64"), FORGED,
             WRONG.replace("source=192.0.2.9", "source=uid:1000"),
             f"Invalid user x: {WRONG} from 192.0.2.3"]
    with open("/var/log/auth.log", "w") as file:
        file.writelines(f"2026-01-02T03:04:05+00:00 tower sshd[12]: {line}\n" for line in lines)
    found = regex("/var/log/auth.log")
    os.unlink("/var/log/auth.log")  # other tests read the host's log
    assert found == 2
