# SPDX-License-Identifier: BSD-2-Clause
"""
Print TAP, as the other test programs do, so that every single test is counted. A test whose codes
may have expired meanwhile is run again.
"""

import io
import time

from _pytest._io import TerminalWriter
from _pytest.runner import runtestprotocol

STEP = 30
TRIES = 3


class Tap:
    def __init__(self):
        self.count = 0
        self._tw = TerminalWriter(io.StringIO())  # colors the text of a failed comparison

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.passed:
            return
        self.count += 1
        word = "not ok" if report.failed else "ok"
        skip = f" # SKIP {report.longrepr[2]}" if report.skipped else ""
        print(f"{word} {self.count} - {report.nodeid.split('::')[-1]}{skip}", flush=True)
        if report.failed:
            print("\n".join("# " + line for line in report.longreprtext.splitlines()), flush=True)

    def pytest_collectreport(self, report):
        if report.failed:
            print(f"not ok - {report.nodeid}\n{report.longreprtext}", flush=True)

    def pytest_sessionfinish(self):
        print(f"1..{self.count}", flush=True)


def pytest_addoption(parser, pluginmanager):
    if pluginmanager.is_blocked("terminal"):
        # the option of pytest's terminal reporter, on which the text of a failed comparison depends
        parser.addoption("--verbose", type=int, default=0)


def pytest_configure(config):
    if config.pluginmanager.is_blocked("terminal"):
        config.pluginmanager.register(Tap(), "terminalreporter")


def pytest_runtest_protocol(item, nextitem):
    """
    The tests make codes with the real clock: a failure counts only if no time step passed during
    the test.
    """
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for left in reversed(range(TRIES)):
        step = time.time() // STEP
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if not any(report.failed for report in reports) or time.time() // STEP == step or not left:
            break
        item._initrequest()  # otherwise the fixtures of the first run would be used again
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
