# SPDX-License-Identifier: BSD-2-Clause
"""totp-enroll as ordinary users run it for themselves, through totpd."""
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import termios
import textwrap
import time

import pexpect
import pytest

from host import DIR, STORE, Phone, Terminal, run, wait_for
from test_totpd import Impostor, allow
from test_totpd_faults import Strace
from test_enroll import SECRET, end, scan, screen, secret_on, uri_of  # noqa: F401

MANUAL = os.path.join(os.path.dirname(__file__), "../../man/totp-enroll.1.scd")
CODE = r"Code from (?:your|the new) phone: ?$"
PROOF = r"Code from (?:your|the old|your other) phone, or a recovery code: ?$"
RECOVERY = r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b"
FOB = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the key of RFC 4226, whose codes are known
AS_ALICE = ("setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--")
HIDDEN = r"Secret of the token \(base32\): $"
# words, and the questions that follow
QUESTIONS = {
    ("add", "x", "--qr=none"): (CODE, PROOF),
    ("add", "x", "--secret", "-", "--hotp"): (HIDDEN, r"Code of the token: $", PROOF),
    ("replace", "phone", "--qr=none"): (CODE, PROOF),
    ("rename", "phone", "x"): (PROOF,),
    ("remove", "tablet"): (PROOF,),
    ("recovery",): (PROOF,),
    ("delete",): (PROOF,),
    ("test",): (PROOF,),
}
ENDS = {
    "ctrl-c": lambda child: child.sendintr(),
    "ctrl-\\": lambda child: child.sendcontrol("\\"),
    "ctrl-d": lambda child: child.sendeof(),
    "closed": lambda child: child.close(force=True),
    "killed": lambda child: child.kill(signal.SIGKILL),
}


@pytest.fixture
def served(host):
    host.serve(fail_delay=0, period=60)
    return host


def as_alice(*argv, rows=24, columns=80, through=(), **environment):
    """totp-enroll at alice's terminal."""
    return Terminal(AS_ALICE[0], [*AS_ALICE[1:], *through, "totp-enroll", *argv],
                    dimensions=(rows, columns), cwd="/",
                    env={"PATH": os.environ["PATH"], "TERM": "xterm", "LC_ALL": "C.UTF-8",
                         "HOME": "/home/alice", **environment})


def say(*argv, given=None, code=0, through=()):
    """The same in a pipe; what it printed."""
    done = subprocess.run([*AS_ALICE, *through, "totp-enroll", *argv], input=given,
                          capture_output=True, text=True, timeout=60, cwd="/home/alice")
    assert done.returncode == code, done
    return done.stdout + done.stderr


def phone_of(host, text, account="alice"):
    phone = Phone(uri_of(secret_on(text), account=account) + "&period=60")
    host.phones.append(phone)
    return phone


def enroll(host, *options):
    """alice enrolls; her phone, with one code used, and her recovery codes."""
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
    """Answer its questions; its exit status and everything that it printed."""
    said = ""
    for answer in answers:
        child.expect([prompt, CODE])
        said += child.before
        child.sendline(answer)
    status, rest = end(child)
    return status, said + rest


def records():
    return {directory: {name: open(f"{STORE}/{directory}/{name}", "rb").read()
                     for name in os.listdir(f"{STORE}/{directory}")} for directory in ("users", "state")}


# ---- a first phone

def test_a_user_enrolls_and_logs_in(served):
    child = as_alice("--qr=none")
    child.expect(CODE)
    phone = phone_of(served, child.before)
    assert records()["users"] == {}
    code = phone.code(room=15)  # the next one has not come when this one has been typed
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
def test_the_picture_on_the_screen_can_be_scanned(served, screen, theme):  # noqa: F811
    served.policy(fail_delay=0)
    picture, secret = screen(dark=theme == "dark", geometry="80x24",
                             words=(*AS_ALICE, "totp-enroll"))
    assert scan(picture) == uri_of(secret)


def test_a_wrong_code_or_the_end_of_input_stores_nothing(served):
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


@pytest.mark.parametrize("how", ENDS)
def test_a_user_who_leaves_a_first_enrollment_stores_nothing(served, how):
    child = as_alice("--qr=none")
    child.expect(CODE)
    ENDS[how](child)
    if how.startswith("ctrl"):
        status, said = end(child)
        assert status == 1 and "Nothing was changed" in said
    else:
        child.close(force=True)
    assert records() == {"users": {}, "state": {}}
    enroll(served)


