# SPDX-License-Identifier: BSD-2-Clause
"""totpctl fleet cert: the certificates that it makes, as openssl reads and uses them."""

import datetime
import glob
import json
import os
import re
import stat
import subprocess
import threading
import time

import pytest

from host import *  # noqa: F403

VERIFIER = "v1.example.org"
FAKETIME = next(glob.iglob("/usr/lib/*/faketime/libfaketime.so.1"), None)


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=HANGS)


def verifies(authority, certificate, *words):
    """Does openssl accept it? words: what it is for."""
    return openssl("verify", "-x509_strict", "-CAfile", authority, *words, certificate).returncode == 0


def text_of(certificate, *what):
    ran = openssl("x509", "-in", certificate, "-noout", *what)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def key_of(path):
    """The public key of a certificate or of a key."""
    if b"BEGIN CERTIFICATE" in path.read_bytes():
        return text_of(path, "-pubkey")
    return openssl("pkey", "-in", path, "-pubout").stdout


def days_left(certificate):
    end = text_of(certificate, "-enddate").split("=")[1].strip()
    return (time.mktime(time.strptime(end, "%b %d %H:%M:%S %Y %Z")) - time.time()) / 86400


class Fleet:
    def __init__(self, host):
        self.host = host
        self.top = host.directory / "fleet"

    def cert(self, what, *words, **more):
        return self.host.done("fleet", "cert", what, self.top, *words, conf=False, **more)

    def refused(self, what, *words):
        return self.host.refused("fleet", "cert", what, self.top, *words, conf=False)

    def later(self, days, what, *words):
        """The same, so many days from now."""
        if not FAKETIME:
            pytest.skip("there is no libfaketime")
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return subprocess.run([TOTPCTL, "fleet", "cert", what, self.top, *words], text=True,
                              capture_output=True, timeout=HANGS,
                              env=dict(os.environ, LD_PRELOAD=f"{FAKETIME}:{LOG_CATCHER}",
                                       FAKETIME=f"+{days}d", ASAN_OPTIONS=asan,
                                       LOG_CATCHER=str(self.host.log)))

    def path(self, *names):
        return self.top.joinpath(*names)


@pytest.fixture
def fleet(bare):
    made = Fleet(bare)
    made.cert("ca")
    return made


def tree(top):
    """Every file with its bytes, owner and mode."""
    return {path: (path.read_bytes(), path.stat().st_mode) for path in top.rglob("*")
            if path.is_file()}


# ---- what they are good for


def test_an_authority_signs_certificates_and_no_other_authority(fleet):
    authority = fleet.path("ca.crt")
    text = text_of(authority, "-text")
    assert "CA:TRUE, pathlen:0" in text and "Certificate Sign, CRL Sign" in text
    assert "id-ecPublicKey" in text and "P-256" in text and "ecdsa-with-SHA256" in text
    assert 3649 < days_left(authority) < 3651
    assert key_of(authority) == key_of(fleet.path("ca.key"))
    assert verifies(authority, authority)


def test_a_verifier_s_certificate_is_one_of_a_server_under_its_names_and_addresses_alone(fleet):
    fleet.cert("verifier", VERIFIER, "192.0.2.7", "2001:db8::7", "totp.example.org")
    authority, pem = fleet.path("ca.crt"), fleet.path(VERIFIER, "fleet", "verifier.pem")
    assert verifies(authority, pem, "-purpose", "sslserver")
    assert not verifies(authority, pem, "-purpose", "sslclient")
    for name in VERIFIER, "totp.example.org":
        assert verifies(authority, pem, "-verify_hostname", name)
    for address in "192.0.2.7", "2001:db8::7":
        assert verifies(authority, pem, "-verify_ip", address)
    assert not verifies(authority, pem, "-verify_hostname", "v2.example.org")
    assert not verifies(authority, pem, "-verify_ip", "192.0.2.8")
    assert 364 < days_left(pem) < 366
    # certificate and key are in one file, as haproxy reads them
    assert openssl("pkey", "-in", pem, "-pubout").stdout == text_of(pem, "-pubkey")


