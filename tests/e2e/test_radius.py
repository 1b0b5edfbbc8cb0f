# SPDX-License-Identifier: BSD-2-Clause
"""Codes over RADIUS: FreeRADIUS with the site and the module of radius/, and its clients."""
import contextlib
import glob
import hashlib
import hmac
import os
import pwd
import re
import shutil
import socket
import subprocess
import threading

import pytest

import wire
from host import HERE, run, wait_for

TOP = os.path.dirname(os.path.dirname(HERE))
RADDB = "/etc/freeradius/3.0"
SECRET = "a-secret-of-the-tests"
HOME, ABROAD = "203.0.113.7", "198.51.100.9"
NOT_ACCEPTED = "That code was not accepted."
NOT_POSSIBLE = "Verification is not possible right now. Please tell your administrator."
KINDS = {2: "Accept", 3: "Reject", 11: "Challenge"}
USER_NAME, USER_PASSWORD, REPLY_MESSAGE, STATE, CALLING_STATION_ID, NAS_IDENTIFIER = 1, 2, 18, 24, 31, 32
MESSAGE_AUTHENTICATOR = 80

CLIENTS = """
client vpn {{
	ipaddr = 127.0.0.1
	secret = "{secret}"
	require_message_authenticator = yes
}}
client switch {{
	ipaddr = 127.0.0.2
	secret = "{secret}"
	require_message_authenticator = yes
	virtual_server = pam_totp_challenge
}}
"""


def pam_radius():
    places = [f"{TOP}/build/root/usr/lib", f"{TOP}/build/root/lib"]
    return [module for place in places
            for module in glob.glob(f"{place}/*/security/pam_radius_auth.so")][0]


def pam_radius_signs():
    with open(pam_radius(), "rb") as file:
        return b"require_message_authenticator" in file.read()


def attribute(kind, value):
    return bytes((kind, len(value) + 2)) + value


def request(user, password, station=HOME, state=b"", signed=True):
    """The bytes of an Access-Request. signed: with a Message-Authenticator."""
    vector = os.urandom(16)
    hidden, last = b"", vector
    padded = password.encode() + bytes(-len(password) % 16)
    for i in range(0, len(padded), 16):
        key = hashlib.md5(SECRET.encode() + last).digest()
        last = bytes(a ^ b for a, b in zip(padded[i:i + 16], key))
        hidden += last
    body = b"".join(attribute(kind, value) for kind, value in (
        (USER_NAME, user.encode()), (USER_PASSWORD, hidden), (STATE, state),
        (CALLING_STATION_ID, station.encode()), (NAS_IDENTIFIER, b"vpn"),
        (MESSAGE_AUTHENTICATOR, bytes(16) * signed)) if value)
    packet = bytes((1, os.urandom(1)[0])) + (20 + len(body)).to_bytes(2, "big") + vector + body
    return packet[:-16] + hmac.digest(SECRET.encode(), packet, "md5") if signed else packet


