# SPDX-License-Identifier: BSD-2-Clause
"""
Ten thousand users log in for ten minutes, as fast as they can: nobody is lost, no code counts twice,
and latency, memory and descriptors stay as they were. $LOAD_MINUTES: another number of minutes.
"""
import itertools
import os
import random
import signal
import statistics
import subprocess
import threading
import time

import pytest

from host import accounts, run, wait_for
from test_race import FIRST_UID, SECRET, Storm, code, users_file

MINUTES = float(os.environ.get("LOAD_MINUTES", "10"))
USERS = 10000


class Watch:
    """What totpd takes, and how long logins take, in the first and in the last fifth of the time."""

    def __init__(self, pid):
        self.pid, self.began, self.seen = pid, time.monotonic(), []

    def over(self):
        return time.monotonic() - self.began > 60 * MINUTES

    def add(self, seconds):
        with open(f"/proc/{self.pid}/status") as file:
            kib = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
        self.seen.append((seconds, kib, len(os.listdir(f"/proc/{self.pid}/fd"))))

    def check(self):
        fifth = len(self.seen) // 5
        first, last = (list(zip(*part)) for part in (self.seen[:fifth], self.seen[-fifth:]))
        latency, memory, descriptors = ([statistics.median(part[column]) for part in (first, last)]
                                        for column in range(3))
        print(f"{len(self.seen)} rounds; median seconds {latency}, KiB {memory}, fds {descriptors}")
        assert latency[1] < 1.5 * latency[0] and memory[1] < memory[0] + 1024
        assert descriptors[1] <= descriptors[0] + 2


@pytest.fixture
def crowd(host):
    """The users, all with one secret, and totpd."""
    host.serve(fail_delay=0)
    names = [f"race{number}" for number in range(USERS)]
    with accounts(*names, uid=FIRST_UID):
        run("totpctl", "import", "csv", users_file("race", names))
        host.pam("locker", "auth required pam_totp.so")
        yield host


class Rotation(threading.Thread):
    """The logger is replaced each few seconds: its socket is gone for a moment, as at a restart."""

    def __init__(self):
        super().__init__(daemon=True)
        self.leave = False

    def run(self):
        while not self.leave:
            time.sleep(5)
            os.rename("/dev/log", "/dev/log.kept")
            time.sleep(0.5)
            os.rename("/dev/log.kept", "/dev/log")


@pytest.fixture
def rotation():
    thread = Rotation()
    thread.start()
    yield
    thread.leave = True
    thread.join(20)


def test_a_crowd_logs_in_by_root_and_through_totpd(crowd, rotation):
    """Of four logins with one code, some killed, one is allowed, or none if one was killed."""
    honest, killed = Storm(kills=0, processes=4), Storm(kills=1, processes=4)
    watch = Watch(crowd.totpd_process.pid)
    for number in itertools.count():
        if watch.over():
            break
        user, shown = number % USERS, code()
        began = time.monotonic()
        if number % 10 == 9:
            assert honest.log_in(user, "000000")[0] == 0
        if number % 10 == 5:
            allowed, died = killed.log_in(user, shown)
            assert allowed + honest.log_in(user, shown)[0] <= 1
            continue
        assert honest.log_in(user, shown)[0] == 1, number
        watch.add(time.monotonic() - began)
    honest.end()
    killed.end()
    watch.check()


def test_a_crowd_logs_in_over_ssh(crowd, rotation):
    crowd.sshd()
    watch = Watch(crowd.daemon.pid)
    for number in itertools.count():
        if watch.over():
            break
        user, shown = f"race{number % USERS}", code()
        if number % 5 == 4:
            assert not crowd.ssh(user, "000000").ok
        if number % 5 == 2:
            client = crowd.ssh_start(user, shown)
            time.sleep(random.random() / 2)
            os.kill(client.pid, signal.SIGKILL)
            client.wait(20)
            client.stdout.close()
            client.stderr.close()
            continue
        login = crowd.ssh(user, shown)
        assert login.ok, login
        watch.add(login.seconds)
    watch.check()
    assert wait_for(lambda: not sessions(crowd.daemon.pid), 60), "every session ends"


