# SPDX-License-Identifier: BSD-2-Clause
"""
The system bus of the private host, which has no systemd to start it. Cockpit of Debian 13 ends a session
without one: its shell opens a channel to the bus again before it has closed the first.
"""
import os
import subprocess

from host import run, wait_for

FILES = "/usr/share/dbus-1"
SOCKET = "/run/dbus/system_bus_socket"


def system_account(name):
    """As its package makes it."""
    if subprocess.run(["getent", "passwd", name], stdout=subprocess.DEVNULL, check=False).returncode:
        run("useradd", "--system", "--user-group", name)


class Bus:
    def __init__(self):
        for name in "messagebus", "polkitd":  # whose rights on the bus it reads when it starts
            system_account(name)
        os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
        with open(f"{FILES}/system.conf", encoding="utf-8") as file:
            text = file.read().replace("<standard_system_servicedirs/>", "")  # it starts no other service
        with open(f"{FILES}/tests.conf", "w", encoding="utf-8") as file:
            file.write(text)
        self.process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={FILES}/tests.conf", "--nofork", "--nopidfile"],
            stderr=subprocess.DEVNULL)
        assert wait_for(lambda: os.path.exists(SOCKET))

    def close(self):
        self.process.terminate()
        self.process.wait(60)
        os.unlink(SOCKET)
