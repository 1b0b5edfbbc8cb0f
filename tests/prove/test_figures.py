# SPDX-License-Identifier: BSD-2-Clause
"""
What a check by totpd costs, and how much one user can slow down another, as bench/ measures it.
"""

import os
import pathlib
import re
import subprocess

import pytest

BUILD = pathlib.Path(os.environ["TOTPCTL"]).parents[1]
BENCH = pathlib.Path(__file__).parents[2] / "bench"


def bench(name):
    """Run it; returns its lines by their first words, each as a dict of its numbers."""
    done = subprocess.run([BENCH / name, BUILD], check=True, capture_output=True, text=True,
                          timeout=600, env={**os.environ, "HISTORY": "/dev/null"})
    print(done.stdout)
    return {re.match(r"((?:[a-z-]+\t)+)", line)[1].split("\t")[-2] if name == "totpd" else
            tuple(line.split("\t")[:2]):
            {key: float(value) for key, value in re.findall(r"(\w+) ([\d.]+)", line)}
            for line in done.stdout.splitlines()}


@pytest.fixture(scope="module")
def totpd():
    return bench("totpd")


@pytest.mark.parametrize("how", ["hammer", "flood"])
def test_a_user_who_asks_without_end_delays_others_by_less_than_a_tenth_of_a_second(totpd, how):
    assert totpd[how]["p99_ms"] - totpd["alone"]["p99_ms"] < 100


def test_sixty_four_users_at_once_are_allowed(totpd):
    assert totpd["together"]["passed"] == 64


def test_totpd_with_four_children_takes_less_than_eight_megabytes(totpd):
    assert totpd["memory"]["pss_kib"] < 8192


def test_a_check_by_totpd_takes_at_most_twice_the_time_of_one_in_process():
    told = bench("run")
    for kind in "warm", "cold":
        assert told[kind, "totp-user"]["passed"] == told[kind, "totp"]["passed"]
        assert told[kind, "totp-user"]["p50_ms"] <= 2 * told[kind, "totp"]["p50_ms"]
