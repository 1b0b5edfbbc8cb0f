# SPDX-License-Identifier: BSD-2-Clause
"""The client of etcd: members that die, answers that are damaged, certificates that are wrong."""

import os
import shutil
import signal
from contextlib import ExitStack

import pytest

import cluster as clusters
from conftest import PATIENT, within
from proxy import Proxy


def committed(lines):
    return [value for what, value, _ in lines if what == "committed"]


def whys(lines):
    return [why for what, _, why in lines if what == "unknown"]


def history(cluster, name):
    return [value.decode() for value in cluster.history(name)]


def assert_true_to(cluster, name, lines, stale=False):
    """
    Each value that was reported as committed is in the history once, and in that order. With
    `stale`, a value that is there may be reported as stale: its login is denied.
    """
    values = history(cluster, name)
    reported = committed(lines)
    assert len(set(values)) == len(values)
    assert [value for value in values if value in set(reported)] == reported
    unknown = {value for what, value, _ in lines if what == "unknown" or stale}
    assert set(values) - set(reported) <= unknown


def test_writes_are_committed_one_on_top_of_the_other(single, ask):
    lines = ask(single.arguments(), "k", 200, PATIENT)
    assert len(committed(lines)) == 200
    assert history(single, "k") == committed(lines)


def test_of_many_writers_each_sees_what_became_of_its_own_writes(three, start):
    processes = [start("ask", *three.arguments(), "k", 50, 0, PATIENT) for _ in range(8)]
    outputs = [process.communicate(timeout=240)[0].splitlines() for process in processes]
    reported = [line.split()[1] for lines in outputs for line in lines
                if line.startswith("committed")]
    assert {line.split()[0] for lines in outputs for line in lines} <= {"committed", "stale"}
    assert sorted(history(three, "k")) == sorted(reported)


@pytest.mark.each_version
def test_a_damaged_answer_is_never_taken_for_a_commit(single, ask):
    for fault in ["drop", "lose", "truncate", "remove", "double", "earlier", "refuse", "reset",
                  "goaway", "unlike"]:
        with Proxy(single, single.members[0], {fault: 30}) as proxy:
            lines = ask(single.arguments(proxy.url), fault, 60, PATIENT)
            assert proxy.counts[fault] > 5
            # an answer to another request may say that somebody else wrote
            assert_true_to(single, fault, lines, stale=fault == "earlier")
            # sent again, the request says what became of the first one
            assert fault == "earlier" or len(committed(lines)) == 60, lines


def test_answers_that_are_always_damaged_commit_nothing(single, ask):
    for fault in ["drop", "truncate", "refuse", "lose", "reset", "goaway", "unlike"]:
        with Proxy(single, single.members[0], {fault: 100}) as proxy:
            lines = within(lambda: ask(single.arguments(proxy.url), fault, 1), most=6, least=3)
            assert [what for what, _, _ in lines] == ["unknown"]


def test_a_request_that_etcd_rejects_is_not_sent_again(single, ask):
    with Proxy(single, single.members[0], {"reject": 100}) as proxy:
        lines = ask(single.arguments(proxy.url), "k", 1, PATIENT)
        assert "gRPC status 3: etcdserver: key is not provided" in whys(lines)[0]
        assert proxy.counts["reject"] == 1


def test_an_answer_that_is_too_long_is_not_read_to_its_end(single, ask):
    with Proxy(single, single.members[0], {"huge": 100}) as proxy:
        assert "Failure writing" in whys(ask(single.arguments(proxy.url), "k", 1, 10000))[0]


@pytest.mark.each_version
def test_what_etcd_says_of_its_failure_is_reported(single, ask):
    member = single.ask("maintenance/status", {})["header"]["member_id"]
    single.ask("maintenance/alarm", {"action": "ACTIVATE", "memberID": member, "alarm": "NOSPACE"})
    lines = ask(single.arguments(), "k", 1)
    assert "gRPC status 8: etcdserver: mvcc: database space exceeded" in whys(lines)[0]


def test_slow_answers_are_asked_for_again(single, ask):
    with Proxy(single, single.members[0], {"delay": 30, "hold": 10}) as proxy:
        lines = ask(single.arguments(proxy.url), "k", 30)
        assert_true_to(single, "k", lines)
        assert len(committed(lines)) >= 25, whys(lines)


def test_a_connection_without_answers_is_not_used_again(single, ask):
    with Proxy(single, single.members[0], {"stall": 20}) as proxy:
        lines = ask(single.arguments(proxy.url), "k", 20)
        assert proxy.counts["stall"] > 2
        assert len(committed(lines)) == 20, whys(lines)


def test_a_member_that_does_not_answer_costs_one_try(three, ask):
    clusters.freeze(three.members[0])
    if three.leader() is three.members[0]:
        raise AssertionError("a frozen leader")
    try:
        assert len(committed(within(lambda: ask(three.arguments(), "k", 20), most=3))) == 20
    finally:
        clusters.thaw(three.members[0])


def read_lines(asking, count):
    """How many of the next values are committed."""
    return sum(asking.stdout.readline().startswith("committed") for _ in range(count))