def test_an_enrollment_takes_hardly_longer_than_the_typing(served):
    """With the picture, from the command to the recovery codes; the shortest time of several."""
    times = []
    while len(times) < 20 and min(times, default=1) >= 1:
        began = time.monotonic()
        child = as_alice()
        child.delaybeforesend = None
        child.expect(CODE)
        took = time.monotonic() - began
        code = phone_of(served, child.before).code()
        began = time.monotonic()
        child.sendline(code)
        child.expect(pexpect.EOF)
        times.append(took + time.monotonic() - began)
        assert len(re.findall(RECOVERY, child.before)) == 10
        child.close()
        run("totpctl", "delete", "--yes", "alice")
    assert min(times) < 1, times


# ---- what a debugger would see


def test_no_core_dump_and_no_other_process_shows_a_new_secret(served):
    child = as_alice("--qr=none", through=("prlimit", "--core=unlimited", "--"))
    child.expect(CODE)
    pid = str(child.pid)
    for words in ("strace", "-p", pid), ("head", "-c1", f"/proc/{pid}/mem"), \
            ("cat", f"/proc/{pid}/environ"):
        said = run(*AS_ALICE, *words, fail=True)
        assert "not permitted" in said or "Permission denied" in said, said
    child.kill(signal.SIGABRT)
    child.expect(pexpect.EOF)
    child.wait()
    assert child.signalstatus == signal.SIGABRT and not os.WCOREDUMP(child.status)


# ---- terminals


TERMINALS = {
    "usual": (24, 80, {}, "ansi"),
    "wide": (60, 160, {}, "ansi"),
    "narrow": (60, 60, {}, "ansi"),
    "too narrow": (24, 30, {}, "none"),
    "tiny": (4, 12, {}, "none"),
    "short": (12, 80, {}, "none"),
    "dumb": (24, 80, {"TERM": "dumb"}, "utf8"),
    "without TERM": (24, 80, {"TERM": ""}, "utf8"),
    "NO_COLOR": (24, 80, {"NO_COLOR": "1"}, "utf8"),
    "an empty NO_COLOR": (24, 80, {"NO_COLOR": ""}, "ansi"),
    "C, usual": (24, 80, {"LC_ALL": "C"}, "ansi"),
    "C, large": (60, 120, {"LC_ALL": "C"}, "ascii"),
    "C, dumb": (60, 120, {"LC_ALL": "C", "TERM": "dumb"}, "ascii"),
    "C, dumb, usual": (24, 80, {"LC_ALL": "C", "TERM": "dumb"}, "none"),
    "C, NO_COLOR": (60, 120, {"LC_ALL": "C", "NO_COLOR": "1"}, "ascii"),
}


@pytest.mark.parametrize("name", TERMINALS)
def test_picture_and_text_depend_on_the_terminal(served, name):
    rows, columns, environment, expected = TERMINALS[name]
    served.policy(fail_delay=0)
    child = as_alice(rows=rows, columns=columns, **environment)
    child.expect(CODE)
    said = child.before
    child.sendintr()
    end(child)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert "\x1b" not in plain and ("\x1b" in said) == (expected == "ansi"), said
    assert bool(re.search("[▀▄█]", said)) == (expected in ("ansi", "utf8"))
    assert ("####" in said) == (expected == "ascii")
    assert ("--qr-invert" in said) == (expected in ("utf8", "ascii"))
    assert ("needs a window of" in " ".join(plain.split())) == (expected == "none")
    lines = plain.replace("\r", "").split("\n")
    assert max(map(len, lines)) <= max(columns, 24), lines
    if expected != "none" and rows == 24:
        assert len(lines) <= rows, "all of it at once"
    secret_on(plain)


def test_an_enrolled_user_reads_what_is_enrolled(served):
    phone, codes = enroll(served)
    said = say()
    assert "phone" in said and "10 of 10 recovery codes left" in said
    assert phone.secret not in said.replace(" ", "")
    assert "already enrolled" in say("enroll", code=1)
    served.sshd()
    served.ssh("alice", phone.wrong())
    said = say("status")
    assert re.search(r"1 wrong code since your last login, on \d{4}-\d\d-\d\d \d\d:\d\d \S+\n"
                     r"from .*127\.0\.0\.1", said), "a time has its zone"