def test_a_host_s_certificate_is_one_of_a_client_and_has_the_host_s_name(fleet):
    fleet.cert("host", "web01.example.org")
    place = fleet.path("web01.example.org", "fleet")
    assert verifies(place / "ca.crt", place / "host.crt", "-purpose", "sslclient")
    assert not verifies(place / "ca.crt", place / "host.crt", "-purpose", "sslserver")
    assert text_of(place / "host.crt", "-subject", "-nameopt", "RFC2253") == \
        "subject=CN=web01.example.org\n"
    assert key_of(place / "host.crt") == key_of(place / "host.key")
    assert (place / "ca.crt").read_bytes() == fleet.path("ca.crt").read_bytes()


def test_etcd_has_an_authority_of_its_own(fleet):
    fleet.cert("host", "web01")
    fleet.cert("etcd", VERIFIER, "127.0.0.1")
    member = fleet.path(VERIFIER, "etcd-member", "member.crt")
    client = fleet.path(VERIFIER, "etcd", "verifier.crt")
    authority = fleet.path("etcd-ca.crt")
    for purpose in "sslserver", "sslclient":
        assert verifies(authority, member, "-purpose", purpose)
    assert verifies(authority, member, "-verify_ip", "127.0.0.1")
    assert verifies(authority, client, "-purpose", "sslclient")
    assert not verifies(authority, client, "-purpose", "sslserver")
    # neither reaches where the other belongs
    assert not verifies(authority, fleet.path("web01", "fleet", "host.crt"))
    assert not verifies(fleet.path("ca.crt"), client)
    for place in "etcd", "etcd-member":
        assert fleet.path(VERIFIER, place, "ca.crt").read_bytes() == authority.read_bytes()
    fleet.cert("etcd", "v2.example.org")
    assert verifies(authority, fleet.path("v2.example.org", "etcd-member", "member.crt"))


def handshake(server, client):
    """TLS 1.3 between openssl's s_server and s_client: True if both accept the other."""
    listening = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-tls1_3", "-Verify", "1",
         "-verify_return_error", "-naccept", "1", "-rev", *map(str, server)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        line = ""
        while "ACCEPT" not in line:
            line = listening.stdout.readline()
            assert line, "s_server did not start"
        port = line.split(":")[-1].strip()
        threading.Thread(target=listening.stdout.read, daemon=True).start()
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3",
             "-verify_return_error", "-quiet", *map(str, client)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        client.stdin.write(b"abc\n")
        client.stdin.flush()
        answer = client.stdout.readline()  # nothing, if it has ended
        client.kill()
        client.communicate()
        return answer == b"cba\n"
    finally:
        listening.kill()
        listening.wait()


def test_a_host_and_a_verifier_accept_each_other_in_tls_1_3_and_no_others(fleet):
    fleet.cert("verifier", VERIFIER)
    fleet.cert("host", "web01", "web02")
    fleet.cert("etcd", VERIFIER)
    verifier = fleet.path(VERIFIER, "fleet")
    web01, web02, etcd = (fleet.path("web01", "fleet"), fleet.path("web02", "fleet"),
                          fleet.path(VERIFIER, "etcd"))
    server = ["-cert", verifier / "verifier.pem", "-CAfile", verifier / "ca.crt"]
    client = ["-CAfile", web01 / "ca.crt", "-verify_hostname", VERIFIER]
    host = ["-cert", web01 / "host.crt", "-key", web01 / "host.key"]
    assert handshake(server, client + host)
    assert not handshake(server, client)
    assert not handshake(server, client + ["-cert", etcd / "verifier.crt",
                                           "-key", etcd / "verifier.key"])
    # a host does not pass as a verifier
    posing = ["-cert", web02 / "host.crt", "-key", web02 / "host.key", "-CAfile", web02 / "ca.crt"]
    assert not handshake(posing, ["-CAfile", web01 / "ca.crt"] + host)


# ---- files