def test_a_program_that_asks_often_asks_the_leader_and_after_an_election_the_next_one(three, start):
    order = []  # the members that were asked to write
    looks = []  # and those that were asked who leads

    class Noting(Proxy):
        def serve_one(self, link, stream, backend, headers, body):
            writes = dict(headers)[b":path"].endswith(b"/Txn")
            (order if writes else looks).append(self.member)
            return super().serve_one(link, stream, backend, headers, body)

    def assert_it_finds_the_leader(answers):
        """On a machine with other work a look may fail, and another member may be elected."""
        for _ in range(0, answers, 50):
            assert read_lines(asking, 50) >= 45
            if set(order[-30:]) == {three.leader()}:
                return
        raise AssertionError([member.name for member in order])

    leader = three.leader()
    others = [member for member in three.members if member is not leader]
    with ExitStack() as stack:
        proxies = [stack.enter_context(Noting(three, member, {})) for member in [*others, leader]]
        asking = start("ask", *three.arguments(",".join(proxy.url for proxy in proxies)),
                       "k", 100000, 20, PATIENT)
        assert_it_finds_the_leader(100)
        assert 1 <= len(looks) <= 8
        leader.kill()
        assert_it_finds_the_leader(300)
        leader.start()
        three.wait()


def test_a_leader_that_does_not_answer_is_left_alone_for_a_while(three, start):
    leader = three.leader()
    others = [member for member in three.members if member is not leader]
    with ExitStack() as stack:
        proxies = [stack.enter_context(Proxy(three, member, {"lose": 0}))
                   for member in [leader, *others]]
        asking = start("ask", *three.arguments(",".join(proxy.url for proxy in proxies)),
                       "k", 100000, 20, PATIENT)
        assert read_lines(asking, 50) == 50
        proxies[0].faults["lose"] = 100
        for _ in range(1000):
            assert read_lines(asking, 1) == 1
            if proxies[0].counts["lose"]:
                break
        assert read_lines(asking, 150) == 150
        assert 1 <= proxies[0].counts["lose"] <= 5, proxies[0].counts


def test_without_a_quorum_nothing_is_committed_and_it_comes_back_by_itself(three, ask):
    assert committed(ask(three.arguments(), "k", 1))
    for member in three.members[1:]:
        member.kill()
    lines = within(lambda: ask(three.arguments(), "k", 1), most=4)
    assert not committed(lines) and whys(lines)
    for member in three.members[1:]:
        member.start()
    three.wait()
    assert len(committed(ask(three.arguments(), "k", 5))) >= 4


def assert_denied(ask, arguments, *words):
    lines = ask(arguments, "k", 1)
    assert not committed(lines)
    for word in words:
        assert word in whys(lines)[0].lower(), lines


@pytest.mark.each_version
def test_certificates_of_another_authority_are_rejected_by_both_ends(single, directory, ask):
    other = clusters.Authority(directory / "other", "other")
    endpoints, ca, certificate, key = single.arguments()
    assert_denied(ask, [endpoints, other.certificate, certificate, key], "certificate")
    assert_denied(ask, [endpoints, ca, *other.issue("verifier")], "does it accept our certificate")
    # and a server that has one
    with clusters.Cluster(directory / "foreign", single.binary, 1, other) as foreign:
        assert_denied(ask, [foreign.endpoints, ca, *other.issue("verifier")], "certificate")


@pytest.mark.each_version
def test_an_expired_certificate_is_rejected(single, ask):
    endpoints, ca, _, _ = single.arguments()
    assert_denied(ask, [endpoints, ca, *single.authority.issue("old", days=-1)],
                  "does it accept our certificate")


def test_a_certificate_for_another_address_is_rejected(single, directory, ask):
    class Elsewhere(clusters.Authority):
        def issue(self, name, days=365, addresses=()):
            return super().issue(name, days, ["127.0.0.2"])

    authority = Elsewhere(directory / "elsewhere")
    cluster = clusters.Cluster(directory / "misnamed", single.binary, 1, authority)
    cluster.context.check_hostname = False
    with cluster:
        assert_denied(ask, cluster.arguments(), "alternative certificate subject name")


@pytest.mark.each_version
def test_an_authority_that_was_replaced_counts_no_more_for_a_program_that_runs(
        single, directory, start):
    other = clusters.Authority(directory / "other", "other")
    endpoints, _, certificate, key = single.arguments()
    used = shutil.copy(single.authority.certificate, directory / "used.crt")
    process = start("ask", endpoints, used, certificate, key, "k", 1000, 20)
    assert process.stdout.readline().startswith("committed")
    process.send_signal(signal.SIGSTOP)
    before = history(single, "k")
    shutil.copy(other.certificate, used)
    single.members[0].kill()  # a new connection is needed
    single.members[0].start()
    single.wait()
    process.send_signal(signal.SIGCONT)
    assert any("certificate" in line for line in process.stdout if line.startswith("unknown"))
    # a request that was under way when the program was stopped may have been done
    assert len(history(single, "k")) <= len(before) + 1


def test_a_certificate_that_cannot_be_read_is_said_at_once(single, directory, ask):
    endpoints, ca, certificate, _ = single.arguments()
    within(lambda: assert_denied(ask, [endpoints, ca, certificate, directory / "none"],
                                 "the certificate for the store cannot be used"), most=1)


def test_no_proxy_of_the_environment_is_used(single, ask, monkeypatch):
    monkeypatch.setitem(os.environ, "https_proxy", "http://127.0.0.1:9")
    monkeypatch.setitem(os.environ, "ALL_PROXY", "http://127.0.0.1:9")
    assert len(committed(ask(single.arguments(), "k", 3))) == 3
