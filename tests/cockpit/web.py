# SPDX-License-Identifier: BSD-2-Clause
"""Cockpit on the private host, with the page as an installation puts it."""
import json
import os
import shutil
import socket
import subprocess

from host import DIR, run, wait_for

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/root")
PORT = 9090
LINE = "auth required pam_totp.so"


def install_page():
    """What meson would install of the page."""
    with open(f"{os.environ['HOST_BUILD']}/meson-info/intro-installed.json", encoding="utf-8") as file:
        installed = json.load(file)
    for source, target in installed.items():
        if "/cockpit/pam-totp" in target:
            path = f"/usr/share/cockpit/pam-totp/{os.path.basename(target)}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copy(source, path)


def write_stack():
    """
    Debian's own, changed as docs/cockpit.md says: our line follows the password, and a wrong password
    ends the stack.
    """
    with open(f"{ROOT}/etc/pam.d/cockpit", encoding="utf-8") as file:
        lines = file.read().splitlines()
    at = next(at for at, line in enumerate(lines) if line.split()[-1:] == ["common-auth"])
    lines[at] = lines[at].replace("substack", "include")
    with open("/etc/pam.d/cockpit", "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in [*lines[:at + 1], LINE, *lines[at + 1:]])


class Cockpit:
    """cockpit-ws without its units: this host has no systemd."""

    def __init__(self):
        install_page()
        write_stack()
        os.makedirs("/etc/cockpit", exist_ok=True)
        with open("/etc/cockpit/cockpit.conf", "w", encoding="utf-8") as file:
            file.write("[basic]\nCommand = /usr/lib/cockpit/cockpit-session\n")
        # Other pages that are loaded ahead ask for the person's own bus, which this host lacks. The second
        # time the bridge of Cockpit 337 (Debian 13) ends: it has kept the bus that it could not open.
        with open("/etc/cockpit/systemd.override.json", "w", encoding="utf-8") as file:
            file.write('{"preload": null}\n')
        self.log = f"{DIR}/cockpit.log"
        self.process = None
        self.start()

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["/usr/lib/cockpit/cockpit-ws", "--no-tls", "--address", "127.0.0.1", "--port", str(PORT)],
                stdout=log, stderr=log)

        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", PORT)) == 0

        assert wait_for(listens, 60), self.said()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def end_sessions(self):
        """As when Cockpit ends a session that has been idle."""
        run("pkill", "-x", "cockpit-bridge")

    def close(self):
        """Sessions end when cockpit-ws does."""
        self.process.terminate()
        self.process.wait(60)
