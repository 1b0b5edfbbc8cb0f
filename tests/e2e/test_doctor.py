# SPDX-License-Identifier: BSD-2-Clause
"""totpctl doctor with the real sshd: what it reports about a host is what happens there."""
import json
import re
import subprocess

from host import run
from test_enroll import at_terminal, end

COMMON = ("auth [success=1 default=ignore] pam_unix.so", "auth requisite pam_deny.so",
          "auth required pam_permit.so")
REST = ("account required pam_permit.so", "session required pam_permit.so")
# of a host whose files are in memory, whose clock is the machine's, and whose users change
OF_THE_TEST = {"clock", "disk-kind", "administrator"}


def found(*words):
    said = subprocess.run(["totpctl", "doctor", "--json", *words], capture_output=True, text=True,
                          timeout=60)
    assert said.returncode in (0, 1) and said.stderr == ""
    return {one["id"]: one for one in json.loads(said.stdout) if one["id"] not in OF_THE_TEST}


def settings(*lines):
    with open("/etc/ssh/sshd_config", "w") as file:
        file.writelines(line + "\n" for line in lines)


GOOD = ("UsePAM yes", "KbdInteractiveAuthentication yes", "PermitRootLogin no",
        "AuthenticationMethods keyboard-interactive:pam")


def test_a_line_that_doctor_reports_does_skip_the_code(host):
    host.password("alice", "open sesame")
    host.enroll("alice")
    host.sshd()
    settings(*GOOD)

    host.pam("sshd", *COMMON, "auth required pam_totp.so", *REST)
    assert found("--service", "sshd") == {}
    assert not host.ssh("alice", "open sesame", "000000").ok

    host.pam("sshd", "auth sufficient pam_unix.so", "auth required pam_totp.so", *REST)
    said = found("--service", "sshd")
    assert "/etc/pam.d/sshd:1: " in said["skipped"]["what"]
    assert host.ssh("alice", "open sesame").ok

    run("sh", "-c", said["skipped"]["repair"])
    assert found("--service", "sshd") == {}
    assert not host.ssh("alice", "open sesame", "000000").ok


def test_findings_fit_the_window_and_a_command_is_not_broken(host):
    host.sshd()
    host.pam("sshd", "auth sufficient pam_unix.so", "auth required pam_totp.so", *REST)
    settings(*GOOD)
    one = found("--service", "sshd")["skipped"]
    child = at_terminal("totpctl", "doctor", "--service", "sshd", columns=50)
    said = end(child)[1].replace("\r\n", "\n")
    assert f"   Repair: {one['repair']}\n" in said
    lines = [line for line in said.splitlines() if not line.startswith("   Repair: ")]
    assert all(len(line) <= 50 for line in lines), said
    assert one["what"] in re.sub(r"\n +", " ", said)
    assert f"Why:    {one['why']}" in re.sub(r"\n {11}", " ", said)


def test_doctor_reads_the_settings_that_sshd_uses(host):
    host.sshd()
    host.pam("sshd", *COMMON, "auth required pam_totp.so", *REST)
    settings(*GOOD)
    assert found("--service", "sshd") == {}
    settings(*GOOD[:3])
    said = found("--service", "sshd")
    assert set(said) == {"sshd-methods"} and "publickey is enough" in said["sshd-methods"]["what"]
    settings("UsePAM no", *GOOD)
    assert set(found("--service", "sshd")) == {"sshd-pam"}
    settings("Nonsense yes")
    assert "Nonsense" in found("--service", "sshd")["sshd"]["what"]
