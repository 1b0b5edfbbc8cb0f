# SPDX-License-Identifier: BSD-2-Clause
"""
The instructions of README work on a bare release, with only the packages that install-deps
installs.
"""

import os
import re
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASES = "bookworm", "trixie"

# Debian's own flags show warnings that ours hide
AS_A_PACKAGE = """
scripts/install-deps build
export CFLAGS='-g -O2 -fstack-protector-strong -Wformat -Werror=format-security'
export CPPFLAGS='-Wdate-time -D_FORTIFY_SOURCE=2' LDFLAGS=-Wl,-z,relro
meson setup --buildtype=plain --prefix=/usr build/plain && ninja -C build/plain
"""

# what Debian 14 will have
WITH_BOTH_COMPILERS = """
scripts/install-deps build
apt-get install -qq -y --no-install-recommends clang libcmocka-dev >/tmp/apt.log 2>&1 ||
	{ cat /tmp/apt.log; exit 1; }
for cc in gcc clang; do
	CC=$cc meson setup -Dtests=true build/$cc
	ninja -C build/$cc
	CMOCKA_MESSAGE_OUTPUT=TAP meson test -C build/$cc --suite unit --timeout-multiplier 4 --print-errorlogs
done
"""


def fresh(release, *command):
    ran = subprocess.run([f"{TOP}/scripts/fresh", release, *command], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace")
    assert ran.returncode == 0, ran.stdout[-8000:]
    return ran.stdout


@pytest.mark.parametrize("release", RELEASES)
def test_each_run_begins_on_a_bare_release(release):
    assert fresh(release, "sh", "-c", "! command -v gcc && ! test -e build && touch /kept && "
                 "unshare -Ur true && grep VERSION_CODENAME /etc/os-release"
                 ).endswith(f"VERSION_CODENAME={release}\n")
    fresh(release, "test", "!", "-e", "/kept")


@pytest.mark.parametrize("release", RELEASES)
def test_it_builds_as_a_package_is_built(release):
    fresh(release, "sh", "-ec", AS_A_PACKAGE)


def test_it_builds_on_sid_with_gcc_and_clang():
    said = fresh("sid", "sh", "-ec", WITH_BOTH_COMPILERS)
    assert "warning:" not in said and said.count("Fail: ") == 2, said[-8000:]


@pytest.mark.parametrize("words", ([], ["--in-login"]))
@pytest.mark.parametrize("release", RELEASES)
def test_it_can_be_tried(release, words):
    said = fresh(release, "scripts/try", "--auto", *words)
    assert "Done. Nothing of it is left on this machine." in said


@pytest.mark.parametrize("release", RELEASES)
def test_every_test_passes(release):
    """Except those that need what the release lacks, such as our version of clang-format."""
    *said, counts = fresh(release, "sh", "-c", "scripts/test; scripts/promises --json").splitlines()
    assert re.fullmatch(r"\d{4,} passed, 0 failed, \d skipped", said[-1]), "\n".join(said[-50:])
    with open(f"{TOP}/build/promises.{release}.json", "w", encoding="utf-8") as file:
        file.write(counts)  # scripts/promises adds them
