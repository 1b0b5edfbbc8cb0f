# SPDX-License-Identifier: BSD-2-Clause
"""
Sources without an address: network services of root that do not pass their client's address, used
by strangers, and login(1) at a terminal, used by the owner.
"""
import ftplib
import os
import socket
import struct
import subprocess

import pytest

from host import ALONE, DIR, PROMPT, console, is_listening, run, wait_for


# Each service gets a session of its own: xrdp-sesman and saslauthd end their whole process group.

def until_it_answers(connect):
    def try_once():
        try:
            return connect()
        except OSError:
            return None
    found = wait_for(try_once)
    assert found, "the service does not listen"
    return found


class Sesman:
    """xrdp-sesman 0.9, asked as xrdp asks it about a login that starts no session."""
    service = source = "xrdp-sesman"

    def __init__(self):
        version = subprocess.run(["/usr/sbin/xrdp-sesman", "--version"], capture_output=True,
                                 text=True, timeout=60, check=False).stdout.split()[1]
        if not version.startswith("0.9."):
            pytest.skip(f"xrdp-sesman {version} is asked another way than 0.9")
        os.makedirs("/etc/xrdp", exist_ok=True)
        with open("/etc/xrdp/sesman.ini", "w", encoding="utf-8") as file:
            file.write("[Globals]\nListenAddress=::1\nListenPort=3350\n[Security]\n"
                       "AllowRootLogin=true\nMaxLoginRetry=4\n[Sessions]\nMaxSessions=5\n"
                       f"[Logging]\nLogFile={DIR}/sesman.log\nLogLevel=INFO\nEnableSyslog=false\n"
                       "[Xorg]\nparam=/bin/false\n[SessionVariables]\n")
        self.daemon = subprocess.Popen(["/usr/sbin/xrdp-sesman", "--nodaemon"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       start_new_session=True)

    def log_in(self, user, answer):
        body = struct.pack(">H", 4)
        for text in user, answer:
            body += struct.pack(">H", len(text)) + text.encode()
        with until_it_answers(lambda: socket.create_connection(("::1", 3350))) as peer:
            peer.settimeout(60)
            peer.sendall(struct.pack(">II", 0, 8 + len(body)) + body)
            peer.recv(100)


class Saslauthd:
    """saslauthd, asked as a mail server asks it."""
    service = source = "smtp"

    def __init__(self):
        os.makedirs(f"{DIR}/sasl", exist_ok=True)
        if os.path.exists(f"{DIR}/sasl/mux"):
            os.unlink(f"{DIR}/sasl/mux")
        self.daemon = subprocess.Popen(["/usr/sbin/saslauthd", "-d", "-a", "pam", "-n", "1",
                                        "-m", f"{DIR}/sasl"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       start_new_session=True)
        assert wait_for(lambda: is_listening(f"{DIR}/sasl/mux"))

    def log_in(self, user, answer):
        subprocess.run(["/usr/sbin/testsaslauthd", "-u", user, "-p", answer, "-s", "smtp",
                        "-f", f"{DIR}/sasl/mux"], capture_output=True, timeout=60, check=False)


class PureFtpd:
    """pure-ftpd, which passes the server's own name as the client's host."""
    service = source = "pure-ftpd"

    def __init__(self):
        self.daemon = subprocess.Popen(["/usr/sbin/pure-ftpd", "-l", "pam", "-S", "127.0.0.1,2121",
                                        "-H", "-u", "1"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       start_new_session=True)

    def log_in(self, user, answer):
        client = ftplib.FTP(timeout=60)
        until_it_answers(lambda: client.connect("127.0.0.1", 2121))
        try:
            client.login(user, answer)
        except (ftplib.error_perm, EOFError):
            pass
        finally:
            client.close()


@pytest.fixture(params=[Sesman, Saslauthd, PureFtpd], ids=lambda made: made.service)
def stranger(host, request):
    host.policy(fail_delay=0)
    host.pam(request.param.service, *ALONE)
    host.pam("login", *ALONE)
    made = request.param()
    yield made
    made.daemon.terminate()
    made.daemon.wait(60)


def reasons(host, mark, count):
    wait_for(lambda: len(host.events(mark)) >= count)
    return [(event["source"], event["reason"]) for event in host.events(mark)]


def log_in_at_a_terminal(user, code):
    child = console(env={"PATH": os.environ["PATH"], "TERM": "dumb"})
    child.sendline(user)
    child.expect_exact(PROMPT)
    child.sendline(code)
    got_in = child.expect_exact(["$ ", "incorrect", "Too many"]) == 0
    child.close(force=True)
    return got_in


def test_strangers_at_a_service_do_not_lock_the_owner_out_of_a_terminal(host, stranger):
    """Not even at the owner's first login."""
    phone = host.enroll("alice")
    source = f"service:{stranger.source}"
    mark = host.log_end()
    for _ in range(6):
        stranger.log_in("alice", phone.wrong())
    assert reasons(host, mark, 6) == 5 * [(source, "wrong_code")] + [(source, "throttled")]
    mark = host.log_end()
    assert log_in_at_a_terminal("alice", phone.code())
    assert reasons(host, mark, 1) == [("service:login:pts", "code")]
    shown = run("totpctl", "show", "alice")
    assert "service:login:pts" in shown and source not in shown.split("known source")[1]


def test_all_clients_of_a_service_are_one_source(host, stranger):
    """A correct code makes the service a known source, and its clients cannot be distinguished."""
    phone = host.enroll("alice")
    source = f"service:{stranger.source}"
    stranger.log_in("alice", phone.code())
    mark = host.log_end()
    for _ in range(6):
        stranger.log_in("alice", phone.wrong())
    assert reasons(host, mark, 6) == 5 * [(source, "wrong_code")] + [(source, "throttled")]
    assert log_in_at_a_terminal("alice", phone.code(1))
