# SPDX-License-Identifier: BSD-2-Clause
"""The keys that encrypt records: rotated while people log in, and sealed to the host."""
import fcntl
import os
import select
import shutil
import subprocess
import threading
import time

import pytest

import wire
from host import DIR, KEYRING, run, wait_for
from manager import Manager

UNIT = "/lib/systemd/system/pam_totp-keyring.service"
UNSEALED = "/run/pam_totp/keyring"
SEALED = f"{KEYRING}.cred"
USED_CODE = 4  # totpd-protocol(5)


def ids(path=KEYRING):
    with open(path) as file:
        return [line.split()[0] for line in file if not line.startswith("#")]


# ---- rotation while people log in


class Logins(threading.Thread):
    """Asks totpd again and again, each time with a correct code, whether it allows."""

    def __init__(self, host, users):
        super().__init__(daemon=True)
        self.host = host
        self.phones = {user: host.enroll(user, period=15) for user in users}
        self.refused, self.accepted, self.leave = [], 0, False

    def run(self):
        while not self.leave:
            for user, phone in self.phones.items():
                # of one step once, and then its use is known; what a totpd that ends has not
                # read may be sent again, as the module does
                said = wire.ask(wire.request(wire.CHECK, user, phone.at(time.time())),
                                "/run/pam_totp/root.socket", tries=5)
                if said and said.error == "ok" and (said.verdict == "allow" or
                                                    said.reason == USED_CODE):
                    self.accepted += 1
                else:
                    self.refused.append(str(said))


def test_a_rotation_by_a_totpd_that_is_started_by_hand(host):
    host.serve(fail_delay=0)
    phone = host.enroll("alice")
    old = ids()[0]
    said = run("totpctl", "key", "rotate", fail=True)
    assert "restart totpd" in said
    assert ids()[0] == old and len(ids()) == 2
    host.totpd()
    run("totpctl", "key", "rotate")
    assert old not in ids() and len(ids()) == 1
    answer = wire.ask(wire.request(wire.CHECK, "alice", phone.code()), "/run/pam_totp/root.socket")
    assert answer.verdict == "allow"


SYSTEMCTL = """#!/bin/sh
# what systemd does: stop the service and wait for its end; its sockets start it again
echo "$*" >>{dir}/systemctl
[ "$*" = "--no-ask-password try-restart totpd.service" ] || exit 1
exec 9<{dir}/starting
flock 9 # a totpd that is being started has read a keyring
pid=$(cat {dir}/totpd.pid 2>/dev/null) && kill $pid 2>/dev/null || exit 0
while kill -0 $pid 2>/dev/null; do sleep 0.02; done
exit 0
"""


class Systemd(threading.Thread):
    """Starts totpd at a connection to its sockets, with the keyring of that moment."""

    def __init__(self):
        super().__init__(daemon=True)
        self.directory = f"{DIR}/handed.{time.monotonic_ns()}"
        os.makedirs(self.directory, 0o500)
        os.chmod(DIR, 0o711)
        os.chown(self.directory, 64990, 64990)
        self.manager = Manager(CREDENTIALS_DIRECTORY=self.directory)
        self.leave = False
        with open(f"{DIR}/starting", "w"):
            pass

    def run(self):
        while not self.leave:
            if not select.select(self.manager.listeners, [], [], 0.1)[0] or self.leave:
                continue
            with open(f"{DIR}/starting") as starting:
                fcntl.flock(starting, fcntl.LOCK_EX)
                shutil.copy(KEYRING, f"{self.directory}/keyring")
                os.chown(f"{self.directory}/keyring", 64990, 64990)
                os.chmod(f"{self.directory}/keyring", 0o400)
                self.manager.start()
                with open(f"{DIR}/totpd.pid", "w") as file:
                    file.write(str(self.manager.child.pid))
            self.manager.child.wait()
            os.unlink(f"{DIR}/totpd.pid")


