"""totp-enroll as ordinary people use it about themselves, through totpd."""
import json
import os
import re
import subprocess
import time

import pexpect
import pytest

from host import DIR, STORE, Phone, run, wait_for
from test_enroll import SECRET, end, scan, screen, secret_on, uri_of  # noqa: F401

MANUAL = os.path.join(os.path.dirname(__file__), "../../man/totp-enroll.1.scd")
CODE = r"Code from (?:your|the new) phone: ?$"
PROOF = r"Code from (?:your|the old|your other) phone, or a recovery code: ?$"
RECOVERY = r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b"
AS_ALICE = ("setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--")


@pytest.fixture
def served(host):
    host.serve(fail_delay=0, period=60)
    return host


def as_alice(*argv, rows=24, columns=80):
    """totp-enroll at alice's terminal."""
    return pexpect.spawn(AS_ALICE[0], [*AS_ALICE[1:], "totp-enroll", *argv],
                         dimensions=(rows, columns), timeout=20, encoding="utf-8", cwd="/",
                         env={"PATH": os.environ["PATH"], "TERM": "xterm", "LC_ALL": "C.UTF-8",
                              "HOME": "/home/alice"})


def say(*argv, given=None, code=0):
    """The same in a pipe; what it printed."""
    done = subprocess.run([*AS_ALICE, "totp-enroll", *argv], input=given, capture_output=True,
                          text=True, timeout=30, cwd="/home/alice")
    assert done.returncode == code, done
    return done.stdout + done.stderr


def phone_of(host, text, account="alice"):
    phone = Phone(uri_of(secret_on(text), account=account) + "&period=60")
    host.phones.append(phone)
    return phone


def enroll(host, *options):
    """alice enrols; her phone, with one code used, and her recovery codes."""
    child = as_alice("--qr=none", *options)
    child.expect(CODE)
    phone = phone_of(host, child.before)
    child.sendline(phone.code())
    status, said = end(child)
    assert status == 0, said
    codes = re.findall(RECOVERY, said)
    assert len(codes) == 10, said
    return phone, codes


def change(child, *answers, prompt=PROOF):
    """Answer its questions; its exit status and all that it said."""
    said = ""
    for answer in answers:
        child.expect([prompt, CODE])
        said += child.before
        child.sendline(answer)
    status, rest = end(child)
    return status, said + rest


def records():
    return {folder: {name: open(f"{STORE}/{folder}/{name}", "rb").read()
                     for name in os.listdir(f"{STORE}/{folder}")} for folder in ("users", "state")}


# ---- a first phone

def test_a_person_enrols_and_logs_in(served):
    child = as_alice("--qr=none")
    child.expect(CODE)
    phone = phone_of(served, child.before)
    assert records()["users"] == {}
    code = phone.code()
    child.sendline(code)
    status, said = end(child)
    assert status == 0 and re.search(r"in \d+ second", said), said
    codes = re.findall(RECOVERY, said)
    assert len(codes) == 10
    served.sshd()
    assert "already used" in served.ssh("alice", code).screen
    assert served.ssh("alice", phone.code(1)).ok
    assert served.ssh("alice", codes[0]).ok
    assert 'outcome=enrolled reason=self token="phone"' in served.log_text()
    assert "source=uid:64001" in served.log_text()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_picture_a_person_sees_can_be_scanned(served, screen, theme):  # noqa: F811
    served.policy(fail_delay=0)
    picture, secret = screen(dark=theme == "dark", geometry="80x24",
                             words=(*AS_ALICE, "totp-enroll"))
    assert scan(picture) == uri_of(secret)


def test_a_wrong_code_and_an_end_store_nothing(served):
    child = as_alice("--qr=none")
    child.expect(CODE)
    phone = phone_of(served, child.before)
    child.sendline(phone.wrong())
    child.expect(CODE)
    assert "does not match" in child.before and phone.at(time.time()) not in child.before
    child.sendeof()
    status, said = end(child)
    assert status == 1 and "Nothing was changed" in said
    assert records() == {"users": {}, "state": {}}


@pytest.mark.parametrize("signal", ["intr", "hup"])
def test_ctrl_c_and_a_closed_terminal_store_nothing(served, signal):
    child = as_alice("--qr=none")
    child.expect(CODE)
    if signal == "intr":
        child.sendintr()
        assert end(child)[0] == 1
    else:
        child.close(force=True)
    assert records() == {"users": {}, "state": {}}
    enroll(served)


