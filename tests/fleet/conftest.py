# SPDX-License-Identifier: BSD-2-Clause
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

import cluster as clusters

BUILD = Path(os.environ["FLEET_BUILD"])
LONG = os.environ.get("FLEET_LONG") == "1"  # scripts/prove: every test with every version, often
PATIENT = 35000  # ms: ten times what a login waits, so that no answer comes too late


def pytest_configure(config):
    config.addinivalue_line("markers", "each_version: in the short form too")


def pytest_generate_tests(metafunc):
    if "etcd" in metafunc.fixturenames:
        binaries = clusters.binaries()
        if not LONG and not metafunc.definition.get_closest_marker("each_version"):
            binaries = binaries[:1]
        metafunc.parametrize("etcd", binaries, scope="session",
                             ids=[clusters.version_of(each) for each in binaries])


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="pam_totp-fleet-", dir=clusters.memory_directory())
    yield Path(path)
    shutil.rmtree(path)


@pytest.fixture
def single(directory, etcd):
    with clusters.Cluster(directory / "etcd", etcd, 1) as cluster:
        yield cluster


@pytest.fixture
def three(directory, etcd):
    with clusters.Cluster(directory / "etcd", etcd, 3) as cluster:
        yield cluster


@pytest.fixture
def start():
    """Start a test program of the build; what still runs at the end is killed."""
    running = []

    def start(name, *arguments):
        process = subprocess.Popen([BUILD / "tests/fleet" / name, *map(str, arguments)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def ask(start):
    """Write random values to a key: a list of (what, value, why)."""
    def ask(arguments, name, count, *wait_ms):
        process = start("ask", *arguments, name, count, 0, *wait_ms)
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        return [(line.split(" ", 2) + ["", ""])[:3] for line in output.splitlines()]
    return ask


def within(act, most, least=0):
    """What act() returns. It takes these seconds, although the machine may make it slower now and then."""
    for _ in range(5):
        began = time.monotonic()
        result = act()
        took = time.monotonic() - began
        assert took > least
        if took < most:
            break
    assert took < most
    return result
