# SPDX-License-Identifier: BSD-2-Clause
"""A screen in memory, and alice at it: her screen locker, and the keys that she presses."""
import os
import subprocess

from host import wait_for

DISPLAY = ":97"

# Prints 1 if another program has the keyboard for itself.
GRABBED = """
import ctypes
x11 = ctypes.CDLL("libX11.so.6")
x11.XOpenDisplay.restype = ctypes.c_void_p
x11.XDefaultRootWindow.restype = ctypes.c_ulong
display = ctypes.c_void_p(x11.XOpenDisplay(None))
root = ctypes.c_ulong(x11.XDefaultRootWindow(display))
print(x11.XGrabKeyboard(display, root, 0, 1, 1, ctypes.c_ulong(0)))
x11.XCloseDisplay(display)
"""


def as_alice(*argv):
    return subprocess.Popen(
        ["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--reset-env", "env",
         f"DISPLAY={DISPLAY}", "LC_ALL=C.UTF-8", *argv], cwd="/", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def said(*argv):
    """What a program of alice prints; None if it fails."""
    child = as_alice(*argv)
    out = child.communicate(timeout=120)[0]
    return out if child.returncode == 0 else None


class Screen:
    def __init__(self):
        os.makedirs("/tmp/.X11-unix", exist_ok=True)
        os.chmod("/tmp/.X11-unix", 0o1777)
        self.locker = None
        self.server = as_alice("Xvfb", DISPLAY, "-screen", "0", "320x240x24", "-nolisten", "tcp")
        assert wait_for(lambda: said("xdotool", "getdisplaygeometry"))

    def lock(self):
        """Start the locker; when this returns, its window is there and gets the keys."""
        self.locker = as_alice("i3lock", "--nofork", "--color=000000")
        assert wait_for(lambda: '"i3lock"' in said("xwininfo", "-root", "-tree"))
        assert wait_for(lambda: said("/usr/bin/python3", "-c", GRABBED) == "1\n")

    def type(self, answer, until):
        """And again where nothing comes of it: keys are lost if the machine is very busy."""
        for _ in range(5):
            assert said("xdotool", "key", "Escape") is not None  # clears what was typed before
            assert said("xdotool", "type", "--delay=0", answer) is not None
            assert said("xdotool", "key", "Return") is not None
            if wait_for(until, 30):
                return
        raise AssertionError("the locker takes no keys")

    def is_locked(self):
        return self.locker.poll() is None

    def close(self):
        for child in self.locker, self.server:
            if child and child.poll() is None:
                child.kill()
                child.wait()
