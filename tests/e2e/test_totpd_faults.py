# SPDX-License-Identifier: BSD-2-Clause
"""
Changes through totpd, while its children are killed or the disk fails: the old record or the new
one.
"""
import base64
import collections
import os
import re
import shutil
import signal
import subprocess

import pytest

import wire
from host import DIR, STORE, Phone, run, wait_for

ROOT = "/run/pam_totp/root.socket"
OLD, NEW = "AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH", "IIIIJJJJKKKKLLLLMMMMNNNNOOOOPPPP"
CHANGING = re.compile(r"(pwrite64|write|fsync|fdatasync|fchmod|fchown|rename\w*|link\w*|unlink\w*)$")


def ask(op, code=None, **keywords):
    return wire.ask(wire.request(op, "alice", code, **keywords), ROOT)


def is_allowed(code):
    answer = ask(wire.CHECK, code)
    assert answer.error in ("ok", "not_found"), answer
    return answer.verdict == "allow"


# ---- the changes

def phone_of(secret):
    """Of 8 digits: 6 are sometimes in memory by chance."""
    return Phone(f"otpauth://totp/x?secret={secret}&period=300&digits=8")


class Change:
    """
    A request, and how to see whether it was carried out. Codes are valid for a long time, and each
    belongs to a step of its own, in the order of the letters that follow.
    """

    def __init__(self, op, before, after, with_new=False, **request):
        self.op, self.before, self.after = op, before, after
        self.with_new, self.request = with_new, request

    def prepare(self, host):
        """Make the record to start from; it can be restored."""
        self.old, self.new = map(phone_of, (OLD, NEW))
        host.phones += [self.old, self.new]
        self.recovery = []
        if self.before:
            self.recovery = ask(wire.ENROLL, token=self.token(self.old, "phone", -3)).codes
        if "second" in self.before:
            assert ask(wire.ADD, self.old.code(-2),
                       token=self.token(self.new, "second", -3)).verdict == "allow"
        shutil.rmtree(f"{DIR}/template", ignore_errors=True)
        run("cp", "-a", STORE, f"{DIR}/template")

    def restore(self):
        for name in "users", "state":
            shutil.rmtree(f"{STORE}/{name}")
            run("cp", "-a", f"{DIR}/template/{name}", f"{STORE}/{name}")

    @staticmethod
    def token(phone, label, ahead):
        return (1, 1, 8, 300, label, base64.b32decode(phone.secret), 0, phone.code(ahead))

    def make(self, ahead=0):
        if self.with_new or not self.before:
            phone = self.new if self.with_new else self.old
            label = "second" if self.before else "phone"
            self.request["token"] = self.token(phone, label, -2)
        code = self.old.code(ahead) if self.before else None
        self.typed = code or self.request["token"][-1]  # a step may end before it is looked at
        return ask(self.op, code, **self.request)

    def was_made(self):
        """And the record is undamaged, whether it is the old one or the new."""
        status = ask(wire.STATUS)
        assert status.error == "ok" and status.labels in (self.before, self.after), status
        if self.op == wire.REPLACE:
            by_new, by_old = is_allowed(self.new.code(1)), is_allowed(self.old.code(1))
            assert by_new != by_old
            return by_new
        if self.op == wire.RECOVERY:
            return not is_allowed(self.recovery[0])
        return status.labels == self.after

    def check(self, answer):
        """
        After a fault: the answer is true, no code is valid that the change has used, and a client
        that asks again is served.
        """
        made = self.was_made()
        if answer:  # a code that was used before the fault changes nothing
            assert made == (answer.error == "uncertain" or answer.error == "ok" and
                            (answer.verdict == "allow" or self.op == wire.ENROLL)), answer
        used = self.typed
        assert not (is_allowed(used) and (made or is_allowed(used)))
        again = self.make(2)
        assert again.error == "ok" or made and again.error in (
            "range", "not_found", "exists"), again
        assert made or again.verdict == "allow" or self.op == wire.ENROLL, again
        if again.error == "ok" and self.op == wire.REPLACE and made:
            assert again.verdict == "deny"  # the old phone's code is not valid any more


class Check(Change):
    """A login: its code, right or wrong, changes the login state alone."""

    def __init__(self, is_right):
        super().__init__(wire.CHECK, ["phone"], ["phone"])
        self.is_right = is_right

    def make(self, ahead=0):
        self.typed = self.old.code(ahead) if self.is_right else self.old.wrong()
        return ask(self.op, self.typed)

    def check(self, answer):
        allowed = bool(answer) and answer.error == "ok" and answer.verdict == "allow"
        assert self.is_right or not allowed
        again = is_allowed(self.typed)
        assert not again or self.is_right and not allowed
        assert not is_allowed(self.typed)
        assert is_allowed(self.old.code(2))


