# SPDX-License-Identifier: BSD-2-Clause
"""totpd, asked by programs of ordinary users, by set-uid programs and by attackers."""
import array
import base64
import collections
import fcntl
import os
import resource
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pexpect
import pytest

import wire
from host import DIR, HERE, KEYRING, POLICY, PROMPT, STORE, Terminal, is_listening, quickest, run, wait_for
from manager import Manager

ALICE, BOB = 64001, 64002
ROOT = "/run/pam_totp/root.socket"


@pytest.fixture
def served(host):
    """A host with the service account and a running totpd, without delays after wrong codes."""
    host.serve(fail_delay=0)
    return host


def as_user(user, *argv, given=None, fail=False):
    """Run a program as an ordinary user, to its end."""
    groups = "--clear-groups" if user.isdigit() else "--init-groups"
    return run("setpriv", f"--reuid={user}", f"--regid={user}", groups, "--reset-env",
               "--", *argv, given=given, fail=fail, cwd="/")


def ask_as(user, *arguments, **keywords):
    """wire.ask as a user; returns the response as text."""
    return as_user(user, "/usr/bin/python3", "-B", "-c",
                   f"import sys; sys.path.insert(0, {HERE!r})\n"
                   f"import wire\nprint(wire.ask(wire.request(*{arguments!r}, **{keywords!r})))")


def log_in(user, code, fail=False, shell=""):
    """A program that runs as the user asks PAM, as a screen locker does."""
    return as_user(user, "sh", "-c", f"{shell} exec pamtester locker {user} authenticate",
                   given=code + "\n", fail=fail)


@pytest.fixture
def locker(served):
    served.pam("locker", "auth required pam_totp.so")
    return served


# root without the right to override permissions: an SELinux domain, a hardened unit
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--")
MAPPED = ("unshare", "--user", "--map-root-user", "--")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return {key: value.strip() for key, _, value in (line.partition(":") for line in file)}


# ---- programs that do not run as root

def test_a_program_of_one_s_own_checks_a_code_once(locker):
    phone = locker.enroll("alice")
    code = phone.code()
    assert "successfully authenticated" in log_in("alice", code)
    event = locker.event()
    assert (event["user"], event["outcome"], event["source"]) == ("alice", "allow", "uid:64001")
    assert (event["service"], event["token"]) == ("locker", "phone")
    assert "already used" in log_in("alice", code, fail=True)
    assert "not accepted" in log_in("alice", phone.wrong(), fail=True)
    assert [event["reason"] for event in locker.events()] == ["code", "used_code", "wrong_code"]


def test_a_user_who_must_give_a_code_and_has_none_is_denied_by_totpd_too(locker):
    assert "not accepted" in log_in("alice", "123456", fail=True)
    assert locker.event()["reason"] == "not_enrolled"


def test_where_codes_are_optional_a_user_without_one_is_not_asked(locker):
    locker.policy(enforce="optional", fail_delay=0)
    locker.pam("locker", "auth required pam_totp.so", "auth required pam_permit.so")
    assert "successfully" in as_user("alice", "pamtester", "locker", "alice", "authenticate")
    assert locker.event()["outcome"] == "skip"


def test_no_user_may_ask_about_another(locker):
    locker.enroll("bob")
    as_user("alice", "pamtester", "locker", "bob", "authenticate", given="123456\n", fail=True)
    assert locker.event()["reason"] == "not_allowed"
    for op in range(wire.LOOK, wire.DISABLE + 1):
        assert "forbidden" in ask_as("alice", op, "bob", "123456")
    assert ask_as("alice", wire.LOOK, "root").startswith("<1 forbidden")


def test_a_new_user_of_an_old_name_learns_nothing_about_the_former_one(locker):
    run("useradd", "-u", "64050", "carol")
    try:
        locker.enroll("carol", "--label", "her phone")
        assert ask_as_bytes("carol", wire.STATUS, "carol").labels == ["her phone"]
        run("userdel", "carol")
        run("useradd", "-u", "64051", "carol")
        told = ask_as_bytes("carol", wire.STATUS, "carol")
        assert (told.error, told.why, told.enrolled, told.labels) == ("unsafe", "", False, [])
        assert "totpctl adopt" in locker.event()["detail"]
    finally:
        run("userdel", "carol")


def test_an_account_of_may_check_asks_about_others_and_changes_nothing(locker):
    phone = locker.enroll("bob")
    locker.policy(may_check="nobody, @alice", fail_delay=0)
    assert "ok" in ask_as("alice", wire.LOOK, "bob")
    code = phone.code()
    assert "allow" in ask_as("alice", wire.CHECK, "bob", code)
    assert locker.event()["source"] == "uid:64001"
    for op in range(wire.STATUS, wire.DISABLE + 1):
        assert "forbidden" in ask_as("alice", op, "bob", phone.code(1))
    # and by PAM, as a server does
    for answer, said in (phone.code(1), "successfully"), (phone.wrong(), "not accepted"):
        assert said in as_user("alice", "pamtester", "locker", "bob", "authenticate",
                               given=answer + "\n", fail=said != "successfully")


def test_an_unknown_user_id_and_a_user_namespace_are_denied(served):
    with subprocess.Popen(["setpriv", "--reuid=64001", "--regid=64001", "--clear-groups", "--",
                           "unshare", "-U", "/usr/bin/python3", "-B", "-c",
                           f"import sys; sys.path.insert(0, {HERE!r})\nimport wire\n"
                           "print(wire.ask(wire.request(wire.LOOK, 'alice')))"],
                          stdout=subprocess.PIPE, text=True, cwd="/") as child:
        out = child.communicate(timeout=60)[0]
    # the kernel still reports the uid: alice, about herself
    assert out.startswith("<1 ok")
    assert "forbidden" in ask_as("65534", wire.LOOK, "nobody")
    assert "forbidden" in ask_as("64999999", wire.LOOK, "alice")


def test_a_code_of_the_past_is_reported_and_one_of_the_future_never(locker):
    phone = locker.enroll("alice")
    past, future = phone.code(-5, room=20), phone.code(5)
    assert "deny" in ask_as("alice", wire.CHECK, "alice", future)
    answer = wire.ask(wire.request(wire.CHECK, "alice", past), ROOT)
    assert answer.off and answer.offset == -5
    told = ask_as_bytes("alice", wire.CHECK, "alice", past)
    assert told.off and told.offset == -5 and told.label == "phone"
    told = ask_as_bytes("alice", wire.CHECK, "alice", future)
    assert not told.off and told.offset == 0 and told.label == ""
    # the administrator reads it in the log
    assert any("+5 steps" in event.get("detail", "") for event in locker.events())


def ask_as_bytes(user, *arguments):
    data = as_user(user, "/usr/bin/python3", "-B", "-c",
                   f"import sys; sys.path.insert(0, {HERE!r})\nimport wire\n"
                   f"connection = wire.connect()\nconnection.send(wire.request(*{arguments!r}))\n"
                   "print(connection.recv(4096).hex())")
    return wire.Response(bytes.fromhex(data.strip()))


@pytest.mark.parametrize("shell", ["ulimit -u 0;", "exec 2>&-;", "trap '' CHLD;", "trap '' PIPE;",
                                   "ulimit -f 0;", "ulimit -c unlimited;"])
