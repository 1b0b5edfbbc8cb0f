# SPDX-License-Identifier: BSD-2-Clause
"""
Logins whose records are in etcd, in which each system call of each process that takes part fails or
is the last one, each call of a library fails, and little is read and written at once. FAULT_LONG:
every call, and not a sample.

The processes: the program that logs somebody in, totpd, and its worker, which asks etcd: a new one,
which loads the engine and connects, and one that has its connection.
"""
import base64
import collections
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time

import pytest

import wire
from host import DIR, POLICY, run, sockets_at, wait_for
from test_fleet import cluster, clusters, verifier  # noqa: F401 fixtures

sys.path.append(os.path.join(os.path.dirname(__file__), "../fault"))
from plan import EVER, LONG, Plan, faults_of, sample  # noqa: E402

ROOT = "/run/pam_totp/root.socket"
FAILING = os.path.join(os.environ.get("HOST_BUILD", ""), "tests/fault/failing.so")
PROGRAM = "pamtester", "locker", "alice", "authenticate"
CERTIFICATE = "/etc/pam_totp/etcd/verifier.crt"
PLACES = "/run/pam_totp", "/var/lib/pam_totp", "/etc/pam_totp", "/tmp"
PERIOD = 300
TYPING = 0.05  # seconds
Call = collections.namedtuple("Call", "name ordinal line")


@pytest.fixture
def members():
    """One member is enough: what is lost are calls, and not members."""
    return 1


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def descriptors(pid):
    """The files that are open in the process."""
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]


def files():
    return {os.path.join(at, name) for place in PLACES for at, _, names in os.walk(place)
            for name in names}


class Strace:
    """strace at a process that runs."""

    def __init__(self, pid, *options):
        self.child = subprocess.Popen(["strace", "-p", str(pid), *options], stderr=subprocess.PIPE,
                                      text=True)

    def __enter__(self):
        assert "attached" in self.child.stderr.readline()

    def __exit__(self, *unused):
        self.child.send_signal(signal.SIGINT)
        self.child.communicate(timeout=60)


def calls_in(log):
    """The calls of the only process in strace's log, in order."""
    seen, calls = collections.Counter(), []
    with open(log, encoding="ascii", errors="replace") as lines:
        for line in lines:
            match = re.match(r"(?:\d+\s+)?(\w+)\(", line)
            if match:
                seen[match[1]] += 1
                calls.append(Call(match[1], seen[match[1]], line))
    return calls