def test_who_is_enrolled_is_told_what_there_is(served):
    phone, codes = enroll(served)
    said = say()
    assert "phone" in said and "10 of 10 recovery codes left" in said
    assert phone.secret not in said.replace(" ", "")
    assert "enrolled already" in say("enroll", code=1)
    served.sshd()
    served.ssh("alice", phone.wrong())
    said = say("status")
    assert "1 wrong code since your last login" in said and "127.0.0.1" in said
    made = json.loads(say("status", "--json"))
    told = re.search(r"^One object on one line. With \*status\*: (.*?)\n\n", open(MANUAL).read(),
                     re.M | re.S)[1]
    assert {*made, *made["tokens"][0]} == set(re.findall(r"_(\w+)_", told))
    assert made["enrolled"] and made["tokens"][0]["label"] == "phone"
    assert made["failures"] == 1 and made["last_failure_source"] == "127.0.0.1"
    assert made["recovery_codes_left"] == 10 and made["tokens"][0]["last_used"] == 0


def test_who_may_not_enrol_is_told_whom_to_ask(served):
    served.policy(enroll="", fail_delay=0)
    assert "administrator" in say(code=0)
    assert "ask for an invitation" in say("enroll", code=1)
    served.policy(enroll="tool", enroll_until="2026-01-01", fail_delay=0)
    assert "ask for an invitation" in say("enroll", code=1)
    run("totpctl", "invite", "alice")
    served.policy(enroll="tool", enroll_until="2026-01-01", fail_delay=0, period=60)
    enroll(served)


def test_nobody_enrols_another(served):
    assert "only root" in say("--user", "bob", code=1)
    assert "root's" in say("--force", code=2)
    assert "root's" in say("--no-confirm", code=2)


def test_without_totpd_one_sentence_says_so(served):
    served.stop_totpd()
    said = say(code=1)
    assert "totpd is not running" in said and said.count("\n") == 1


# ---- test

def test_a_code_is_tested_used_up_and_counted(served):
    phone, codes = enroll(served)
    status, said = change(as_alice("test"), phone.code(1))
    assert status == 0 and "Right" in said and "\"phone\"" in said, said
    status, said = change(as_alice("test"), phone.code(1), phone.wrong(), "what?")
    assert status == 1, said
    assert "used already" in said and "not accepted" in said and "no code" in said
    assert "Nothing was changed" not in said
    status, said = change(as_alice("test"), codes[3])
    assert status == 0 and "9 left" in said


def test_a_phone_that_is_behind_is_told_and_one_that_is_ahead_is_not(served):
    phone, _ = enroll(served)
    status, said = change(as_alice("test"), phone.at(time.time() - 600), phone.at(time.time() + 600),
                          "")
    assert "10 minutes ago" in said, said
    assert said.count("not accepted") == 1


def test_too_many_wrong_codes_are_told_the_wait(served):
    phone, _ = enroll(served)
    change(as_alice("test"), *(phone.wrong() for _ in range(3)))
    status, said = change(as_alice("test"), *(phone.wrong() for _ in range(3)))
    assert status == 1 and re.search(r"try again in \d minutes", said), said
    assert "Too many of them from here" in say()


# ---- changes, each by a code

def test_a_phone_is_added_by_a_code_of_the_old_one(served):
    phone, codes = enroll(served)
    child = as_alice("add", "tablet", "--qr=none")
    child.expect(CODE)
    assert "the new phone" in child.after
    tablet = phone_of(served, child.before)
    child.sendline(tablet.code())
    child.expect(PROOF)
    assert "your other phone" in child.after
    child.sendline(phone.wrong())
    child.expect(CODE)  # once more, with fresh codes of both
    assert "not accepted" in child.before
    child.sendline(tablet.code())
    child.expect(PROOF)
    child.sendline(phone.code(1))
    status, said = end(child)
    assert status == 0 and "\"tablet\" is added" in said, said
    served.sshd()
    assert served.ssh("alice", tablet.code(1)).ok
    assert "tablet" in say()
    assert "already" in say("add", "tablet", code=1)


def test_a_phone_is_replaced_by_a_recovery_code_and_the_old_one_works_until_then(served):
    phone, codes = enroll(served)
    served.sshd()
    child = as_alice("replace", "--qr=none")
    child.expect(CODE)
    new = phone_of(served, child.before)
    assert "the new phone" in child.after
    assert served.ssh("alice", phone.code(1)).ok
    child.sendline(new.code())
    child.expect(PROOF)
    assert "the old phone" in child.after
    child.sendline(codes[0].lower().replace("-", " "))
    status, said = end(child)
    assert status == 0 and "old \"phone\"" in said, said
    assert not served.ssh("alice", phone.at(time.time() + 60)).ok
    assert served.ssh("alice", new.code(1)).ok
    assert "9 of 10 recovery codes left" in say()
    assert not served.ssh("alice", codes[0]).ok


