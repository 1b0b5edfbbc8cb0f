# SPDX-License-Identifier: BSD-2-Clause
"""What a developer reads when one of these tests fails."""

import pathlib
import subprocess
import sys

FAILING = """
def test_texts():
    assert "one line\\ntwo lines" == "one line\\nthree lines"

def test_members():
    assert {"enrolled": 1} == {"enrolled": 2}
"""


# at first a step passes in each test
STEPPING = """
import time

passed = 0
time.time = lambda: 30 * passed

def test_that_a_step_comes_into():
    global passed
    passed += 1
    assert passed == 2

def test_that_none_comes_into():
    assert passed == 3
"""


def run_tests(directory, text):
    own = pathlib.Path(__file__).parent
    (directory / "conftest.py").write_text((own / "conftest.py").read_text())
    (directory / "test_inner.py").write_text(text)
    return subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p",
                           "no:terminal", "--rootdir", directory, directory / "test_inner.py"],
                          capture_output=True, text=True, timeout=240)


def test_a_failed_comparison_shows_both_sides(tmp_path):
    ran = run_tests(tmp_path, FAILING)
    assert ran.returncode == 1, ran.stderr
    for shown in "not ok 1", "- three lines", "+ two lines", "not ok 2", "{'enrolled': 2}":
        assert shown in ran.stdout, ran.stdout
    assert "verbose" not in ran.stdout


def test_a_failure_counts_if_no_step_passed_meanwhile(tmp_path):
    ran = run_tests(tmp_path, STEPPING)
    said = [line for line in ran.stdout.splitlines() if not line.startswith("#")]
    assert said == ["ok 1 - test_that_a_step_comes_into",
                    "not ok 2 - test_that_none_comes_into", "1..2"], ran.stdout