def test_limits_signals_and_closed_descriptors_of_the_caller_change_nothing(locker, shell):
    phone = locker.enroll("alice")
    log_in("alice", phone.code(), shell=shell)
    assert locker.event()["outcome"] == "allow"


# A program that asks PAM by itself. Tests replace BEFORE and AFTER.
BY_HAND = """
import ctypes, os, sys
pam = ctypes.CDLL('libpam.so.0'); libc = ctypes.CDLL(None)
libc.calloc.restype = ctypes.c_void_p; libc.strdup.restype = ctypes.c_void_p
class Response(ctypes.Structure):
    _fields_ = [('text', ctypes.c_void_p), ('code', ctypes.c_int)]
TALK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p,
                        ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p)
code = sys.stdin.readline().strip().encode()
def talk(n, messages, answers, data):
    array = ctypes.cast(libc.calloc(n, ctypes.sizeof(Response)), ctypes.POINTER(Response))
    array[0].text = libc.strdup(code)
    answers[0] = array
    return 0
class Conv(ctypes.Structure):
    _fields_ = [('conv', TALK), ('data', ctypes.c_void_p)]
conv, handle = Conv(TALK(talk), None), ctypes.c_void_p()
BEFORE
assert pam.pam_start(b'locker', b'alice', ctypes.byref(conv), ctypes.byref(handle)) == 0
result = pam.pam_authenticate(handle, 0)
AFTER
pam.pam_end(handle, result)
os._exit(result)
"""


def test_with_all_streams_closed_a_code_is_checked(locker):
    """A program without descriptors 0 to 2, whose answer comes from elsewhere."""
    phone = locker.enroll("alice")
    script = BY_HAND.replace("BEFORE", "for fd in 0, 1, 2: os.close(fd)\n"
                             "before = len(os.listdir('/proc/self/fd'))").replace(
        "AFTER", "result = result or 9 * (len(os.listdir('/proc/self/fd')) > before + 1)")
    as_user("alice", "/usr/bin/python3", "-B", "-c", script, given=phone.code() + "\n")
    assert locker.event()["outcome"] == "allow"


# A set-uid program with a remote user: it asks root's socket.
FROM_AFAR = BY_HAND.replace("BEFORE", "os.setresuid(64001, 0, 0)").replace(
    "result = pam", "assert pam.pam_set_item(handle, 4, b'192.0.2.7') == 0\nresult = pam").replace(
    "AFTER", "")


@pytest.mark.parametrize("file, line, reason", [
    ("1h", "remember=0 enforce=optional", "code"), ("0", "remember=1h", "remembered")])
def test_the_pam_line_decides_how_long_an_address_is_remembered(locker, file, line, reason):
    phone = locker.enroll("alice")
    locker.policy(remember=file, fail_delay=0)
    locker.pam("locker", f"auth required pam_totp.so {line}")
    for step in range(2):
        run("/usr/bin/python3", "-B", "-c", FROM_AFAR, given=phone.code(step) + "\n")
    assert [event["reason"] for event in locker.events()] == ["code", reason]


LOOK = """
libc.syslog(86, b'begin')  # libc keeps what it has opened for the log
def look():
    mask = libc.umask(0o22)
    libc.umask(mask)
    with open('/proc/self/status') as status:
        kept = [line for line in status if line.split(':')[0] in
                ('Uid', 'Gid', 'Groups', 'NoNewPrivs', 'Seccomp', 'Threads', 'SigQ',
                 'SigPnd', 'ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt')]
    with open('/proc/self/limits') as limits:
        kept.append(limits.read())
    descriptors = {fd: os.stat(int(fd)) for fd in os.listdir('/proc/self/fd')
                   if os.path.exists('/proc/self/fd/' + fd)}
    return kept, {fd: (st.st_dev, st.st_ino) for fd, st in descriptors.items()}, mask, os.getcwd()
before = look()
"""


@pytest.mark.parametrize("what, code", [("right", 0), ("wrong", 7), ("absent", 9)])
def test_the_program_that_asks_is_not_changed(locker, what, code):
    """Its signals, threads, descriptors, limits, ids, umask and directory; after errors, too."""
    phone = locker.enroll("alice")
    answer = phone.wrong() if what == "wrong" else phone.code()
    if what == "absent":
        locker.stop_totpd()
    script = BY_HAND.replace("BEFORE", LOOK).replace(
        "AFTER", f"assert result == {code}, result\nafter = look()\n"
        "assert after == before, (before, after)\nos._exit(0)")
    as_user("alice", "/usr/bin/python3", "-B", "-c", script, given=answer + "\n")


@pytest.mark.parametrize("how", [POWERLESS, MAPPED], ids=["capabilities", "user-namespace"])
def test_a_root_process_that_may_not_open_the_store_asks_totpd(locker, how):
    """With the same messages and log lines as a process that may."""
    locker.pam("other-locker", "auth required pam_totp.so")
    phone = locker.enroll("alice")
    assert "Permission denied" in run(*how, "ls", f"{STORE}/users", fail=True)

    def root_asks(code, fail=False):
        return run(*how, "pamtester", "locker", "alice", "authenticate", given=code + "\n",
                   fail=fail)

    code = phone.code()
    assert "successfully authenticated" in root_asks(code)
    event = locker.event()
    assert (event["outcome"], event["service"], event["token"]) == ("allow", "locker", "phone")
    assert "already used" in root_asks(code, fail=True)
    assert "not accepted" in root_asks(phone.wrong(), fail=True)
    assert [event["reason"] for event in locker.events()] == ["code", "used_code", "wrong_code"]
    assert {event["source"] for event in locker.events()} == {"service:locker"}
    locker.stop_totpd()
    assert "not possible right now" in root_asks(phone.code(1), fail=True)
    assert wait_for(lambda: len(locker.events()) == 4)
    assert locker.events()[-1]["outcome"] == "error"
    assert "totpd.socket" in locker.events()[-1]["detail"]


# ---- no totpd, or an impostor

def test_without_totpd_a_program_that_needs_it_denies_at_once(locker):
    phone = locker.enroll("alice")
    for name in "stale", "gone":
        if name == "stale":
            locker.stop_totpd()
        else:
            shutil.rmtree("/run/pam_totp")
        code, said = phone.code(), []
        assert quickest(lambda code=code, said=said: said.append(log_in("alice", code, fail=True)), 2) < 2
        assert all("not possible right now" in each for each in said), said
    assert all(event["outcome"] == "error" for event in locker.events())
    assert "totpd.socket" in locker.events()[0]["detail"]
    # programs of root are not affected
    locker.sshd()
    assert locker.ssh("alice", phone.code()).ok