@pytest.fixture
def managed(host):
    """A host whose sockets start totpd, and a systemctl that stops it."""
    host.serve(fail_delay=0)
    host.stop_totpd()
    systemd = Systemd()
    systemd.start()
    os.makedirs("/run/systemd/system")
    shutil.copy("/usr/bin/systemctl", f"{DIR}/systemctl.real")
    with open("/usr/bin/systemctl", "w") as file:
        file.write(SYSTEMCTL.format(dir=DIR))
    yield host
    shutil.copy(f"{DIR}/systemctl.real", "/usr/bin/systemctl")
    os.rmdir("/run/systemd/system")
    systemd.leave = True
    systemd.manager.close()
    systemd.join(20)


def test_logins_through_totpd_continue_while_keys_are_rotated(managed):
    logins = Logins(managed, ("alice", "bob"))
    old = ids()[0]
    logins.start()
    assert wait_for(lambda: logins.accepted > 2)
    for _ in range(3):
        before = logins.accepted
        said = run("totpctl", "key", "rotate")
        assert "If totpd was running, it has read the keyring again" in said
        assert wait_for(lambda: logins.accepted > before + 2)
    logins.leave = True
    logins.join(20)
    assert logins.refused == []
    assert old not in ids() and len(ids()) == 1
    with open(f"{DIR}/systemctl") as file:
        assert len(file.readlines()) == 9  # after each write of the keyring


# ---- sealed to the host


def start_unit():
    """What systemd does at boot: the unit's command, with its umask."""
    with open(UNIT) as file:
        unit = dict(line.strip().split("=", 1) for line in file
                    if "=" in line and not line.startswith("#"))
    assert os.path.exists(unit["ConditionPathExists"])
    command = unit["ExecStart"].split()
    return subprocess.run([f"/usr/bin/{command[0]}", *command[1:]], umask=int(unit["UMask"], 8),
                          capture_output=True, text=True, timeout=60)


def boot():
    """The files in /run are gone, and are made again."""
    os.unlink(UNSEALED)
    done = start_unit()
    assert done.returncode == 0, done.stderr


def seal_and_go_on(host):
    """Follow what `key seal` prints; returns alice's phone, and the key."""
    phone = host.enroll("alice")
    key = open(KEYRING).read().split()[1]
    said = run("totpctl", "key", "seal")
    assert f"Sealed: {SEALED} holds the 1 key of {KEYRING}" in said
    for step in ("key backup", os.path.basename(UNIT), f"keyring = {UNSEALED}",
                 f"LoadCredentialEncrypted=keyring:{SEALED}", f"shred -u {KEYRING}"):
        assert step in said
    os.makedirs(os.path.dirname(UNSEALED), exist_ok=True)
    done = start_unit()
    assert done.returncode == 0, done.stderr
    host.policy(keyring=UNSEALED)
    run("totpctl", "key", "list")
    run("shred", "-u", KEYRING)
    return phone, key


CREDS = r"""#!/bin/bash
# The chip is switched off and on, because without the kernel's resource manager it keeps earlier
# sessions; it is shut down first (TPM2_Shutdown), because otherwise it would take this for an
# attack.
swtpm socket --tpm2 --tpmstate dir={dir}/tpm --server type=tcp,port=2321 \
	--ctrl type=tcp,port=2322 --flags not-need-init,startup-clear --daemon --pid file={dir}/tpm/pid
{dir}/creds --with-key=tpm2 --tpm2-device=swtpm:host=127.0.0.1,port=2321 "$@"
code=$?
exec 5<>/dev/tcp/127.0.0.1/2321
printf '\200\001\0\0\0\014\0\0\001\105\0\0' >&5
head -c 10 <&5 >/dev/null
pid=$(cat {dir}/tpm/pid)
kill $pid
while kill -0 $pid 2>/dev/null; do sleep 0.02; done
exit $code
"""


@pytest.fixture
def tpm(host):
    """
    A TPM in software, the only one that systemd-creds uses, as on a machine without a disk for a
    host key.
    """
    os.makedirs(f"{DIR}/tpm")
    shutil.copy("/usr/bin/systemd-creds", f"{DIR}/creds")
    with open("/usr/bin/systemd-creds", "w") as file:
        file.write(CREDS.format(dir=DIR))
    yield f"{DIR}/tpm"
    shutil.copy(f"{DIR}/creds", "/usr/bin/systemd-creds")
    shutil.rmtree(f"{DIR}/tpm")