def test_a_user_who_may_not_enroll_reads_whom_to_ask(served):
    served.policy(enroll="", fail_delay=0)
    assert "administrator" in say(code=0)
    assert "ask for an invitation" in say("enroll", code=1)
    served.policy(enroll="login", fail_delay=0)
    for words, code in ((), 0), (("enroll",), 1):
        said = say(*words, code=code)
        assert "log in again" in said and "administrator" not in said, said
    served.policy(enroll="login", enroll_until="2026-01-01", fail_delay=0)
    for words, code in ((), 0), (("enroll",), 1):
        assert "ask for an invitation" in say(*words, code=code)
    run("totpctl", "invite", "alice")
    for words, code in ((), 0), (("enroll",), 1):
        assert "log in again" in say(*words, code=code)
    run("totpctl", "uninvite", "alice")
    served.policy(enroll="tool", enroll_until="2026-01-01", fail_delay=0, help="Call 555-0100")
    for words, code in ((), 0), (("enroll",), 1):
        said = say(*words, code=code)
        assert "ask for an invitation" in said and "Call 555-0100" in said
    run("totpctl", "invite", "alice")
    served.policy(enroll="tool", enroll_until="2026-01-01", fail_delay=0, period=60)
    enroll(served)


def test_no_user_enrolls_another(served):
    assert "only root" in say("--user", "bob", code=1)
    assert "only root" in say("--force", code=2)
    assert "only root" in say("--no-confirm", code=2)


def test_without_totpd_one_message_says_so(served):
    served.stop_totpd()
    said = say(code=1)
    assert "totpd is not running" in said and said.count("\n") == 1


# ---- test

def test_a_code_is_tested_used_up_and_counted(served):
    phone, codes = enroll(served)
    code = phone.code(1)
    status, said = change(as_alice("test"), code)
    assert status == 0 and "Right" in said and "\"phone\"" in said, said
    status, said = change(as_alice("test"), code, phone.wrong(), "what?")
    assert status == 1, said
    assert "already used" in said and "not accepted" in said and "not a code" in said
    assert "Nothing was changed" not in said
    status, said = change(as_alice("test"), codes[3])
    assert status == 0 and "9 left" in said


def test_a_slow_phone_clock_is_reported_and_a_fast_one_is_not(served):
    phone, _ = enroll(served)
    status, said = change(as_alice("test"), phone.code(-10, room=20), phone.code(10), "")
    assert "10 minutes ago" in said, said
    assert said.count("not accepted") == 1


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_word_is_broken_at_the_end_of_a_line(served, columns):
    """As a terminal would break it."""
    phone, _ = enroll(served)
    status, said = change(as_alice("test", columns=columns), phone.code(-10, room=20), "", "")
    sentence = ("totp-enroll: that is the code of 10 minutes ago: set your phone's clock to "
                "automatic, then try the next one")
    assert "\r\n" + "\r\n".join(textwrap.wrap(sentence, columns)) + "\r\n" in said, said


def test_after_too_many_wrong_codes_the_wait_is_printed(served):
    phone, _ = enroll(served)
    change(as_alice("test"), *(phone.wrong() for _ in range(3)))
    status, said = change(as_alice("test"), *(phone.wrong() for _ in range(3)))
    assert status == 1 and re.search(r"try again in \d minutes", said), said
    assert "Too many of them from here" in say()


# ---- changes, each with a code

def test_a_phone_is_added_with_a_code_of_the_old_one(served):
    phone, codes = enroll(served)
    child = as_alice("add", "tablet", "--qr=none")
    child.expect(CODE)
    assert "the new phone" in child.after
    tablet = phone_of(served, child.before)
    child.sendline(tablet.code())
    child.expect(PROOF)
    assert "your other phone" in child.after
    child.sendline(phone.wrong())
    child.expect(CODE)  # again, with unused codes of both
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


def test_a_phone_is_replaced_with_a_recovery_code_and_the_old_one_works_until_then(served):
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


