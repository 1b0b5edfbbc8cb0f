# SPDX-License-Identifier: BSD-2-Clause
"""Each test gets a host with a new store; when it ends, no log may hold a code or a secret."""
import os
import shutil
import signal

import pytest

import host as host_module


def pytest_addoption(parser):
    parser.addoption("--part", default="1/1", help="I/N: every N-th test, from the I-th on")


def pytest_collection_modifyitems(config, items):
    part, parts = map(int, config.getoption("--part").split("/"))
    items[:] = items[part - 1::parts]


def pytest_configure(config):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    if not os.environ.get("HOST_LOG"):
        pytest.exit("these tests change the host they run on: start them with tests/e2e/run BUILD", 2)
    for program in "totpctl", "totp-enroll":
        if not shutil.which(program):
            pytest.exit(f"{program} is not in the build", 2)


@pytest.fixture
def host():
    made = host_module.Host()
    try:
        yield made
        assert made.leaks() == []
    finally:
        made.close()