class Impostor(threading.Thread):
    """Another program listens instead of totpd. It disconnects the first clients unread."""

    def __init__(self, owner, reply, path="/run/pam_totp/socket", disconnects=0):
        super().__init__(daemon=True)
        if os.path.exists(path):
            os.unlink(path)
        self.pid = None
        self.reply, self.owner, self.path = reply, owner, path
        self.asked = b""  # which operations
        self.disconnects = disconnects
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        os.chown(path, owner, 0)
        self.listener.listen(8)
        self.start()

    def run(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            if self.disconnects:
                self.disconnects -= 1
                time.sleep(0.01)  # so that the request has arrived
                connection.close()
                continue
            data = connection.recv(4096)
            self.asked += data[4:5]
            if self.reply is None:
                time.sleep(30)
            elif data:
                connection.send(self.reply(data))
            connection.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def allow(request):
    """A response that allows the login."""
    return b"PTA2" + request[4:5] + bytes(256) + b"\1\2\1" + bytes(wire.RESPONSE - 264)


REPLIES = {
    "garbled": lambda request: random.randbytes(wire.RESPONSE),
    "short": lambda request: allow(request)[:-1],
    "long": lambda request: allow(request) + b"\0",
    "of another version": lambda request: b"PTA1" + allow(request)[4:],
    "to another question": lambda request: allow(request[:4] + b"\3"),
    "nothing": lambda request: b"",
}


@pytest.mark.parametrize("kind", REPLIES)
def test_a_malformed_response_denies_the_login(locker, kind):
    phone = locker.enroll("alice")
    locker.stop_totpd()
    impostor = Impostor(0, REPLIES[kind])
    assert "not possible right now" in log_in("alice", phone.code(), fail=True)
    impostor.close()
    assert locker.event()["reason"] == "no_valid_answer"


@pytest.mark.parametrize("argument, asked", [
    ("", bytes((wire.CHECK,))), ("enforce=optional", bytes((wire.LOOK, wire.CHECK))),
    ("remember=1h", bytes((wire.LOOK, wire.CHECK))),
    ("password=try_first_pass", bytes((wire.LOOK, wire.CHECK)))])
def test_the_module_looks_before_it_asks_where_that_matters(locker, argument, asked):
    locker.pam("locker", f"auth required pam_totp.so {argument}")
    locker.stop_totpd()
    impostor = Impostor(0, allow)
    log_in("alice", "123456")
    assert impostor.asked == asked
    impostor.close()


def test_a_program_whose_request_was_not_read_tries_again_and_no_other(locker):
    """A code is checked once, even if the answer is lost."""
    locker.stop_totpd()
    impostor = Impostor(0, allow, disconnects=5)
    # one of the five is the connection that the module tries before its prompt
    log_in("alice", "123456")
    assert impostor.asked == bytes((wire.CHECK,))
    impostor.close()
    impostor = Impostor(0, lambda request: b"")
    assert "not possible right now" in log_in("alice", "123456", fail=True)
    assert impostor.asked == bytes((wire.CHECK,))
    impostor.close()


def test_no_text_from_totpd_controls_a_terminal(locker):
    locker.stop_totpd()
    why = b"\x1b[2Jhello\x9b\n"
    impostor = Impostor(0, lambda request: b"PTA2" + request[4:5] + b"\6" + why.ljust(255, b"\0") +
                        bytes(wire.RESPONSE - 261))
    said = subprocess.run(["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--",
                           "totp-enroll", "status"], capture_output=True, cwd="/", check=False)
    impostor.close()
    assert (said.stdout, said.stderr) == (b"", b"totp-enroll: ?[2Jhello?\n")


def test_a_program_waits_five_seconds_for_totpd(locker):
    phone = locker.enroll("alice")
    locker.stop_totpd()
    impostor = Impostor(0, None)
    code, said = phone.code(), []
    assert 4.5 < quickest(lambda: said.append(log_in("alice", code, fail=True)), 8) < 8
    assert all("not possible right now" in each for each in said), said
    impostor.close()
    assert {event["reason"] for event in locker.events()} == {"timed_out"}


def test_a_socket_or_directory_that_root_does_not_own_is_not_used(locker):
    phone = locker.enroll("alice")
    locker.stop_totpd()
    impostor = Impostor(BOB, allow)
    assert "not possible" in log_in("alice", phone.code(), fail=True)
    os.chown("/run/pam_totp/socket", 0, 0)
    os.chown("/run/pam_totp", BOB, 0)
    assert "not possible" in log_in("alice", phone.code(), fail=True)
    os.chown("/run/pam_totp", 0, 0)
    os.chmod("/run/pam_totp", 0o777)
    assert "not possible" in log_in("alice", phone.code(), fail=True)
    os.chmod("/run/pam_totp", 0o755)
    impostor.close()
    assert wait_for(lambda: len(locker.events()) == 3)
    assert [event["reason"] for event in locker.events()] == ["unsafe_file"] * 3


def test_a_listener_that_does_not_run_as_root_is_not_asked(locker):
    """Root owns the directory and the socket, but another user's process listens."""
    phone = locker.enroll("alice")
    locker.stop_totpd()
    child = os.fork()
    if child == 0:
        os.chmod("/run/pam_totp", 0o777)
        os.unlink("/run/pam_totp/socket")
        os.setuid(BOB)
        Impostor(BOB, allow)
        time.sleep(60)
        os._exit(0)
    try:
        assert wait_for(lambda: os.path.exists("/run/pam_totp/socket") and
                        os.stat("/run/pam_totp/socket").st_uid == BOB and
                        is_listening("/run/pam_totp/socket"))
        os.chown("/run/pam_totp/socket", 0, 0)
        os.chmod("/run/pam_totp", 0o755)
        assert "not possible" in log_in("alice", phone.code(), fail=True)
        assert "the process that listens runs as uid 64002" in locker.event()["detail"]
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# ---- a disk that refuses writes

@pytest.fixture
def read_only(locker):
    """A host with readonly_login whose store can be made read-only and writable again."""
    locker.policy(readonly_login="yes", fail_delay=0, window=2)
    locker.totpd()
    run("mount", "--bind", STORE, STORE)
    locker.remount = lambda mode: run("mount", "-o", f"remount,bind,{mode}", STORE)
    yield locker
    run("umount", "-l", STORE)


def test_on_a_read_only_store_a_code_is_accepted_once_wherever_it_is_checked(read_only):
    phone = read_only.enroll("alice")
    read_only.sshd()
    read_only.remount("ro")
    first, second, third = phone.code(), phone.code(1), phone.code(2)
    log_in("alice", first)
    assert read_only.event()["detail"]  # says where the state is
    assert not read_only.ssh("alice", first).ok
    assert read_only.ssh("alice", second).ok
    assert "already used" in log_in("alice", second, fail=True)
    read_only.remount("rw")
    assert "already used" in log_in("alice", second, fail=True)
    log_in("alice", third)
    assert not read_only.ssh("alice", third).ok


def test_totpd_started_by_hand_needs_no_earlier_login_of_root(read_only):
    phone = read_only.enroll("alice")
    shutil.rmtree("/run/pam_totp")
    read_only.totpd()
    read_only.remount("ro")
    code = phone.code()
    log_in("alice", code)
    assert "already used" in log_in("alice", code, fail=True)


def test_a_disk_that_refuses_writes_denies_the_login(served):
    served.policy(fail_delay=0)
    run("mount", "--bind", STORE, STORE)
    try:
        phone = served.enroll("alice")
        run("mount", "-o", "remount,bind,ro", STORE)
        assert "system" in ask_as("alice", wire.CHECK, "alice", phone.code())
        assert "Read-only" in served.event()["detail"]
    finally:
        run("umount", "-l", STORE)


# ---- set-uid programs

SU = ("auth sufficient pam_rootok.so", "auth required pam_totp.so {}",
      "auth required pam_permit.so", "account required pam_permit.so",
      "session required pam_permit.so")


def su(user, target):
    return Terminal("setpriv", [f"--reuid={user}", f"--regid={user}", "--init-groups",
                                "--reset-env", "--", "su", target, "-c", "id -un"], cwd="/")


def become(user, target, code):
    child = su(user, target)
    child.expect_exact(PROMPT)
    child.sendline(code)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus == 0


def opened_by(pid, store=STORE):
    """Files of the store that a process has open."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return []
    return [link for link in links if link.startswith(store)]


def checking(host, count=1):
    """So many children of totpd that have opened the store; others close connections."""
    def found():
        pids = [child for child in children(host.totpd_process.pid) if opened_by(child)]
        return pids if len(pids) == count else None
    return wait_for(found)


def test_su_has_totpd_look_at_the_record_and_opens_nothing_of_the_store(served):
    served.pam("su", *SU)
    phone = served.enroll("bob")
    code = phone.code()
    child = su("alice", "bob")
    child.expect_exact(PROMPT)
    assert opened_by(child.pid) == []
    child.sendline(code)
    child.expect_exact("bob")
    child.expect(pexpect.EOF)
    event = served.event()
    assert (event["outcome"], event["source"], event["service"]) == ("allow", "uid:64001", "su")
    assert not become("alice", "bob", code)


def test_without_totpd_su_checks_in_process(served):
    served.pam("su", *SU)
    phone = served.enroll("bob")
    served.stop_totpd()
    assert become("alice", "bob", phone.code())
    assert served.event()["outcome"] == "allow"


@pytest.mark.parametrize("kind", ["somebody else's", "garbled"])
def test_su_does_not_check_by_itself_if_something_else_than_totpd_listens(served, kind):
    served.pam("su", *SU)
    phone = served.enroll("bob")
    served.stop_totpd()
    impostor = Impostor(ALICE if kind == "somebody else's" else 0,
                        allow if kind == "somebody else's" else REPLIES["garbled"], path=ROOT)
    child = su("alice", "bob")
    if child.expect_exact([PROMPT, pexpect.EOF]) == 0:
        child.sendline(phone.code())
        child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus != 0 and "not possible right now" in child.before
    assert served.event()["outcome"] == "error"
    assert served.event()["reason"] == ("unsafe_file" if kind == "somebody else's" else
                                        "no_valid_answer")
    impostor.close()


def test_a_su_that_its_caller_stops_blocks_no_other_login(served):
    """In process it would keep bob's lock; with totpd it holds no lock."""
    served.pam("su", *SU)
    served.sshd()
    phone = served.enroll("bob")
    child = su("alice", "bob")
    child.expect_exact(PROMPT)
    pid = int(run("pgrep", "-u", "0", "-P", str(child.pid)).split()[0]) \
        if status_of(child.pid)["Uid"].split()[1] != "0" else child.pid
    child.sendline(phone.wrong())
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:  # its caller may do so at any moment
        os.kill(pid, signal.SIGSTOP)
        # it looks which store that is, to name it to totpd, and opens nobody's record
        assert set(opened_by(pid)) <= {STORE, f"{STORE}/STORE"}
        os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGSTOP)
    assert served.ssh("bob", phone.code()).ok
    os.kill(pid, signal.SIGCONT)
    child.expect(pexpect.EOF)


