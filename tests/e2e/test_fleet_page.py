# SPDX-License-Identifier: BSD-2-Clause
"""
The commands of pam_totp-fleet(7), read from the page and run on machines of a network of their own
(tests/e2e/machines), with a real etcd, haproxy and totpd on each verifier.

A block whose first line begins with the name of a machine and "# " holds commands. Any other block
is a file, which the paragraph above names.
"""
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from host import DIR, HERE, Phone, run

PAGE = os.path.join(HERE, "../../man/pam_totp-fleet.7.scd")
MACHINES = os.path.join(HERE, "machines")
PROMPT = re.compile(r"^(admin|v\d|v\*|web01)# ", re.M)
ADDRESSES = {"admin": "192.0.2.100", "v1": "192.0.2.1", "v2": "192.0.2.2", "v3": "192.0.2.3",
             "web01": "192.0.2.11", "web02": "192.0.2.12"}
VERIFIERS = "v1", "v2", "v3"
POLICY = "/etc/security/pam_totp.conf"
DATE = "2027-01-31"  # where the page has one that its reader replaces


def sections():
    """Heading -> its blocks: a list of (machine, command), or of (path, text)."""
    with open(PAGE, encoding="utf-8") as file:
        parts = re.split(r"^# (.*)\n", file.read(), flags=re.M)
    found = {}
    for heading, text in zip(parts[1::2], parts[2::2]):
        found[heading] = steps = []
        pieces = re.split(r"^```\n(.*?)^```$", text, flags=re.M | re.S)
        for before, block in zip(pieces[::2], pieces[1::2]):
            block = block.replace("\\\\", "\\")
            if PROMPT.match(block):
                words = PROMPT.split(block)[1:]
                steps += [(machine, command.strip())
                          for machine, command in zip(words[::2], words[1::2])]
            else:
                path = re.findall(r"_(/etc/[\w./-]+)_", before)
                steps.append((path[0], block) if path else (None, block))
    return found


SECTIONS = sections()


class Network:
    def __init__(self, *names):
        run(MACHINES, "begin")
        for name in names:
            run(MACHINES, "add", name, ADDRESSES[name])
        self.names = names
        self.home = f"{DIR}/admin"
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(self.home)

    def on(self, name, command, given=None, check=True):
        done = subprocess.run([MACHINES, "on", name, "bash", "-c", command], cwd=self.home,
                              input=given, capture_output=True, text=True, timeout=240)
        # doctor finds what a host without services lacks; a rotation has two runs
        good = (0, 1) if command in ("totpctl doctor", "totpctl key rotate") else (0,)
        assert not check or done.returncode in good, \
            f"{name}# {command}: {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def write(self, name, path, text):
        directory = os.path.dirname(path)
        self.on(name, f"mkdir -p {directory} && cat >{path} && chmod 644 {path}", given=text)

    def follow(self, heading, date=DATE):
        """Run the commands of a section on that date, and write its files. Returns the last one."""
        done = None
        for where, text in SECTIONS[heading]:
            text = text.replace(DATE, date)
            if where.startswith("/"):
                self.put(where, text)
            for name in VERIFIERS if where == "v*" else [where] if where in ADDRESSES else []:
                # what differs on v2 and v3, as the page says
                own = re.sub(r"--name v1|-peer-urls https://192\.0\.2\.1",
                             lambda found: found[0].replace("v1", name)
                             .replace("192.0.2.1", ADDRESSES[name]), text)
                done = self.on(name, own)
        return done

    def put(self, path, text):
        """A file of all verifiers."""
        for name in VERIFIERS:
            own = text
            if path == "/etc/default/etcd":
                own = "".join(line if line.startswith("ETCD_INITIAL_CLUSTER=") else
                              line.replace("192.0.2.1:", f"{ADDRESSES[name]}:")
                              .replace("=v1\n", f"={name}\n")
                              for line in text.splitlines(keepends=True))
            self.write(name, path, own)

    def enroll(self, user):
        made = self.on("v1", f"totp-enroll --user {user} --no-confirm --json").stdout
        return Phone(json.loads(made)["uri"])

    def login(self, name, user, code):
        self.write(name, "/etc/pam.d/fleet", "auth required pam_totp.so\naccount required pam_permit.so\n")
        began = time.monotonic()
        done = self.on(name, f"pamtester fleet {user} authenticate", given=code + "\n", check=False)
        return done.returncode == 0, done.stdout + done.stderr, time.monotonic() - began

    def end(self):
        run(MACHINES, "end")


