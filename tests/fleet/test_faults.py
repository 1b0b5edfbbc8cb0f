# SPDX-License-Identifier: BSD-2-Clause
"""
What a client sees while the leader of three members is killed, frozen or cut off, in rounds: one
of each in the short form, ten in the long one. The short form may share its machine with other
tests, and only finds a silence that does not end soon.
"""

import os
import threading
import time

import pytest

import cluster as clusters
from conftest import LONG
from network import Network

ROUNDS = 10 if LONG else 1
SILENCE_MAX = 2 if LONG else 6  # seconds
PAUSE_MS = 20


class Writer:
    """A client that writes on top of its last value again and again."""

    def __init__(self, cluster, start):
        self.cluster = cluster
        self.lines = []  # (time, what, value)
        self.process = start("ask", *cluster.arguments(), "k", 1000000, PAUSE_MS)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append((time.monotonic(), *line.split()[:2]))

    def stop(self):
        self.process.kill()
        self.thread.join()

    def committed(self):
        return [line for line in self.lines if line[1] == "committed"]

    def silence(self, since):
        """The longest time without a commit."""
        times = [since, *(line[0] for line in self.committed() if line[0] > since),
                 time.monotonic()]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def assert_nothing_was_lost_or_done_twice(self):
        values = [value.decode() for value in self.cluster.history("k")]
        reported = [value for _, _, value in self.committed()]
        assert len(set(values)) == len(values)
        assert [value for value in values if value in set(reported)] == reported


def wait_for_all(cluster):
    end = time.monotonic() + 30
    for member in cluster.members:
        while True:
            try:
                cluster.ask("kv/range", {"key": clusters.key("x")}, member, clusters.SHORT)
                break
            except OSError:
                assert time.monotonic() < end, f"{member.name} does not come back"
                time.sleep(0.2)


def silences(cluster, start, fail, recover):
    writer = Writer(cluster, start)
    longest = []
    for _ in range(ROUNDS):
        time.sleep(1)
        leader = cluster.leader()
        began = time.monotonic()
        fail(leader)
        time.sleep(2 * SILENCE_MAX)
        longest.append(round(writer.silence(began), 2))
        recover(leader)
        wait_for_all(cluster)
    writer.stop()
    print(f"silences {sorted(longest)}, {len(writer.committed())} commits")
    assert len(writer.committed()) > 20 * ROUNDS
    writer.assert_nothing_was_lost_or_done_twice()
    return longest


@pytest.mark.each_version
def test_the_death_of_the_leader_is_a_short_silence(three, start):
    assert max(silences(three, start, lambda leader: leader.kill(),
                        lambda leader: leader.start())) <= SILENCE_MAX


def test_a_frozen_leader_is_a_short_silence(three, start):
    assert max(silences(three, start, clusters.freeze, clusters.thaw)) <= SILENCE_MAX


@pytest.fixture
def apart(directory, etcd):
    """Three members, each on a host of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can make network namespaces")
    with Network(3) as network, \
            clusters.Cluster(directory / "etcd", etcd, 3, network=network) as cluster:
        yield cluster


def test_a_leader_that_is_cut_off_is_a_short_silence(apart, start):
    assert max(silences(apart, start, lambda leader: apart.network.cut(leader.number),
                        lambda leader: apart.network.heal(leader.number))) <= SILENCE_MAX


def test_a_leader_that_is_cut_off_from_the_others_alone_commits_nothing(apart, start):
    assert max(silences(apart, start, lambda leader: apart.network.cut_from_others(leader.number),
                        lambda leader: apart.network.heal_with_others(leader.number))) <= SILENCE_MAX