def check_sealed(host):
    host.sshd("AuthenticationMethods keyboard-interactive:pam")
    phone, key = seal_and_go_on(host)
    assert key not in open(SEALED).read()
    assert [oct(os.stat(path).st_mode & 0o777) for path in (SEALED, UNSEALED)] == ["0o600"] * 2
    boot()
    assert host.ssh("alice", phone.code()).ok

    # without it nobody is allowed, and no login skips the question
    shutil.move(UNSEALED, f"{DIR}/kept")
    assert not host.ssh("alice", phone.code(1)).ok
    shutil.move(f"{DIR}/kept", UNSEALED)

    # a rotation is sealed before the new key is used
    run("totpctl", "key", "rotate")
    rotated = ids(UNSEALED)
    boot()
    assert ids(UNSEALED) == rotated
    assert host.ssh("alice", phone.code(1)).ok


def test_a_keyring_that_is_sealed_with_the_host_key_is_unsealed_at_boot_and_rotates(host):
    shutil.rmtree("/var/lib/systemd/credential.secret", ignore_errors=True)
    check_sealed(host)
    assert os.path.exists("/var/lib/systemd/credential.secret")
    # a copy of the files alone is useless
    os.unlink("/var/lib/systemd/credential.secret")
    os.unlink(UNSEALED)
    assert start_unit().returncode != 0 and not os.path.exists(UNSEALED)


def test_a_keyring_that_is_sealed_with_a_tpm_is_unsealed_at_boot_and_rotates(host, tpm):
    check_sealed(host)
    for name in os.listdir(tpm):  # another machine's TPM has other keys
        os.unlink(f"{tpm}/{name}")
    os.unlink(UNSEALED)
    assert start_unit().returncode != 0 and not os.path.exists(UNSEALED)


def test_a_keyring_in_run_that_is_not_sealed_is_not_rotated(host):
    host.enroll("alice")
    os.makedirs(os.path.dirname(UNSEALED), exist_ok=True)
    shutil.move(KEYRING, UNSEALED)
    host.policy(keyring=UNSEALED)
    before = open(UNSEALED).read()
    assert "is in memory only" in run("totpctl", "key", "rotate", fail=True)
    assert open(UNSEALED).read() == before
    run("totpctl", "key", "seal")
    run("totpctl", "key", "rotate")


def test_a_keyring_that_would_not_open_again_is_not_sealed(host):
    host.enroll("alice")
    run("totpctl", "key", "seal")
    before = open(SEALED).read()
    shutil.copy("/usr/bin/systemd-creds", f"{DIR}/creds")
    try:
        for broken in ('[ "$2" = decrypt ] && exit 1', '[ "$2" = encrypt ] && exit 1',
                       '[ "$2" = decrypt ] && exec echo another'):
            with open("/usr/bin/systemd-creds", "w") as file:
                file.write(f'#!/bin/sh\n{broken}\nexec {DIR}/creds "$@"\n')
            said = run("totpctl", "key", "seal", fail=True)
            assert "the keyring" in said
            assert open(SEALED).read() == before
        os.unlink("/usr/bin/systemd-creds")
        assert "is missing" in run("totpctl", "key", "seal", fail=True)
    finally:
        shutil.copy(f"{DIR}/creds", "/usr/bin/systemd-creds")


def test_a_copy_restores_the_keyring_after_the_host_key_is_lost(host):
    with open(f"{DIR}/phrase", "w") as file:
        file.write("correct horse battery staple\n")
    os.chmod(f"{DIR}/phrase", 0o600)
    copy = f"{DIR}/copy.{time.monotonic_ns()}"
    host.enroll("alice")
    run("totpctl", "key", "backup", copy, "--passphrase-file", f"{DIR}/phrase")
    os.makedirs(os.path.dirname(UNSEALED), exist_ok=True)
    run("totpctl", "key", "seal")
    assert start_unit().returncode == 0
    host.policy(keyring=UNSEALED)
    before = open(UNSEALED).read()
    os.unlink("/var/lib/systemd/credential.secret")
    os.unlink(UNSEALED)
    assert start_unit().returncode != 0
    run("totpctl", "key", "restore", copy, "--passphrase-file", f"{DIR}/phrase")
    assert open(UNSEALED).read() == before
    boot()
    assert open(UNSEALED).read() == before