def test_only_the_owner_can_read_a_key_whatever_the_umask_is(bare):
    fleet = Fleet(bare)
    for umask in 0, 0o077:
        os.umask(umask)
        fleet.top = bare.directory / f"fleet{umask}"
        fleet.cert("ca")
        fleet.cert("verifier", VERIFIER)
        fleet.cert("host", "web01")
        fleet.cert("etcd", VERIFIER)
        os.umask(0o022)
        assert stat.S_IMODE(fleet.top.stat().st_mode) == 0o700
        modes = {str(path.relative_to(fleet.top)): stat.S_IMODE(path.stat().st_mode)
                 for path in fleet.top.rglob("*") if path.is_file()}
        assert len(modes) == 15
        for name, mode in modes.items():
            assert mode == (0o644 if name.endswith(".crt") else 0o600), name


def test_no_key_is_printed_or_logged(fleet):
    said = fleet.cert("verifier", VERIFIER) + fleet.cert("host", "web01") + \
        fleet.cert("etcd", VERIFIER) + fleet.cert("list") + fleet.cert("renew", VERIFIER)
    keys = [line for path in fleet.top.rglob("*") if path.is_file() and path.suffix != ".crt"
            for line in path.read_text().splitlines() if "-----" not in line and len(line) > 20]
    assert len(keys) > 9
    assert not any(key in said + fleet.host.logged() for key in keys)
    assert 'outcome=certificate-made reason=administrator token="" detail="host web01' in \
        fleet.host.logged()


def test_nothing_that_exists_is_replaced(fleet):
    fleet.cert("verifier", VERIFIER)
    fleet.cert("host", "web01")
    fleet.cert("etcd", VERIFIER)
    before = tree(fleet.top)
    assert "has an authority" in fleet.refused("ca")
    for words in (("verifier", VERIFIER), ("host", "web01"), ("etcd", VERIFIER)):
        said = fleet.refused(*words)
        assert " exists: to renew it: totpctl fleet cert renew" in said
        assert str(fleet.path(words[1])) in said
    assert tree(fleet.top) == before
    # half of an authority is one that was lost, not none
    for name in "ca.crt", "etcd-ca.key":
        fleet.path(name).unlink()
    before = tree(fleet.top)
    assert "has an authority" in fleet.refused("ca")
    for words in ("host", "web02"), ("etcd", "v2.example.org"):
        assert re.search(r"/(etcd-)?ca\.(crt|key): No such file", fleet.refused(*words))
    assert tree(fleet.top) == before


def test_a_key_without_its_certificate_is_not_replaced_either(fleet):
    fleet.cert("host", "web01")
    fleet.path("web01", "fleet", "host.crt").unlink()
    before = tree(fleet.top)
    said = fleet.refused("host", "web01")
    assert str(fleet.path("web01", "fleet", "host.key")) + " exists" in said
    assert tree(fleet.top) == before


def test_of_several_hosts_the_others_are_done(fleet):
    fleet.cert("host", "web02")
    ran = fleet.host.run("fleet", "cert", "host", fleet.top, "web01", "web02", "web03", conf=False)
    assert ran.returncode == 1 and "web02/fleet/host.crt exists" in ran.stderr
    assert fleet.path("web01", "fleet", "host.crt").exists()
    assert fleet.path("web03", "fleet", "host.crt").exists()


@pytest.mark.parametrize("words", [
    ("host", "Web01"), ("host", ".."), ("host", "a/b"), ("host", ""), ("host", "-x"), ("host", "*"),
    ("host", "x" * 65), ("host", "good", "2001:db8::7"), ("verifier", "v1", "no such"),
    ("verifier", "v1", "*.example.org"), ("verifier", "v1", "V2"), ("etcd", "v1", "1.2.3/4"),
    ("etcd", "v1", "fe80::7%eth0"), ("renew", "../fleet")], ids=str)
def test_a_name_that_no_policy_takes_is_refused_and_nothing_is_made(fleet, words):
    before = tree(fleet.top)
    ran = fleet.host.run("fleet", "cert", words[0], fleet.top, "--", *words[1:], conf=False)
    assert ran.returncode == 2 and "expected" in ran.stderr and "--help" in ran.stderr
    assert tree(fleet.top) == before


def test_without_an_authority_the_command_that_makes_one_is_named(bare):
    fleet = Fleet(bare)
    assert f"{fleet.top}: No such file or directory" in fleet.refused("host", "web01")
    fleet.top.mkdir(mode=0o755)
    for words in ("host", "web01"), ("verifier", VERIFIER):
        assert f"totpctl fleet cert ca {fleet.top}" in fleet.refused(*words)
    assert not tree(fleet.top)


