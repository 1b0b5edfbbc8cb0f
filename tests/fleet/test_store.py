# SPDX-License-Identifier: BSD-2-Clause
"""Stores in etcd: the contract, the race for one code, backups, keys, many users."""

import os
import re
import subprocess
import time

import pytest

import cluster as clusters
from conftest import BUILD, LONG
from proxy import Proxy, framed

NOW = 1800000000


class Store:
    """A store in a realm, as one verifier has it."""

    def __init__(self, cluster, directory, start, program="store"):
        self.cluster, self.start, self.program = cluster, start, program
        self.keyring = directory / "keyring"

    def config(self, endpoints=None):
        return [*self.cluster.arguments(endpoints), "example.org", self.keyring]

    def run(self, *command, endpoints=None):
        process = self.start(self.program, *self.config(endpoints), *command)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        return output.splitlines()

    def ok(self, *command, **options):
        output = self.run(*command, **options)
        assert output[-1] == "ok", output
        return output[:-1]

    def login(self, user, now, steps=0, **options):
        return self.run("login", user, now, steps, **options)[0]


@pytest.fixture
def store(single, directory, start):
    store = Store(single, directory, start)
    store.ok("init")
    return store


# --- the contract ---

@pytest.mark.each_version
def test_the_contract_is_kept(single):
    arguments = single.arguments()
    names = ["FLEET_ENDPOINTS", "FLEET_CA", "FLEET_CERTIFICATE", "FLEET_KEY"]
    done = subprocess.run([BUILD / "tests/fleet/test-store-contract-etcd"], timeout=600,
                          env={**os.environ, **dict(zip(names, arguments))},
                          capture_output=True, text=True)
    output = done.stdout + done.stderr
    assert done.returncode == 0, re.sub(r"(?m)^\[ (RUN|      OK).*\n", "", output)
    assert re.search(r"PASSED  \] 4[5-9] test", output), output


# --- one code, many processes ---

def race(start, cluster, directory, program, processes, steps):
    process = start(program, "race", *cluster.arguments(), "example.org", directory / "keyring",
                    processes, steps)
    output, _ = process.communicate(timeout=600)
    counts = re.search(r"once (\d+) none (\d+) more (\d+) errors (\d+)", output)
    assert counts, output
    print(output)
    return [int(count) for count in counts.groups()]


@pytest.mark.each_version
def test_of_64_processes_one_is_allowed(three, start, directory):
    steps = 3000 if LONG else 300
    once, none, more, errors = race(start, three, directory, "race", 64, steps)
    # on a machine that is too slow for so many, a code may be used up by a login that is denied
    assert more == 0 and once + none == steps
    assert none == 0 or errors > 0
    assert once > 0.9 * steps


def test_without_the_nonce_or_the_compare_a_code_is_accepted_twice(three, start, directory):
    for program in "race-without-nonce", "race-without-compare":
        # until processes met often enough
        assert any(race(start, three, directory, program, 16, 20)[2] > 10 for _ in range(10))


def test_while_leaders_die_no_code_is_accepted_twice(three, start, directory):
    process = start("race", "race", *three.arguments(), "example.org", directory / "keyring",
                    8, 300)
    began = time.monotonic()
    while process.poll() is None and time.monotonic() - began < 120:
        leader = three.leader()
        leader.kill()
        time.sleep(1.5)
        leader.start()
        time.sleep(1.5)
    output, _ = process.communicate(timeout=300)
    once, none, more, _ = map(int, re.findall(r"(?:once|none|more|errors) (\d+)", output)[-4:])
    assert more == 0 and once + none == 300 and once > 200, output


def test_damaged_answers_let_no_code_in_twice(single, start, directory):
    faults = {"drop": 8, "truncate": 8, "remove": 8, "double": 4, "earlier": 4, "delay": 2,
              "refuse": 2}
    with Proxy(single, single.members[0], faults) as first, \
            Proxy(single, single.members[0], faults, seed=2) as second:
        process = start("race", "race", *single.arguments(f"{first.url},{second.url}"),
                        "example.org", directory / "keyring", 4, 60)
        output, _ = process.communicate(timeout=600)
    once, none, more, _ = map(int, re.findall(r"(?:once|none|more|errors) (\d+)", output)[-4:])
    # a code may be used up by a login that is denied, since nobody can tell
    assert more == 0 and once + none == 60 and once > 40, output


def test_guessers_without_end_keep_no_owner_out(single, start, directory):
    for _ in range(3):
        process = start("race", "guess", *single.arguments(), "example.org", directory / "keyring",
                        16, 60)
        output, _ = process.communicate(timeout=300)
        allowed, errors = map(int, re.search(r"^allowed (\d+) errors (\d+)$", output, re.M).groups())
        assert allowed + errors == 60, output
        if not errors:  # or the machine stood still for longer than a login waits
            break
    assert allowed == 60, output


