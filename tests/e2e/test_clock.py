# SPDX-License-Identifier: BSD-2-Clause
"""
The host's clock goes wrong under a real sshd, by libfaketime: for all of sshd's processes it shows
the time that a test sets, and goes on from there with each of them.

libfaketime's dates end with the year 9999. Further off it adds seconds to the host's clock, as a
floating-point number: it can show clocks up to about an hour from the limits of 64 bits with a sign.
tests/fuzz/fuzz-module.c has the limits themselves.
"""
import calendar
import glob
import time

import pytest

from host import run

FAKETIME = next(glob.iglob("/usr/lib/*/faketime/libfaketime.so.1"), None)
HOUR, DAY, YEAR = 3600, 86400, 31556952
ENDS_IN_2038 = 2 ** 31  # what a signed number of 32 bits cannot hold
LAST_DATE = calendar.timegm((9999, 12, 31, 0, 0, 0))
FIRST, LAST = -2 ** 63 + HOUR, 2 ** 63 - HOUR
EXACT = 2048  # a multiple of it has a floating-point number of its own, up to 64 bits
LEAP = calendar.timegm((2016, 12, 31, 23, 59, 59))  # then came 23:59:60

pytestmark = pytest.mark.skipif(not FAKETIME, reason="there is no libfaketime")


class Clock:
    def __init__(self, host):
        self.host = host
        self.phone = host.enroll("alice", period=30)
        self.far = {}

    def shown(self, seconds):
        """
        The clock in libfaketime's words, and what it shows: perhaps an hour less, and when it is asked
        again, what it showed at first, although the clock goes on.
        """
        if 0 <= seconds <= LAST_DATE:
            return time.strftime("@%Y-%m-%d %H:%M:%S", time.gmtime(seconds)), seconds
        now = int(time.time())
        ahead = (seconds - now) // EXACT * EXACT
        return self.far.setdefault(seconds, (f"{ahead:+d}", now + ahead))

    def log_in(self, at, code_of=None):
        """
        alice logs in while the host's clock shows `at`, with the code of that time or of another:
        the reason in the log, after "allow " or "deny ".
        """
        clock, seconds = self.shown(int(at))
        self.host.sshd(LD_PRELOAD=FAKETIME, FAKETIME_DONT_FAKE_MONOTONIC="1", TZ="UTC", FAKETIME=clock)
        since = self.host.log_end()
        login = self.host.ssh("alice", self.phone.at(seconds if code_of is None else code_of))
        event = self.host.event(since)
        assert login.ok == (event["outcome"] == "allow"), (login, event)
        return f"{event['outcome']} {event['reason']}"


@pytest.fixture
def clock(host):
    host.policy(fail_delay=0)
    return Clock(host)


def begin_of_step():
    """So that what a login takes stays within it."""
    return time.time() // 30 * 30


@pytest.fixture
def now():
    return begin_of_step()


def test_a_clock_that_jumps_forward_allows_codes_of_its_time_and_each_once(clock, now):
    for ahead in (0, HOUR, DAY, YEAR):
        assert clock.log_in(now + ahead) == "allow code"
        assert clock.log_in(now + ahead) == "deny used_code"


def test_a_clock_that_jumps_back_denies_until_it_is_right_or_an_administrator_says_so(clock, now):
    assert clock.log_in(now + HOUR) == "allow code"
    assert clock.log_in(now) == "deny clock_back"
    assert clock.log_in(now, code_of=now + HOUR) == "deny clock_back"
    assert clock.log_in(now + HOUR + 60) == "allow code"
    assert clock.log_in(now) == "deny clock_back"
    run("totpctl", "repair-clock", "alice")
    later = begin_of_step() + 60
    assert clock.log_in(later) == "allow code"
    assert clock.log_in(later) == "deny used_code"


def test_a_clock_that_repeats_a_second_accepts_no_code_again(clock):
    assert clock.log_in(LEAP) == "allow code"
    assert clock.log_in(LEAP) == "deny used_code"
    assert clock.log_in(LEAP + 1) == "allow code"
    assert clock.log_in(LEAP, code_of=LEAP + 1) == "deny used_code"
    assert clock.log_in(LEAP + 31) == "allow code"


def test_logins_go_on_through_2038(clock):
    for at in (ENDS_IN_2038 - 60, ENDS_IN_2038, ENDS_IN_2038 + 60, 2 ** 32 + 60):
        assert clock.log_in(at) == "allow code"
        assert clock.log_in(at) == "deny used_code"


def test_a_clock_shows_any_time_to_come_and_each_code_works_once(clock, now):
    for at in (2 ** 33, LAST_DATE, 10 ** 12, 10 ** 15, LAST - DAY, LAST):
        assert clock.log_in(at) == "allow code"
        assert clock.log_in(at) == "deny used_code"
    assert clock.log_in(now) == "deny clock_back"
    run("totpctl", "repair-clock", "alice")
    assert clock.log_in(begin_of_step() + 60) == "allow code"


def test_a_clock_before_1970_denies_everybody(clock, now):
    for at in (-1, -DAY, -10 ** 12, FIRST):
        assert clock.log_in(at, code_of=0).startswith(("deny", "error"))
    assert clock.log_in(now) == "allow code"


def test_a_clock_that_is_hours_off_denies_and_the_log_says_by_how_much(clock, now):
    since = clock.host.log_end()
    assert clock.log_in(now - 2 * HOUR, code_of=now) == "deny wrong_code"
    assert "code is 2 hours ahead of this host's clock" in clock.host.log_text(since)