def test_a_directory_or_a_key_that_others_can_write_or_read_is_refused(fleet):
    fleet.top.chmod(0o770)
    assert f"{fleet.top}: mode 0770: run chmod go-w" in fleet.refused("host", "web01")
    fleet.top.chmod(0o700)
    fleet.path("ca.key").chmod(0o640)
    assert f"{fleet.path('ca.key')}: mode 0640: run chmod go-rwx" in fleet.refused("host", "web01")
    fleet.path("ca.key").chmod(0o600)
    fleet.path("ca.key").rename(fleet.path("elsewhere"))
    fleet.path("ca.key").symlink_to("elsewhere")
    assert f"{fleet.path('ca.key')}: not a regular file" in fleet.refused("host", "web01")
    assert not fleet.path("web01").exists()


def test_a_key_of_another_authority_signs_nothing(fleet, bare):
    other = Fleet(bare)
    other.top = bare.directory / "other"
    other.cert("ca")
    fleet.path("ca.key").write_bytes(other.path("ca.key").read_bytes())
    assert "ca.key is not the key of ca.crt" in fleet.refused("host", "web01")
    fleet.path("ca.crt").write_text("no certificate\n")
    assert f"{fleet.top}/ca.crt and ca.key are no authority" in fleet.refused("host", "web01")
    # an encrypted key is not asked for: nobody is at a terminal
    openssl("pkcs8", "-topk8", "-in", other.path("ca.key"), "-out", fleet.path("ca.key"),
            "-passout", "pass:secret")
    fleet.path("ca.crt").write_bytes(other.path("ca.crt").read_bytes())
    assert "are no authority" in fleet.refused("host", "web01")
    assert not fleet.path("web01").exists()


def test_a_directory_that_cannot_be_made_is_named(bare):
    fleet = Fleet(bare)
    fleet.top = bare.directory / "no" / "fleet"
    assert f"{fleet.top}: cannot make the directory: No such file" in fleet.refused("ca")
    (bare.directory / "file").touch()
    fleet.top = bare.directory / "file"
    assert f"{fleet.top}: not a directory" in fleet.refused("ca")


def test_a_user_who_is_not_root_can_keep_the_authority(bare):
    home = bare.directory / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    bare.directory.chmod(0o755)
    for words in (("ca", "keys"), ("host", "keys", "web01"), ("renew", "keys", "web01"),
                  ("list", "keys")):
        ran = subprocess.run([TOTPCTL, "fleet", "cert", *words], cwd=home, preexec_fn=as_nobody,
                             capture_output=True, text=True, timeout=HANGS)
        assert (ran.returncode, ran.stderr) == (0, "")
    assert verifies(home / "keys/ca.crt", home / "keys/web01/fleet/host.crt")


# ---- renewal


def test_a_renewed_certificate_has_the_same_key_and_names_and_lives_a_year(fleet):
    fleet.cert("verifier", VERIFIER, "192.0.2.7")
    fleet.cert("host", "web01")
    pem, crt = fleet.path(VERIFIER, "fleet", "verifier.pem"), fleet.path("web01", "fleet", "host.crt")
    before = {path: (key_of(path), text_of(path, "-serial")) for path in (pem, crt)}
    ran = fleet.later(200, "renew", VERIFIER, "web01")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Renewed {pem}, which ends on" in ran.stdout
    for path in pem, crt:
        assert 564 < days_left(path) < 566
        assert key_of(path) == before[path][0] and text_of(path, "-serial") != before[path][1]
        assert verifies(fleet.path("ca.crt"), path, "-attime", int(time.time()) + 300 * 86400)
    assert verifies(fleet.path("ca.crt"), pem, "-purpose", "sslserver", "-verify_ip", "192.0.2.7",
                    "-attime", int(time.time()) + 300 * 86400)
    assert openssl("pkey", "-in", pem, "-pubout").stdout == key_of(pem)
    assert stat.S_IMODE(pem.stat().st_mode) == 0o600


