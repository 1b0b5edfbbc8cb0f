# SPDX-License-Identifier: BSD-2-Clause
"""systemd's journald on the private host, in place of the collector that writes $HOST_LOG."""
import os
import shutil
import subprocess

from host import DIR, run, wait_for

JOURNALD = "/lib/systemd/systemd-journald"
SOCKETS = "/run/systemd/journal"


class Journal:
    def __init__(self):
        os.makedirs(SOCKETS, exist_ok=True)
        os.makedirs("/run/log/journal", exist_ok=True)
        with open(f"{DIR}/journald.log", "w") as errors:
            self.process = subprocess.Popen([JOURNALD], stderr=errors)
        assert wait_for(lambda: os.path.exists(f"{SOCKETS}/dev-log")), \
            open(f"{DIR}/journald.log").read()
        os.rename("/dev/log", "/dev/log.kept")
        os.symlink(f"{SOCKETS}/dev-log", "/dev/log")

    def lines(self, *match):
        """What journalctl prints of it, once journald has written all that it was sent."""
        run("journalctl", "--sync")
        return run("journalctl", "--quiet", "--output=cat", *match).splitlines()

    def close(self):
        os.unlink("/dev/log")
        os.rename("/dev/log.kept", "/dev/log")
        self.process.terminate()
        self.process.wait()
        for path in SOCKETS, "/run/log/journal":
            shutil.rmtree(path)
