# SPDX-License-Identifier: BSD-2-Clause
"""
Requests to totpd in which each allocation and each call of libcrypto fails, once and from then on,
and in which little is read and written at once. FAULT_LONG: every call, and not a sample.
"""
import os
import sys

import pytest

from host import DIR, wait_for
from test_totpd_faults import CHANGES, served, temporary_files  # noqa: F401 a fixture

sys.path.append(os.path.join(os.path.dirname(__file__), "../fault"))
from plan import Plan, faults  # noqa: E402

FAILING = os.path.join(os.environ.get("HOST_BUILD", ""), "tests/fault/failing.so")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return file.read()


@pytest.fixture
def plan(served):  # noqa: F811
    made = Plan(FAILING, f"{DIR}/plan")
    served.totpd(**made.variables)
    return made


def make_change(host, plan, change, **wanted):
    """Make it with this fault: its answer, how many calls counted, and which failed."""
    pid = host.totpd_process.pid
    change.restore()
    assert wait_for(lambda: not children(pid))
    plan.make(**wanted)
    answer = change.make()
    count, failed = plan.count, plan.failed
    assert wait_for(lambda: not children(pid))
    plan.make()
    try:
        assert answer, "no answer"
        assert not temporary_files()
        change.check(answer)
    except AssertionError as error:
        raise AssertionError(f"{wanted}: {failed}") from error
    return answer, count, failed


@pytest.mark.parametrize("name", CHANGES)
def test_a_request_in_which_a_call_of_a_library_fails_is_carried_out_or_not(
        served, plan, name):  # noqa: F811
    change = CHANGES[name]
    change.prepare(served)
    answer, total, _ = make_change(served, plan, change)
    assert answer.error == "ok" and total > 5
    points = faults(total)
    for first, last in points:
        make_change(served, plan, change, first=first, last=last)
    print(f"{name}: {len(points)} points at {total} calls")
    assert "ended by signal" not in served.log_text()


@pytest.mark.parametrize("name", CHANGES)
def test_a_request_in_which_little_is_read_or_written_at_once_is_carried_out_or_not(
        served, plan, name):  # noqa: F811
    change = CHANGES[name]
    change.prepare(served)
    _, total, _ = make_change(served, plan, change, is_short=True)
    points = faults(total)
    for first, last in points:
        answer, _, failed = make_change(served, plan, change, first=first, last=last, is_short=True)
        assert answer.error == "ok" or first < last or "write" in failed, f"{failed} {first}: {answer}"
    print(f"{name}: {len(points)} points at {total} calls")