def test_without_totpd_the_same_stop_blocks_other_logins(served):
    """As SECURITY.md describes it for su without totpd; it shows that the test before can fail."""
    served.pam("su", *SU)
    served.sshd()
    phone = served.enroll("bob")
    served.stop_totpd()
    child = su("alice", "bob")
    child.expect_exact(PROMPT)
    # its caller stops it at the right moment
    with subprocess.Popen(["strace", "-p", str(child.pid), "-o", f"{DIR}/strace",
                           "-einject=fdatasync:signal=STOP"], stderr=subprocess.PIPE,
                          text=True) as strace:
        assert "attached" in strace.stderr.readline()
        child.sendline(phone.wrong())
        assert wait_for(lambda: "stopped by SIGSTOP" in open(f"{DIR}/strace").read())
        strace.terminate()
    assert opened_by(child.pid) and wait_for(
        lambda: status_of(child.pid)["State"].startswith("T"))
    since = served.log_end()
    login = served.ssh("bob", phone.code())
    assert not login.ok and login.seconds > 2
    assert "locked by another login" in served.event(since)["detail"]
    as_user("alice", "kill", "-CONT", str(child.pid))
    child.expect(pexpect.EOF)
    assert served.ssh("bob", phone.code()).ok


# ---- many at once

def storm(processes, script):
    """Run a script in so many processes of alice at once; returns what all of them printed."""
    running = [subprocess.Popen(
        ["setpriv", "--reuid=64001", "--regid=64001", "--clear-groups", "--", "/usr/bin/python3",
         "-B", "-c", f"import sys; sys.path.insert(0, {HERE!r})\nimport wire\n{script}"],
        stdout=subprocess.PIPE, text=True, cwd="/") for _ in range(processes)]
    return "".join(child.communicate(timeout=300)[0] for child in running).split()


def test_of_a_thousand_guesses_by_fifty_processes_only_as_many_as_allowed_are_checked(served):
    served.policy(attempts=7, fail_delay=0)
    phone = served.enroll("alice")
    wrong = phone.wrong()
    # a request that waited too long for its turn is dropped, and nobody judged it
    said = storm(50, "for _ in range(20):\n"
                     "    answer = None\n"
                     "    while not answer:\n"
                     f"        answer = wire.ask(wire.request(wire.CHECK, 'alice', '{wrong}'))\n"
                     "    print(answer.verdict)")
    assert (said.count("deny"), said.count("wait")) == (7, 993)


@pytest.mark.parametrize("told", ["after-a-minute", "at-the-end"])
def test_endless_denials_do_not_fill_the_log_and_are_counted(served, told):
    """The first lines stay, no line of another user or of an accepted code is missing."""
    asked = 8 * 40
    for _ in range(3):
        alice, bob = served.enroll("alice", "--force"), served.enroll("bob", "--force")
        served.totpd()  # it counts from the begin of a minute
        since, began = served.log_end(), time.monotonic()
        storm(8, "for _ in range(40):\n"
                 f"    print(wire.ask(wire.request(wire.CHECK, 'alice', '{alice.wrong()}')).verdict)")
        assert "forbidden" in ask_as("alice", wire.LOOK, "bob")
        lines = len([event for event in served.events(since) if event["source"] == f"uid:{ALICE}"])
        if time.monotonic() - began < 60:
            break
    # two children of one user may run at the same time
    assert 20 <= lines <= 22
    assert "allow" in ask_as("bob", wire.CHECK, "bob", bob.code())
    assert "deny" in ask_as("bob", wire.CHECK, "bob", bob.wrong())
    assert [event["outcome"] for event in served.events(since)
            if event["source"] == f"uid:{BOB}"] == ["allow", "deny"]
    if told == "at-the-end":
        served.totpd_process.terminate()
        assert served.totpd_process.wait(60) == 0
    sentence = (f"{asked + 1 - lines} more denials and errors and 0 more accepted codes "
                f"of uid {ALICE}")
    assert wait_for(lambda: sentence in served.log_text(since), 120)
    assert served.log_text(since).count("reason=flood") == 1


