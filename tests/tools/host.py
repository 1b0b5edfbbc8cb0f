# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of totpctl share: a store of their own in a temporary directory."""

import base64
import hashlib
import hmac
import os
import pathlib
import pty
import re
import resource
import select
import signal
import stat
import subprocess
import tempfile
import time

import pytest

TOTPCTL = os.environ["TOTPCTL"]
RECORD_TOOL = os.environ["RECORD_TOOL"]
LOG_CATCHER = os.environ["LOG_CATCHER_SO"]

HANGS = 240  # seconds; other suites run meanwhile

# a user of every Debian, and one that no host has
KNOWN, KNOWN_UID = "daemon", 1
UNKNOWN = "nobody.knows.me"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
OTHER_SECRET = "KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU"


def cpu_seconds():
    """Of the programs that have ended: what another program does on this machine does not count."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Host:
    def __init__(self, directory):
        self.directory = directory
        self.conf = directory / "pam_totp.conf"
        self.keyring = directory / "etc" / "keyring"
        self.store = directory / "store"
        self.log = directory / "log"
        self.policy()

    def policy(self, *lines):
        self.conf.write_text("\n".join([f"store_dir = {self.store}", f"keyring = {self.keyring}",
                                        f"run_dir = {self.directory}/run", *lines, ""]))

    def run(self, *words, stdin=None, conf=True, **more):
        """Run totpctl; the result has returncode, stdout and stderr."""
        env = dict(os.environ, TZ="UTC-1", LD_PRELOAD=LOG_CATCHER, LOG_CATCHER=str(self.log),
                   ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
        args = [TOTPCTL, *(["--conf", self.conf] if conf else []), *words]
        return subprocess.run(args, input=stdin, capture_output=True, text=True, env=env,
                              timeout=HANGS, **more)

    def done(self, *words, **more):
        """Run it; it must succeed without a warning. Returns what it printed."""
        ran = self.run(*words, **more)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout

    def refused(self, *words, **more):
        """Run it; it must fail. Returns its error message."""
        ran = self.run(*words, **more)
        assert ran.returncode == 1, (ran.stdout, ran.stderr)
        assert ran.stderr.startswith("totpctl: ") or ":" in ran.stderr
        return ran.stderr

    def csv(self, text, name="users.csv"):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def enroll(self, user, secret=SECRET):
        self.done("import", "csv", "-", stdin=f"{user},{secret}\n")

    def record(self, *words):
        ran = subprocess.run([RECORD_TOOL, self.conf, *map(str, words)], capture_output=True,
                             text=True, timeout=HANGS)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def attempt(self, user, code, address="192.0.2.1", later=0):
        """Log in, `later` seconds from now."""
        return self.record("attempt", user, address, code, later)

    def user_file(self, user):
        return self.store / "users" / user

    def state_file(self, user):
        names = [name for name in os.listdir(self.store / "state")
                 if name.rsplit(".", 1)[0] == user]
        assert len(names) == 1
        return self.store / "state" / names[0]

    def files(self):
        """Every file of store and keyring, with its bytes, owner and mode."""
        found = {}
        for top, _, names in os.walk(self.directory):
            for name in names:
                path = os.path.join(top, name)
                if path.startswith(str(self.log)):
                    continue
                st = os.stat(path)
                with open(path, "rb") as file:
                    found[path] = (file.read(), st.st_uid, st.st_mode)
        return found

    def audited(self):
        path = pathlib.Path(f"{self.log}.audit")
        return path.read_text().splitlines() if path.exists() else []

    def logged(self):
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def bare():
    """A host on which nothing exists yet; what a test makes is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="totpctl-") as directory:
        yield Host(pathlib.Path(directory))


@pytest.fixture
def host(bare):
    bare.done("init")
    bare.log.unlink(missing_ok=True)
    return bare


def code_at(when, secret=SECRET, period=30, digits=6):
    mac = hmac.new(base64.b32decode(secret), int(when // period).to_bytes(8, "big"),
                   hashlib.sha1).digest()
    at = mac[-1] & 15
    return str((int.from_bytes(mac[at:at + 4], "big") & 0x7fffffff) % 10 ** digits).zfill(digits)


def fresh_code():
    """The current code. Should the step end meanwhile, the window still accepts it."""
    return code_at(time.time())


def near_codes(secret=SECRET):
    """All that a program may find when it looks for a code around the current time."""
    return {code_at(time.time() + 30 * step, secret) for step in range(-130, 131)}


def wrong_code(secret=SECRET):
    near = near_codes(secret)
    return next(code for code in (f"{n:06}" for n in range(1000)) if code not in near)


def as_nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)


def drawn_on(leader, follower, has_ended):
    """
    What a process wrote to a terminal until it ended; closes both ends. The process's end stays open
    until all is read: without it the kernel may drop the last of it.
    """
    last, drawn, ended = b"\0end", b"", False
    while not drawn.endswith(last):
        if not ended and has_ended():
            ended = True
            os.write(follower, last)
        if select.select([leader], [], [], 0.05)[0]:
            drawn += os.read(leader, 65536)
    os.close(leader)
    os.close(follower)
    return drawn[:-len(last)].decode()


def row(shown, name):
    """What `show` prints about `name`, or None."""
    found = re.search(rf"^{re.escape(name)} +(.*)$", shown, re.M)
    return found and found.group(1)