class Fleet:
    """alice's record in the cluster, which each login finds as it was at first."""

    def __init__(self, host, cluster):
        self.host, self.cluster = host, cluster
        host.policy(store="etcd", etcd_endpoints=cluster.endpoints, fail_delay=0, window=3,
                    enforce="optional")  # who seems not to be enrolled is not asked
        host.pam("locker", "auth required pam_totp.so")
        self.phone = host.enroll("alice", period=PERIOD)
        found = self.states()
        assert len(found) == 1, found
        (self.key, (self.fresh, _)), = found.items()
        self.used_worker()
        assert self.log_in(self.phone.code()) == "allow"
        self.descriptors, of_workers = self.counts_at_rest()
        self.worker_descriptors = max(of_workers)
        self.files = files()
        self.answers, self.deaths = collections.Counter(), 0

    @property
    def totpd(self):
        return self.host.totpd_process.pid

    def states(self):
        """All login states in the cluster."""
        return {key: pair for key, pair in self.cluster.pairs("totp/", "totp0").items()
                if b"/s/" in key}

    def reset(self):
        """All codes are unused."""
        self.cluster.ask("kv/put", {"key": clusters.key(self.key),
                                    "value": base64.b64encode(self.fresh).decode()})

    def no_worker(self):
        for child in children(self.totpd):
            with contextlib.suppress(ProcessLookupError):  # those that close connections end by themselves
                os.kill(child, signal.SIGKILL)
        assert wait_for(lambda: not children(self.totpd)), children(self.totpd)
        return self.totpd

    def new_worker(self):
        """The only one, which has answered nothing but a message that is not a request."""
        self.no_worker()
        assert wire.ask(bytes(wire.REQUEST), ROOT).error == "format"
        assert wait_for(lambda: len(children(self.totpd)) == 1), children(self.totpd)
        return children(self.totpd)[0]

    def used_worker(self):
        """The only one, which has asked etcd before."""
        for _ in range(20):
            worker = self.new_worker()
            time.sleep(TYPING)  # a worker that has not reported that it is free gets a companion
            assert wire.ask(wire.request(wire.LOOK, "alice", store_dir=""), ROOT).enrolled
            time.sleep(TYPING)
            if wait_for(lambda worker=worker: children(self.totpd) == [worker], 0.5):
                return worker
        raise AssertionError("a second worker, each time")

    def log_in(self, code, *words):
        """What PAM decides, or None where the program has died."""
        with subprocess.Popen([*words, *PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd="/") as program:
            said = b""
            while b"code: " not in said:
                if not select.select([program.stdout], [], [], 5)[0]:
                    break  # the prompt itself may be what was not written
                more = os.read(program.stdout.fileno(), 512)
                if not more:
                    break
                said += more
            # nobody types at once: the worker that looked has reported that it is free
            time.sleep(TYPING)
            rest, _ = program.communicate(code.encode() + b"\n", timeout=30)
        said = (said + rest).decode()
        if program.returncode not in (0, 1):
            assert program.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), (program.returncode, said)
            return None
        if program.returncode == 0:
            assert "successfully authenticated" in said, said
            return "allow"
        assert "Permission denied" not in said, f"passed over: {said}"
        return "deny"

    @staticmethod
    def is_allowed(code):
        answer = wire.ask(wire.request(wire.CHECK, "alice", code, store_dir=""), ROOT)
        assert answer.error == "ok", answer
        return answer.verdict == "allow"

    def has_its_descriptors(self):
        """totpd has one for each worker, and they have no more than after a login."""
        try:
            of_totpd, of_workers = self.counts()
        except FileNotFoundError:  # a process that closed connections has ended
            return False
        return (of_totpd == self.descriptors and
                max(of_workers, default=0) <= self.worker_descriptors)

    def comes_to_rest(self):
        """libcurl of Debian 13 closes a connection that failed when it asks the next time."""
        for _ in range(3):
            if wait_for(self.has_its_descriptors, 3):
                return True
            wire.ask(wire.request(wire.LOOK, "alice", store_dir=""), ROOT)
        return False

    def counts(self):
        workers = children(self.totpd)
        return (len(descriptors(self.totpd)) - len(workers),
                [len(descriptors(worker)) for worker in workers])

    def counts_at_rest(self):
        """When no connection is open any more, and the processes that closed them have ended."""
        assert wait_for(lambda: sockets_at(ROOT) == [True]), sockets_at(ROOT)
        seen = None
        while True:
            time.sleep(0.2)
            try:
                before, seen = seen, self.counts()
            except FileNotFoundError:
                continue
            if seen == before:
                return seen

    def suffer(self, cause, log_in, at=""):
        """
        A login in which something goes wrong: an allowed one is in the cluster, its code works at
        most once, the next one's code works, and nothing is left.
        """
        self.reset()
        code, later = self.phone.code(), self.phone.code(ahead=1)
        try:
            answer = log_in(code)
            is_written = self.states()[self.key][0] != self.fresh
            assert answer != "allow" or is_written, "allowed, and the record is as it was"
            if self.host.totpd_process.poll() is not None:
                self.deaths += 1
                self.host.totpd()
            first = self.is_allowed(code)
            assert not first or not is_written and answer != "allow", "a code that was used"
            assert not self.is_allowed(code), "a code that was used a moment ago"
            assert self.is_allowed(later), "the next code"
            if at != "close" and not self.comes_to_rest():
                raise AssertionError(f"more descriptors are open: {[descriptors(pid) for pid in [self.totpd, *children(self.totpd)]]}")
            assert files() == self.files, "files"
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            raise AssertionError(f"{cause}: {error}") from error
        self.answers[answer] += 1
        return answer

    def report(self, what, calls):
        print(f"{what}: {sum(self.answers.values())} points at {calls} calls: {dict(self.answers)}, "
              f"totpd died {self.deaths} times")


@pytest.fixture
def fleet(verifier, cluster):  # noqa: F811
    return Fleet(verifier, cluster)


# ---- system calls of processes that run before

def sweep(fleet, target):
    """target: prepares a process for a login, and returns its pid."""
    log, calls = f"{DIR}/strace", []
    for _ in range(10):
        with Strace(target(), "-s", "512", "-o", log):
            assert fleet.suffer("no fault", fleet.log_in) == "allow"
        calls = of_a_login(calls_in(log))
        if calls:  # a second worker has answered nothing
            break
    assert calls, calls_in(log)
    points = sample([(call, fault) for call in calls for fault in faults_of(call)])
    fleet.answers.clear()
    for call, fault in points:
        pid = target()

        def log_in(code):
            with Strace(pid, "-o", "/dev/null", f"-etrace={call.name}",
                        f"-einject={call.name}:{fault}:when={call.ordinal}"):
                return fleet.log_in(code)

        fleet.suffer(f"{fault} at number {call.ordinal}: {call.line}", log_in, call.name)
    return len(calls)


def of_a_login(calls):
    """The program looks, and has the code checked: up to the worker's second report of an answer."""
    reports = [i for i, call in enumerate(calls)
               if re.search(r'^(\d+ +)?(sendto|recvfrom)\(\d+, ".{1,4}", 1, MSG_', call.line)]
    return calls[:reports[1] + 1] if len(reports) >= 2 else []


