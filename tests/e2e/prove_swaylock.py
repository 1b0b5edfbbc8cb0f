# SPDX-License-Identifier: BSD-2-Clause
"""
swaylock, a locker of Wayland screens, on a screen in memory. It needs many packages, so
scripts/prove runs it and not scripts/test.
"""
import os
import subprocess

import pytest

from host import DIR, wait_for
from test_recipes import PASSWORD, write_stack

RUNTIME = "/run/user.alice"


class Screen:
    def __init__(self):
        os.makedirs(RUNTIME, 0o700, exist_ok=True)
        os.chown(RUNTIME, 64001, 64001)
        self.log = open(f"{DIR}/sway.log", "w")
        self.sway = self.start("sway", "--config", "/dev/null")
        assert wait_for(lambda: os.path.exists(f"{RUNTIME}/wayland-1"), 20), self.said()

    def start(self, *argv):
        """A program that alice runs."""
        return subprocess.Popen(
            ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--reset-env", "env",
             f"XDG_RUNTIME_DIR={RUNTIME}", "WAYLAND_DISPLAY=wayland-1", "WLR_BACKENDS=headless",
             "WLR_LIBINPUT_NO_DEVICES=1", "WLR_RENDERER=pixman", "LC_ALL=C.UTF-8", *argv],
            cwd="/", stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def said(self):
        with open(self.log.name) as file:
            return file.read()

    def lock(self):
        """When the locker has moved to the background, it covers the screen."""
        assert self.start("swaylock", "--daemonize", "--color", "000000").wait(20) == 0, self.said()

    def type(self, answer):
        """The pause gives swaylock time to see the keyboard that wtype adds."""
        assert self.start("wtype", "-s", "300", "-d", "5", answer, "-k", "Return").wait(20) == 0, self.said()

    @staticmethod
    def is_locked():
        return subprocess.run(["pgrep", "-u", "alice", "-x", "swaylock"],
                              stdout=subprocess.DEVNULL, check=False).returncode == 0

    def close(self):
        self.sway.terminate()
        self.sway.wait(60)
        self.log.close()


@pytest.fixture
def screen(host):
    host.serve(fail_delay=0)
    host.password("alice", PASSWORD)
    write_stack("i3lock, swaylock, and other screen lockers", "i3lock")
    os.rename("/etc/pam.d/i3lock", "/etc/pam.d/swaylock")
    made = Screen()
    yield made
    made.close()


def test_swaylock_unlocks_with_a_code_once(host, screen):
    phone = host.enroll("alice")
    code = phone.code()
    screen.lock()
    screen.type(PASSWORD + code)
    assert wait_for(lambda: not screen.is_locked(), 10), screen.said()
    assert (host.event()["source"], host.event()["service"]) == ("uid:64001", "swaylock")

    screen.lock()
    for count, (answer, reason) in enumerate(((code, "used_code"), (phone.wrong(), "wrong_code"))):
        screen.type(PASSWORD + answer)
        assert wait_for(lambda: screen.said().count("pam_authenticate failed") > count, 10)
        assert host.events()[-1]["reason"] == reason and screen.is_locked()
    screen.type(PASSWORD + phone.code(1))
    assert wait_for(lambda: not screen.is_locked(), 10), screen.said()