def test_one_code_used_by_many_at_once_is_accepted_once_by_totpd_too(served):
    phone = served.enroll("alice")
    code = phone.code()
    said = storm(16, f"print(wire.ask(wire.request(wire.CHECK, 'alice', '{code}')).verdict)")
    assert said.count("allow") == 1 and said.count("deny") == 15


def test_children_that_are_killed_lose_nothing_and_accept_nothing_twice(served):
    served.policy(attempts=100, attempts_total=10000, fail_delay=0, hotp_window=100)
    made = served.enroll("alice", "--hotp", period=None)
    codes = [run("oathtool", "--hotp", f"--counter={n}", "-b", "-", given=made.secret).strip()
             for n in range(40)]
    accepted, killed, stop = [], 0, threading.Event()

    def killer():
        nonlocal killed
        while not stop.is_set():
            for child in children(served.totpd_process.pid):
                if random.random() < 0.5:
                    try:
                        os.kill(child, signal.SIGKILL)
                        killed += 1
                    except ProcessLookupError:
                        pass
            time.sleep(0.0005)

    def user():
        for n, code in enumerate(codes):
            answer = wire.ask(wire.request(wire.CHECK, "alice", code, source=b"\1\x7f" + bytes(15)),
                              ROOT)
            if answer and answer.verdict == "allow":
                accepted.append(n)

    threads = [threading.Thread(target=user) for _ in range(4)]
    hunter = threading.Thread(target=killer)
    hunter.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    hunter.join()
    assert killed > 10 and len(accepted) == len(set(accepted))
    # and the credential is undamaged
    last = wire.ask(wire.request(wire.CHECK, "alice", run(
        "oathtool", "--hotp", "--counter=45", "-b", "-", given=made.secret).strip()),
        ROOT)
    assert last.verdict == "allow"
    assert served.totpd_process.poll() is None
    assert "reason=crash" in served.log_text()


def test_sixty_four_logins_of_sixty_four_users_are_all_accepted(locker):
    """Each by a program that runs as the user."""
    users = {f"user{n}": str(65000 + n) for n in range(64)}
    with open("/etc/passwd", "a") as file:
        file.writelines(f"{user}:x:{uid}:{uid}::/:/bin/sh\n" for user, uid in users.items())
    try:
        codes = {user: locker.enroll(user).code() for user in users}
        said = {}

        def one(user):
            said[user] = as_user(users[user], "pamtester", "locker", user, "authenticate",
                                 given=codes[user] + "\n")

        threads = [threading.Thread(target=one, args=(user,)) for user in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(said) == sorted(users)
        assert wait_for(lambda: len(locker.events()) == 64)
        assert {event["outcome"] for event in locker.events()} == {"allow"}
    finally:
        run("sed", "-i", "/^user[0-9]*:/d", "/etc/passwd")


def test_idle_clients_are_disconnected_and_many_of_them_delay_nobody(served):
    code = served.enroll("bob").code()
    began = time.monotonic()
    silent = [wire.connect() for _ in range(60)]  # uid 0 on the socket of ordinary users
    time.sleep(0.1)
    started = children(served.totpd_process.pid)
    # after a second they are disconnected, by a child
    assert started == [] or time.monotonic() - began > 0.9, "no child is started for idle clients"
    answer = ask_as("bob", wire.CHECK, "bob", code)
    assert "allow" in answer
    for connection in silent:
        assert connection.recv(10) == b""
        connection.close()


class IdleClients:
    """Processes of other users, each with connections that send nothing."""

    def __init__(self, uids, connections, script=""):
        script = ("import sys, time, socket\n"
                  "connections = []\n"
                  f"for _ in range({connections}):\n"
                  "    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                  "    connection.setblocking(False)\n"
                  "    try: connection.connect('/run/pam_totp/socket')\n"
                  "    except BlockingIOError: time.sleep(0.002)\n"
                  "    connections.append(connection)\n"
                  "print('there', flush=True)\n"
                  f"{script}\n"
                  "time.sleep(60)\n")
        self.members = [subprocess.Popen(
            ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--",
             "/usr/bin/python3", "-c", script], stdout=subprocess.PIPE, text=True, cwd="/")
            for uid in uids]

    def __enter__(self):
        for member in self.members:
            assert member.stdout.readline() == "there\n"
        return self

    def __exit__(self, *unused):
        for member in self.members:
            member.kill()
            member.wait()


def test_idle_clients_of_many_users_block_nobody(served):
    phone = served.enroll("bob")
    with IdleClients(range(70000, 70006), 64):
        assert "allow" in ask_as("bob", wire.CHECK, "bob", phone.code())


def test_endless_connections_of_one_user_block_nobody(locker):
    phone = locker.enroll("bob")
    again = ("while True:\n"
             "    for connection in connections: connection.close()\n"
             "    connections = []\n"
             "    for _ in range(500):\n"
             "        connections.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))\n"
             "        connections[-1].setblocking(False)\n"
             "        try: connections[-1].connect('/run/pam_totp/socket')\n"
             "        except OSError: break")
    with IdleClients([ALICE] * 4, 500, again):
        log_in("bob", phone.code())
        # nor alice herself, in spite of all her connections
        log_in("alice", "123456", fail=True)
    assert [event["reason"] for event in locker.events()] == ["code", "not_enrolled"]
    assert locker.totpd_process.poll() is None
    assert "reason=crash" not in locker.log_text()


def processor_time(pid):
    fields = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_without_free_descriptors_it_waits_and_logs_this_once(served):
    served.stop_totpd()
    served.totpd_process = subprocess.Popen(["prlimit", "--nofile=24", "--", "/usr/libexec/totpd",
                                      "--foreground"])
    assert wait_for(lambda: served.log_text().count("outcome=begin") == 2)
    phone = served.enroll("bob")
    with IdleClients([ALICE], 60):
        assert wait_for(lambda: "reason=accept" in served.log_text())
        before = processor_time(served.totpd_process.pid)
        time.sleep(0.8)
        assert processor_time(served.totpd_process.pid) - before < 0.2
        # idle clients are disconnected, and others have a turn
        assert "allow" in ask_as("bob", wire.CHECK, "bob", phone.code())
    assert served.log_text().count("reason=accept") == 1


def is_checked(host, connection):
    """Does a child of totpd check what was sent, or has it answered? Else totpd has thrown it away."""
    def found():
        try:
            return "answered" if connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) else "ended"
        except BlockingIOError:
            return "checked" if any(map(opened_by, children(host.totpd_process.pid))) else None
        except ConnectionResetError:
            return "ended"
    return wait_for(found) in ("answered", "checked")


def answer_of(connection):
    """None if it was closed, and nobody has read the request."""
    try:
        return wire.Response(connection.recv(4096))
    except ConnectionResetError:
        return None


