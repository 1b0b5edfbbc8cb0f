# SPDX-License-Identifier: BSD-2-Clause
"""With systemd as process 1, its sockets and its journal."""
import base64
import hmac
import struct
import time

import pytest

import guest as guest_module

SECRET = b"a secret of 20 bytes"
ASK = """
import socket
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.settimeout(7)
try:
    server.connect('/run/pam_totp/socket')
    server.send(b'x' * 817)
    server.recv(4096)
except OSError as error:
    print(error)
"""


@pytest.fixture
def guest():
    made = guest_module.Guest()
    try:
        made.run("systemd-sysusers")
        made.run("systemd-tmpfiles", "--create", "pam_totp.conf")
        made.run("useradd", "-m", "alice")
        yield made
    finally:
        made.close()


def ask(guest, times=1):
    """A user sends bytes to totpd: true if a process was listening each time."""
    return all(guest.run("setpriv", "--reuid=alice", "--regid=alice", "--clear-groups",
                         "python3", "-c", ASK) == "" for _ in range(times))


def states(guest):
    return guest.run("systemctl", "is-active", "totpd.socket", "totpd-root.socket",
                     check=False).split()


def test_requests_before_init_do_not_close_the_sockets_permanently(guest):
    guest.run("systemctl", "enable", "--now", "totpd.socket", "totpd-root.socket")
    assert states(guest) == ["inactive", "inactive"]
    assert not ask(guest)
    guest.run("totpctl", "init")
    assert states(guest) == ["active", "active"]
    assert ask(guest, 10)


@pytest.mark.parametrize("path, text", [("/etc/security/pam_totp.conf", "enforce = perhaps\n"),
                                        ("/etc/pam_totp/keyring", "not a key\n"),
                                        ("/etc/pam_totp/keyring", None)])
def test_an_error_of_policy_or_keyring_does_not_close_the_sockets(guest, path, text):
    guest.run("totpctl", "init")
    guest.run("systemctl", "enable", "--now", "totpd.socket", "totpd-root.socket")
    guest.run("cp", "-a", path, "/root/good", check=False)
    guest.run(*(["tee", path] if text else ["rm", path]), input=text)
    assert ask(guest, 30)
    assert states(guest) == ["active", "active"]
    guest.run("sh", "-c", f"rm -f {path}; cp -a /root/good {path} 2>/dev/null; true")
    assert ask(guest)  # it exits, to be restarted with the new keyring
    errors = guest.run("journalctl", "-u", "totpd.service").count("outcome=error")
    assert ask(guest, 3)
    assert guest.run("journalctl", "-u", "totpd.service").count("outcome=error") == errors
    assert states(guest) == ["active", "active"]


def test_the_restart_of_the_manual_leaves_both_sockets_open(guest):
    guest.run("totpctl", "init")
    guest.run("systemctl", "enable", "--now", "totpd.socket", "totpd-root.socket")
    assert ask(guest)
    with open(f"{guest_module.TOP}/man/totpd.8.scd") as file:
        command, = [line for line in file.read().splitlines()
                    if line.startswith("systemctl stop totpd.service &&")]
    guest.run("sh", "-c", command)
    assert states(guest) == ["active", "active"]
    assert ask(guest)


def code_of(moment):
    mac = hmac.new(SECRET, struct.pack(">Q", moment // 30), "sha1").digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 10 ** 6:06}"


def test_a_journal_that_a_user_can_read_does_not_mention_future_codes(guest):
    """su runs as its caller, whose own journal gets what it logs."""
    guest.run("mkdir", "-p", "/var/log/journal")
    guest.run("systemctl", "restart", "systemd-journald")
    guest.run("totpctl", "init")
    guest.run("systemctl", "enable", "--now", "totpd.socket", "totpd-root.socket")
    guest.run("totpctl", "import", "csv", "-", input=f"alice,{base64.b32encode(SECRET).decode()}\n")
    guest.run("tee", "/etc/pam.d/su", input="auth requisite pam_totp.so\n"
              "auth required pam_permit.so\naccount required pam_permit.so\n")
    alice = "setpriv", "--reuid=alice", "--regid=alice", "--clear-groups"
    for code in code_of(int(time.time()) + 40 * 30), "000000":
        guest.run(*alice, "su", "alice", "-c", "true", check=False, input=code + "\n")
    guest.run("journalctl", "--sync")
    everything = guest.run("journalctl", "-q", "--no-pager")
    assert everything.count("pam_totp: user=alice service=su") >= 2
    hers = guest.run(*alice, "journalctl", "-q", "--no-pager", check=False)
    assert "off" not in hers and "ahead" not in hers, hers


def test_the_timer_writes_metrics_and_from_then_on_decisions_are_counted(guest):
    def denied():
        with open(f"{guest.root}/var/lib/prometheus/node-exporter/pam_totp.prom") as file:
            line, = [line for line in file if '{outcome="deny",reason="wrong_code"}' in line]
        return int(line.split()[-1])

    guest.run("mkdir", "-p", "/var/lib/prometheus/node-exporter")
    guest.run("totpctl", "init")
    guest.run("systemctl", "enable", "--now", "totpd.socket", "totpd-root.socket",
              "pam_totp-metrics.timer")
    guest.run("totpctl", "import", "csv", "-", input=f"alice,{base64.b32encode(SECRET).decode()}\n")
    guest.run("tee", "/etc/pam.d/su", input="auth requisite pam_totp.so\n"
              "auth required pam_permit.so\naccount required pam_permit.so\n")
    end = time.monotonic() + 90
    while not guest.run("ls", "/var/lib/prometheus/node-exporter"):
        assert time.monotonic() < end, guest.run("systemctl", "list-timers", "--no-pager")
        time.sleep(0.5)
    assert denied() == 0
    guest.run("setpriv", "--reuid=alice", "--regid=alice", "--clear-groups", "su", "alice", "-c", "true",
              check=False, input="000000\n")
    guest.run("systemctl", "start", "pam_totp-metrics.service")
    assert denied() == 1
    assert guest.run("journalctl", "-q", "-u", "pam_totp-metrics.service", "-p", "warning") == ""
