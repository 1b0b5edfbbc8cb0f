# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages where systemd is process 1: what becomes of the sockets, and of requests."""

import glob
import os
import subprocess
import threading

import pytest

import guest as guest_module
from test_systemd import ask, states

TOP = guest_module.TOP
LATER = """
cd /debs && for deb in *.deb; do
    dpkg-deb -R $deb /tmp/deb
    sed -i 's/^Version: .*/&+later/; s/totp-tools (= [^)]*/&+later/' /tmp/deb/DEBIAN/control
    mkdir -p /later && dpkg-deb -b /tmp/deb /later/$deb && rm -r /tmp/deb
done
"""


@pytest.fixture(scope="module")
def packages():
    ran = subprocess.run([f"{TOP}/tests/packages/run", f"{TOP}/build/gcc"], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace")
    assert ran.returncode == 0, ran.stdout[-8000:]
    return [deb for deb in glob.glob(f"{TOP}/build/packages/one/*.deb") if "-dbgsym_" not in deb]


@pytest.fixture
def guest(packages):
    made = guest_module.Guest(packages)
    try:
        made.run("useradd", "-m", "alice")
        made.run("sh", "-c", "dpkg -i /debs/*.deb")
        yield made
    finally:
        made.close()


def since(guest):
    """When each socket was opened."""
    return guest.run("systemctl", "show", "-p", "ActiveEnterTimestampMonotonic", "totpd.socket",
                     "totpd-root.socket")


def open_sockets(guest):
    guest.run("totpctl", "init")
    guest.run("systemctl", "enable", "--now", "totpd.socket", "totpd-root.socket")
    assert states(guest) == ["active", "active"]


def test_the_installation_enables_no_socket(guest):
    enabled = guest.run("systemctl", "is-enabled", "totpd.socket", "totpd-root.socket",
                        "pam_totp-keyring.service", check=False)
    assert enabled.split() == ["disabled"] * 3
    assert states(guest) == ["inactive", "inactive"]
    assert not os.path.exists(f"{guest.root}/etc/pam_totp")


def test_an_upgrade_leaves_the_sockets_open_and_loses_no_request(guest):
    open_sockets(guest)
    guest.run("sh", "-ec", LATER)
    opened, answered, upgraded = since(guest), [], threading.Event()

    def requests():
        while not upgraded.is_set():
            answered.append(ask(guest))

    client = threading.Thread(target=requests)
    assert ask(guest)
    client.start()
    try:
        guest.run("sh", "-c", "dpkg -i /later/*.deb")
    finally:
        upgraded.set()
        client.join()
    assert answered and all(answered)
    assert ask(guest)
    assert since(guest) == opened and states(guest) == ["active", "active"]
    totpd = guest.run("sh", "-c", "ls -l /proc/$(systemctl show -p MainPID --value totpd)/exe")
    assert totpd.strip().endswith("/usr/libexec/totpd")  # and not " (deleted)"


def test_a_removal_closes_the_sockets_and_keeps_store_and_account(guest):
    open_sockets(guest)
    assert ask(guest)
    guest.run("dpkg", "--remove", "libpam-totp", "totp-tools")
    assert not ask(guest)
    assert guest.run("systemctl", "is-active", "totpd.service", check=False).strip() == "inactive"
    guest.run("test", "-e", "/var/lib/pam_totp/STORE", "-a", "-e", "/etc/pam_totp/keyring")
    guest.run("getent", "passwd", "_pam_totp")
    guest.run("sh", "-c", "dpkg -i /debs/*.deb")
    guest.run("systemctl", "start", "totpd.socket", "totpd-root.socket")
    assert ask(guest)


def test_a_refused_removal_leaves_the_sockets_open(guest):
    open_sockets(guest)
    opened = since(guest)
    guest.run("sh", "-c", "echo auth required pam_totp.so >/etc/pam.d/line")
    said = guest.run("dpkg", "--remove", "libpam-totp", "totp-tools", check=False)
    assert "/etc/pam.d/line:1: auth required pam_totp.so" in said
    assert since(guest) == opened and ask(guest)
