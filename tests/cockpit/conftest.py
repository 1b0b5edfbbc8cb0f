# SPDX-License-Identifier: BSD-2-Clause
"""Each test gets a host with a new store, Cockpit, and a browser that was never used."""
import os
import re
import shutil
import signal
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import browser as browser_module  # noqa: E402
import bus as bus_module  # noqa: E402
import host as host_module  # noqa: E402
import polkit  # noqa: E402
import web  # noqa: E402

PASSWORDS = {name: f"{name}'s long password" for name in ("alice", "bob", "carol")}
HELP_DESK = "/etc/pam_totp/helpdesk.conf"


def pytest_addoption(parser):
    parser.addoption("--pictures", help="draw the screens of the page into this directory")


def pytest_configure(config):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    if not os.environ.get("HOST_LOG"):
        pytest.exit("these tests change the host they run on: start them with tests/cockpit/run BUILD", 2)


@pytest.fixture(scope="session")
def chromium():
    made = browser_module.Browser()
    yield made
    made.close()


@pytest.fixture
def host():
    """bob is an administrator, alice is not."""
    made = host_module.Host()
    # codes of 8 digits: one of 6 is too likely to be found where it is looked for
    made.serve(fail_delay=0, period=60, window=5, enforce="optional", digits=8)
    for user in "alice", "bob":
        made.password(user, PASSWORDS[user])
    made.pam("sudo", "auth required pam_unix.so", "account required pam_permit.so", "session required pam_permit.so")
    with open("/etc/sudoers", "w", encoding="utf-8") as file:
        file.write("Defaults !lecture\nroot ALL=(ALL) ALL\nbob ALL=(ALL) ALL\n")
    os.chmod("/etc/sudoers", 0o440)
    yield made
    try:
        assert made.leaks() == []
    finally:
        made.close()


@pytest.fixture
def bus():
    made = bus_module.Bus()
    yield made
    made.close()


@pytest.fixture
def desk(host, bus):
    """carol is of the help desk, which is set up as docs/helpdesk.md says. It exempts bob."""
    for group in "sudo", "totp-helpdesk":
        host_module.run("groupadd", "--force", group)
    host_module.run("useradd", "-m", "-s", "/bin/bash", "-G", "totp-helpdesk", "carol")
    host_module.run("usermod", "-a", "-G", "sudo", "bob")
    host.password("carol", PASSWORDS["carol"])
    shutil.copy(f"{polkit.EXAMPLES}/helpdesk.conf", HELP_DESK)
    made = polkit.Polkit()
    made.rule("polkit-cockpit.rules", "carol", True)
    yield made
    made.close()
    host_module.run("usermod", "-G", "", "bob")
    host_module.run("userdel", "-r", "-f", "carol")


@pytest.fixture
def cockpit(host, bus):
    made = web.Cockpit()
    yield made
    made.close()


def is_in(secret, text):
    """A number that is a part of a longer one is another number."""
    return secret in text and not (secret.isdigit() and not re.search(rf"(?<!\d){secret}(?!\d)", text))


def secrets(host, tab):
    codes = {code for phone in host.phones for code in phone.shown}
    return tab.shown | codes | {phone.secret for phone in host.phones}


@pytest.fixture
def tab(chromium, host, cockpit):
    """When the test ends, no secret is in what the browser keeps, nor in Cockpit's log."""
    chromium.open()
    chromium.shown = set()
    yield chromium
    kept = chromium.kept() + cockpit.said()
    assert [secret for secret in secrets(host, chromium) if is_in(secret, kept)] == []