def test_a_login_in_which_a_system_call_of_the_worker_fails_is_allowed_only_if_it_is_written(fleet):
    for target, least in (fleet.new_worker, 100), (fleet.used_worker, 20):
        calls = sweep(fleet, target)
        fleet.report(target.__name__, calls)
        assert calls > least


def test_a_login_in_which_a_system_call_of_totpd_fails_is_allowed_only_if_it_is_written(fleet):
    fleet.report("totpd", sweep(fleet, fleet.no_worker))


# ---- system calls of the program

def test_a_login_in_which_a_system_call_of_the_program_fails_is_allowed_only_if_it_is_written(fleet):
    log = f"{DIR}/strace"
    assert fleet.suffer("no fault", lambda code: fleet.log_in(code, "strace", "-s", "512", "-o", log)) == "allow"
    traced = calls_in(log)
    first = next(i for i, call in enumerate(traced) if call.name == "openat" and POLICY in call.line)
    last = next((i for i, call in enumerate(traced) if "NETLINK_AUDIT" in call.line), len(traced))
    calls = traced[first:last]
    fleet.answers.clear()
    for call, fault in sample([(call, fault) for call in calls for fault in faults_of(call)]):
        words = ("strace", "-o", "/dev/null", f"-etrace={call.name}",
                 f"-einject={call.name}:{fault}:when={call.ordinal}")
        answer = fleet.suffer(f"{fault} at number {call.ordinal}: {call.line}",
                              lambda code, words=words: fleet.log_in(code, *words))
        assert (answer is None) == (fault == "signal=KILL"), f"{fault} at {call}: {answer}"
    fleet.report("program", len(calls))


# ---- libraries

def test_a_worker_that_could_not_answer_answers_no_other(fleet):
    """Without memory when it is first used, libcrypto never works again in that process."""
    worker = fleet.new_worker()
    os.rename(CERTIFICATE, f"{CERTIFICATE}.away")
    try:
        request = wire.request(wire.CHECK, "alice", fleet.phone.code(), store_dir="")
        assert wire.ask(request, ROOT).error == "system"
    finally:
        os.rename(f"{CERTIFICATE}.away", CERTIFICATE)
    assert wait_for(lambda: worker not in children(fleet.totpd)), children(fleet.totpd)
    assert fleet.log_in(fleet.phone.code(ahead=1)) == "allow"


@pytest.fixture
def plan(fleet):
    made = Plan(FAILING, f"{DIR}/plan")
    fleet.host.totpd(**made.variables)
    restart = fleet.host.totpd
    fleet.host.totpd = lambda: restart(**made.variables)
    return made


def faults_of_libraries(total):
    """
    Each call fails once; of the thousands with which TLS is set up, every 101st. If all fail from one
    on, that often lasts until the deadline of etcd: of these there are few.
    """
    numbers = range(1, total + 1, 101 if total > 5000 else 1)
    few = max(1, len(numbers) // (100 if LONG else 2))
    return [(number, number) for number in sample(numbers)] + \
        [(number, EVER) for number in numbers[few // 2::few]]


def sweep_libraries(fleet, plan, target, **kind):
    """Each time a login with another fault. How many calls there are without one."""
    def suffer(**wanted):
        target()
        seen = []

        def log_in(code):
            plan.make(**wanted, **kind)
            try:
                return fleet.log_in(code)
            finally:
                seen.extend((plan.count, plan.failed))
                plan.make()

        try:
            answer = fleet.suffer(f"{wanted}", log_in)
        except AssertionError as error:
            raise AssertionError(f"at {seen}: {error}") from error
        return answer, *seen

    answer, total, _ = suffer()
    assert answer == "allow"
    fleet.answers.clear()
    for first, last in faults_of_libraries(total):
        answer, _, failed = suffer(first=first, last=last)
        assert "is_short" not in kind or answer == "allow" or first < last, failed
    return total


def test_a_call_of_a_library_that_fails_first_makes_nobody_absent(fleet, plan):
    """Users who are proved not to be enrolled are not asked here, which Fleet.log_in notices."""
    failed = set()
    for number in range(1, 13):
        fleet.used_worker()
        plan.make(first=number, last=number)
        fleet.log_in(fleet.phone.code())
        failed.add(plan.failed)
        plan.make()
    assert "EVP_MD_fetch" in failed, failed


def test_a_login_in_which_a_call_of_a_library_fails_is_allowed_only_if_it_is_written(fleet, plan):
    for target in fleet.new_worker, fleet.used_worker:
        fleet.report(f"libraries of {target.__name__}", sweep_libraries(fleet, plan, target))


def test_a_login_in_which_little_is_read_and_written_at_once_is_allowed(fleet, plan):
    for target in fleet.new_worker, fleet.used_worker:
        fleet.report(f"transfers of {target.__name__}",
                     sweep_libraries(fleet, plan, target, is_short=True))