# --- one user ---

@pytest.mark.each_version
def test_a_code_works_once_wherever_it_is_used(store):
    store.ok("create", "alice")
    assert store.login("alice", NOW) == "allow"
    assert store.login("alice", NOW) == "deny"
    assert store.login("alice", NOW + 30) == "allow"
    assert store.login("bob", NOW).startswith("error not_found")


def test_a_login_state_that_was_lost_or_changed_denies_and_names_the_repair(store):
    for user in ["alice", "bob"]:
        store.ok("create", user)
    states = {name: value for name, (value, _) in store.cluster.pairs("totp/", "totp0").items()
              if b"/s/" in name}
    alice = next(name for name in states if name.endswith(b"alice"))
    bob = next(name for name in states if name.endswith(b"bob"))
    store.cluster.ask("kv/deleterange", {"key": clusters.key(alice)})
    changed = states[bob][:40] + bytes([states[bob][40] ^ 1]) + states[bob][41:]
    store.cluster.ask("kv/put", {"key": clusters.key(bob), "value": clusters.key(changed)})
    assert "missing: run totpctl repair alice" in store.login("alice", NOW)
    assert "damaged: run totpctl repair bob" in store.login("bob", NOW)
    # nor is it another user's
    store.cluster.ask("kv/put", {"key": clusters.key(alice), "value": clusters.key(states[bob])})
    assert "damaged: run totpctl repair alice" in store.login("alice", NOW)


def test_a_record_that_was_looked_for_is_not_asked_for_again(store):
    store.ok("create", "alice")
    def requests():
        with Proxy(store.cluster, store.cluster.members[0], {}) as proxy:
            store.ok("look", "alice", endpoints=proxy.url)
            return proxy.counts["none"]

    # opening the store asks for what it is; a request without an answer in a second is sent again
    assert 2 in (requests() for _ in range(5))


def test_stores_that_were_opened_or_are_not_there_leave_nothing_open(store):
    assert store.run("reopen", 10) == ["0"]
    store.cluster.ask("kv/deleterange", {"key": clusters.key("totp/"),
                                         "range_end": clusters.key("totp0")})
    assert store.run("reopen", 10) == ["0"]