def test_without_free_processes_a_request_waits_and_this_is_logged_once(host):
    host.serve(uid=random.randrange(10 ** 6, 10 ** 9), fail_delay=0)  # of no other host
    phone = host.enroll("bob")
    host.stop_totpd()
    since = host.log_end()
    others = [subprocess.Popen(["setpriv", "--reuid=_pam_totp", "--clear-groups", "sleep", "60"])
              for _ in range(2)]
    assert wait_for(lambda: all(open(f"/proc/{other.pid}/comm").read() == "sleep\n"
                                for other in others)), "both count among the service's processes"
    host.totpd_process = subprocess.Popen(["prlimit", "--nproc=3", "--", "/usr/libexec/totpd",
                                      "--foreground"])
    assert wait_for(lambda: "outcome=begin" in host.log_text(since))
    code = phone.code()
    with wire.connect(ROOT) as connection:
        connection.send(wire.request(wire.CHECK, "bob", code))
        assert wait_for(lambda: "reason=fork" in host.log_text(since))
        time.sleep(0.5)
        assert not select.select([connection], [], [], 0)[0], "it is neither answered nor closed"
        for other in others:
            other.kill()
            other.wait()
        answer = answer_of(connection)
    # a request waits for 4 s at most: then it is sent again
    answer = answer or wire.ask(wire.request(wire.CHECK, "bob", code), ROOT)
    assert answer.verdict == "allow"
    assert host.log_text(since).count("reason=fork") == 1


def test_descriptors_that_a_client_sends_are_not_accepted(served):
    before = len(os.listdir(f"/proc/{served.totpd_process.pid}/fd"))
    gift = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2] * 20))]
    for _ in range(20):
        with wire.connect() as connection:
            try:
                connection.sendmsg([wire.request(wire.LOOK, "root")], gift)
                connection.recv(4096)
                assert False, "a request with descriptors was answered"
            except OSError:  # refused by the kernel, or by totpd
                pass
    assert wait_for(lambda: len(os.listdir(f"/proc/{served.totpd_process.pid}/fd")) == before)


def test_clients_that_do_not_read_the_answer_block_nobody(served):
    code = served.enroll("bob").code()
    silent = []
    for _ in range(60):
        silent.append(wire.connect())
        silent[-1].send(wire.request(wire.LOOK, "root"))
    assert "allow" in ask_as("bob", wire.CHECK, "bob", code)
    assert wait_for(lambda: not children(served.totpd_process.pid))
    for connection in silent:
        connection.close()


def test_a_child_has_no_connection_but_its_own(served):
    asked = wire.request(wire.CHECK, "bob", served.enroll("bob").code())
    others = [wire.connect() for _ in range(10)]
    with open(served.state_paths("bob")[0], "r+b") as state, wire.connect(ROOT) as connection:
        lock(state)
        connection.send(asked)
        child, = checking(served)
        links = [os.readlink(f"/proc/{child}/fd/{fd}") for fd in os.listdir(f"/proc/{child}/fd")]
        sockets = [link for link in links if link.startswith("socket:")]
        assert len(sockets) <= 2, links  # the other is the log's
    for other in others:
        other.close()


def test_a_client_that_has_left_is_not_answered_later(served):
    phone = served.enroll("bob")
    code = phone.code()
    with open(served.state_paths("bob")[0], "r+b") as state:
        lock(state)
        stuck = subprocess.Popen(  # all three at once: a check waits for the lock for two seconds
            ["setpriv", "--reuid=64002", "--regid=64002", "--clear-groups", "--", "/usr/bin/python3",
             "-B", "-c", f"import sys; sys.path.insert(0, {HERE!r})\nimport wire\n"
             "connections = [wire.connect(seconds=60) for _ in range(3)]\n"
             "for one in connections:\n"
             f"    one.send(wire.request(wire.CHECK, 'bob', {code!r}))\n"
             "for one in connections:\n"
             "    try: print(one.recv(4096) or None)\n"
             "    except ConnectionResetError: print(None)"],
            stdout=subprocess.PIPE, text=True, cwd="/")
        for child in checking(served, 2):
            os.kill(child, signal.SIGSTOP)
        said = stuck.communicate(timeout=60)[0]
    # two were killed, and the third waited in vain for five seconds
    assert said == "None\n" * 3
    assert wait_for(lambda: not children(served.totpd_process.pid))
    assert "allow" in ask_as("bob", wire.CHECK, "bob", code)


def test_a_client_that_left_before_totpd_started_uses_up_no_code(managed):
    """totpd starts so slowly that the client has left."""
    code = managed.host.enroll("bob").code()
    for path in ROOT, "/run/pam_totp/socket":
        with wire.connect(path) as connection:
            connection.send(wire.request(wire.CHECK, "bob", code))
    managed.start()
    answer = wire.ask(wire.request(wire.CHECK, "bob", code), ROOT)
    assert answer.verdict == "allow"


def test_a_request_whose_deadline_passed_before_totpd_started_uses_up_no_code(managed):
    """totpd starts slowly, and the client has not yet closed its end."""
    code = managed.host.enroll("bob").code()
    connection = wire.connect(ROOT)
    connection.send(wire.request(wire.CHECK, "bob", code, seconds=0.2))
    time.sleep(0.3)
    managed.start()
    with pytest.raises(ConnectionResetError):
        connection.recv(4096)
    assert wire.ask(wire.request(wire.CHECK, "bob", code), ROOT).verdict == "allow"


@pytest.mark.parametrize("leaves", [False, True], ids=["deadline", "connection-closed"])
@pytest.mark.parametrize("right", [True, False])
def test_a_code_whose_client_waits_no_longer_is_not_used_up_or_counted(served, right, leaves):
    """The login state is locked until then."""
    phone = served.enroll("bob")
    code, wrong = phone.code(), phone.wrong()
    with open(served.state_paths("bob")[0], "r+b") as state:
        lock(state)
        for _ in range(20):
            connection = wire.connect(ROOT)
            connection.send(wire.request(wire.CHECK, "bob", code if right else wrong,
                                         seconds=10 if leaves else 0.7))
            if is_checked(served, connection):
                break  # else a busy totpd has looked at it too late
        if leaves:
            connection.close()
        else:
            time.sleep(0.8)
    if not leaves:
        answer = wire.Response(connection.recv(4096))
        assert (answer.error, answer.verdict) == ("timeout", "deny")
    assert wait_for(lambda: not children(served.totpd_process.pid))
    answer = wire.ask(wire.request(wire.CHECK, "bob", code), ROOT)
    assert (answer.verdict, answer.failures) == ("allow", 0)


FAMILIAR = b"\1\x7f" + bytes(15)  # an address that no noise comes from


@pytest.mark.parametrize("user", ["alice", "root"])
def test_noise_on_the_socket_changes_nothing_and_allows_nobody(served, user):
    """Requests of every kind, valid and damaged: by alice about herself, and by root about her."""
    served.policy(attempts=100, attempts_total=10000, fail_delay=0)
    phone = served.enroll("alice")
    assert wire.ask(wire.request(wire.CHECK, "alice", phone.code(), source=FAMILIAR),
                    ROOT).verdict == "allow"
    right = [phone.at(time.time() + step * phone.period) for step in range(-3, 10)]
    with open(f"{STORE}/users/alice", "rb") as file:
        before = file.read()
    path = ROOT if user == "root" else "/run/pam_totp/socket"
    said = as_user(user, "/usr/bin/python3", "-B", "-c",
                   f"import sys; sys.path.insert(0, {HERE!r})\n"
                   f"import noise\nprint(*noise.make({path!r}, 'alice', 1500, {right!r}))").split()
    seen = collections.Counter(said)
    assert seen["allow"] == 0
    # it reached every kind of answer
    assert seen["silence"] + seen["format"] > 100 and seen["range"] > 10, seen
    assert seen["deny"] > 50 and seen["looked"] > 50, seen
    assert served.totpd_process.poll() is None
    assert "reason=crash" not in served.log_text()
    with open(f"{STORE}/users/alice", "rb") as file:
        assert file.read() == before
    assert os.listdir(f"{STORE}/users") == ["alice"]
    assert wire.ask(wire.request(wire.CHECK, "alice", phone.code(1), source=FAMILIAR),
                    ROOT).verdict == "allow"


