# SPDX-License-Identifier: BSD-2-Clause
"""scripts/try on a machine that has an sshd of its own."""
import os
import pathlib
import pty
import subprocess

import pytest

from host import HERE, run

INSIDE = os.path.join(HERE, "inside")
TRY = os.path.join(HERE, "..", "..", "scripts", "try")


@pytest.mark.parametrize("story", [[], ["--in-login"], ["--fleet"]],
                         ids=["by_administrator", "in_login", "fleet"])
def test_unattended_it_finishes_beside_an_sshd_with_host_keys(host, story):
    for path in pathlib.Path("/etc/ssh").glob("ssh_host_*"):
        path.unlink()
    for kind in "rsa", "ecdsa", "ed25519":
        run("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", f"/etc/ssh/ssh_host_{kind}_key")
    pathlib.Path("/etc/ssh/sshd_config").write_text("HostKey /etc/ssh/ssh_host_rsa_key\n")
    keys = sorted(pathlib.Path("/etc/ssh").glob("ssh_host_*"))
    before = [key.read_bytes() for key in keys]
    # any question would wait at this terminal for ever
    leader, follower = pty.openpty()
    try:
        done = subprocess.run([INSIDE, os.environ["HOST_BUILD"], os.path.realpath(TRY), "--inside",
                               "--auto", *story],
                              stdin=follower, capture_output=True, text=True, timeout=300)
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing of it is left on this machine." in done.stdout
    assert "verwrite" not in done.stdout + done.stderr
    assert [key.read_bytes() for key in keys] == before
