# SPDX-License-Identifier: BSD-2-Clause
"""
taint.py PROGRAM SUPPRESSIONS: the time that a comparison takes says nothing about secrets, as
valgrind sees it: no branch and no address depends on them.
"""
import subprocess
import sys

FOUND = 9


def reports(what):
    """What valgrind reports of a part of taint.c, or nothing."""
    done = subprocess.run(["valgrind", "--quiet", f"--error-exitcode={FOUND}",
                           f"--suppressions={sys.argv[2]}", sys.argv[1], what],
                          capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode in (0, FOUND), done.stderr
    return done.stderr


def a_code_is_compared_in_constant_time():
    found = reports("code")
    assert not found, found


def a_recovery_code_is_compared_in_constant_time():
    found = reports("recovery")
    assert not found, found


def a_comparison_that_ends_early_is_found():
    assert "depends on uninitialised" in reports("early")


TESTS = (a_code_is_compared_in_constant_time, a_recovery_code_is_compared_in_constant_time,
         a_comparison_that_ends_early_is_found)

print(f"1..{len(TESTS)}")
failed = False
for number, test in enumerate(TESTS, 1):
    try:
        test()
        print("ok", number, test.__name__)
    except AssertionError as error:
        failed = True
        print("not ok", number, test.__name__)
        print("".join(f"# {line}\n" for line in str(error).splitlines()), end="")
sys.exit(failed)
