# SPDX-License-Identifier: BSD-2-Clause
"""
A hundred thousand users: imported, listed, looked at, exported, imported by other hosts, and
encrypted with another key. On a terminal a bar shows the progress of each command.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import time

import pytest

from host import TOTPCTL, Host, bare, drawn_on, host  # noqa: F401 fixtures

USERS = 100_000
PHRASE = "correct horse battery staple\n"


def secret(number):
    """A secret for one user, in base32."""
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "".join(digits[number >> shift & 31] for shift in range(0, 20, 5)) * 8


def measured(made, what, *words, code=0):
    """Run totpctl at a terminal; prints and returns seconds of processor time and MiB."""
    leader, follower = os.openpty()
    began = time.monotonic()
    child = subprocess.Popen([TOTPCTL, "--conf", made.conf, *map(str, words)],
                             stdout=subprocess.DEVNULL, stderr=follower)
    ended = []

    def has_ended():
        pid, *what = os.wait4(child.pid, os.WNOHANG)
        ended.extend(what if pid else ())
        return pid != 0

    drawn = drawn_on(leader, follower, has_ended)
    status, used = ended
    assert os.waitstatus_to_exitcode(status) == code, drawn[-1000:]
    assert re.search(r"\w +\[#+ *\] +\d+ %\r\x1b\[K", drawn), drawn[-1000:]
    spent, memory = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    print(f"{what}: {time.monotonic() - began:.1f} s, {spent:.1f} s of processor time, "
          f"{memory} MiB at most")
    return spent, memory


@pytest.fixture
def phrase(host):  # noqa: F811
    path = host.directory / "phrase"
    path.write_text(PHRASE)
    path.chmod(0o600)
    return path


def test_a_hundred_thousand_users_take_seconds(host, phrase):  # noqa: F811
    users = host.csv("".join(f"user{i:06},{secret(i)}\n" for i in range(USERS)))
    spent, memory = measured(host, "import csv", "import", "csv", users)
    assert spent < 60 and memory < 200
    spent, memory = measured(host, "list", "list")
    assert spent < 30 and memory < 100
    spent, memory = measured(host, "doctor", "doctor", code=1)  # of this machine's stacks
    assert spent < 60 and memory < 100
    export = host.directory / "export"
    spent, memory = measured(host, "export", "export", export, "--passphrase-file", phrase)
    assert spent < 30 and memory < 128 + 100  # scrypt needs 128 of them
    print(f"the export: {export.stat().st_size >> 20} MiB")
    with tempfile.TemporaryDirectory(prefix="totpctl-other-") as directory:
        other = Host(pathlib.Path(directory))
        other.done("init")
        spent, memory = measured(other, "import exported", "import", "exported", export,
                                 "--passphrase-file", phrase)
        assert spent < 60 and memory < 128 + 200
        assert len(os.listdir(other.store / "users")) == USERS
    with tempfile.TemporaryDirectory(prefix="totpctl-twin-") as directory:
        twin = Host(pathlib.Path(directory))
        twin.done("init", "--keyring", host.keyring)
        for what in "import sealed", "import sealed again":
            spent, memory = measured(twin, what, "import", "sealed", host.store / "users")
            assert spent < 60 and memory < 250
        assert len(os.listdir(twin.store / "users")) == USERS
    spent, memory = measured(host, "key rotate", "key", "rotate")
    assert spent < 60 and memory < 100
    spent, memory = measured(host, "key list", "key", "list")
    assert spent < 10 and memory < 100


def test_a_hundred_thousand_files_of_google_authenticator_take_seconds(host):  # noqa: F811
    directory = host.directory / "ga"
    directory.mkdir(0o700)
    for i in range(USERS):
        fd = os.open(directory / f"user{i:06}", os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(fd, f'{secret(i)}\n" WINDOW_SIZE 3\n" DISALLOW_REUSE 50000000\n" TOTP_AUTH\n'
                     f'{10000000 + i}\n{20000000 + i}\n'.encode())
        os.close(fd)
    spent, memory = measured(host, "import google", "import", "google", directory)
    assert spent < 60 and memory < 250