def go_to(child, questions):
    """Answer all but the last of the questions correctly."""
    said = ""
    for number, question in enumerate(questions):
        child.expect(question)
        said += child.before
        if number == len(questions) - 1:
            return
        if question == HIDDEN:
            child.sendline(FOB)
        elif question == CODE:
            child.sendline(Phone(uri_of(secret_on(said)) + "&period=60").code())
        else:
            child.sendline("755224")  # the first code of the hardware token


@pytest.mark.parametrize("how", ENDS)
def test_a_user_who_leaves_at_any_question_changes_nothing(served, how):
    served.policy(enforce="optional", fail_delay=0, period=60)
    phone, codes = enroll(served)
    child = as_alice("add", "tablet", "--secret", "-", "--hotp")
    go_to(child, (HIDDEN, r"Code of the token: $", PROOF))
    child.sendline(codes.pop())
    assert end(child)[0] == 0
    before = records()
    for words, questions in QUESTIONS.items():
        for last in range(1, len(questions) + 1):
            child = as_alice(*words)
            go_to(child, questions[:last])
            ENDS[how](child)
            if how.startswith("ctrl"):
                child.expect(pexpect.EOF)
                assert child.getecho(), "the terminal shows again what is typed"
                child.close()
                assert child.exitstatus == 1, (words, last)
                assert words == ("test",) or "Nothing was changed" in child.before, (words, last)
            else:
                child.close(force=True)
            assert records() == before, (words, last)
    assert change(as_alice("recovery"), codes.pop())[0] == 0


def test_a_secret_is_hidden_before_its_question_is_shown(served):
    served.policy(enforce="optional", fail_delay=0, period=60)
    enroll(served)
    terminal, screen_end = pty.openpty()
    answers, question = os.pipe()
    fcntl.fcntl(question, fcntl.F_SETPIPE_SZ, 4096)
    os.write(question, b"x" * 4096)  # full: the question waits
    child = subprocess.Popen([*AS_ALICE, "totp-enroll", "add", "x", "--secret", "-", "--hotp"],
                             stdin=screen_end, stdout=question, stderr=question)
    try:
        assert wait_for(lambda: "pipe_write" in open(f"/proc/{child.pid}/wchan").read())
        assert not termios.tcgetattr(terminal)[3] & termios.ECHO
    finally:
        child.kill()
        child.wait()
        for fd in terminal, screen_end, answers, question:
            os.close(fd)


def test_output_that_cannot_be_written_changes_nothing(served):
    """Neither questions, nor what a user must see."""
    served.policy(enforce="optional", fail_delay=0, period=60)
    full = ("sh", "-c", 'exec "$@" >/dev/full', "sh")
    assert "could not be shown" in say("enroll", code=1, through=full)
    assert records() == {"users": {}, "state": {}}
    phone, codes = enroll(served)
    before = records()
    for words in QUESTIONS:
        said = say(*words, code=1, through=full, given=f"{FOB}\n755224\n{codes[0]}\n")
        assert "Nothing was changed" in said or words == ("test",) or "only one" in said \
            or "no \"tablet\"" in said, (words, said)
        assert records() == before, words
    assert "standard output" in say("status", code=1, through=full)
    assert "standard output" in say("status", "--json", code=1, through=full)


def test_new_recovery_codes_that_cannot_be_written_are_reported(served):
    """
    They are valid already: they are shown if the file fails, or else the message says how to get
    others.
    """
    phone, codes = enroll(served)
    small = ("prlimit", "--fsize=100", "--")
    path = "/home/alice/codes"
    said = say("recovery", "--save", path, given=codes[0] + "\n", through=small)
    new = re.findall(RECOVERY, said)
    assert len(new) == 10 and path in said and not os.path.exists(path), said
    to_file = (*small, "sh", "-c", 'exec "$@" >said', "sh")
    said = say("recovery", given=new[0] + "\n", code=1, through=to_file)
    assert "'totp-enroll recovery' makes new ones" in said, said
    assert change(as_alice("recovery"), phone.code(1))[0] == 0