def test_a_change_that_is_given_up_leaves_all_as_it_was(served):
    phone, codes = enroll(served)
    before = records()
    for words in (("replace", "--qr=none"), ("add", "x", "--qr=none"), ("recovery",),
                  ("rename", "phone", "x")):
        child = as_alice(*words)
        child.expect([CODE, PROOF])
        child.sendintr()
        status, said = end(child)
        assert status == 1 and "Nothing was changed" in said
    assert records() == before


def test_phones_are_renamed_and_removed(served):
    phone, codes = enroll(served)
    assert "only one" in say("remove", "phone", code=1)
    assert "no \"car\"" in say("remove", "car", code=1)
    assert change(as_alice("rename", "phone", "pocket"), codes[0])[0] == 0
    child = as_alice("add", "tablet", "--qr=none")
    child.expect(CODE)
    tablet = phone_of(served, child.before)
    child.sendline(tablet.code())
    child.expect(PROOF)
    child.sendline(codes[1])
    assert end(child)[0] == 0
    assert "say which" in say("replace", code=1)
    status, said = change(as_alice("remove", "pocket"), tablet.code(1))
    assert status == 0 and "refused from now on" in said
    assert "pocket" not in say()
    for outcome in "token-renamed", "token-added", "token-removed":
        assert f"outcome={outcome} reason=self" in served.log_text()


def test_new_recovery_codes_void_the_old_ones(served):
    phone, codes = enroll(served)
    status, said = change(as_alice("recovery"), phone.code(1))
    new = re.findall(RECOVERY, said)
    assert status == 0 and len(new) == 10 and not set(new) & set(codes)
    path = "/home/alice/codes"
    status, said = change(as_alice("recovery", "--save", path), new[0])
    assert status == 0 and re.findall(RECOVERY, said) == [new[0]], said  # what was typed
    assert len(re.findall(RECOVERY, open(path).read())) == 10
    assert os.stat(path).st_mode & 0o777 == 0o600 and os.stat(path).st_uid == 64001
    assert "none of your" in change(as_alice("test"), new[1], "", "")[1]


def test_who_need_not_give_codes_can_do_without(served):
    served.policy(enforce="optional", fail_delay=0, period=60)
    phone, codes = enroll(served)
    status, said = change(as_alice("disable"), phone.code(1))
    assert status == 0 and records() == {"users": {}, "state": {}}
    assert "outcome=revoked reason=self" in served.log_text()
    assert "need none" in say("status")
    served.policy(enforce="required", fail_delay=0, period=60)
    enroll(served)
    assert "only your administrator" in say("disable", code=1)


def test_a_hardware_token_is_added_from_standard_input(served):
    phone, codes = enroll(served)
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    fob = Phone(uri_of(secret))
    said = say("add", "fob", "--secret", "-", "--hotp", given=f"{secret}\n755224\n{codes[0]}\n")
    assert "\"fob\" is added" in said
    said = say("test", given="287082\n")
    assert "\"fob\"" in said
    assert "no secret" in say("add", "x", "--secret", "-", given="", code=1)
    del fob


@pytest.mark.parametrize("words", [
    (), ("enroll",), ("add", "x"), ("replace",)])
def test_help_fits_a_screen(host, words):
    said = say(*words, "--help")
    assert len(said.splitlines()) <= 24
    assert all(len(line) <= 80 for line in said.splitlines())


@pytest.mark.parametrize("words", [
    ("add",), ("rename", "phone"), ("rename", "a", "b", "c"), ("status", "x"), ("remove",),
    ("frobnicate",), ("test", "--force"), ("recovery", "--svg", "x"), ("add", "a\"b"),
    ("disable", "--json"), ("status", "--save", "x")])
def test_wrong_words_are_told_what_is_expected(host, words):
    said = say(*words, code=2)
    assert said.startswith("totp-enroll: ") and "--help" in said


def test_who_is_switched_off_or_waits_for_a_first_code_is_told(served):
    _, codes = enroll(served)
    run("totpctl", "disable", "alice")
    assert "switched off" in say() and json.loads(say("status", "--json"))["disabled"]
    assert "switched off" in say("recovery", code=1)
    run("totpctl", "enable", "alice")
    assert change(as_alice("recovery"), codes[0])[0] == 0
