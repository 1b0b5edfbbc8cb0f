# SPDX-License-Identifier: BSD-2-Clause
"""
Login hosts whose codes a verifier checks, over TLS that haproxy ends. All are on one machine: each
has a policy, a run_dir and a certificate of its own.
"""
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest

from host import HERE, POLICY, PROMPT, run, wait_for
from test_in_login import PASSWORD, STACK, begin, done
from test_local import as_user, end
from test_self import as_alice, change, enroll, phone_of, say, CODE
from test_totpd import ask_as, storm
import wire

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "fleet"))
from cluster import FAKETIME, made_in_time  # noqa: E402

PORT = 7443
PAUSE = 10  # seconds in which a verifier that did not answer is asked last
FLEET = "/etc/pam_totp/fleet"
VERIFIER = "/etc/security/verifier.conf"
HOST_B = "/etc/security/hostb.conf"
TERMINATOR = "haproxy"
HAPROXY = os.path.join(os.path.dirname(__file__), "../../conf/haproxy.cfg")


def certificate(directory, name, subject, extensions, ca="ca", days=90):
    """A key and a certificate that the CA signs."""
    os.makedirs(directory, exist_ok=True)
    path = f"{directory}/{name}"
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", f"{path}.key", "-out", f"{path}.csr", "-subj", f"/CN={subject}")
    run("openssl", "x509", "-req", "-in", f"{path}.csr", "-CA", f"{FLEET}/{ca}.crt",
        "-CAkey", f"{FLEET}/{ca}.key", "-CAcreateserial", "-days", str(max(days, 1)), "-out",
        f"{path}.crt", "-extfile", "/dev/stdin", given=extensions, env=made_in_time(days))


def authority(name="ca"):
    os.makedirs(FLEET, exist_ok=True)
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
        "-nodes", "-keyout", f"{FLEET}/{name}.key", "-out", f"{FLEET}/{name}.crt",
        "-days", "90", "-subj", f"/CN={name} of the fleet")


def identity(directory, subject, ca="ca", days=90):
    """What fleet_dir of a login host holds; totpd's account reads the key."""
    certificate(directory, "host", subject, "extendedKeyUsage=clientAuth\n", ca, days)
    shutil.copy(f"{FLEET}/ca.crt", f"{directory}/ca.crt")
    shutil.chown(f"{directory}/host.key", "_pam_totp")
    os.chmod(f"{directory}/host.key", 0o400)


def write_policy(path, **settings):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{key} = {value}\n" for key, value in settings.items())
    os.chmod(path, 0o644)
    run("totpctl", "--conf", path, "check")