def test_a_revocation_without_an_answer_is_not_reported_as_done(store):
    store.ok("create", "alice")
    with Proxy(store.cluster, store.cluster.members[0], {"lose": 0}) as proxy, \
            subprocess.Popen([BUILD / "tests/fleet/store", *map(str, store.config(proxy.url)),
                              "revoke", "alice"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        proxy.faults["lose"] = 100
        output, _ = process.communicate("\n", timeout=60)
    assert output.startswith("error timed_out"), output
    assert store.login("alice", NOW) == "allow"


def test_a_revocation_whose_answer_was_lost_says_so(store):
    users = [f"user{i}" for i in range(8)]
    with Proxy(store.cluster, store.cluster.members[0], {"drop": 50}) as proxy:
        for user in users:
            store.ok("create", user)
        said = {store.run("revoke", user, endpoints=proxy.url)[-1] for user in users}
    assert {word.split(":")[-2] for word in said - {"ok"}} == {
        " removed, perhaps by another program"}, said
    assert not store.ok("names")


def test_an_answer_that_is_older_than_what_was_seen_does_not_count(store):
    store.ok("create", "alice")
    with Proxy(store.cluster, store.cluster.members[0], {"old": 0}) as proxy, \
            subprocess.Popen([BUILD / "tests/fleet/store", *map(str, store.config(proxy.url)),
                              "login"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        def login(now):
            process.stdin.write(f"alice {now} 0\n")
            process.stdin.flush()
            return process.stdout.readline()

        assert login(NOW) == "allow\n"
        proxy.faults["old"] = 100
        assert "malformed answer" in login(NOW + 30)
        proxy.faults["old"] = 0
        assert login(NOW + 60) == "allow\n"
        process.stdin.close()


def test_a_store_that_is_gone_proves_nobody_absent(store):
    store.ok("create", "alice")
    process = subprocess.Popen([BUILD / "tests/fleet/store", *map(str, store.config()), "login"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def login(user, now):
        process.stdin.write(f"{user} {now} 0\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    assert login("alice", NOW) == "allow"
    assert login("nobody", NOW).startswith("error not_found")
    store.cluster.ask("kv/deleterange", {"key": clusters.key("totp/"),
                                         "range_end": clusters.key("totp0")})
    assert login("alice", NOW + 30).startswith("error unsafe")
    assert login("nobody", NOW).startswith("error unsafe")
    process.stdin.close()
    process.wait(timeout=10)
    assert store.run("status")[0].startswith("error not_found")


def test_a_member_that_does_not_compare_is_rejected_at_the_start(single, directory, start):
    class Agreeing(Proxy):
        """Says that every compare holds."""
        def hand_on(self, link, stream, fault, answer):
            # a header with four numbers, and that it has succeeded
            message = bytes.fromhex("0a08 0801 1002 1803 2004 1001")
            return super().hand_on(link, stream, fault, answer.changed(framed(message)))

    with Agreeing(single, single.members[0], {}) as proxy:
        store = Store(single, directory, start)
        for command in ["init", "status"]:
            output = store.run(command, endpoints=proxy.url)[-1]
            assert "does not compare" in output and "error no_valid_answer" in output


# --- a restored backup ---

def restored(cluster, directory, start):
    """Another cluster, with what the first one has now."""
    member = cluster.members[0]
    etcdctl = cluster.binary.parent / "etcdctl"
    certificate, key = cluster.client_certificate
    tls = [f"--cacert={cluster.authority.certificate}", f"--cert={certificate}", f"--key={key}",
           "--dial-timeout=60s", "--command-timeout=60s"]
    snapshot = directory / "snapshot"
    environment = {**os.environ, "ETCDCTL_API": "3"}
    clusters.run(etcdctl, f"--endpoints={member.url}", *tls, "snapshot", "save", snapshot,
                 env=environment)
    other = clusters.Cluster(directory / "restored", cluster.binary, 1, cluster.authority,
                             token="restored")
    at = other.members[0]
    clusters.run(etcdctl, "snapshot", "restore", snapshot, f"--data-dir={at.data}",
                 f"--name={at.name}", f"--initial-cluster={at.name}={at.peer_url}",
                 f"--initial-advertise-peer-urls={at.peer_url}",
                 "--initial-cluster-token=restored", env=environment)
    return other


@pytest.mark.each_version
def test_a_restored_backup_denies_everybody_until_it_is_accepted(store, directory, start):
    store.ok("create", "alice")
    assert store.login("alice", NOW) == "allow"
    with restored(store.cluster, directory, start) as cluster:
        assert store.login("alice", NOW + 60) == "allow"  # which the backup does not know
        backup = Store(cluster, directory, start)
        for user in ["alice", "bob"]:
            sentence = backup.login(user, NOW + 60)
            assert sentence.startswith("error other_store"), sentence
            assert "run totpctl store accept" in sentence
        assert backup.run("check")[0].startswith("error other_store")
        assert backup.run("create", "bob")[0].startswith("error other_store")
        assert backup.run("walk")[-1].startswith("error other_store")
        assert "cluster other epoch 0" in backup.ok("status")[0]

        backup.ok("accept", NOW + 90)
        backup.ok("check")
        assert "cluster own epoch 1" in backup.ok("status")[0]
        assert backup.login("alice", NOW + 60) == "deny"
        assert backup.login("alice", NOW + 90, 1) == "deny"  # within the window
        assert backup.login("alice", NOW + 150) == "allow"
        assert backup.login("alice", NOW + 150) == "deny"


def test_a_backup_that_was_accepted_by_a_clock_that_was_ahead_is_accepted_again(store, directory, start):
    store.ok("create", "alice")
    with restored(store.cluster, directory, start) as cluster:
        backup = Store(cluster, directory, start)
        backup.ok("accept", NOW + 86400)
        assert backup.login("alice", NOW + 120) == "deny"
        backup.ok("accept", NOW + 90)
        assert backup.login("alice", NOW + 90, 1) == "deny"  # within the window
        assert backup.login("alice", NOW + 150) == "allow"
        assert "cluster own epoch 1" in backup.ok("status")[0]


# --- keys ---

def keys_of(path):
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def add_key(path, number, first):
    material = clusters.key(bytes([number & 255]) * 32)
    lines = keys_of(path)
    new = f"{number:08x} {material} 2027-01-15"
    lines = [new, *lines] if first else [*lines, new]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)


def test_keys_are_rotated_while_people_log_in(store):
    users = [f"user{i}" for i in range(8)]
    for user in users:
        store.ok("create", user)
    old = store.ok("keys")[0].split()[1]
    add_key(store.keyring, 0xabc, first=True)
    rotation = store.start("store", *store.config(), "seal")
    for step in range(1, 4):
        for user in users:
            assert store.login(user, NOW + 30 * step) == "allow"
    assert rotation.communicate(timeout=60)[0] == "ok\n"
    keys = {line.split()[1] for line in store.ok("keys")}
    assert keys == {"00000abc"} != {old}


def test_a_record_that_is_replaced_while_keys_are_rotated_holds_up_no_other(store):
    users = [f"user{i}" for i in range(8)]
    for user in users:
        store.ok("create", user)
    add_key(store.keyring, 0xabc, first=True)
    store.ok("seal", "user3")
    keys = [line.split() for line in store.ok("keys")]
    assert sorted(keys) == [[user, "00000abc"] for user in users]
    assert all(store.login(user, NOW) == "allow" for user in users)


def test_a_verifier_without_the_new_key_says_so_and_seals_with_no_other(store, directory):
    store.ok("create", "alice")
    add_key(store.keyring, 0xabc, first=True)
    store.ok("seal")
    text = store.keyring.read_text()
    # the new key is there, but not the first: it is the store that says which one seals
    store.keyring.write_text("\n".join(reversed(keys_of(store.keyring))) + "\n")
    store.ok("create", "bob")
    assert {line.split()[1] for line in store.ok("keys")} == {"00000abc"}
    # it is not there
    store.keyring.write_text(keys_of(store.keyring)[0] + "\n")
    sentence = store.run("create", "carol")[0]
    assert "lacks key 00000abc, which seals the store" in sentence
    assert "sealed by key 00000abc" in store.login("alice", NOW)
    store.keyring.write_text(text)
    assert store.login("alice", NOW) == "allow"


# --- many ---

def test_an_import_goes_on_where_it_stopped(store):
    assert store.run("many", 0, 250) == ["done 250", "ok"]
    # of the next ones the third is there
    store.ok("create", "user0000252")
    output = store.run("many", 250, 100)
    assert output[0] == "done 2" and output[1].startswith("error already_there user0000252")
    assert store.run("many", 253, 97) == ["done 97", "ok"]
    assert sorted(store.ok("names")) == [f"user{i:07}" for i in range(350)]
    assert store.login("user0000349", NOW) == "allow"


def test_an_import_through_damaged_answers_creates_each_once(store):
    faults = {"drop": 10, "truncate": 10, "remove": 10, "double": 5, "earlier": 5}
    with Proxy(store.cluster, store.cluster.members[0], faults) as proxy:
        assert store.run("many", 0, 1000, endpoints=proxy.url) == ["done 1000", "ok"]
    assert sorted(store.ok("names")) == [f"user{i:07}" for i in range(1000)]


@pytest.mark.each_version
def test_walks_see_every_record_whatever_the_size_of_their_pages(store, directory, start):
    small = Store(store.cluster, directory, start, "store-small-pages")
    assert store.run("many", 0, 2000) == ["done 2000", "ok"]
    names = [f"user{i:07}" for i in range(2000)]
    pairs = store.cluster.pairs("totp/", "totp0")
    # some states are lost, and some are nobody's
    lost = [name for name in pairs if b"/s/" in name][::7]
    for name in lost:
        store.cluster.ask("kv/deleterange", {"key": clusters.key(name)})
    for name in lost + [name for name in pairs if b"/s/" in name][::5]:
        for extra in [b"0", b"1", b"2", b"3"]:
            store.cluster.ask("kv/put", {"key": clusters.key(name + extra),
                                         "value": clusters.key("x")})
    broken = {name.rsplit(b"/", 1)[1].decode() for name in lost}
    for each in [store, small]:
        assert sorted(each.ok("names")) == names
        rows = [line.split(maxsplit=3) for line in each.ok("walk")]
        assert sorted(row[0] for row in rows) == names
        assert {row[0] for row in rows if row[1] != "ok"} == broken
        assert all("state missing" in row[3] for row in rows if row[1] != "ok")
        assert len(each.ok("keys")) == 2000


def test_a_key_that_no_program_of_ours_made_stops_no_walk(store, directory, start):
    """Each verifier may write to the cluster, and could make one that is longer than ours."""
    small = Store(store.cluster, directory, start, "store-small-pages")
    store.ok("many", 0, 5)
    for name in list(store.cluster.pairs("totp/", "totp0")):
        if name.rsplit(b"/", 1)[1].startswith(b"user"):
            for extra in b"-" * 3, b"." * 300, b"x" * 5000, b"\xff" * 5000:
                store.cluster.ask("kv/put", {"key": clusters.key(name + extra),
                                             "value": clusters.key("x")})
    for each in [store, small]:
        assert len(each.ok("keys")) == len(each.ok("walk")) == len(each.ok("names"))
        assert {f"user{i:07}" for i in range(5)} <= {line.split()[0] for line in each.ok("walk")}
