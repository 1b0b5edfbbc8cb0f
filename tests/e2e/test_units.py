# SPDX-License-Identifier: BSD-2-Clause
"""The units and files for systemd, without systemd: account, directories, sockets, sandbox."""
import base64
import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess

import pytest

import wire
from host import DIR, KEYRING, POLICY, STORE, Phone, is_listening, run, wait_for

RUN = "/run/pam_totp"
UNIT = "/lib/systemd/system/totpd.service"


@pytest.fixture
def prepared(host):
    """A host with the account and directories that a package would make, and a store."""
    host.forget()
    run("systemd-sysusers", "/usr/lib/sysusers.d/pam_totp.conf")
    run("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/pam_totp.conf")
    host.policy(fail_delay=0)
    run("totpctl", "init")
    yield host
    host.drop_service()


def service_ids():
    return tuple(int(run("id", option, "_pam_totp")) for option in ("-u", "-g"))


def owner_and_mode(path):
    found = os.stat(path)
    return found.st_uid, oct(stat.S_IMODE(found.st_mode))


def test_account_and_directories_are_made(prepared):
    uid, gid = service_ids()
    assert 0 < uid < 1000 and gid
    assert "nologin" in run("getent", "passwd", "_pam_totp")
    assert owner_and_mode(RUN) == (0, "0o755")
    assert owner_and_mode(f"{RUN}/state") == (uid, "0o700")
    assert owner_and_mode(f"{STORE}/users") == (uid, "0o700")


def test_an_account_that_was_made_after_the_store_gets_it(host):
    phone = host.enroll("alice")
    host.policy(fail_delay=0)
    assert owner_and_mode(f"{STORE}/users") == (0, "0o700")
    run("systemd-sysusers", "/usr/lib/sysusers.d/pam_totp.conf")
    try:
        assert "Gave the store" in run("totpctl", "init")
        assert "nothing is changed" in run("totpctl", "init")
        host.totpd()
        answer = wire.ask(wire.request(wire.CHECK, "alice", phone.code()), f"{RUN}/root.socket")
        assert answer.verdict == "allow"
        assert owner_and_mode(STORE) == (0, "0o755")
    finally:
        host.stop_totpd()
        host.drop_service()


def settings():
    """The settings of the service: name -> all values, in order."""
    found = {}
    for line in open(UNIT):
        name, equal, value = line.strip().partition("=")
        if equal and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def calls_of(name):
    """The system calls of one of systemd's sets, or the one call of that name."""
    if not name.startswith("@"):
        return {name}
    lines = run("systemd-analyze", "syscall-filter", name).splitlines()
    words = [line.strip() for line in lines if line.startswith("    ") and "#" not in line]
    return set().union(*map(calls_of, words))


def allowed_calls():
    allowed = set()
    for value in settings()["SystemCallFilter"]:
        calls = set().union(*map(calls_of, value.lstrip("~").split()))
        allowed = allowed - calls if value.startswith("~") else allowed | calls
    return allowed


class Sandbox:
    """totpd with the privileges, mounts and network that its unit would leave it."""

    def __init__(self):
        uid, gid = service_ids()
        self.trace = f"{DIR}/trace"
        self.listeners = []
        for name, mode in ("socket", 0o666), ("root.socket", 0o600):
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(f"{RUN}/{name}")
            os.chmod(f"{RUN}/{name}", mode)
            listener.listen(64)
            self.listeners.append(listener)
        credentials = f"{DIR}/credentials.unit"
        os.makedirs(credentials)
        shutil.copy(KEYRING, credentials)
        for path, mode in (credentials, 0o500), (f"{credentials}/keyring", 0o400):
            os.chmod(path, mode)
            os.chown(path, uid, gid)
        os.chmod(DIR, 0o711)
        writable = " ".join(settings()["ReadWritePaths"]).replace("-/", "/")
        fds = [listener.fileno() for listener in self.listeners]
        script = (
            f"for path in {writable} {DIR}; do mount --bind $path $path; done\n"
            "for path in / /etc /usr /var /home /root /run /tmp /dev; do\n"
            "    mount -o remount,bind,ro $path\n"
            "done\n"
            f"exec 8<&{fds[0]} 9<&{fds[1]} 3<&8 4<&9 8<&- 9<&-\n"
            f"exec strace -f -o {self.trace} bash -c '\n"
            "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=user:root\n"
            "ulimit -c 0\n"
            f"exec setpriv --reuid={uid} --regid={gid} --clear-groups --no-new-privs "
            "--inh-caps=-all --bounding-set=-all -- /usr/libexec/totpd --idle 10'\n")
        open(self.trace, "w").close()
        self.child = subprocess.Popen(
            ["unshare", "--mount", "--net", "--", "bash", "-e", "-c", script], pass_fds=fds,
            env={"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": credentials},
            stderr=subprocess.PIPE, text=True)

    def lines(self):
        """The system calls of totpd, without those of the programs that started it."""
        text = open(self.trace).read()
        return text[text.index('execve("/usr/libexec/totpd"'):].splitlines()

    def end(self):
        assert self.child.wait(60) == 0, self.child.stderr.read()
        for listener in self.listeners:
            listener.close()


