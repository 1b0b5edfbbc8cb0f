# SPDX-License-Identifier: BSD-2-Clause
"""
Wipe by wipe of totpd and of the engine for etcd: what each removes while requests are answered is
compared with the secrets, codes and keys that have gone through the processes. Without that wipe it
would lie there.
"""
import contextlib
import glob
import os
import re
import signal
import sys
import threading
import time

import pytest

from host import KEYRING, run, wait_for
from test_fleet import cluster, verifier  # noqa: F401 fixtures
from test_fleet_calls import members  # noqa: F401 a fixture
from test_login_host import TERMINATOR, VERIFIER, fleet  # noqa: F401 a fixture
from test_totpd_memory import KEEP, children, state
from test_worker_memory import requests

sys.path.append(os.path.join(os.path.dirname(__file__), "../memory"))
from search import forms_of_keys, secret_forms  # noqa: E402
from wipes import TOP, Wipes, name, useless  # noqa: E402

NOTED = "/tmp/noted"
IMPORTED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WRITTEN = re.compile(r"\b(WIPE|explicit_bzero|\w+_wipe)\(")
DEFINITION = re.compile(r"[a-z][^;]*?(\w+)\([^;]*$")


def written(directory):
    """{file and function} of the wipes that are written out in sources."""
    found = set()
    for path in glob.glob(f"{TOP}/{directory}*.c"):
        function = None
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                definition = DEFINITION.match(line)
                function = definition[1] if definition else function
                if line[0] == "\t" and WRITTEN.search(line):
                    found.add(f"{directory}{os.path.basename(path)} {function}")
    return found


def go_on(pid):
    """A process that has stopped before it ends."""
    with contextlib.suppress(ProcessLookupError):
        if state(pid) == "T":
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def children_end(*parents):
    ends = threading.Event()

    def run_on():
        while not ends.is_set():
            for parent in parents:
                for child in children(parent):
                    go_on(child)
            time.sleep(0.01)

    thread = threading.Thread(target=run_on)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def end(process):
    process.terminate()
    assert wait_for(lambda: state(process.pid) == "T")
    go_on(process.pid)
    assert process.wait(60) == 0


@pytest.fixture
def variables():
    """Of programs whose wipes are noted."""
    with open(NOTED, "w", encoding="ascii"):
        os.chmod(NOTED, 0o666)  # totpd has an account of its own
    yield {"LD_PRELOAD": KEEP, "MEMORY_WIPES": NOTED}
    os.unlink(NOTED)


def judge(program, directory, needles):
    """Of the wipes in sources of a directory: useless.txt has those that removed no needle."""
    noted = Wipes({os.path.basename(program): program}).sites(NOTED, needles.values())
    sites = {site: is_useful for site, is_useful in noted.items() if site.file.startswith(directory)}
    print(f"{len(sites)} wipes, of which {sum(sites.values())} removed something")
    assert {name(site) for site, is_useful in sites.items() if not is_useful} == \
        {row for row in useless() if row.startswith(directory)}
    assert written(directory) - {name(site) for site in sites} == set()


def test_each_wipe_of_totpd_removes_a_secret_or_has_another_reason(fleet, variables):  # noqa: F811
    fleet.verifier_policy(window=3, hosts_self="hosta", hosts_enroll="hosta")
    for process in fleet.running[2], fleet.verifier:
        fleet.stop(process)
    verifier = fleet.totpd("--conf", VERIFIER, "--verifier", TERMINATOR, **variables)
    host = fleet.totpd(**variables)
    needles = forms_of_keys("/etc/verifier/keyring")
    with children_end(verifier.pid, host.pid):
        for path, store in ("/run/pam_totp/root.socket", ""), ("/run/verifier/root.socket", "/var/lib/verifier"):
            *_, (_, more) = requests(fleet.host, path, store)
            needles.update({f"{path}: {what}": needle for what, needle in more.items()})
            run("totpctl", "--conf", VERIFIER, "delete", "--yes", "alice")
        assert wait_for(lambda: not children(verifier.pid))
    for process in host, verifier:
        end(process)
    judge("/usr/libexec/totpd", "totpd/", needles)


def test_each_wipe_of_the_engine_for_etcd_removes_a_secret_or_has_another_reason(verifier, cluster, variables):  # noqa: F811
    verifier.policy(store="etcd", etcd_endpoints=cluster.endpoints, fail_delay=0, window=3)
    verifier.totpd(**variables)
    needles = forms_of_keys(KEYRING)
    with children_end(verifier.totpd_process.pid, os.getpid()):
        *_, (_, more) = requests(verifier)
        needles.update(more)
        environment = {**os.environ, **variables}
        run("totpctl", "import", "csv", "-", given=f"bob,{IMPORTED}\n", env=environment)
        needles.update(secret_forms(IMPORTED, "an imported secret"))
        run("totpctl", "key", "rotate", fail=True)  # until other verifiers have the key
        needles.update(forms_of_keys(KEYRING))
        run("totpctl", "key", "rotate", env=environment)
    end(verifier.totpd_process)
    verifier.totpd_process = None
    judge("/usr/lib/pam_totp_etcd.so", "lib/store/etcd/", needles)
