# SPDX-License-Identifier: BSD-2-Clause
"""
As test_totpd_faults, but at every call of the child and not only at those that change something.
"""
import pytest

from test_totpd_faults import CHANGES, calls_of, served, suffer  # noqa: F401 a fixture

LAST = "sendto", "exit_group"  # after them nothing can fail


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_survives_a_killed_child_and_a_failure_at_any_call(served, name):  # noqa: F811
    change, pid = CHANGES[name], served.totpd_process.pid
    change.prepare(served)
    calls = calls_of(pid, change)
    assert len(calls) > 40, calls
    for call, ordinal, _ in calls:
        suffer(pid, change, call, ordinal, "signal=KILL")
        if call not in LAST:
            suffer(pid, change, call, ordinal, "error=ENOSPC")
        if call in ("write", "pwrite64"):
            suffer(pid, change, call, ordinal, "retval=1")
    assert served.totpd_process.poll() is None