def test_what_ends_soon_is_renewed_and_nothing_else(fleet):
    fleet.cert("host", "web01")
    assert fleet.later(200, "host", "web02").returncode == 0
    before = tree(fleet.top)
    assert "nothing is renewed" in fleet.cert("renew")
    assert tree(fleet.top) == before
    ran = fleet.later(310, "renew")
    assert (ran.returncode, ran.stderr) == (0, "")
    after = tree(fleet.top)
    assert {path for path in after if after[path] != before[path]} == \
        {fleet.path("web01", "fleet", "host.crt")}


def test_a_renewal_needs_no_key_of_a_host(fleet):
    fleet.cert("host", "web01")
    fleet.path("web01", "fleet", "host.key").unlink()
    assert "Renewed" in fleet.cert("renew", "web01")


def test_a_certificate_ends_no_later_than_its_authority(fleet):
    assert fleet.later(3500, "host", "web01").returncode == 0
    assert text_of(fleet.path("web01", "fleet", "host.crt"), "-enddate") == \
        text_of(fleet.path("ca.crt"), "-enddate")


def test_an_authority_is_renewed_two_years_before_it_ends_with_all_that_it_signed(fleet):
    fleet.cert("etcd", VERIFIER)
    fleet.cert("host", "web01")
    crt, before = fleet.path("web01", "fleet", "host.crt"), tree(fleet.top)
    assert fleet.later(2800, "renew", "web01").returncode == 0  # a name: this host alone
    old = fleet.path("ca.crt").read_bytes()
    assert old == before[fleet.path("ca.crt")][0]
    ran = fleet.later(2925, "renew")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert fleet.path("ca.crt").read_bytes() != old
    assert fleet.path("web01", "fleet", "ca.crt").read_bytes() == fleet.path("ca.crt").read_bytes()
    assert fleet.path("ca.key").read_bytes() == before[fleet.path("ca.key")][0]
    assert days_left(fleet.path("ca.crt")) > 6500
    when = int(time.time()) + 3000 * 86400
    assert verifies(fleet.path("ca.crt"), crt, "-attime", when)
    # hosts that have the old one yet, and others that have the new one
    (fleet.top / "old.crt").write_bytes(old)
    assert verifies(fleet.top / "old.crt", crt, "-attime", when)


def test_what_another_authority_signed_is_not_renewed(fleet, bare):
    other = Fleet(bare)
    other.top = bare.directory / "other"
    other.cert("ca")
    for each in fleet, other:
        each.cert("host", "web01")
    crt = fleet.path("web01", "fleet", "host.crt")
    crt.write_bytes(other.path("web01", "fleet", "host.crt").read_bytes())
    assert f"{crt}: another authority signed it" in fleet.refused("renew", "web01")
    crt.write_text("no certificate\n")
    assert f"{crt}: no certificate" in fleet.refused("renew", "web01")
    assert "has no certificate of web02" in fleet.refused("renew", "web02")


def test_a_list_has_every_certificate_with_its_end(fleet):
    fleet.cert("verifier", VERIFIER)
    fleet.cert("etcd", VERIFIER)
    fleet.cert("host", "web02", "web01")
    (fleet.top / "notes").mkdir()
    lines = [line.split() for line in fleet.cert("list").splitlines()]
    assert lines[0] == ["ENDS", "KIND", "NAME"]
    assert [line[1:] for line in lines[1:]] == [
        ["authority"], ["etcd", "authority"], ["verifier", VERIFIER],
        ["etcd", "member", VERIFIER], ["etcd", "client", VERIFIER],
        ["host", "web01"], ["host", "web02"]]
    listed = json.loads(fleet.cert("list", "--json"))
    assert [sorted(one) for one in listed] == [["end", "kind", "name"]] * 7
    assert listed[0]["name"] is None and listed[-1]["name"] == "web02"
    end = datetime.datetime.fromisoformat(listed[-1]["end"])
    assert abs(end.timestamp() - time.time() - 365 * 86400) < 3600
    assert lines[-1][0] == end.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d")


def test_a_list_marks_what_has_ended_and_what_is_to_be_renewed(fleet):
    fleet.cert("host", "web01")
    assert fleet.later(320, "list").stdout.splitlines()[-1].endswith("web01 (to be renewed)")
    assert fleet.later(366, "list").stdout.splitlines()[-1].endswith("web01 (ended)")
