# SPDX-License-Identifier: BSD-2-Clause
"""After everything: no secret is where a browser, Cockpit or a process keeps something."""
import glob
import shutil

import pytest

from browser import Browser
from conftest import PASSWORDS, is_in
from host import DIR, STORE, run
from steps import begin, confirm

PROFILE = f"{DIR}/profile"
PLANTED = "PLANTED7SECRET"


def holders(secrets, *directories):
    """The files that hold one of them, and the processes that have it in an argument or a variable."""
    found = []
    paths = [path for directory in directories
             for path in run("find", directory, "-type", "f").splitlines()]
    for path in [*paths, *glob.glob("/proc/[0-9]*/cmdline"), *glob.glob("/proc/[0-9]*/environ")]:
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:  # it has ended
            continue
        # leveldb and sqlite hold text in one of two encodings, anywhere
        texts = [data.decode("latin-1"), *(data[at:].decode("utf-16-le", "replace") for at in (0, 1))]
        if any(is_in(secret, text) for secret in secrets for text in texts):
            found.append(path)
    return found


@pytest.fixture
def tab(host, cockpit):
    """A browser with a profile on the disk."""
    made = Browser(PROFILE)
    made.open()
    yield made
    made.close()
    shutil.rmtree(PROFILE)


def test_no_secret_is_left_anywhere(host, cockpit, tab):
    everywhere = (PROFILE, STORE, "/home", "/tmp", "/root", "/var/log", cockpit.log)
    tab.login("alice", PASSWORDS["alice"])
    phone = begin(host, tab)
    assert holders([phone.secret], *everywhere) == [], "while it is on the screen"
    codes = confirm(tab, phone)
    tab.logout()
    tab.login("alice", PASSWORDS["alice"], phone.code(1))
    tab.page.sees("Your account is protected")
    kept = tab.kept() + cockpit.said() + host.log_text()
    secrets = [phone.secret, *codes, *(code for code in phone.shown), PASSWORDS["alice"]]
    assert [secret for secret in secrets if is_in(secret, kept)] == []

    tab.do("await state.frame().evaluate(given.plant)", plant=f"localStorage.setItem('planted', '{PLANTED}')")
    assert PLANTED in tab.kept(), "the search finds one"
    tab.do("await state.context.close(); state.context = null")
    assert holders([PLANTED], *everywhere), "the search finds one"
    assert holders(secrets, *everywhere) == []