def token_of(phone, label, ahead=0):
    return (1, 1, 6, phone.period, label, base64.b32decode(phone.secret), 0, phone.code(ahead))


def phone_of(letter):
    return Phone(f"otpauth://totp/x?secret={letter * 32}&period=60")


def ask(op, code=None, **keywords):
    """The first request waits until totpd has started, too."""
    message = wire.request(op, "alice", code, seconds=60, **keywords)
    answer = wire.ask(message, f"{RUN}/root.socket", seconds=60)
    assert answer.error == "ok", answer
    return answer


def everything_that_can_be_asked(host):
    """Without a pause in which totpd would be idle for so long that it ends."""
    old, new, last = map(phone_of, "ABC")
    host.phones += [old, new]
    first, second, third = (token_of(phone, label) for phone, label in
                            ((old, "phone"), (new, "second"), (last, "x")))
    right, wrong = old.code(1), old.wrong()
    codes = ask(wire.ENROLL, token=first).codes
    assert "allow" in (ask(wire.CHECK, right).verdict)
    assert "deny" in (ask(wire.CHECK, wrong).verdict)
    for op, keywords in ((wire.ADD, {"token": second}),
                         (wire.RENAME, {"label": "second", "new_label": "tablet"}),
                         (wire.REPLACE, {"label": "tablet", "token": third}),
                         (wire.REMOVE, {"label": "tablet"})):
        assert ask(op, codes.pop(), **keywords).verdict == "allow"
    codes = ask(wire.RECOVERY, codes.pop()).codes
    assert ask(wire.LOOK).enrolled and ask(wire.STATUS).enrolled
    host.policy(fail_delay=0, enforce="optional")
    assert ask(wire.DISABLE, codes.pop()).verdict == "allow"


