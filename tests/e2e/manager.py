# SPDX-License-Identifier: BSD-2-Clause
"""A service manager for totpd: holds its two sockets, and passes them on with a keyring."""
import os
import socket
import subprocess


class Manager:
    """What systemd does for a socket unit: it listens, and starts totpd at the first connection."""

    def __init__(self, **environment):
        os.makedirs("/run/pam_totp", 0o755, exist_ok=True)
        self.listeners = []
        for name, mode in ("socket", 0o666), ("root.socket", 0o600):
            path = f"/run/pam_totp/{name}"
            if os.path.exists(path):
                os.unlink(path)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            listener.bind(path)
            os.chmod(path, mode)
            listener.listen(64)
            self.listeners.append(listener)
        self.environment = environment
        self.child = None

    def start(self, *options, names="user:root"):
        fds = [listener.fileno() for listener in self.listeners]
        # the shell moves them to 3 and 4, and then becomes totpd
        command = (f"exec 8<&{fds[0]} 9<&{fds[1]} 3<&8 4<&9 8<&- 9<&-; export LISTEN_FDS=2 "
                   f"LISTEN_PID=$$ LISTEN_FDNAMES={names}; exec \"$@\"")
        environment = {"PATH": os.environ["PATH"], **self.environment}
        self.child = subprocess.Popen(
            ["bash", "-c", command, "bash", "setpriv", "--reuid=64990", "--regid=64990",
             "--clear-groups", "--", "/usr/libexec/totpd", *options],
            pass_fds=fds, env=environment, stderr=subprocess.PIPE, text=True)

    def close(self):
        for listener in self.listeners:
            listener.close()
        if self.child and self.child.poll() is None:
            self.child.terminate()
            self.child.wait(60)
