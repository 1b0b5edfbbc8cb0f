# SPDX-License-Identifier: BSD-2-Clause
"""
The units of a fleet where systemd is process 1: a verifier, and a login host in a network with it,
each with the Debian packages that pam_totp-fleet(7) names for it. And what a stop of totpd does.
"""
import base64
import os
import shutil
import subprocess
import time

import pytest

import guest as guest_module
from test_packages import SU, packages  # noqa: F401 (a fixture)
from test_systemd import SECRET, code_of

FLEET = "/etc/pam_totp/fleet"
VERIFIER, HOST = "192.0.2.1", "192.0.2.11"
NAMES = "v1.example.org", "web01.example.org"
POLICY = "/etc/security/pam_totp.conf"
USERS = "alice", "bob", "carol", "dave", "erin"
OWN = "/etc/systemd/system/totpd.service.d/fleet.conf"

# A request waits for its login state, which is locked, and meanwhile systemd stops totpd.
STOP = """
import fcntl, glob, os, struct, subprocess, sys, time

def lock(kind):
    fcntl.fcntl(state, 37, struct.pack('hhqqi4x', kind, 0, 0, 0, 0))  # F_OFD_SETLK

def show(name):
    return subprocess.run(['systemctl', 'show', '-p', name, '--value', 'totpd.service'], text=True,
                          capture_output=True).stdout.strip()

def waiting():
    found = []
    for child in open(f'/proc/{totpd}/task/{totpd}/children').read().split():
        try:
            if path in [os.readlink(fd) for fd in glob.glob(f'/proc/{child}/fd/*')]:
                found.append(child)
        except OSError:
            pass
    return found

path, = glob.glob('/var/lib/pam_totp/state/alice.*')
state, totpd = os.open(path, os.O_RDWR), show('MainPID')
lock(fcntl.F_WRLCK)
client = subprocess.Popen(['setpriv', '--reuid=alice', '--regid=alice', '--clear-groups',
                           'totp-enroll', 'test'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
client.stdin.write(sys.argv[1] + chr(10))
client.stdin.flush()
before = []
while client.poll() is None and not set(before) & set(waiting()):
    before = waiting()
    time.sleep(0.05)
subprocess.run(['systemctl', 'stop', '--no-block', 'totpd.service'], check=True)
while client.poll() is None and show('ActiveState') == 'active':
    pass
lock(fcntl.F_UNLCK)
print(client.communicate()[0])
"""


def network(one, other):
    """A cable between two machines."""
    run = lambda *argv: subprocess.run(argv, check=True)  # noqa: E731
    run("ip", "link", "add", "eth0", "netns", one.first(), "type", "veth",
        "peer", "name", "eth0", "netns", other.first())
    for guest, address in (one, VERIFIER), (other, HOST):
        guest.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        guest.run("ip", "link", "set", "eth0", "up")


def give(verifier, guest, name, owner):
    """What the commands of rsync in the manual do."""
    shutil.copytree(f"{verifier.root}/root/fleet/{name}/fleet", f"{guest.root}{FLEET}")
    guest.run("sh", "-c", f"chown -R {owner} {FLEET} && chmod 755 {FLEET} && chmod 640 {FLEET}/*")


def set_up_verifier(guest):
    guest.run("sh", "-ec", f"""
        dpkg -i /debs/libpam-totp_*.deb /debs/totp-tools_*.deb /debs/pam-totp-verifier_*.deb
        totpctl init
        echo 'hosts = *.example.org' >>{POLICY}
        cp /usr/share/doc/pam-totp-verifier/examples/haproxy.cfg /etc/pam_totp/
        totpctl fleet cert ca /root/fleet
        totpctl fleet cert verifier /root/fleet {NAMES[0]} {VERIFIER}
        totpctl fleet cert host /root/fleet {NAMES[1]}""")
    give(guest, guest, NAMES[0], "root:haproxy")
    guest.run("systemctl", "enable", "--now", "totpd.socket", "totpd-root.socket",
              "totpd-verifier.socket")
    guest.run("systemctl", "enable", "--now", "pam-totp-haproxy.service")
    secret = base64.b32encode(SECRET).decode()
    guest.run("totpctl", "import", "csv", "-", input="".join(f"{user},{secret}\n" for user in USERS))


def set_up_host(guest, verifier):
    guest.run("sh", "-ec", "dpkg -i /debs/libpam-totp_*.deb /debs/totp-tools_*.deb")
    guest.run("tee", POLICY, input=f"store = verifier\nverifiers = {VERIFIER}:7443\n")
    guest.run("mkdir", "-p", os.path.dirname(OWN))
    guest.run("cp", "/usr/share/doc/libpam-totp/examples/totpd-login-host.conf", OWN)
    guest.run("systemctl", "daemon-reload")
    guest.run("systemctl", "enable", "totpd.socket", "totpd-root.socket")
    give(verifier, guest, NAMES[1], "root:_pam_totp")
    guest.run("systemctl", "start", "totpd.socket", "totpd-root.socket")
    guest.run("tee", "/etc/pam.d/su", input=SU)


