# SPDX-License-Identifier: BSD-2-Clause
"""
What totpd and its children have in memory after requests: the keys, where totpd keeps them, and
nothing of any request. Freed memory is searched too. The keys show that the search finds something.
"""
import os
import re
import signal
import sys

import pytest

import wire
from host import KEYRING, wait_for
from test_totpd_faults import CHANGES, OLD, NEW, ask, served  # noqa: F401 a fixture

sys.path.append(os.path.join(os.path.dirname(__file__), "../memory"))
from search import forms_of_keys, places, secret_forms  # noqa: E402

KEEP = os.path.join(os.environ.get("HOST_BUILD", ""), "tests/memory/keep.so")


def state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    assert wait_for(lambda: state(pid) == "T")


class Totpd:
    """totpd, whose freed memory stays, and whose processes stop before they end."""

    def __init__(self, host):
        host.totpd(LD_PRELOAD=KEEP)
        self.process = host.totpd_process
        self.keys = forms_of_keys(KEYRING)
        self.kept = None  # where the keys are

    def search(self, pid, needles):
        """The places of needles, except those of the keys, which totpd keeps in one place."""
        found = places(pid, {**needles, **self.keys})
        keys = [(name, at) for name, _, at in found if re.fullmatch(r"key \d+", name)]
        self.kept = self.kept or keys
        assert len(self.kept) == 1, self.kept
        others = [place for place in found if (place[0], place[2]) not in self.kept]
        return [f"{name} in {mapping} at {at:#x}" for name, mapping, at in others]

    def left_after(self, needles):
        """After a request, in totpd and in every child, each of which ends then."""
        pid, found, looked = self.process.pid, [], set()
        stop(pid)
        assert wait_for(lambda: children(pid))
        while children(pid):
            for child in children(pid):
                assert wait_for(lambda: state(child) in ("T", "Z")), state(child)
                if state(child) == "T" and child not in looked:
                    looked.add(child)
                    found += [f"a child: {place}" for place in self.search(child, needles)]
                os.kill(child, signal.SIGCONT)
            os.kill(pid, signal.SIGCONT)
            assert wait_for(lambda: not looked & set(children(pid)))
            stop(pid)
        found += [f"totpd: {place}" for place in self.search(pid, needles)]
        os.kill(pid, signal.SIGCONT)
        return found

    def end(self):
        """End it, and return the places of keys that it leaves."""
        self.process.terminate()
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status
        found = places(self.process.pid, self.keys)
        os.kill(self.process.pid, signal.SIGCONT)
        assert self.process.wait(60) == 0
        return found


def needles_of(change, answer):
    codes = change.recovery + answer.codes
    return {"code": change.typed.encode(), **secret_forms(OLD, "the old secret"),
            **secret_forms(NEW, "the new secret"),
            **{f"recovery code {code}": code.encode() for code in codes}}


@pytest.mark.parametrize("name", CHANGES)
def test_a_request_leaves_nothing_in_any_process_of_totpd(served, name):  # noqa: F811
    change = CHANGES[name]
    change.prepare(served)
    change.restore()
    totpd = Totpd(served)
    answer = change.make()
    assert answer.error == "ok"
    assert totpd.left_after(needles_of(change, answer)) == []
    assert totpd.end() == []


def test_a_recovery_code_is_not_left(served):  # noqa: F811
    change = CHANGES["recovery"]
    change.prepare(served)
    totpd = Totpd(served)
    code = change.recovery[0]
    answer = ask(wire.CHECK, code)
    assert answer.verdict == "allow"
    assert totpd.left_after({"code": code.replace("-", "").encode(), "written": code.encode()}) == []
    assert totpd.end() == []
