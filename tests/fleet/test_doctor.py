# SPDX-License-Identifier: BSD-2-Clause
"""totpctl doctor finds what is wrong with a cluster before a login meets it."""

import json
import os
import subprocess

import pytest

import cluster as clusters
from conftest import BUILD
from proxy import Proxy
from test_store import restored
from test_tools import Verifier

OURS = {"certificate", "clock-offset", "restored", "store", "keyring", "no-account"}
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


def findings(verifier, **environment):
    """The ids that are about the cluster, each with what was found."""
    for _ in range(3):
        done = subprocess.run([BUILD / "enroll-tool/totpctl", "--conf", verifier.policy, "doctor",
                               "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, env={**os.environ, **environment})
        found = {each["id"]: each["what"] for each in json.loads(done.stdout)}
        if "timed out" not in found.get("etcd-member", ""):  # a slow machine may take two seconds
            break
    return {name: what for name, what in found.items()
            if name in OURS or name.startswith("etcd-")}


def verifier_of(cluster, directory, **settings):
    verifier = Verifier(cluster, directory)
    verifier.ok("store", "init")
    for name, value in settings.items():
        text = verifier.policy.read_text().splitlines()
        verifier.policy.write_text("\n".join(
            f"{name} = {value}" if line.startswith(f"{name} ") else line for line in text) + "\n")
    return verifier


@pytest.mark.each_version
def test_of_a_healthy_cluster_nothing_is_found(three, directory):
    assert findings(verifier_of(three, directory)) == {}


def test_a_verifier_needs_no_accounts(single, directory, start):
    verifier = verifier_of(single, directory)
    arguments = [*single.arguments(), "example.org", verifier.keyring]
    assert start("store", *arguments, "create", "nobody-here").communicate()[0].endswith("ok\n")
    assert findings(verifier) == {}
    assert json.loads(verifier.ok("list", "--json"))[0]["status"] == "ok"


def test_a_member_that_died_is_found(three, directory):
    verifier = verifier_of(three, directory)
    dead = three.members[0]
    dead.kill()
    found = findings(verifier)
    assert dead.url in found["etcd-member"] and dead.name in found["etcd-unlisted"]


def test_what_a_member_says_of_its_failure_is_reported(single, directory):
    verifier = verifier_of(single, directory)
    with Proxy(single, single.members[0], {"refuse": 100}) as proxy:
        verifier.policy.write_text(
            verifier.policy.read_text().replace(single.members[0].url, proxy.url))
        assert f"{proxy.url}: gRPC status 14: etcdserver: no leader" in findings(verifier)["etcd-member"]


def test_a_member_that_the_policy_lacks_is_found(three, directory):
    two = ",".join(member.url for member in three.members[:2])
    found = findings(verifier_of(three, directory, etcd_endpoints=two))
    assert set(found) == {"etcd-unlisted"} and "m2" in found["etcd-unlisted"]


@pytest.mark.each_version
def test_an_alarm_is_found(single, directory):
    verifier = verifier_of(single, directory)
    member = single.ask("maintenance/status", {})["header"]["member_id"]
    single.ask("maintenance/alarm", {"action": "ACTIVATE", "memberID": member, "alarm": "NOSPACE"})
    assert "NOSPACE" in findings(verifier)["etcd-alarm"]


def test_a_cluster_that_is_nearly_full_is_found(directory, etcd):
    with clusters.Cluster(directory / "etcd", etcd, 1, quota=20000000) as cluster:
        verifier = verifier_of(cluster, directory)
        assert findings(verifier) == {}
        number = 0
        while int(cluster.ask("maintenance/status", {})["dbSize"]) < 16200000:
            number += 1
            cluster.ask("kv/put", {"key": clusters.key(f"x{number}"), "value": clusters.key("x" * 500000)})
            cluster.ask("maintenance/hash", {})  # for which it writes everything to its file
        assert "of 19 MiB" in findings(verifier)["etcd-quota"]


def test_certificates_that_end_soon_are_found(single, directory):
    certificate, key = single.authority.issue("soon", days=5)
    found = findings(verifier_of(single, directory, etcd_certificate=certificate, etcd_key=key))
    assert set(found) == {"certificate"} and "soon.crt" in found["certificate"]


def test_a_members_certificate_that_ends_soon_is_found(single, directory):
    with Proxy(single, single.members[0], {}) as proxy:
        proxy.context.load_cert_chain(*single.authority.issue("member-soon", days=5))
        found = findings(verifier_of(single, directory, etcd_endpoints=proxy.url))
    assert set(found) == {"certificate"} and f"{proxy.url}: the certificate ends" in found["certificate"]


@pytest.mark.skipif(not os.path.exists(FAKETIME), reason="there is no libfaketime")
def test_a_clock_that_is_off_is_found(single, directory):
    verifier = verifier_of(single, directory)
    found = findings(verifier, LD_PRELOAD=FAKETIME, FAKETIME="+60s",
                     FAKETIME_DONT_FAKE_MONOTONIC="1")
    assert "behind" in found["clock-offset"]


def test_a_restored_backup_and_a_missing_key_are_found(single, directory, start):
    verifier = verifier_of(single, directory)
    with restored(single, directory, start) as cluster:
        backup = Verifier(cluster, directory, "backup")
        backup.keyring.write_bytes(verifier.keyring.read_bytes())
        backup.keyring.chmod(0o600)
        assert "restored" in findings(backup)
    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    verifier.keyring.write_text(f"0000abcd {key} 2027-01-15\n")
    assert "lacks key" in findings(verifier)["etcd-key"]