@pytest.fixture
def network(host):
    made = []

    def make(*names):
        made.append(Network(*names))
        return made[0]
    host.stop_totpd()
    since = host.log_end()
    make.log = lambda: host.log_text(since)
    yield make
    for each in made:
        each.end()


def login_host(network, name, verifiers="192.0.2.1:7443"):
    """The section A LOGIN HOST, for this one."""
    for where, text in SECTIONS["A LOGIN HOST"]:
        text = text.replace("web01", name).replace("192.0.2.11", ADDRESSES[name])
        if where.startswith("/"):
            if where == POLICY:
                text = re.sub(r"verifiers = .*", f"verifiers = {verifiers}", text)
            network.write(name, where, text)
        else:
            network.on(name if where == "web01" else where, text)


def test_one_verifier_takes_ten_commands_and_a_host_two(network):
    commands = [step for step in SECTIONS["ONE VERIFIER"] if "totp-enroll" not in step[1]]
    assert len(commands) == 10
    fleet = network("admin", "v1", "web01", "web02")
    for where, text in commands:
        fleet.on(where, text)
    for name in "web01", "web02":
        login_host(fleet, name)
    phone = fleet.enroll("alice")
    code = phone.code()
    assert fleet.login("web01", "alice", code)[0]
    allowed, seen, _ = fleet.login("web02", "alice", code)
    assert not allowed and "already used" in seen
    assert fleet.login("web02", "alice", phone.code(1))[0]
    # a host is locked out although a pattern names it
    line = next(text for _, text in SECTIONS["CERTIFICATES"] if "reject" in text).strip()
    fleet.on("v1", f"""echo web02.example.org >/etc/pam_totp/fleet/locked-out &&
        sed -i '/^\\tbind/i\\\\t{line}' /etc/pam_totp/haproxy.cfg &&
        systemctl reload pam-totp-haproxy.service""")
    bob = fleet.enroll("bob")
    allowed, seen, _ = fleet.login("web02", "bob", bob.code())
    assert not allowed and "not possible" in seen, seen
    assert fleet.login("web01", "bob", bob.code(1))[0]


def test_three_verifiers_take_twenty_commands_and_one_may_die(network):
    commands = [step for step in SECTIONS["THREE VERIFIERS"] if not step[0].startswith("/")]
    assert len(commands) <= 20
    fleet = network("admin", *VERIFIERS, "web01", "web02")
    fleet.follow("THREE VERIFIERS")
    everyone = "192.0.2.1:7443, 192.0.2.2:7443, 192.0.2.3:7443"
    for name in "web01", "web02":
        login_host(fleet, name, everyone)
    phone = fleet.enroll("alice")
    code = phone.code()
    assert fleet.login("web01", "alice", code)[0]
    run(MACHINES, "off", "v1")
    allowed, seen, _ = fleet.login("web02", "alice", code)
    assert not allowed and "already used" in seen
    assert fleet.login("web02", "alice", phone.code(1))[0]


def test_a_fleet_is_rotated_renewed_backed_up_and_restored_by_its_page(network):
    fleet = network("admin", *VERIFIERS, "web01")
    fleet.follow("THREE VERIFIERS")
    login_host(fleet, "web01", "192.0.2.2:7443, 192.0.2.3:7443")
    alice, bob = fleet.enroll("alice"), fleet.enroll("bob")
    key = fleet.on("v1", "cut -d' ' -f1 /etc/pam_totp/keyring").stdout
    fleet.follow("KEYS OF THE STORE")
    for name in VERIFIERS:
        ring = fleet.on(name, "grep -v '^#' /etc/pam_totp/keyring | cut -d' ' -f1").stdout
        assert ring.split() and ring.split()[0] not in key
    allowed, seen, _ = fleet.login("web01", "alice", alice.code())
    assert allowed, seen + network.log()

    for where, text in SECTIONS["CERTIFICATES"]:
        if where in ADDRESSES or where == "v*":
            for name in VERIFIERS if where == "v*" else [where]:
                fleet.on(name, text)

    assert "belongs to this cluster now" in fleet.follow("BACKUP AND RESTORE").stdout
    # the whole window of before is denied, bob has used none of it
    assert not fleet.login("web01", "bob", bob.code())[0]
    assert fleet.on("v2", "totpctl show bob").stdout
    # once more, from a snapshot of the cluster that was restored: that is noticed, too
    again = fleet.follow("BACKUP AND RESTORE", "2027-02-01")
    assert "belongs to this cluster now" in again.stdout, again.stdout