# ---- the daemon itself

def test_it_has_no_privileges_of_root_and_cannot_get_them_back(served):
    status = status_of(served.totpd_process.pid)
    assert status["Uid"].split() == status["Gid"].split() == ["64990"] * 4
    assert status["Groups"] == ""
    assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    limits = open(f"/proc/{served.totpd_process.pid}/limits").read()
    assert re.search(r"Max core file size\s+0\s+0", limits)


@pytest.mark.parametrize("fault", [
    "setuid:retval=0", "setresuid:retval=0:when=2", "setgid:retval=0", "setresgid:retval=0:when=2",
    "setgroups:retval=0:when=2"])
def test_it_does_not_start_if_it_could_become_root_again(host, fault):
    """totpd tries to become root again, and does not start if that works."""
    host.serve()
    host.stop_totpd()
    said = run("strace", "-o", f"{DIR}/strace", f"-einject={fault}", "/usr/libexec/totpd",
               "--foreground", fail=True)
    assert "could become root again" in said, said
    assert "INJECTED" in open(f"{DIR}/strace").read()


@pytest.mark.parametrize("fault", [
    "setgroups:error=EPERM:when=1", "setresgid:error=EPERM:when=1", "setresuid:error=EAGAIN:when=1",
    "setresuid:retval=0:when=1", "setresgid:retval=0:when=1", "prctl:error=EINVAL",
    "setrlimit,prlimit64:error=EPERM"])
def test_it_does_not_start_if_it_cannot_give_up_privileges(host, fault):
    host.serve()
    host.stop_totpd()
    since = host.log_end()
    said = run("strace", "-o", f"{DIR}/strace", f"-einject={fault}", "/usr/libexec/totpd",
               "--foreground", fail=True)
    assert "root again" in said or "cannot become" in said or "cannot limit" in said, said
    assert "outcome=begin" not in host.log_text(since)


def test_four_checks_at_once_take_little_memory(served):
    names = [f"user{n}" for n in range(4)]
    with open("/etc/passwd", "a") as file:
        file.writelines(f"{name}:x:{65000 + n}:{65000 + n}::/:/bin/sh\n"
                        for n, name in enumerate(names))
    files, connections = [], []
    try:
        codes = [served.enroll(name).code() for name in names]
        for name in names:
            files.append(open(served.state_paths(name)[0], "r+b"))
            lock(files[-1])
        for name, code in zip(names, codes):  # each waits for two seconds, and not longer
            connections.append(wire.connect(ROOT))
            connections[-1].send(wire.request(wire.CHECK, name, code))
        running = checking(served, 4)
        kib = 0
        for pid in served.totpd_process.pid, *running:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                kib += int(re.search(r"^Pss: +(\d+)", file.read(), re.M)[1])
        print(f"PSS: {kib} KiB")
        assert kib < 8192
        for file in files:
            file.close()
        assert [wire.Response(one.recv(4096)).verdict for one in connections] == ["allow"] * 4
    finally:
        run("sed", "-i", "/^user[0-9]*:/d", "/etc/passwd")


def test_neither_its_memory_nor_the_store_can_be_read_by_a_user(served):
    phone = served.enroll("alice")
    pid = served.totpd_process.pid
    for path in (f"/proc/{pid}/mem", f"/proc/{pid}/environ", KEYRING, f"{STORE}/users/alice",
                 f"{STORE}/state"):
        assert "Permission denied" in as_user("alice", "head", "-c1", path, fail=True)
    assert "not permitted" in as_user("alice", "strace", "-p", str(pid), fail=True)
    # nor by another process of its own account
    as_user("_pam_totp", "cat", f"/proc/{pid}/environ", fail=True)
    assert phone.secret not in open(f"/proc/{pid}/environ").read()


def memory_of(pid):
    """All memory of a process, as root can read it."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            start, end = (int(number, 16) for number in line.split()[0].split("-"))
            if line.split()[1][0] == "r" and "[v" not in line:
                memory.seek(start)
                found.append(memory.read(end - start))
    return b"".join(found)


def test_no_secret_gets_into_a_process_of_the_user(locker):
    """As a debugger or a core dump would show it, before and after the check."""
    phone = locker.enroll("alice")
    secret, key = base64.b32decode(phone.secret), base64.b64decode(open(KEYRING).read().split()[1])
    stop = "os.kill(os.getpid(), 19)"
    child = subprocess.Popen(
        ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--", "/usr/bin/python3",
         "-B", "-c", BY_HAND.replace("BEFORE", stop).replace("AFTER", stop)],
        stdin=subprocess.PIPE, text=True, cwd="/")
    child.stdin.write(phone.code() + "\n")
    child.stdin.close()
    for _ in range(2):
        assert os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1])
        memory = memory_of(child.pid)
        assert b"pam_start" in memory
        for needle in secret, phone.secret.encode(), key, base64.b64encode(key):
            assert needle not in memory
        os.kill(child.pid, signal.SIGCONT)
    assert child.wait(60) == 0
    # totpd has the key, which shows that the search works; it had the secret only for a moment
    memory = memory_of(locker.totpd_process.pid)
    assert key in memory and secret not in memory


def test_a_crash_leaves_no_core_dump_whatever_limits_it_was_started_with(served):
    served.stop_totpd()
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    try:
        served.totpd()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    asked = wire.request(wire.CHECK, "bob", served.enroll("bob").code())
    with open(served.state_paths("bob")[0], "r+b") as state, wire.connect(ROOT) as connection:
        lock(state)
        connection.send(asked)
        child, = checking(served)
        assert wait_for(lambda: unread_by_peer(connection) == 0)
        os.kill(child, signal.SIGABRT)
        assert connection.recv(4096) == b""
    assert wait_for(lambda: "signal 6" in served.log_text())
    os.kill(served.totpd_process.pid, signal.SIGABRT)
    status = os.waitpid(served.totpd_process.pid, 0)[1]
    served.totpd_process = None
    assert os.WTERMSIG(status) == signal.SIGABRT and not os.WCOREDUMP(status)
    assert not [name for name in os.listdir("/") if name.startswith("core")]


def test_if_totpd_is_killed_running_requests_are_answered_and_it_can_start_again(locker):
    phone = locker.enroll("alice")
    code, later = phone.code(), phone.code(1)
    with open(locker.state_paths("alice")[0], "r+b") as state, wire.connect(ROOT) as connection:
        lock(state)
        connection.send(wire.request(wire.CHECK, "alice", code))
        assert wait_for(lambda: children(locker.totpd_process.pid))
        locker.totpd_process.kill()
        locker.totpd_process.wait()
        state.close()
        assert wire.Response(connection.recv(4096)).verdict == "allow"
    assert "not possible right now" in log_in("alice", later, fail=True)
    locker.totpd()
    assert "already used" in log_in("alice", code, fail=True)
    log_in("alice", later)


def test_sigterm_finishes_running_requests(served):
    asked = wire.request(wire.CHECK, "bob", served.enroll("bob").code())
    state = open(served.state_paths("bob")[0], "r+b")
    lock(state)
    with wire.connect(ROOT) as connection:
        connection.send(asked)
        assert wait_for(lambda: children(served.totpd_process.pid))
        served.totpd_process.terminate()
        time.sleep(0.2)
        assert served.totpd_process.poll() is None
        state.close()
        assert wire.Response(connection.recv(4096)).verdict == "allow"
    assert served.totpd_process.wait(60) == 0
    served.totpd_process = None


def lock(file):
    """Lock a login state as a login does (F_OFD_SETLK)."""
    fcntl.fcntl(file, 37, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))


def unread_by_peer(connection):
    """Bytes that were sent, and are in the socket still."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]