def send(packet, seconds=30, client="127.0.0.1"):
    """The kind of the response, and its attributes as a list of pairs; or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(seconds)
        sender.bind((client, 0))
        sender.connect(("127.0.0.1", 1812))
        for _ in range(2):  # a client that hears nothing soon repeats its request
            sender.send(packet)
        try:
            answer = sender.recv(4096)
        except socket.timeout:
            return None
    assert answer[4:20] == hashlib.md5(answer[:4] + packet[4:20] + answer[20:] +
                                       SECRET.encode()).digest()
    attributes, at = [], 20
    while at < len(answer):
        attributes.append((answer[at], answer[at + 2:at + answer[at + 1]]))
        at += answer[at + 1]
    return KINDS[answer[0]], attributes


class Radius:
    def __init__(self, host):
        self.host = host
        self.log = "/var/log/freeradius/radius.log"
        self.server = None
        with open("/etc/passwd", "r+") as passwd, open("/etc/group", "a") as group:
            if "freerad:" not in passwd.read():
                passwd.write("freerad:x:64980:64980::/etc/freeradius:/usr/sbin/nologin\n")
                group.write("freerad:x:64980:\n")
        self.uid = pwd.getpwnam("freerad").pw_uid
        shutil.rmtree("/etc/freeradius", ignore_errors=True)
        shutil.copytree(f"{TOP}/build/root/etc/freeradius", "/etc/freeradius")
        for kind in "mods", "sites":
            shutil.rmtree(f"{RADDB}/{kind}-enabled")
            os.mkdir(f"{RADDB}/{kind}-enabled")
        shutil.copytree(f"{TOP}/radius", RADDB, dirs_exist_ok=True)
        for name in "mods/always", "mods/files", "mods/pap", "mods/pam_totp", "sites/pam_totp":
            kind, name = name.split("/")
            os.symlink(f"../{kind}-available/{name}", f"{RADDB}/{kind}-enabled/{name}")
        self.write("clients.conf", CLIENTS.format(secret=SECRET))
        self.write("mods-config/files/authorize", 'alice Cleartext-Password := "her password"\n'
                                                  'bob Cleartext-Password := "his password"\n')
        for directory in "/var/log/freeradius", "/run/freeradius":
            os.makedirs(directory, exist_ok=True)
            shutil.chown(directory, "freerad", "freerad")
        run("chown", "-R", "root:freerad", "/etc/freeradius")
        run("chmod", "-R", "u=rwX,g=rX,o=", "/etc/freeradius")

    def write(self, name, text):
        with open(f"{RADDB}/{name}", "w") as file:
            file.write(text)

    def text(self):
        with open(self.log) as file:
            return file.read()

    def start(self):
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.server = subprocess.Popen(["freeradius", "-f"])
        assert wait_for(lambda: os.path.exists(self.log) and "Ready to process" in self.text(), 60), \
            self.text()

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait(30)

    def ask(self, user, password, station=HOME, client="127.0.0.1", state=b""):
        """The kind of the response, its sentences, and its State."""
        kind, attributes = send(request(user, password, station, state), client=client)
        said = "|".join(value.decode() for name, value in attributes if name == REPLY_MESSAGE)
        return kind, said, dict(attributes).get(STATE)


@pytest.fixture
def radius(host):
    host.serve(fail_delay=0, attempts=3, window=2, may_check="freerad", may_tell_source="freerad")
    made = Radius(host)
    try:
        made.start()
        yield made
        codes = [code for phone in host.phones for code in phone.shown]
        assert [code for code in codes if re.search(rf"(?<!\d){code}(?!\d)", made.text())] == []
    finally:
        made.stop()
        shutil.rmtree("/etc/freeradius")  # doctor would report it in other tests


def test_a_code_is_accepted_once_over_radius(radius):
    phone = radius.host.enroll("alice")
    code = phone.code(room=15)  # the next one has not come when this one is denied
    assert radius.ask("alice", code) == ("Accept", "", None)
    event = radius.host.event()
    assert (event["user"], event["outcome"], event["source"]) == ("alice", "allow", HOME)
    assert event["service"] == "freerad/radius:vpn"
    kind, said, _ = radius.ask("alice", code)
    assert kind == "Reject" and re.fullmatch(
        r"This code was already used. The next one comes in \d+ seconds?\.", said)
    assert radius.ask("alice", phone.wrong())[:2] == ("Reject", NOT_ACCEPTED)
    kind, said, _ = radius.ask("alice", phone.code(1))
    assert kind == "Accept" and re.fullmatch(
        rf"1 wrong code since your last login, on [-\d]+ [\d:]+ UTC from {HOME}\. "
        r"If it was not you, tell your administrator\.", said)


def test_users_without_a_record_and_answers_that_are_no_codes_are_denied_alike(radius):
    radius.host.enroll("alice")
    for user, typed in ("bob", "123456"), ("nobody-at-all", "123456"), ("alice", "her password"):
        assert radius.ask(user, typed)[:2] == ("Reject", NOT_ACCEPTED)


def test_a_recovery_code_is_accepted_once_over_radius(radius):
    radius.host.enroll("alice")
    code = re.search(r"\w{4}-\w{4}-\w{4}", run("totpctl", "recovery", "alice"))[0]
    assert radius.ask("alice", code.lower())[0] == "Accept"
    assert radius.ask("alice", code)[:2] == (
        "Reject", "This recovery code was already used. Use another one.")


def guess(radius, phone, station=ABROAD):
    said = [radius.ask("alice", phone.wrong(), station)[1] for _ in range(5)]
    assert said[0] == NOT_ACCEPTED and said[-1].startswith("Too many wrong codes. Try again in ")


@pytest.mark.parametrize("home", (HOME, f"{HOME}[4500]", "2001:db8:0:1::7"))
def test_a_stranger_elsewhere_does_not_lock_the_owner_out_of_a_known_place(radius, home):
    phone = radius.host.enroll("alice", period=30)
    assert radius.ask("alice", phone.code(), home)[0] == "Accept"
    guess(radius, phone)
    assert radius.ask("alice", phone.code(1), home)[0] == "Accept"
    assert radius.ask("alice", phone.code(2), ABROAD)[0] == "Reject"


@pytest.mark.parametrize("told", ({}, {"may_tell_source": "bob"}))
def test_the_word_of_an_account_that_may_not_tell_a_source_does_not_count(radius, told):
    radius.host.policy(fail_delay=0, attempts=3, may_check="freerad", **told)
    phone = radius.host.enroll("alice", period=30)
    assert radius.ask("alice", phone.code())[0] == "Accept"
    guess(radius, phone)
    assert radius.ask("alice", phone.code(1))[1].startswith("Too many wrong codes")
    assert {event["source"] for event in radius.host.events()} == {f"uid:{radius.uid}"}


def test_only_an_address_counts_as_a_source_that_is_told(radius):
    """Neither another user nor a console: their throttles are others."""
    phone = radius.host.enroll("alice", period=30)
    for kind, code in (0, phone.code()), (3, phone.code(1)):
        asked = wire.request(wire.CHECK, "alice", code, source=bytes((kind,)) + b"\1" * 16)
        run("setpriv", "--reuid=freerad", "--regid=freerad", "--clear-groups", "/usr/bin/python3",
            "-B", "-c", f"import sys; sys.path.insert(0, {HERE!r}); import wire\n"
            f"assert wire.ask({asked!r}).verdict == 'allow'")
    assert {event["source"] for event in radius.host.events()} == {f"uid:{radius.uid}"}


def test_an_account_that_may_not_check_is_denied_and_the_log_says_what_to_do(radius):
    radius.host.policy(may_tell_source="freerad")
    phone = radius.host.enroll("alice")
    assert radius.ask("alice", phone.code())[:2] == ("Reject", NOT_POSSIBLE)
    assert re.search(rf"all users are denied: uid {radius.uid} may not ask that about another user: "
                     r"see may_check in pam_totp.conf\(5\)", radius.text())


def test_without_totpd_all_are_denied_and_the_log_says_what_to_do(radius):
    phone = radius.host.enroll("alice")
    radius.host.stop_totpd()
    assert radius.ask("alice", phone.code())[:2] == ("Reject", NOT_POSSIBLE)
    assert "all users are denied: /run/pam_totp/socket: no process is listening: run systemctl " \
        "enable --now totpd.socket" in radius.text()
    radius.host.totpd()
    assert radius.ask("alice", phone.code())[0] == "Accept"


def test_a_client_without_a_message_authenticator_gets_no_answer(radius):
    phone = radius.host.enroll("alice")
    code = phone.code()
    assert send(request("alice", code, signed=False), 3) is None
    assert radius.host.events() == []
    kind, attributes = send(request("alice", code))
    assert kind == "Accept"
    assert (MESSAGE_AUTHENTICATOR in dict(attributes)) == pam_radius_signs()  # since Debian 13


def test_a_request_that_is_sent_twice_is_checked_once(radius):
    phone = radius.host.enroll("alice")
    assert send(request("alice", phone.code()))[0] == "Accept"
    assert radius.host.event()["outcome"] == "allow"


def test_the_challenge_comes_after_the_password_and_once(radius):
    phone = radius.host.enroll("alice", period=30)
    radius.host.enroll("bob", period=30)

    def ask(typed, state=b"", user="alice"):
        return radius.ask(user, typed, client="127.0.0.2", state=state)

    assert ask("his password")[0] == "Reject"
    assert ask(phone.code())[0] == "Reject"
    assert radius.host.events() == []
    kind, said, state = ask("her password")
    assert (kind, said) == ("Challenge", "Verification code: ") and state
    assert ask(phone.wrong(), state)[:2] == ("Reject", NOT_ACCEPTED)
    assert ask(phone.code(), state)[0] == "Reject"
    state = ask("her password")[2]
    assert ask("her password", state)[0] == "Reject"
    state = ask("his password", user="bob")[2]
    assert ask(phone.code(), state)[0] == "Reject"
    assert ask(phone.code(), b"0123456789abcdef")[0] == "Reject"
    state = ask("her password")[2]
    kind, said, _ = ask(phone.code(), state)
    assert kind == "Accept" and said.startswith("1 wrong code since your last login")
    assert [event["outcome"] for event in radius.host.events()] == ["deny", "allow"]


def test_radclient_gets_the_sentences_too(radius):
    radius.host.policy(fail_delay=0, window=10, may_check="freerad")
    phone = radius.host.enroll("alice", period=30)

    def ask(typed):
        given = f'User-Name = "alice", User-Password = "{typed}", Message-Authenticator = 0x00'
        return subprocess.run(["radclient", "-x", "-r", "1", "-t", "30", "127.0.0.1", "auth", SECRET],
                              input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True).stdout

    # radclient 3.2.7 sometimes ends at once, with status 0, and waits for no answer
    assert any(f'Reply-Message = "{NOT_ACCEPTED}"' in ask("her password") for _ in range(10))
    assert any("Received Access-Accept" in ask(phone.code(step)) for step in range(10))


@contextlib.contextmanager
def instead_of_totpd(host, seconds):
    """A socket of the test, where totpd has its own; each accept waits so long."""
    path = "/run/pam_totp/socket"
    host.stop_totpd()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        if os.path.exists(path):
            os.unlink(path)
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen(16)
        listener.settimeout(seconds)
        yield listener


def test_checks_run_in_parallel(radius):
    """Instead of totpd: a program that answers nobody before all have asked."""
    together = 5  # as many threads as FreeRADIUS starts with
    with instead_of_totpd(radius.host, 60) as listener:
        asking = [threading.Thread(target=send, args=(request("alice", "123456"),))
                  for _ in range(together)]
        for thread in asking:
            thread.start()
        try:
            connected = [listener.accept()[0] for _ in range(together)]
            for one in connected:
                one.settimeout(60)
                assert one.recv(1024), "its request"
                one.setblocking(False)
                with pytest.raises(BlockingIOError):  # nobody has given up while the others came
                    one.recv(1024)
                one.close()
        finally:
            for thread in asking:
                thread.join()


def test_a_store_that_is_not_in_files_is_asked_too(radius):
    """Instead of totpd: a program that has no store in files, and says so as totpd does."""
    stores = []

    def answer(listener):
        for error in 17, 0:
            with listener.accept()[0] as client:
                stores.append(client.recv(1024)[552:807].rstrip(b"\0"))
                client.send(b"PTA2" + bytes((wire.CHECK, error)) + bytes(256) +
                            bytes((2 if error == 0 else 0, 1)) + bytes(wire.RESPONSE - 264))

    with instead_of_totpd(radius.host, 60) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        assert radius.ask("alice", "123456")[0] == "Accept"
        thread.join()
    assert stores == [b"/var/lib/pam_totp", b""]


def configure_client(address):
    with open("/etc/pam_radius_auth.conf", "w") as file:
        file.write(f"127.0.0.1 {SECRET} 6 {address}\n")
    os.chmod("/etc/pam_radius_auth.conf", 0o600)


def test_pam_radius_auth_of_debian_13_logs_in_and_that_of_debian_12_is_not_answered(radius):
    host = radius.host
    signs = pam_radius_signs()
    option = "require_message_authenticator" if signs else ""
    configure_client("127.0.0.1")
    host.pam("sshd", f"auth required {pam_radius()} force_prompt prompt=Code {option}",
             "auth required pam_permit.so", "account required pam_permit.so")
    host.sshd()
    phone = host.enroll("alice")
    code = phone.code()
    login = host.ssh("alice", code)
    assert login.ok == signs, login
    assert any("Code: " in prompt for prompt in login.prompts)
    if signs:
        event = host.event()
        assert (event["outcome"], event["source"]) == ("allow", "127.0.0.1")
        assert event["service"] == "freerad/radius:sshd"
        assert not host.ssh("alice", code).ok


def test_pam_radius_auth_answers_a_challenge(radius):
    host = radius.host
    option = "require_message_authenticator" if pam_radius_signs() else ""
    configure_client("127.0.0.2")
    host.pam("sshd", f"auth required {pam_radius()} max_challenge=1 {option}",
             "auth required pam_permit.so", "account required pam_permit.so")
    host.sshd()
    phone = host.enroll("alice")
    wrong = host.ssh("alice", "her password", phone.wrong())
    right = host.ssh("alice", "her password", phone.code())
    assert not wrong.ok and right.ok == pam_radius_signs(), (wrong, right)
    if pam_radius_signs():
        for login in wrong, right:
            assert [prompt.split(") ")[-1] for prompt in login.prompts] == [
                "Password: ", "Verification code: "]
        assert [event["outcome"] for event in host.events()] == ["deny", "allow"]


def test_the_sentences_are_those_of_the_module(host):
    with open(f"{TOP}/radius/mods-config/perl/pam_totp.pl") as file:
        said = re.findall(r'"([A-Z][^"$|]*[.] ?[^"]*)"', file.read())
    with open(f"{TOP}/pam/say.c") as c, open(f"{TOP}/pam/say.h") as h:
        known = re.sub(r'"\s*"|\\n', " ", c.read() + h.read()).replace("  ", " ")
    assert NOT_ACCEPTED in said and len(said) > 8
    for sentence in said:
        start = sentence.split(" Ask your administrator for new")[0].rstrip(".")
        assert start in known, sentence