def is_open(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Fleet:
    """A verifier, and the hosts a (the policy that all programs read) and b."""

    def __init__(self, host):
        self.host = host
        self.running = []
        for path in (FLEET, "/etc/hosta", "/etc/hostb", "/etc/verifier", "/var/lib/verifier",
                     "/run/verifier", "/run/verifier2", "/run/hostb"):
            shutil.rmtree(path, ignore_errors=True)
        authority()
        certificate(FLEET, "verifier", "verifier", "extendedKeyUsage=serverAuth\n"
                                                   "subjectAltName=IP:127.0.0.1\n")
        self.serve_certificate(f"{FLEET}/verifier")
        identity("/etc/hosta", "hosta")
        identity("/etc/hostb", "hostb.example.org")
        self.verifier_policy()
        self.policy()
        write_policy(HOST_B, store="verifier", verifiers=f"127.0.0.1:{PORT}",
                     fleet_dir="/etc/hostb", run_dir="/run/hostb", fail_delay=0)
        host.pam("hosta", "auth required pam_totp.so")
        host.pam("hostb", f"auth required pam_totp.so conf={HOST_B}")
        run("totpctl", "--conf", VERIFIER, "init")

    @staticmethod
    def serve_certificate(path):
        with open(f"{FLEET}/verifier.pem", "w", encoding="utf-8") as pem:
            for part in "crt", "key":
                with open(f"{path}.{part}", encoding="utf-8") as file:
                    pem.write(file.read())
        os.chmod(f"{FLEET}/verifier.pem", 0o640)
        shutil.chown(f"{FLEET}/verifier.pem", group=TERMINATOR)

    @staticmethod
    def verifier_policy(path=VERIFIER, **settings):
        write_policy(path, **{"store_dir": "/var/lib/verifier", "keyring": "/etc/verifier/keyring",
                              "run_dir": "/run/verifier", "hosts": "hosta, *.example.org",
                              **settings})

    def policy(self, **settings):
        write_policy(POLICY, **{"store": "verifier", "verifiers": f"127.0.0.1:{PORT}",
                                "fleet_dir": "/etc/hosta", "fail_delay": 0, **settings})

    def start(self, *argv, **environment):
        process = subprocess.Popen(argv, env={**os.environ, **environment})
        self.running.append(process)
        return process

    def totpd(self, *options, **environment):
        since = self.host.log_end()
        process = self.start("/usr/libexec/totpd", "--foreground", *options, **environment)
        assert wait_for(lambda: "outcome=begin" in self.host.log_text(since)), \
            self.host.log_text(since)
        return process

    def terminate(self, socket_path="/run/verifier/verifier.socket", port=PORT):
        """haproxy with the shipped configuration, as its unit starts it."""
        path = f"/etc/haproxy.{port}.cfg"
        with open(HAPROXY, encoding="utf-8") as shipped, open(path, "w", encoding="utf-8") as file:
            text = shipped.read()
            assert "unix@/run/pam_totp/verifier.socket" in text and ":::7443 " in text
            file.write(text.replace("/run/pam_totp/verifier.socket", socket_path)
                       .replace(":::7443 ", f":::{port} "))
        haproxy = self.start("setpriv", f"--reuid={TERMINATOR}", f"--regid={TERMINATOR}",
                             "--clear-groups", "haproxy", "-db", "-f", path)
        assert wait_for(lambda: is_open(port)), port
        return haproxy

    def begin(self):
        self.verifier = self.totpd("--conf", VERIFIER, "--verifier", TERMINATOR)
        self.haproxy = self.terminate()
        self.totpd()
        self.totpd("--conf", HOST_B)

    def stop(self, process):
        process.kill()
        process.wait(20)

    def end(self):
        for process in reversed(self.running):
            self.stop(process)
        for name in "hosta", "hostb":  # other tests look at all services
            os.unlink(f"/etc/pam.d/{name}")

    def enroll(self, user, *options):
        return self.host.enroll(user, "--conf", VERIFIER, *options)

    @staticmethod
    def login(where, user, code):
        """(allowed, what the user saw, seconds)"""
        began = time.monotonic()
        done = subprocess.run(["pamtester", where, user, "authenticate"], input=code + "\n",
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode == 0, done.stdout + done.stderr, time.monotonic() - began


@pytest.fixture
def fleet(host):
    host.serve(fail_delay=0)
    host.stop_totpd()
    try:
        pwd.getpwnam(TERMINATOR)
    except KeyError:
        run("useradd", "--system", "--shell", "/usr/sbin/nologin", TERMINATOR)
    made = Fleet(host)
    made.begin()
    yield made
    made.end()


def test_a_code_that_one_host_used_is_denied_on_all_others(fleet):
    phone = fleet.enroll("alice")
    code = phone.code()
    assert fleet.login("hosta", "alice", code)[0]
    allowed, seen, _ = fleet.login("hostb", "alice", code)
    assert not allowed and "already used" in seen
    assert fleet.login("hostb", "alice", phone.code(1))[0]


def test_a_verifier_that_hangs_costs_less_than_two_seconds_once(fleet):
    allowed, _, usual = fleet.login("hosta", "bob", fleet.enroll("bob").code())
    assert allowed
    fleet.policy(verifiers=f"127.0.0.1:{PORT + 5}, 127.0.0.1:{PORT}")
    for _ in range(3):  # a busy machine may delay one login or the other
        phone = fleet.enroll("alice", "--force")
        code, later = phone.code(), phone.code(1)
        with socket.create_server(("127.0.0.1", PORT + 5)) as silent:  # it sends no hello
            silent.setblocking(False)
            began = time.monotonic()
            allowed, _, seconds = fleet.login("hosta", "alice", code)
            assert allowed
            silent.accept()[0].close()
            assert fleet.login("hosta", "alice", later)[0]
            if seconds - usual < 2 and time.monotonic() - began < PAUSE:
                with pytest.raises(BlockingIOError):  # it was asked for the first of all requests alone
                    silent.accept()
                return
        time.sleep(PAUSE)
    raise AssertionError(f"{seconds} s instead of {usual} s")


def test_without_any_verifier_everybody_is_denied_but_local_users_are_not(fleet):
    away = fleet.enroll("alice")
    fleet.policy(local_users="bob")
    run("totpctl", "init")
    here = fleet.host.enroll("bob")
    fleet.stop(fleet.haproxy)
    since = fleet.host.log_end()
    assert not fleet.login("hosta", "alice", away.code())[0]
    assert "reason=no_valid_answer" in fleet.host.log_text(since)
    assert fleet.login("hosta", "bob", here.code())[0]


def test_a_host_that_the_verifier_does_not_list_is_denied(fleet):
    phone = fleet.enroll("alice")
    fleet.verifier_policy(hosts="hosta")
    since = fleet.host.log_end()
    assert not fleet.login("hostb", "alice", phone.code())[0]
    assert "see hosts in pam_totp.conf(5)" in fleet.host.log_text(since)
    assert fleet.login("hosta", "alice", phone.code())[0]


def test_a_host_that_guesses_is_stopped_and_others_are_not(fleet):
    alice, bob = fleet.enroll("alice"), fleet.enroll("bob")
    fleet.verifier_policy(host_failures=3)
    for _ in range(3):
        assert not fleet.login("hosta", "alice", alice.wrong())[0]
    since = fleet.host.log_end()
    assert not fleet.login("hosta", "bob", bob.code())[0]
    assert "reason=host_failures" in fleet.host.log_text(since)
    assert fleet.login("hostb", "bob", bob.code())[0]


def test_a_user_of_a_host_does_not_stop_it_by_answers_that_are_no_guesses(fleet):
    alice = fleet.enroll("alice")
    fleet.verifier_policy(host_failures=3)
    used = alice.code()
    assert fleet.login("hosta", "alice", used)[0]
    for code in used, None, "aaaa-bbbb-cccc":
        for _ in range(5):
            assert "deny" in ask_as("alice", wire.CHECK, "alice", code, store_dir="")
    for _ in range(5):  # without a record
        assert "not_found" in ask_as("bob", wire.CHECK, "bob", "000000", store_dir="")
    assert fleet.login("hosta", "alice", alice.code(1))[0]


SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def begin_as(name):
    """A connection to the verifier as haproxy begins it for a host."""
    tls = b"\x05" + bytes(4) + struct.pack(">BH", 0x22, len(name)) + name.encode()
    rest = struct.pack(">BH", 0x20, len(tls)) + tls
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect("/run/verifier/verifier.socket")
    assert client.recv(20)[:4] == b"PTH2"
    client.send(SIGNATURE + struct.pack(">BBH", 0x21, 0, len(rest)) + rest)
    return client


def test_a_host_with_many_connections_ends_none_of_another_host(fleet):
    for _ in range(20):
        began = time.monotonic()
        with begin_as("hosta") as patient:
            for client in [begin_as("hostb.example.org") for _ in range(80)]:
                client.close()
            time.sleep(0.1)
            patient.setblocking(False)
            try:
                ended = patient.recv(1) == b""
            except BlockingIOError:
                ended = False
            except ConnectionResetError:
                ended = True
        if time.monotonic() - began < 0.9:  # all of them end after a second
            break
    assert not ended and time.monotonic() - began < 0.9


def test_endless_denials_of_a_user_do_not_fill_the_log_of_a_login_host(fleet):
    fleet.stop(fleet.haproxy)  # every request is an error
    for _ in range(3):
        since, began = fleet.host.log_end(), time.monotonic()
        assert storm(2, "for _ in range(60):\n"
                        "    print(wire.ask(wire.request(wire.CHECK, 'alice', '000000', store_dir=''))"
                        ".error)") == ["peer"] * 120
        lines = fleet.host.log_text(since).count("outcome=error")
        if time.monotonic() - began < 60:
            break
        time.sleep(61)  # a minute has ended meanwhile: again, from the begin of one
    # two requests of one user may be answered at the same time
    assert 20 <= lines <= 22
    assert wait_for(lambda: "more denials and errors" in fleet.host.log_text(since), 120)
    since = fleet.host.log_end()
    assert "peer" in ask_as("alice", wire.CHECK, "alice", "000000", store_dir="")
    assert "outcome=error" in fleet.host.log_text(since)


def test_a_request_that_would_wait_for_ever_gets_its_answer_and_costs_no_process(fleet):
    fleet.haproxy.send_signal(signal.SIGSTOP)
    since = fleet.host.log_end()
    for _ in range(2):
        assert "peer" in ask_as("alice", wire.CHECK, "alice", "000000", store_dir="",
                                seconds=10 ** 9)
    log = fleet.host.log_text(since)
    assert log.count("no answer in time") == 2 and "reason=crash" not in log


WRONG = {
    "another_ca": "unable to get local issuer certificate",
    "a_host_s_own": "unsuitable certificate purpose",
    "expired": "certificate has expired",
    "another_name": "IP address mismatch",
}


@pytest.mark.parametrize("what", WRONG)
def test_a_verifier_with_the_wrong_certificate_gets_no_code(fleet, what):
    phone = fleet.enroll("alice")
    if what == "another_ca":
        authority("other")
        shutil.copy(f"{FLEET}/other.crt", "/etc/hosta/ca.crt")
    else:
        server = "extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.{}\n"
        if what == "a_host_s_own":  # a host that was taken over poses as a verifier
            fleet.serve_certificate("/etc/hostb/host")
        else:
            certificate(FLEET, "wrong", "verifier", server.format(1 if what == "expired" else 2),
                        days=-1 if what == "expired" else 90)
            fleet.serve_certificate(f"{FLEET}/wrong")
        fleet.stop(fleet.haproxy)
        fleet.haproxy = fleet.terminate()
    since = fleet.host.log_end()
    assert not fleet.login("hosta", "alice", phone.code())[0]
    lines = [line for line in fleet.host.log_text(since).splitlines() if "certificate" in line]
    assert len(lines) == 1 and WRONG[what] in lines[0] and "127.0.0.1" in lines[0], lines


@pytest.mark.parametrize("what", ["foreign", "expired"])
def test_a_host_with_a_wrong_certificate_gets_no_hello(fleet, what):
    phone = fleet.enroll("alice")
    if what == "foreign":
        authority("other")
        identity("/etc/hosta", "hosta", ca="other")
    else:
        identity("/etc/hosta", "hosta", days=-1)
    since = fleet.host.log_end()
    assert not fleet.login("hosta", "alice", phone.code())[0]
    lines = [line for line in fleet.host.log_text(since).splitlines() if "outcome=error" in line]
    assert len(lines) == 1 and "127.0.0.1" in lines[0] and "certificate" in lines[0], lines


def test_a_renewed_certificate_is_used_by_a_totpd_that_runs(fleet):
    phone = fleet.enroll("alice")
    assert fleet.login("hosta", "alice", phone.code())[0]
    authority("other")
    identity("/etc/hosta", "hosta", ca="other")
    assert not fleet.login("hosta", "alice", phone.code(1))[0]
    identity("/etc/hosta", "hosta")
    assert fleet.login("hosta", "alice", phone.code(1))[0]


def test_only_the_program_that_ends_tls_may_connect_to_the_verifier(fleet):
    assert os.stat("/run/verifier/verifier.socket").st_mode & 0o777 == 0o600
    assert os.stat("/run/verifier/verifier.socket").st_uid == pwd.getpwnam(TERMINATOR).pw_uid
    with socket.socket(socket.AF_UNIX) as client:  # as root: no header is no host
        client.settimeout(10)
        client.connect("/run/verifier/verifier.socket")
        assert client.recv(20)[:4] == b"PTH2"
        client.send(b"x" * 100)
        assert client.recv(1) == b""


# ---- the second verifier

@pytest.fixture
def pair(fleet):
    """A second verifier with the same store, and both in the policy of hosta."""
    second = "/etc/security/verifier2.conf"
    fleet.verifier_policy(second, run_dir="/run/verifier2")
    fleet.totpd("--conf", second, "--verifier", TERMINATOR)
    fleet.terminate("/run/verifier2/verifier.socket", PORT + 1)
    fleet.policy(verifiers=f"127.0.0.1:{PORT}, 127.0.0.1:{PORT + 1}")
    return fleet


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("which", ["haproxy", "totpd"])
def test_when_a_verifier_dies_or_freezes_the_next_one_answers_within_two_seconds(pair, which, how):
    phone = pair.enroll("alice")
    code = phone.code()
    allowed, _, usual = pair.login("hosta", "alice", code)
    assert allowed
    (pair.haproxy if which == "haproxy" else pair.verifier).send_signal(how)
    for _ in range(3):  # a busy machine may delay one login or the other
        allowed, seen, seconds = pair.login("hosta", "alice", code)
        assert not allowed and "already used" in seen
        if seconds - usual < 2:
            break
        time.sleep(PAUSE)
    allowed, seen, again = pair.login("hosta", "alice", phone.code(1))
    for _ in range(2):
        if again - usual >= 2:
            again = pair.login("hosta", "alice", code)[2]
    assert allowed and max(seconds, again) - usual < 2, (usual, seconds, again, seen)


# ---- something between haproxy and totpd, which changes answers to checks of a code

class Between:
    """It takes the place of totpd's socket, and changes what totpd answers to a check."""

    HELLO, REQUEST, RESPONSE, CHECK_AT = 20, 844, 1087, 27 + 4

    def __init__(self, path, change):
        self.path, self.change, self.changed, self.earlier = path, change, 0, None
        self.listener = socket.socket(socket.AF_UNIX)
        os.rename(path, f"{path}.totpd")
        self.listener.bind(path)
        shutil.chown(path, TERMINATOR)
        self.listener.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.relay, args=(self.listener.accept()[0],),
                                 daemon=True).start()

    @staticmethod
    def receive(connection, count):
        data = b""
        while len(data) < count:
            more = connection.recv(count - len(data))
            if not more:
                raise OSError("it has closed")
            data += more
        return data

    def relay(self, client):
        with contextlib.suppress(OSError), client, socket.socket(socket.AF_UNIX) as server:
            server.connect(f"{self.path}.totpd")
            client.sendall(self.receive(server, self.HELLO))
            header = self.receive(client, 16)
            header += self.receive(client, int.from_bytes(header[14:16], "big"))
            request = self.receive(client, self.REQUEST)
            server.sendall(header + request)
            response = self.receive(server, self.RESPONSE)
            if request[self.CHECK_AT] == 2:
                self.changed += 1
                response = self.change(self, response)
            client.sendall(response)

    def end(self):
        self.listener.close()
        os.rename(f"{self.path}.totpd", self.path)


def delayed(_, response):
    time.sleep(6)
    return response


def of_another_connection(between, response):
    between.earlier, response = response, between.earlier or response
    return response


CHANGES = {
    "dropped": lambda _, response: b"",
    "delayed": delayed,
    "truncated": lambda _, response: response[:-1],
    "of_another_nonce": lambda _, response: response[:4] + bytes(16) + response[20:],
    "of_another_operation": lambda _, response: response[:24] + b"\1" + response[25:],
    "of_another_version": lambda _, response: b"PTM1" + response[4:],
}


@pytest.mark.parametrize("what", CHANGES)
def test_without_the_whole_answer_of_its_own_request_a_login_is_denied(fleet, what):
    phone = fleet.enroll("alice")
    between = Between("/run/verifier/verifier.socket", CHANGES[what])
    code = phone.code()
    since = fleet.host.log_end()
    for _ in range(5):  # a verifier that is too slow is not sent the code
        assert not fleet.login("hosta", "alice", code)[0]
        if between.changed:
            break
    assert between.changed == 1, "no other connection, and no second try"
    assert "outcome=error" in fleet.host.log_text(since)
    between.end()
    allowed, seen, _ = fleet.login("hosta", "alice", code)
    assert not allowed and "already used" in seen, "the verifier had committed it"
    assert fleet.login("hosta", "alice", phone.code(1))[0]


def test_an_answer_that_comes_twice_allows_one_login(fleet):
    phone = fleet.enroll("alice")
    between = Between("/run/verifier/verifier.socket", lambda _, response: 2 * response)
    code = phone.code()
    assert fleet.login("hosta", "alice", code)[0]
    assert not fleet.login("hosta", "alice", code)[0]
    between.end()


def test_an_answer_that_was_recorded_allows_nobody_else(fleet):
    phone = fleet.enroll("alice")
    between = Between("/run/verifier/verifier.socket", of_another_connection)
    assert fleet.login("hosta", "alice", phone.code())[0]
    assert not fleet.login("hosta", "alice", phone.wrong())[0], "it gets the answer to the first"
    assert between.changed == 2
    between.end()


# ---- what users and programs of a login host do through it

def test_a_user_enrolls_in_the_login_of_one_host_and_logs_in_on_another(fleet):
    fleet.policy(enroll="login", period=60)
    fleet.host.password("alice", PASSWORD)
    fleet.host.pam("sshd", *STACK)
    fleet.host.sshd()
    since = fleet.host.log_end()
    child, phone = begin(fleet.host)
    code = phone.code()
    child.sendline(code)
    child.expect("was not|administrator|denied|Nothing")
    child.close(force=True)
    assert "see hosts_enroll" in fleet.host.log_text(since)
    fleet.verifier_policy(hosts_enroll="hosta")
    child, phone = begin(fleet.host)
    code = phone.code()
    child.sendline(code)
    shown = done(child)
    end(child)
    assert "Recovery codes of alice" in shown
    assert os.listdir("/var/lib/verifier/users") == ["alice"]
    assert not os.path.exists("/var/lib/pam_totp/users/alice")
    allowed, seen, _ = fleet.login("hostb", "alice", code)
    assert not allowed and "already used" in seen
    assert fleet.login("hostb", "alice", phone.code(1))[0]


def test_self_service_goes_through_the_verifier(fleet):
    fleet.verifier_policy(hosts_enroll="hosta", hosts_self="hosta")
    fleet.policy(period=60)
    phone, codes = enroll(fleet.host)
    assert "phone" in say("status")
    child = as_alice("add", "tablet", "--qr=none")
    child.expect(CODE)
    tablet = phone_of(fleet.host, child.before)
    child.sendline(tablet.code())
    status, said = change(child, codes[0])
    assert status == 0, said
    assert "tablet" in say("status")
    child = as_alice("replace", "phone", "--qr=none")
    child.expect(CODE)
    new = phone_of(fleet.host, child.before)
    child.sendline(new.code())
    status, said = change(child, codes[1])
    assert status == 0, said
    status, said = change(as_alice("recovery"), codes[2])
    assert status == 0, said
    assert not fleet.login("hostb", "alice", codes[3])[0], "it was replaced"
    assert not fleet.login("hostb", "alice", phone.code(1))[0], "it was replaced"
    assert fleet.login("hostb", "alice", new.code(1))[0]
    assert fleet.login("hostb", "alice", tablet.code(1))[0]


def test_a_host_that_is_not_listed_for_it_changes_no_enrollment(fleet):
    phone = fleet.enroll("alice")
    since = fleet.host.log_end()
    say("status", code=1)
    assert "see hosts_self" in fleet.host.log_text(since)
    assert fleet.login("hosta", "alice", phone.code())[0]


def test_su_and_sudo_ask_the_verifier(fleet):
    phone = fleet.enroll("alice")
    for service in "su", "sudo":
        fleet.host.pam(service, "auth required pam_totp.so", "account required pam_permit.so",
                       "session required pam_permit.so")
    with open("/etc/sudoers", "w", encoding="utf-8") as file:
        file.write("Defaults passwd_tries=1\nDefaults !lecture\nalice ALL=(ALL) ALL\n")
    os.chmod("/etc/sudoers", 0o440)
    used = phone.code()
    for user, argv, code, allowed in (
            ("bob", ("su", "alice", "-c", "id -un"), used, True),
            ("bob", ("su", "alice", "-c", "id -un"), used, False),
            ("alice", ("sudo", "-k", "id", "-un"), used, False),
            ("alice", ("sudo", "-k", "id", "-un"), phone.code(1), True)):
        child = as_user(user, *argv)
        child.expect_exact(PROMPT)
        child.sendline(code)
        assert (end(child) == 0) == allowed, (argv, child.before)


# ---- what administrators of a login host see

def test_the_tools_of_a_login_host_say_where_to_go(fleet):
    for argv in (("totpctl", "list"), ("totpctl", "show", "alice"),
                 ("totp-enroll", "--user", "alice")):
        said = run(*argv, fail=True)
        assert said.count("\n") == 1 and "on a verifier" in said, said
    fleet.policy(local_users="bob")
    run("totpctl", "init")
    assert "on a verifier" in run("totp-enroll", "--user", "alice", fail=True)
    fleet.host.enroll("bob")
    assert "bob" in run("totpctl", "list")


def findings(kind="fleet", policy=POLICY):
    done = subprocess.run(["totpctl", "--conf", policy, "doctor", "--json"], capture_output=True,
                          text=True, timeout=60, check=False)
    return [finding for finding in json.loads(done.stdout) if finding["id"].startswith(kind)]


def test_doctor_reports_each_reason_why_a_login_host_is_denied(fleet):
    assert findings() == []
    for days, word in (10, "ends on"), (-1, "ended on"):
        identity("/etc/hosta", "hosta", days=days)
        assert any("host.crt: the certificate " + word in finding["what"] for finding in findings())
    identity("/etc/hosta", "hosta")
    fleet.policy(verifiers=f"127.0.0.1:{PORT}, 127.0.0.1:{PORT + 7}")
    found = findings()
    assert len(found) == 1 and f"port {PORT + 7}: Connection refused" in found[0]["what"], found
    fleet.policy()
    fleet.verifier_policy(hosts="hostc")
    found = findings()
    assert len(found) == 1 and "see hosts in" in found[0]["what"], found


@pytest.mark.skipif(not FAKETIME, reason="there is no libfaketime")
def test_a_verifier_whose_clock_is_off_denies_and_doctor_reports_it_first(fleet):
    phone = fleet.enroll("alice")
    assert findings("clock-offset") == []
    fleet.stop(fleet.verifier)
    fleet.verifier = fleet.totpd("--conf", VERIFIER, "--verifier", TERMINATOR, LD_PRELOAD=FAKETIME,
                                 FAKETIME="+300s", FAKETIME_DONT_FAKE_MONOTONIC="1")
    [found] = findings("clock-offset")
    assert "the verifier that answers: its clock is" in found["what"] and "ahead of" in found["what"]
    since = fleet.host.log_end()
    assert not fleet.login("hosta", "alice", phone.code())[0]
    lines = [line for line in fleet.host.log_text(since).splitlines() if "check the clock" in line]
    assert len(lines) == 2 and "service=hosta@hosta" in "".join(lines), lines  # of both hosts


def test_a_host_finds_the_certificates_that_do_not_match_before_a_login_does(fleet):
    for name in "verifier", "hosta":
        authority("other")
        if name == "hosta":
            identity("/etc/hosta", "hosta", ca="other")
        else:
            shutil.copy(f"{FLEET}/other.crt", "/etc/hosta/ca.crt")
        [found] = findings()
        assert "certificate" in found["what"] and "127.0.0.1" in found["what"], found
        identity("/etc/hosta", "hosta")
    assert findings() == []


def test_doctor_reports_records_that_no_login_of_the_host_uses(fleet):
    fleet.policy(local_users="alice")
    run("totpctl", "init")
    fleet.host.enroll("alice")
    assert findings("not-local") == []
    fleet.policy(local_users="bob")
    [found] = findings("not-local")
    assert "record of alice" in found["what"]
    fleet.policy()
    [whole] = findings("not-local")
    assert "/var/lib/pam_totp: it has records" in whole["what"]
    fleet.policy(local_users="bob")
    run("sh", "-c", found["repair"].rpartition(": ")[2])
    assert findings("not-local") == []
    fleet.policy()
    assert findings("not-local") == []


# ---- what administrators of a verifier see

HAPROXY_CFG = "/etc/pam_totp/haproxy.cfg"


def configured(text):
    with open(HAPROXY_CFG, "w", encoding="utf-8") as file:
        file.write(text)
    return findings("verifier", VERIFIER)


def test_doctor_reports_a_verifier_that_hosts_cannot_use(fleet):
    with open(HAPROXY, encoding="utf-8") as file:
        shipped = file.read().replace("/run/pam_totp/", "/run/verifier/")
    assert configured(shipped) == []
    for part, kind in ((" verify required", "tls"), (f" ca-file {FLEET}/ca.crt", "tls"),
                       (" send-proxy-v2-ssl-cn", "proxy"), ("/run/verifier/", "proxy")):
        assert part in shipped
        [found] = configured(shipped.replace(part, ""))
        assert found["id"] == f"verifier-{kind}" and HAPROXY_CFG + ":" in found["what"], found
    for keyword in "bind", "server":
        [found] = configured(shipped.replace(f"\t{keyword} ", "\t# "))
        assert found["what"] == f"{HAPROXY_CFG}: it has no line {keyword}"
    write_policy(VERIFIER, store_dir="/var/lib/verifier", keyring="/etc/verifier/keyring",
                 run_dir="/run/verifier")
    [found] = configured(shipped)
    assert found["id"] == "verifier-hosts"


def test_doctor_reports_the_certificate_and_the_key_that_haproxy_uses(fleet):
    with open(HAPROXY, encoding="utf-8") as file:
        shipped = file.read().replace("/run/pam_totp/", "/run/verifier/")
    for days, word in (10, "ends on"), (-1, "ended on"):
        certificate(FLEET, "soon", "verifier", "extendedKeyUsage=serverAuth\n", days=days)
        fleet.serve_certificate(f"{FLEET}/soon")
        [found] = configured(shipped)
        assert f"verifier.pem: the certificate {word}" in found["what"], found
    fleet.serve_certificate(f"{FLEET}/verifier")
    os.chmod(f"{FLEET}/verifier.pem", 0o644)
    assert configured(shipped) == []
    assert any("verifier.pem: mode 0644" in found["what"] for found in findings("mode", VERIFIER))
    os.unlink(f"{FLEET}/verifier.pem")
    [found] = configured(shipped)
    assert "No such file" in found["what"]