CHANGES = {
    "allow": Check(True),
    "deny": Check(False),
    "enroll": Change(wire.ENROLL, [], ["phone"]),
    "add": Change(wire.ADD, ["phone"], ["phone", "second"], with_new=True),
    "replace": Change(wire.REPLACE, ["phone"], ["phone"], with_new=True, label="phone"),
    "remove": Change(wire.REMOVE, ["phone", "second"], ["phone"], label="second"),
    "rename": Change(wire.RENAME, ["phone"], ["tablet"], label="phone", new_label="tablet"),
    "recovery": Change(wire.RECOVERY, ["phone"], ["phone"]),
    "disable": Change(wire.DISABLE, ["phone"], []),
}
LEAST = {"allow": 2, "deny": 2}  # calls of a child that change something; of the others 9


# ---- the faults

class Strace:
    """strace at totpd and at its future children."""

    def __init__(self, pid, *options):
        self.child = subprocess.Popen(["strace", "-f", "-p", str(pid), *options],
                                      stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        assert "attached" in self.child.stderr.readline()

    def __exit__(self, *unused):
        self.child.send_signal(signal.SIGINT)
        self.child.communicate(timeout=60)


def calls_of(pid, change):
    """
    The calls of a child, in order: (name, ordinal, changes). A child killed at a call that changes
    nothing counts as killed at the next one that does, or at the last ones, which count as changes.
    A call that the parent may make too is left out: the fault would hit both.
    """
    log, seen, calls = f"{DIR}/strace", collections.Counter(), []
    with Strace(pid, "-o", log):
        answer = change.make()
        assert answer.error == "ok"
        assert wait_for(lambda: "exit_group" in open(log, errors="replace").read())
    for line in open(log, errors="replace"):
        match = re.match(r"(\d+)\s+(\w+)\(", line)
        if not match:
            continue
        process, name = match.groups()
        seen[process, name] += 1
        if process != str(pid):
            calls.append((name, seen[process, name],
                          bool(CHANGING.match(name)) or "O_CREAT" in line
                          or name == "sendto" and "PTA2" in line or name == "exit_group"))
    parents = {name: count + 4 for (process, name), count in seen.items() if process == str(pid)}
    parents["sendto"] = 1  # with which it logs a death
    return [call for call in calls if call[1] > parents.get(call[0], 0)]


def temporary_files():
    return [name for name in os.listdir(f"{STORE}/users") if "~" in name]


@pytest.fixture
def served(host):
    host.serve(fail_delay=0, window=3, enforce="optional")
    return host


def suffer(pid, change, call, ordinal, fault):
    """Make the change while this happens to the child, and look at the result."""
    change.restore()
    with Strace(pid, "-o", "/dev/null", f"-etrace={call}",
                f"-einject={call}:{fault}:when={ordinal}"):
        answer = change.make()
    try:
        assert call == "exit_group" or not answer or fault != "signal=KILL"
        assert fault == "signal=KILL" or call == "unlinkat" or not temporary_files()
        change.check(answer)
    except (AssertionError, OSError) as error:
        raise AssertionError(f"{fault} at {call} number {ordinal}") from error


def test_a_totpd_that_cannot_wait_for_requests_logs_it_and_ends(served):
    with Strace(served.totpd_process.pid, "-o", "/dev/null", "-etrace=poll", "-einject=poll:error=ENOMEM"):
        wire.ask(wire.request(wire.LOOK, "bob"), ROOT)
        assert served.totpd_process.wait(60) == 1
    assert "reason=system_call_failed" in served.log_text()
    assert 'detail="poll: Cannot allocate memory"' in served.log_text()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_with_a_failed_call_or_a_killed_child_is_made_or_not_made(served, name):
    change, pid = CHANGES[name], served.totpd_process.pid
    change.prepare(served)
    calls = [call[:2] for call in calls_of(pid, change) if call[2]]
    assert len(calls) >= LEAST.get(name, 9), calls
    for call, ordinal in calls:
        suffer(pid, change, call, ordinal, "signal=KILL")
        if call not in ("sendto", "exit_group"):
            suffer(pid, change, call, ordinal, "error=EIO")
    assert served.totpd_process.poll() is None