def test_a_full_disk_changes_nothing_and_locks_nobody_out(served):
    """The store on a disk of its own, filled until there is no room for another byte."""
    served.stop_totpd()
    shutil.rmtree(STORE)
    os.mkdir(STORE, 0o755)
    run("mount", "-t", "tmpfs", "-o", "size=512k,mode=755", "store", STORE)
    try:
        shutil.rmtree("/etc/pam_totp")
        run("totpctl", "init")
        served.totpd()
        phone, codes = enroll(served)
        before = records()
        with open(f"{STORE}/ballast", "wb", 0) as file:
            with pytest.raises(OSError):
                while True:
                    file.write(bytes(512))
        for words in ("rename", "phone", "x"), ("recovery",), ("add", "x", "--secret", "-", "--hotp"):
            said = say(*words, code=1, given=f"{FOB}\n755224\n{codes[0]}\n"
                       if "--hotp" in words else codes[0] + "\n")
            assert "please tell your administrator" in said and "Nothing was changed" in said, said
        assert records()["users"] == before["users"]
        assert "Right" in say("test", given=phone.code(1) + "\n")
        served.sshd()
        assert served.ssh("alice", codes[1]).ok
        os.unlink(f"{STORE}/ballast")
        assert change(as_alice("rename", "phone", "pocket"), codes[0])[0] == 0
    finally:
        served.stop_totpd()
        run("umount", STORE)


@pytest.mark.parametrize("words", [("enroll",), ("rename", "phone", "x")], ids=" ".join)
def test_a_change_without_an_answer_is_not_reported_as_not_made(served, words):
    """The child dies after it has stored the change, and before it answers."""
    if words != ("enroll",):
        phone, codes = enroll(served)
    with Strace(served.totpd_process.pid, "-o", "/dev/null", "-etrace=sendto",
                "-einject=sendto:signal=KILL:when=2"):
        child = as_alice(*words, "--qr=none") if words == ("enroll",) else as_alice(*words)
        child.expect([CODE, PROOF])
        child.sendline(phone_of(served, child.before).code() if words == ("enroll",) else codes[0])
        status, said = end(child)
    said = " ".join(said.split())
    assert status == 1 and "'totp-enroll status' shows whether it was done" in said, said
    assert "Nothing was changed" not in said and "delete it" not in said
    assert "x" in say() if words != ("enroll",) else "phone" in say()


def test_a_change_that_a_power_cut_could_undo_is_reported_as_made(served):
    phone, codes = enroll(served)
    for ordinal in range(1, 9):  # the last one is the directory's
        with Strace(served.totpd_process.pid, "-o", "/dev/null", "-etrace=fsync",
                    f"-einject=fsync:error=EIO:when={ordinal}"):
            status, said = change(as_alice("rename", "phone", "pocket"), codes[0])
        said = " ".join(said.split())
        if "it was done" in said:
            break
        assert status == 1 and "Nothing was changed" in said and "pocket" not in say(), said
    assert status == 1 and "it was done, but a power cut now could undo it" in said, said
    assert "Nothing was changed" not in said and "pocket" in say()


@pytest.mark.parametrize("words", [("status",), ("enroll",)], ids=" ".join)
def test_a_socket_of_another_user_is_not_asked(served, words):
    served.stop_totpd()
    impostor = Impostor(64002, allow)
    said = say(*words, code=1)
    assert "not a socket that root owns" in said and impostor.asked == b"", said
    impostor.close()


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
    assert "several devices" in say("replace", code=1)
    status, said = change(as_alice("remove", "pocket"), tablet.code(1))
    assert status == 0 and "denied from now on" in said
    assert "pocket" not in say()
    for outcome in "token-renamed", "token-added", "token-removed":
        assert f"outcome={outcome} reason=self" in served.log_text()


def test_new_recovery_codes_make_the_old_ones_invalid(served):
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


def test_a_user_who_needs_no_code_can_delete_the_enrollment(served):
    served.policy(enforce="optional", fail_delay=0, period=60)
    phone, codes = enroll(served)
    status, said = change(as_alice("delete"), phone.code(1))
    assert status == 0 and records() == {"users": {}, "state": {}}
    assert "outcome=revoked reason=self" in served.log_text()
    assert "need none" in say("status")
    served.policy(enforce="required", fail_delay=0, period=60)
    enroll(served)
    assert "only your administrator" in say("delete", code=1)


def test_status_lists_what_works_and_nothing_else(served):
    served.policy(fail_delay=0, period=60, enroll="tool")
    phone, codes = enroll(served)
    served.policy(fail_delay=0, period=60, enroll="login", recovery_codes=0)
    said = say("status")
    assert "you can use: test, rename (see" in said
    for words in ("add", "tablet"), ("replace", "phone"), ("delete",):
        assert "administrator" in say(*words, code=1)
    served.policy(fail_delay=0, period=60, enforce="optional")
    assert "you can use: test, add, replace, rename, recovery, delete (see" in say("status")