class Fleet:
    def __init__(self, packages):
        self.guests = []
        try:
            for _ in range(2):
                self.guests.append(guest_module.Guest(packages, guest_module.MORE))
            self.verifier, self.host = self.guests
            network(self.verifier, self.host)
            for number, user in enumerate(USERS):
                for guest in self.guests:
                    guest.run("useradd", "--uid", str(3000 + number), user)
            set_up_verifier(self.verifier)
            set_up_host(self.host, self.verifier)
        except BaseException:
            self.close()
            raise

    def login(self, user, code):
        """su on the login host, as the user itself."""
        said = self.host.run("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups",
                             "su", user, "-c", "echo welcome", check=False, input=code + "\n")
        return "welcome" in said

    def admit(self, user):
        """
        A code logs the user in, once. A verifier has 0.7 seconds to answer, in which a busy machine
        does not always start totpd: then another code is tried.
        """
        codes = []
        while not codes or not self.login(user, codes[-1]):
            assert len(codes) < 12, self.host.run("journalctl", "-q", "--no-pager", "-n", "30")
            while (code := code_now()) in codes:
                time.sleep(1)
            codes.append(code)
        assert not self.login(user, codes[-1]), "a code was used before"

    def close(self):
        for guest in self.guests:
            guest.close()


@pytest.fixture
def fleet(packages):  # noqa: F811
    made = Fleet(packages)
    try:
        yield made
    finally:
        made.close()


def code_now():
    left = 30 - time.time() % 30
    if left < 10:
        time.sleep(left + 0.1)
    return code_of(int(time.time()))


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def show(guest, unit, name):
    return guest.run("systemctl", "show", "-p", name, "--value", unit).strip()


def units(guest, state):
    """Units of ours in a state, such as failed."""
    listed = guest.run("systemctl", "list-units", "--all", "--plain", "--no-legend", f"--state={state}",
                       "totpd*", "pam-totp*", "pam_totp*")
    return [line.split()[0] for line in listed.splitlines()]


def answers(guest):
    """Does haproxy listen?"""
    return ":7443" in guest.run("ss", "-Hltn")


def test_a_login_host_asks_the_verifier_and_a_killed_haproxy_is_back(fleet):
    verifier, host = fleet.verifier, fleet.host
    fleet.admit("alice")
    verifier.run("journalctl", "--sync")
    assert "user=alice service=su@web01.example.org source=host:web01 outcome=allow" in verifier.run(
        "journalctl", "-q", "--no-pager", "-t", "totpd")
    assert units(verifier, "failed") == units(host, "failed") == []
    assert not os.path.exists(f"{host.root}/var/lib/pam_totp"), "a login host has no store"

    host.run("systemctl", "stop", "totpd.socket", "totpd-root.socket", "totpd.service")
    said = host.run("totpctl", "doctor", check=False)
    assert "no process is listening" in said and "keyring" not in said
    host.run("systemctl", "start", "totpd.socket", "totpd-root.socket")

    # haproxy is killed, and is back
    main = show(verifier, "pam-totp-haproxy", "MainPID")
    verifier.run("kill", "-KILL", main)
    wait_for(lambda: show(verifier, "pam-totp-haproxy", "MainPID") not in ("0", main) and
             answers(verifier))
    fleet.admit("bob")


def test_a_verifier_whose_package_is_removed_answers_no_host_and_keeps_its_files(fleet):
    verifier = fleet.verifier
    fleet.admit("alice")
    for how in "--remove", "--purge":
        verifier.run("dpkg", how, "pam-totp-verifier")
        assert units(verifier, "failed") == [] and not answers(verifier)
        assert show(verifier, "totpd-verifier.socket", "LoadState") == "not-found"
        assert show(verifier, "totpd.socket", "ActiveState") == "active"
        assert not fleet.login("bob", code_now())
    for path in FLEET, "/var/lib/pam_totp", "/etc/pam_totp/haproxy.cfg":
        assert os.path.exists(verifier.root + path), path
    verifier.run("sh", "-ec", "dpkg -i /debs/pam-totp-verifier_*.deb; systemctl enable --now "
                 "totpd-verifier.socket pam-totp-haproxy.service")
    wait_for(lambda: answers(verifier))
    fleet.admit("carol")


def test_a_stop_of_systemd_finishes_the_requests_that_are_running(packages):  # noqa: F811
    """A lock is waited for 2 seconds: a machine that is too slow for that gets more than one try."""
    guest = guest_module.Guest(packages, guest_module.MORE)
    try:
        guest.run("useradd", "alice")
        guest.run("sh", "-ec", "dpkg -i /debs/libpam-totp_*.deb /debs/totp-tools_*.deb; totpctl init; "
                  "systemctl enable --now totpd.socket totpd-root.socket")
        guest.run("totpctl", "import", "csv", "-",
                  input=f"alice,{base64.b32encode(SECRET).decode()}\n")
        said = []
        while len(said) < 8 and not any("Right" in each for each in said):
            guest.run("systemctl", "start", "totpd.service")
            said.append(guest.run("python3", "-c", STOP, code_now(), check=False))
        assert any("Right" in each for each in said), said
        assert "reason=crash" not in guest.run("journalctl", "-q", "-t", "totpd", "--no-pager")
    finally:
        guest.close()
