# SPDX-License-Identifier: BSD-2-Clause
"""The Debian packages where systemd is process 1: what becomes of the sockets, and of requests."""

import base64
import contextlib
import glob
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

import guest as guest_module
from test_systemd import SECRET, ask, code_of, states

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


@contextlib.contextmanager
def another_guest(packages):
    made = guest_module.Guest(packages)
    try:
        made.run("useradd", "-m", "alice")
        made.run("sh", "-c", "dpkg -i /debs/*.deb")
        yield made
    finally:
        made.close()


@pytest.fixture
def guest(packages):
    with another_guest(packages) as made:
        yield made


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


PIUPARTS = """
. /etc/os-release
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
apt-get install -y --no-install-recommends piuparts >/dev/null
mkdir /in
tar -C /in -xf -
gzip -1 /in/guest.tar
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
piuparts --distribution=$VERSION_CODENAME --basetgz=/in/guest.tar.gz --mirror="$mirror main" \\
    --no-eatmydata --warn-on-usr-move=disabled /in/*.deb
"""


def test_piuparts_finds_nothing(packages):
    """Installation and purge leave no file behind, and no other changed."""
    names = [guest_module.make_tree(), *packages]
    tar = ["tar", "-cf", "-", *(part for name in names
                                for part in ("-C", os.path.dirname(name), os.path.basename(name)))]
    release = subprocess.run(". /etc/os-release && echo $VERSION_CODENAME", shell=True,
                             capture_output=True, text=True, check=True).stdout.strip()
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as files:
        ran = subprocess.run([f"{TOP}/scripts/fresh", release, "sh", "-ec", PIUPARTS],
                             stdin=files.stdout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors="replace")
    assert ran.returncode == 0, ran.stdout[-8000:]


# ---- logins by su, which asks alice for a code and nothing else

SU = "auth requisite pam_totp.so\nauth required pam_permit.so\naccount required pam_permit.so\n"


def enroll(guest):
    open_sockets(guest)
    guest.run("totpctl", "import", "csv", "-", input=f"alice,{base64.b32encode(SECRET).decode()}\n")
    guest.run("tee", "/etc/pam.d/su", input=SU)


def login(guest, code):
    said = guest.run("setpriv", "--reuid=alice", "--regid=alice", "--clear-groups",
                     "su", "alice", "-c", "echo welcome", check=False, input=code + "\n")
    return "welcome" in said


def code_now():
    """The code of a time step that has some seconds left."""
    left = 30 - time.time() % 30
    if left < 10:
        time.sleep(left + 0.1)
    return code_of(int(time.time()))


def login_by_a_code(guest):
    """With one that has not been used: of this step, or of the next one."""
    return login(guest, code_now()) or login(guest, code_of(int(time.time()) + 30))


def test_a_used_code_stays_used_across_an_upgrade_and_a_downgrade(guest):
    enroll(guest)
    guest.run("sh", "-ec", LATER)
    opened = since(guest)
    used = code_now()
    assert login(guest, used)
    for debs in "/later", "/debs":
        guest.run("sh", "-c", f"dpkg -i {debs}/*.deb")
        assert not login(guest, used)
    time.sleep(30)
    assert login_by_a_code(guest)
    assert since(guest) == opened and states(guest) == ["active", "active"]


def test_a_backup_is_restored_on_another_machine(guest, packages):
    """As docs/backup.md says, with a file for the passphrase."""
    enroll(guest)
    used = code_now()
    assert login(guest, used)
    guest.run("sh", "-ec", """
        umask 077
        echo correct horse battery >/root/passphrase
        totpctl key backup --passphrase-file /root/passphrase /root/keyring.backup
        tar -C / -czf /root/totp.tar.gz var/lib/pam_totp""")
    with another_guest(packages) as other:
        for name in "passphrase", "keyring.backup", "totp.tar.gz":
            shutil.copy(f"{guest.root}/root/{name}", f"{other.root}/root/{name}")
        other.run("tee", "/etc/machine-id", input="0123456789abcdef0123456789abcdef\n")
        other.run("sh", "-ec", """
            systemd-sysusers
            tar -C / -xzpf /root/totp.tar.gz
            totpctl key restore --passphrase-file /root/passphrase /root/keyring.backup
            systemd-tmpfiles --create pam_totp.conf""")
        other.run("tee", "/etc/pam.d/su", input=SU)
        assert "belongs to another machine" in other.run("totpctl", "list")
        other.run("totpctl", "store", "accept")
        assert "belongs to another machine" not in other.run("totpctl", "list")
        other.run("systemctl", "enable", "--now", "totpd.socket", "totpd-root.socket")
        assert not login(other, used)
        since_then = time.time()
        while not login_by_a_code(other):
            assert time.time() - since_then < 300, other.run("journalctl", "-q", "--no-pager", "-n", "20")
            time.sleep(10)