def test_everything_works_in_the_sandbox_of_its_unit(prepared):
    """And totpd needs no system call that the unit forbids."""
    sandbox = Sandbox()
    everything_that_can_be_asked(prepared)
    sandbox.end()  # because it is idle
    lines = sandbox.lines()
    used = {match[1] for line in lines if (match := re.match(r"\d+ +(\w+)\(", line))}
    assert {"clone", "fdatasync", "prctl"} <= used
    assert used - allowed_calls() == set()
    assert not [line for line in lines if "PROT_WRITE|PROT_EXEC" in line]
    assert not [line for line in lines if "EROFS" in line]
    families = {match[1] for line in lines if (match := re.search(r" socket\((\w+),", line))}
    assert families <= {"AF_UNIX"} and settings()["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert prepared.log_text().count("outcome=error") == 0


def test_it_works_with_systemd_socket_activate(prepared):
    """systemd-socket-activate passes both sockets when a client connects; it runs as root."""
    phone = prepared.enroll("alice")
    manager = subprocess.Popen(
        ["systemd-socket-activate", "--seqpacket", "--fdname=user:root", f"-l{RUN}/socket",
         f"-l{RUN}/root.socket", "/usr/libexec/totpd"], stderr=subprocess.DEVNULL)
    try:
        assert wait_for(lambda: is_listening(f"{RUN}/root.socket"))
        answer = wire.ask(wire.request(wire.CHECK, "alice", phone.code()), f"{RUN}/root.socket")
        assert answer.verdict == "allow"
        with open(f"/proc/{manager.pid}/status") as file:
            assert re.search(rf"^Uid:(\s{service_ids()[0]}){{4}}$", file.read(), re.M)
    finally:
        manager.send_signal(signal.SIGTERM)
        assert manager.wait(60) == 0


@pytest.mark.parametrize("broken", ["keyring", "policy", "credential"])
def test_a_mistake_at_its_start_denies_requests_and_does_not_end_it(prepared, broken):
    """A service that fails to start again and again makes systemd close its sockets for good."""
    phone = prepared.enroll("alice")
    good = {path: open(path).read() for path in (KEYRING, POLICY)}
    credentials = f"{DIR}/credentials.{broken}"
    os.makedirs(credentials)
    uid, gid = service_ids()
    os.chmod(DIR, 0o711)

    def hand_over(keyring):
        with open(f"{credentials}/keyring", "w") as file:
            file.write(keyring)
        for path, mode in (credentials, 0o500), (f"{credentials}/keyring", 0o400):
            os.chmod(path, mode)
            os.chown(path, uid, gid)

    hand_over("not a key\n" if broken == "keyring" else good[KEYRING])
    if broken == "policy":
        with open(POLICY, "a") as file:
            file.write("enforce = perhaps\n")
    manager = subprocess.Popen(
        ["systemd-socket-activate", "--seqpacket", "--fdname=user:root", f"-l{RUN}/socket",
         f"-l{RUN}/root.socket", "-E", "CREDENTIALS_DIRECTORY", "setpriv", f"--reuid={uid}",
         f"--regid={gid}", "--clear-groups", "/usr/libexec/totpd"], stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"],
             "CREDENTIALS_DIRECTORY": "" if broken == "credential" else credentials})
    try:
        assert wait_for(lambda: is_listening(f"{RUN}/root.socket"))
        for _ in range(3):
            answer = wire.ask(wire.request(wire.CHECK, "alice", phone.code()), f"{RUN}/root.socket")
            assert answer.error != "ok" and answer.verdict != "allow"
        assert broken == "policy" or prepared.log_text().count("reason=keyring") == 1
        if broken == "policy":
            with open(POLICY, "w") as file:
                file.write(good[POLICY])
            answer = wire.ask(wire.request(wire.CHECK, "alice", phone.code()), f"{RUN}/root.socket")
            assert answer.verdict == "allow"
        if broken == "keyring":  # it ends at the first request after a change, to be started again
            with open(KEYRING, "a") as file:
                file.write("\n")
            with contextlib.suppress(ConnectionRefusedError):  # the end of the last one was late
                wire.ask(wire.request(wire.CHECK, "alice", phone.code()), f"{RUN}/root.socket")
            assert manager.wait(60) == 0
    finally:
        if manager.poll() is None:
            manager.send_signal(signal.SIGTERM)
            assert manager.wait(60) == 0


SYSTEMCTL = """#!/bin/sh
echo "$*" >>{dir}/systemctl
case "$*" in *is-enabled*) exit {enabled};; esac
"""


@pytest.mark.parametrize("enabled", [True, False])
def test_init_starts_the_sockets_that_waited_for_a_keyring(host, enabled):
    """They are skipped without a keyring; nothing else would start them before the next boot."""
    host.forget()
    run("systemd-sysusers", "/usr/lib/sysusers.d/pam_totp.conf")
    shutil.copy("/usr/bin/systemctl", f"{DIR}/systemctl.real")
    systemd_runs = os.path.isdir("/run/systemd/system")
    os.makedirs("/run/systemd/system", exist_ok=True)
    try:
        with open("/usr/bin/systemctl", "w") as file:
            file.write(SYSTEMCTL.format(dir=DIR, enabled=0 if enabled else 1))
        said = run("totpctl", "init")
        asked = open(f"{DIR}/systemctl").read()
        start = "--no-ask-password start totpd.socket totpd-root.socket"
        assert (start in asked) == ("Started the sockets" in said) == enabled
        assert ("systemctl enable --now" in said) != enabled
    finally:
        shutil.copy(f"{DIR}/systemctl.real", "/usr/bin/systemctl")
        if not systemd_runs:
            shutil.rmtree("/run/systemd/system")
        os.unlink(f"{DIR}/systemctl")
        host.drop_service()