def sessions(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


class Guesser(threading.Thread):
    """Guesses for a user from one address after the other, without end."""

    def __init__(self, network):
        super().__init__(daemon=True)
        self.network, self.leave, self.tries, self.lucky = network, False, 0, 0

    def run(self):
        while not self.leave:
            self.tries += 1
            self.lucky += enter("race0", f"{random.randrange(10 ** 6):06}",
                                f"198.51.{self.network}.{self.tries % 250}")


def enter(user, shown, source):
    done = subprocess.run(["pamtester", "-I", f"rhost={source}", "guessed", user, "authenticate"],
                          input=shown + "\n", capture_output=True, text=True, check=False)
    return done.returncode == 0


def test_while_somebody_guesses_from_many_addresses_the_owner_logs_in_each_time(crowd):
    crowd.pam("guessed", "auth required pam_totp.so")
    assert enter("race0", code(), "192.0.2.1")
    since = crowd.log_end()
    guessers = [Guesser(network) for network in range(4)]
    for guesser in guessers:
        guesser.start()
    for _ in range(int(2 * MINUTES)):
        step = time.time() // 30
        assert wait_for(lambda: time.time() // 30 > step, 40)
        assert enter("race0", code(), "192.0.2.1"), "the owner is locked out"
    for guesser in guessers:
        guesser.leave = True
        guesser.join(20)
    wrong = [event for event in crowd.events(since) if event["reason"] == "wrong_code"]
    print(f"{sum(guesser.tries for guesser in guessers)} guesses, {len(wrong)} of them judged")
    assert sum(guesser.lucky for guesser in guessers) == 0
    assert len(wrong) <= 5 + MINUTES / 5 + 1, "more than the budget of strangers"


MANY = 1_000_000


def seconds_of_a_login(users):
    """The median: by root and through totpd at once, with the right code."""
    storm, seen = Storm(kills=0, processes=2), []
    for user in users:
        shown, began = code(), time.monotonic()
        assert storm.log_in(user, shown)[0] == 1
        seen.append(time.monotonic() - began)
    storm.end()
    return statistics.median(seen)


@pytest.fixture
def few_accounts():
    """The name service looks at one line after the other: the others have none."""
    with accounts(*(f"race{number}" for number in range(2000)), uid=FIRST_UID):
        yield


def test_among_a_million_users_a_login_takes_as_long_as_among_ten_thousand(host, few_accounts):
    """On the disk of the build, because the private host's are in memory."""
    on_disk = f"{os.environ['HOST_BUILD']}/million"
    os.makedirs(on_disk)
    os.makedirs("/var/lib/pam_totp", exist_ok=True)
    run("mount", "--bind", on_disk, "/var/lib/pam_totp")
    try:
        host.serve(fail_delay=0)
        host.pam("locker", "auth required pam_totp.so")
        run("totpctl", "import", "csv", users_file("race", [f"race{i}" for i in range(USERS)]))
        few = seconds_of_a_login(range(0, 300))
        path = users_file("many", [f"many{number}" for number in range(MANY)])
        began = time.monotonic()
        subprocess.run(["totpctl", "import", "csv", path], check=True, capture_output=True)
        imported = time.monotonic() - began
        many = seconds_of_a_login(range(1000, 1300))
        print(f"import {imported:.0f} s; a login {few * 1000:.1f} ms among {USERS}, "
              f"{many * 1000:.1f} ms among {MANY}")
        assert many < 1.3 * few
    finally:
        host.stop_totpd()
        run("umount", "/var/lib/pam_totp")
        subprocess.run(["rm", "-rf", on_disk], check=True)