def test_users_are_taken_to_another_host_where_a_used_code_counts_once_more(guest, packages):
    """As docs/fleet.md says, with a file for the passphrase."""
    enroll(guest)
    guest.run("sh", "-ec", """
        umask 077
        echo correct horse battery >/root/passphrase
        totpctl export --passphrase-file /root/passphrase /root/users.export""")
    with another_guest(packages) as other:
        open_sockets(other)
        for name in "passphrase", "users.export":
            shutil.copy(f"{guest.root}/root/{name}", f"{other.root}/root/{name}")
        other.run("totpctl", "import", "exported", "--passphrase-file", "/root/passphrase",
                  "/root/users.export")
        other.run("tee", "/etc/pam.d/su", input=SU)
        code = code_now()
        assert login(guest, code) and not login(guest, code)
        assert login(other, code) and not login(other, code)
        guest.run("totpctl", "delete", "--yes", "alice")
        time.sleep(30)
        assert not login_by_a_code(guest)
        assert login_by_a_code(other)


# ---- what is half installed, or edited by hand


def test_without_its_account_totpd_does_not_start_and_su_checks_codes_itself(guest):
    enroll(guest)
    guest.run("systemctl", "stop", "totpd.socket", "totpd-root.socket", "totpd.service")
    guest.run("sed", "-i", "/^_pam_totp:/d", "/etc/passwd", "/etc/group", "/etc/shadow")
    guest.run("systemctl", "start", "totpd.socket", check=False)
    assert not ask(guest)
    assert login_by_a_code(guest), "systemd has closed the sockets, so su checks the code itself"
    said = guest.run("totpctl", "doctor", check=False)
    repair, = re.findall(r"there is no account _pam_totp\n.*\n *Repair: (.*)", said)
    guest.run("sh", "-c", repair)
    time.sleep(10)  # systemd counts the failures of 10 seconds
    guest.run("systemctl", "restart", "totpd.socket", "totpd-root.socket")
    assert ask(guest)
    time.sleep(30)
    assert login_by_a_code(guest), guest.run("totpctl", "doctor", check=False)


def test_packages_that_were_only_unpacked_change_no_stack_and_open_no_socket(packages):
    made = guest_module.Guest(packages)
    try:
        before = made.run("sh", "-c", "cksum /etc/pam.d/*")
        made.run("sh", "-c", "dpkg --unpack /debs/*.deb")
        assert made.run("sh", "-c", "cksum /etc/pam.d/*") == before
        assert states(made) == ["inactive", "inactive"]
        made.run("dpkg", "--configure", "-a")
        assert made.run("sh", "-c", "cksum /etc/pam.d/*") == before
        assert states(made) == ["inactive", "inactive"]
    finally:
        made.close()


def test_a_read_only_usr_leaves_the_installed_version_and_logins(guest):
    enroll(guest)
    guest.run("sh", "-ec", LATER)
    guest.run("sh", "-c", "mount --bind /usr /usr && mount -o remount,bind,ro /usr")
    said = guest.run("sh", "-c", "dpkg -i /later/*.deb && echo installed", check=False)
    assert "installed" not in said.splitlines(), said
    assert login_by_a_code(guest)
    guest.run("mount", "-o", "remount,bind,rw", "/usr")
    guest.run("sh", "-c", "dpkg -i /later/*.deb")
    time.sleep(30)
    assert login_by_a_code(guest)