def test_status_names_the_date_from_which_a_code_is_needed(served):
    served.policy(fail_delay=0, enforce="2099-01-31")
    said = say("status")
    assert "From 2099-01-31 on a login as alice here needs a code" in said
    assert "need none" not in said
    served.policy(fail_delay=0, enforce="2099-01-31", exempt="alice")
    assert "need none" in say("status")


def test_a_pam_line_that_differs_from_the_policy_file_is_reported(served):
    served.drop_pam_lines()
    served.pam("sshd", "auth required pam_totp.so enforce=optional", "auth required pam_permit.so")
    served.pam("locker", "auth required pam_totp.so", "auth required pam_permit.so")
    served.pam("tty", "auth required pam_totp.so exempt=alice", "auth required pam_permit.so")
    try:
        enroll(served)
        differ = "The PAM lines of these services differ"
        for said in say("status"), run("totpctl", "report"):
            assert differ in said and "sshd: optional, tty: exempt=alice" in said
            assert "locker" not in said
        assert "a login as alice needs a code" in say("delete", code=1)
        assert json.loads(run("totpctl", "report", "--json"))["enforce_overrides"] == \
            "sshd: optional, tty: exempt=alice"
        os.unlink("/etc/pam.d/tty")
        served.policy(enforce="optional")
        assert differ not in say("status") + run("totpctl", "report")
    finally:
        os.unlink("/etc/pam.d/locker")


def test_who_deletes_an_enrollment_that_a_pam_line_requires_is_warned(served):
    served.policy(fail_delay=0, period=60, enforce="optional")
    served.pam("locker", "auth required pam_totp.so enforce=required")
    try:
        _, codes = enroll(served)
        said = say("delete", given=f"{codes[0]}\n")
        assert "differ from the policy's file: locker: required" in said
        assert "you cannot log in until you enroll again" in said
        assert "needs no code" not in said
    finally:
        os.unlink("/etc/pam.d/locker")


def test_a_hardware_token_is_added_from_standard_input(served):
    phone, codes = enroll(served)
    said = say("add", "fob", "--secret", "-", "--hotp", given=f"{FOB}\n755224\n{codes[0]}\n")
    assert "\"fob\" is added" in said
    said = say("test", given="287082\n")
    assert "\"fob\"" in said
    assert "no secret" in say("add", "x", "--secret", "-", given="", code=1)


@pytest.mark.parametrize("words", [
    (), ("enroll",), ("add", "x"), ("replace",)])
def test_help_fits_a_screen(host, words):
    said = say(*words, "--help")
    assert len(said.splitlines()) <= 24
    assert all(len(line) <= 80 for line in said.splitlines())


@pytest.mark.parametrize("words", [
    ("add",), ("rename", "phone"), ("rename", "a", "b", "c"), ("status", "x"), ("remove",),
    ("frobnicate",), ("test", "--force"), ("recovery", "--svg", "x"), ("add", "a\"b"),
    ("status", "--save", "x")])
def test_after_a_wrong_command_line_the_message_says_what_is_expected(host, words):
    said = say(*words, code=2)
    assert said.startswith("totp-enroll: ") and "--help" in said
    assert "--user" not in said, "that is root's"


@pytest.mark.parametrize("typed, meant", [("disable", "delete"), ("enrol", "enroll"),
                                          ("stauts", "status"), ("recover", "recovery")])
def test_a_mistyped_word_is_answered_with_the_nearest_subcommand(host, typed, meant):
    assert f"unknown subcommand '{typed}'; did you mean '{meant}'?" in say(typed, code=2)
    assert say("add", code=2).endswith("Try 'totp-enroll add --help'.\n")
    assert say("help", "add") == say("add", "--help") and say("help") == say("--help")


def test_a_suspended_or_unconfirmed_user_reads_so(served):
    _, codes = enroll(served)
    run("totpctl", "suspend", "alice")
    assert "suspended" in say() and json.loads(say("status", "--json"))["disabled"]
    assert "suspended" in say("recovery", code=1)
    run("totpctl", "resume", "alice")
    assert change(as_alice("recovery"), codes[0])[0] == 0
