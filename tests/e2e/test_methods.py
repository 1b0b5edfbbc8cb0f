# SPDX-License-Identifier: BSD-2-Clause
"""
What sshd accepts before the code, besides a public key: a Kerberos ticket and the key of a host,
each from the real programs (a KDC, kinit, ssh-keysign), with if_publickey.
"""
import os
import shutil
import subprocess

import pytest

from host import PROMPT, run, wait_for
from test_recipes import PASSWORD, phone, write_stack
from test_ssh import asked

__all__ = ["phone"]
STACK = "sshd, key and code, or password and code"
NO_KEY = "PubkeyAuthentication=no"
MIT = ".mit" if shutil.which("kinit.mit") else ""  # Debian 13 calls the programs so
REALM = {
    "/etc/krb5.conf": """
[libdefaults]
	default_realm = TOWER
	dns_lookup_realm = false
	dns_lookup_kdc = false
	dns_canonicalize_hostname = false
	default_ccache_name = FILE:/run/host/ticket
[realms]
	TOWER = {
		kdc = 127.0.0.1
	}
[domain_realm]
	localhost = TOWER
""",
    "/etc/krb5kdc/kdc.conf": """
[kdcdefaults]
	kdc_listen = 127.0.0.1
	kdc_tcp_listen = 127.0.0.1
[realms]
	TOWER = {
		database_name = /run/host/kdc/principal
		key_stash_file = /run/host/kdc/stash
	}
""",
}


@pytest.fixture
def ticket(host):
    """alice has a ticket of the realm that this host's sshd belongs to."""
    os.mkdir("/run/host/kdc")
    for path, text in REALM.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    run("kdb5_util", "create", "-s", "-r", "TOWER", "-W", given="master\nmaster\n")
    for query in ("addprinc -randkey host/localhost", "ktadd host/localhost", "addprinc -pw ticket alice"):
        run("kadmin.local", "-q", query)
    kdc = subprocess.Popen(["krb5kdc", "-n"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def got_ticket():
        return subprocess.run([f"kinit{MIT}", "alice"], input="ticket\n", text=True, check=False,
                              stdout=subprocess.DEVNULL).returncode == 0

    assert wait_for(got_ticket)
    yield ("GSSAPIAuthentication=yes", NO_KEY)
    kdc.terminate()
    kdc.wait()
    shutil.rmtree("/run/host/kdc")
    os.unlink("/etc/krb5.keytab")


def accepts(lines, method):
    """The settings, with one more method before the code, as the manual says."""
    return [f"{line} {method},keyboard-interactive:pam" if line.startswith("AuthenticationMethods")
            else line for line in lines]


def test_a_kerberos_ticket_and_a_code_log_in_without_a_password(host, phone, ticket):
    lines = accepts(write_stack(STACK, "sshd"), "gssapi-with-mic")
    host.sshd(*lines, "GSSAPIAuthentication yes", "GSSAPIStrictAcceptorCheck no")
    login = host.ssh("alice", phone.code(), options=ticket)
    assert login.ok and asked(login) == [PROMPT], login
    assert [(event["outcome"], event["reason"]) for event in host.events()] == [
        ("skip", "publickey"), ("allow", "code")]
    assert not host.ssh("alice", phone.wrong(), options=ticket).ok, "a ticket alone is not enough"
    run(f"kdestroy{MIT}")
    login = host.ssh("alice", PASSWORD, phone.code(1), options=ticket)
    assert login.ok and asked(login) == ["Password: ", PROMPT], login


@pytest.fixture
def trusted(host):
    """sshd trusts the key of the client's host, which is this one."""
    host.sshd()
    with open("/etc/ssh/ssh_host_ed25519_key.pub", encoding="utf-8") as key, \
            open("/etc/ssh/ssh_known_hosts", "w", encoding="utf-8") as known:
        known.write("localhost " + key.read())
    with open("/etc/ssh/ssh_config", encoding="utf-8") as file:
        before = file.read()
    for path, text in (("/etc/ssh/shosts.equiv", "localhost root\n"),
                       ("/etc/ssh/ssh_config", "EnableSSHKeysign yes\n")):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    yield ("HostbasedAuthentication=yes", NO_KEY)
    for path in "/etc/ssh/shosts.equiv", "/etc/ssh/ssh_known_hosts":
        os.unlink(path)
    with open("/etc/ssh/ssh_config", "w", encoding="utf-8") as file:
        file.write(before)


@pytest.mark.parametrize("named", [False, True])
def test_a_key_of_a_host_counts_as_the_first_factor_only_if_it_is_named(host, phone, trusted, named):
    lines = accepts(write_stack(STACK, "sshd"), "hostbased")
    if named:
        run("sed", "-i", "s/if_publickey/if_publickey=publickey,hostbased/", "/etc/pam.d/sshd")
    host.sshd(*lines, "HostbasedAuthentication yes", "HostbasedUsesNameFromPacketOnly yes")
    password = [] if named else [PASSWORD]
    login = host.ssh("alice", *password, phone.code(), options=trusted)
    assert login.ok and asked(login) == [*["Password: "] * len(password), PROMPT], login
    with open(host.sshd_log, encoding="utf-8", errors="replace") as file:
        assert "Partial hostbased for alice" in file.read()
    assert not host.ssh("alice", *password, phone.wrong(), options=trusted).ok, "a code is needed"
