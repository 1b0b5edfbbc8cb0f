# SPDX-License-Identifier: BSD-2-Clause
"""totpctl over a store in etcd: what works on a directory works here, or says why it does not."""

import re
import subprocess

import pytest

import cluster as clusters
from conftest import BUILD
from test_store import restored

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


class Verifier:
    def __init__(self, cluster, directory, name="verifier"):
        self.directory = directory / name
        self.directory.mkdir(mode=0o700)
        self.policy = self.directory / "policy"
        self.keyring = self.directory / "keyring"
        endpoints, ca, certificate, key = cluster.arguments()
        self.policy.write_text(
            "store = etcd\n"
            f"etcd_endpoints = {endpoints}\n"
            f"etcd_ca = {ca}\n"
            f"etcd_certificate = {certificate}\n"
            f"etcd_key = {key}\n"
            "etcd_realm = example.org\n"
            f"keyring = {self.keyring}\n"
            f"store_dir = {self.directory}/none\n"
            f"run_dir = {self.directory}/run\n")
        self.policy.chmod(0o644)

    def run(self, *command, stdin=""):
        done = subprocess.run([BUILD / "enroll-tool/totpctl", "--conf", self.policy, *command],
                              input=stdin, capture_output=True, text=True, timeout=240)
        return done.returncode, done.stdout + done.stderr

    def ok(self, *command, stdin=""):
        code, output = self.run(*command, stdin=stdin)
        assert code == 0, output
        return output

    def fails(self, *command, stdin=""):
        code, output = self.run(*command, stdin=stdin)
        assert code != 0, output
        return output


@pytest.fixture
def verifier(single, directory):
    verifier = Verifier(single, directory)
    verifier.ok("store", "init")
    return verifier


def test_a_store_is_made_once_for_all_verifiers(single, directory, verifier):
    assert "nothing is changed" in verifier.ok("store", "init")
    status = verifier.ok("store", "status")
    assert "realm            example.org" in status and "active key" in status
    second = Verifier(single, directory, "second")
    assert "copy it from" in second.fails("store", "init")
    second.keyring.write_bytes(verifier.keyring.read_bytes())
    second.keyring.chmod(0o600)
    assert "nothing is changed" in second.ok("store", "init")
    assert second.ok("store", "status").splitlines()[0] == status.splitlines()[0]
    assert "totpctl store init makes that store" in verifier.fails("init")


def test_users_are_imported_listed_suspended_and_deleted(verifier):
    verifier.ok("import", "csv", "-", stdin=f"daemon,{SECRET}\nbin,{SECRET}\n")
    listed = verifier.ok("list")
    assert "daemon" in listed and "bin" in listed
    # again: those that are there stay
    verifier.run("import", "csv", "-", stdin=f"daemon,{SECRET}\nsys,{SECRET}\n")
    assert "daemon" in verifier.ok("show", "daemon")
    verifier.ok("suspend", "daemon")
    assert "suspended" in verifier.ok("show", "daemon")
    verifier.ok("resume", "daemon")
    verifier.ok("invite", "--for", "1d", "games")
    assert "games" in verifier.ok("invite")
    verifier.ok("uninvite", "games")
    verifier.ok("delete", "--yes", "bin")
    assert "bin" not in verifier.ok("list")
    verifier.ok("report")
    verifier.ok("key", "list")


def test_a_restored_backup_is_accepted_by_a_command(verifier, single, directory, start):
    verifier.ok("import", "csv", "-", stdin=f"daemon,{SECRET}\n")
    with restored(single, directory, start) as cluster:
        backup = Verifier(cluster, directory, "backup")
        backup.keyring.write_bytes(verifier.keyring.read_bytes())
        backup.keyring.chmod(0o600)
        assert "totpctl store accept" in backup.fails("show", "daemon")
        assert "everybody is denied until: totpctl store accept" in backup.fails("store", "status")
        accepted = backup.ok("store", "accept")
        assert "belongs to this cluster now" in accepted and "may be" in accepted
        assert "accepted 1 time" in backup.ok("store", "status")
        assert "daemon" in backup.ok("show", "daemon")
        assert "nothing is changed" in backup.ok("store", "accept")

        # its clock was ahead, and is right now
        meta = next(name for name in cluster.pairs("totp/1/", "totp/10") if name.endswith(b"/meta"))
        since = re.sub(rb"(?m)^since \d+", b"since 9999999999", cluster.value(meta))
        cluster.ask("kv/put", {"key": clusters.key(meta), "value": clusters.key(since)})
        assert "before 2286" in backup.ok("store", "status")
        assert "The clock was ahead" in backup.ok("store", "accept")
        status = backup.ok("store", "status")
        assert "accepted 1 time" in status and "before 2286" not in status
        assert "nothing is changed" in backup.ok("store", "accept")


def test_a_rotation_waits_until_the_other_verifiers_have_the_key(verifier, single, directory):
    verifier.ok("import", "csv", "-", stdin=f"daemon,{SECRET}\n")
    second = Verifier(single, directory, "second")

    def active():
        return [line for line in verifier.ok("store", "status").splitlines() if "active key" in line]
    old = active()
    said = verifier.fails("key", "rotate")
    assert "is added; it only decrypts" in said and "copy" in said and "key rotate' again" in said
    assert active() == old
    second.keyring.write_bytes(verifier.keyring.read_bytes())
    second.keyring.chmod(0o600)
    said = verifier.ok("key", "rotate")
    assert "is the active key from now on" in said and "is removed" in said and active() != old
    assert "daemon" in second.ok("show", "daemon")