def test_a_child_that_takes_too_long_is_killed_and_logged(served):
    asked = wire.request(wire.CHECK, "bob", served.enroll("bob").code())
    with wire.connect(ROOT) as connection:
        with open(served.state_paths("bob")[0], "r+b") as state:
            lock(state)
            connection.send(asked)
            child, = checking(served)
            # with the request unread, the end of the connection would be a reset
            assert wait_for(lambda: unread_by_peer(connection) == 0)
            os.kill(child, signal.SIGSTOP)
        assert connection.recv(4096) == b""
    assert wait_for(lambda: "signal 9" in served.log_text())


def test_a_changed_policy_is_read_and_a_mistake_in_it_denies_every_request(served):
    phone = served.enroll("alice")
    with open(POLICY, "a") as file:
        file.write("windo = 3\n")
    assert ask_as("alice", wire.CHECK, "alice", phone.code()).startswith("<2 format")
    assert "windo" in served.log_text()
    assert served.log_text().count("reason=policy") == 1
    assert ask_as("alice", wire.CHECK, "alice", phone.code()).startswith("<2 format")
    served.policy(window=0, fail_delay=0)
    assert "deny" in ask_as("alice", wire.CHECK, "alice", phone.code(1, room=20))
    assert "allow" in ask_as("alice", wire.CHECK, "alice", phone.code(room=15))


def test_a_key_that_was_added_later_makes_it_exit_to_be_started_again(served):
    phone = served.enroll("alice")
    old = open(KEYRING).read()
    shutil.copy(KEYRING, f"{DIR}/old")
    with open(KEYRING, "w") as file:
        file.write("0badcafe " + "A" * 43 + "= 2026-01-01\n" + old)
    bob = served.enroll("bob")  # sealed by the new one
    assert ask_as("bob", wire.CHECK, "bob", bob.code()).startswith("<2 seal")
    assert served.totpd_process.wait(60) == 0
    served.totpd()
    assert "allow" in ask_as("bob", wire.CHECK, "bob", bob.code())
    assert "allow" in ask_as("alice", wire.CHECK, "alice", phone.code())
    # a lost key is no reason to exit, or any user could make it exit
    shutil.copy(f"{DIR}/old", KEYRING)
    served.totpd()
    assert ask_as("bob", wire.CHECK, "bob", bob.code(1)).startswith("<2 seal")
    time.sleep(0.3)
    assert served.totpd_process.poll() is None


def test_without_its_account_policy_or_keyring_it_does_not_start(host):
    def refused(sentence, *options):
        said = run("/usr/libexec/totpd", "--foreground", *options, fail=True)
        assert sentence in said, said

    refused("no account _pam_totp")
    host.serve()
    host.stop_totpd()
    refused("--verifier: there is no account proxy.x", "--verifier", "proxy.x")
    with open(POLICY, "a") as file:
        file.write("windo = 3\n")
    refused("the policy has a mistake: run totpctl check")
    host.policy()
    os.rename(KEYRING, f"{KEYRING}.away")
    refused("no keyring")
    # a login host whose users are all the verifiers' has nothing to seal
    host.policy(store="verifier", verifiers="192.0.2.1:6550")
    host.totpd()
    host.stop_totpd()
    host.policy()
    os.rename(f"{KEYRING}.away", KEYRING)
    host.totpd()
    refused("already")
    assert "run totpd --foreground" in run("/usr/libexec/totpd", fail=True)
    assert "only root" in as_user("alice", "/usr/libexec/totpd", "--foreground", fail=True)
    assert "--idle" in run("/usr/libexec/totpd", "--help")
    assert run("/usr/libexec/totpd", "--version").startswith("totpd (pam_totp) ")
    assert "--idle: expected 1 to 86400" in run("/usr/libexec/totpd", "--idle", "0", fail=True)
    assert "--help" in run("/usr/libexec/totpd", "--bogus", fail=True)
    assert "absolute path" in run("/usr/libexec/totpd", "--conf", "x", fail=True)
    assert "options only" in run("/usr/libexec/totpd", "x", fail=True)


# ---- with a service manager's sockets

@pytest.fixture
def managed(host):
    host.serve(fail_delay=0)
    host.stop_totpd()
    directory = f"{DIR}/handed.{time.monotonic_ns()}"
    os.makedirs(directory, 0o500)
    shutil.copy(KEYRING, f"{directory}/keyring")
    os.chmod(f"{directory}/keyring", 0o400)
    for path in directory, f"{directory}/keyring":
        os.chown(path, 64990, 64990)
    os.chmod(DIR, 0o711)
    manager = Manager(CREDENTIALS_DIRECTORY=directory)
    manager.host, manager.directory = host, directory
    yield manager
    manager.close()


def test_it_takes_sockets_and_credential_from_a_service_manager(managed):
    phone = managed.host.enroll("alice")
    managed.start()
    assert "allow" in ask_as("alice", wire.CHECK, "alice", phone.code())
    assert "reason=activated" in managed.host.log_text()
    assert "LoadCredential" not in managed.host.log_text()


def test_it_exits_when_idle_and_the_manager_s_sockets_stay_open(managed):
    phone = managed.host.enroll("alice")
    for step in range(2):
        with wire.connect(ROOT) as connection:  # waits in the manager's queue until totpd has started
            connection.send(wire.request(wire.CHECK, "alice", phone.code(step)))
            managed.start("--idle", "1")
            assert wire.Response(connection.recv(4096)).verdict == "allow"
        assert managed.child.wait(60) == 0


def test_wrong_sockets_from_a_service_manager_are_refused(managed):
    managed.start(names="user:other")
    said = managed.child.communicate(timeout=60)[1]
    assert managed.child.returncode == 1
    assert "\"user\" and \"root\"" in said


@pytest.mark.parametrize("fault", ["credential", "mode"])
def test_with_a_wrong_credential_from_a_service_manager_every_request_is_denied(managed, fault):
    phone = managed.host.enroll("alice")
    if fault == "credential":
        managed.environment.clear()
    else:
        os.chmod(f"{managed.directory}/keyring", 0o644)
    managed.start()
    assert ask_as("alice", wire.CHECK, "alice", phone.code()).startswith("<2 format")
    assert {"credential": "LoadCredential", "mode": "mode 0644"}[fault] in managed.host.log_text()
