# SPDX-License-Identifier: BSD-2-Clause
"""
What users see of an enrollment in the login, and what others can learn from it: transcripts side by
side, every point at which a user can leave, pictures as a camera sees them.
"""
import os
import re
import signal
import subprocess
import threading
import time

import pexpect
import pytest

from host import DIR, PROMPT, Terminal, console, day, run, wait_for
from test_enroll import scan, scan_letters, screen  # noqa: F401 a fixture
from test_in_login import ASK, PASSWORD, STACK, begin, people, phone_of, stored  # noqa: F401
from test_local import end
from test_ssh import asked

OFFER = "to go on: "


# ---- what a stranger, and an owner, can learn


@pytest.fixture
def kinds(people):  # noqa: F811
    """One user of each kind; the last date for enrolling in a login is in the future."""
    for user in "carol", "dave":
        run("useradd", "-m", "-s", "/bin/bash", user)
        people.password(user, PASSWORD)
    policy = {"enroll": "login", "fail_delay": 0, "period": 60, "exempt": "dave", "attempts": 3}
    people.policy(**policy)
    people.enroll("alice")
    carol = people.enroll("carol")
    for _ in range(3):
        assert not people.ssh("carol", PASSWORD, carol.wrong()).ok
    yield people, policy
    for user in "carol", "dave":
        run("userdel", "-r", "-f", user)


PEOPLE = {"enrolled": "alice", "not enrolled": "bob", "throttled": "carol", "exempt": "dave",
          "unknown": "nobodyhere"}


def transcript(host, user, *answers):
    """Whether a user got in, and everything that was shown, without names, ports and minutes."""
    login = host.ssh(user, *answers)
    said = "\n".join([*asked(login), login.screen]).replace(user, "USER")
    return login.ok, re.sub(r"port \d+|in \d+ minutes?", "N", said)


def test_without_the_password_nobody_learns_who_is_enrolled(kinds):
    host, _ = kinds
    seen = {kind: transcript(host, user, "wrong horse", "123456") for kind, user in PEOPLE.items()}
    assert len(set(seen.values())) == 1, seen
    assert seen["unknown"][0] is False and PROMPT not in seen["unknown"][1]


def test_the_owner_of_an_account_learns_about_it(kinds):
    host, policy = kinds
    seen = {kind: transcript(host, user, PASSWORD, "123456") for kind, user in PEOPLE.items()}
    assert seen["unknown"] == transcript(host, "nobodyhere", "wrong horse", "123456")
    assert seen["exempt"][0] and PROMPT not in seen["exempt"][1] and "phone" not in seen["exempt"][1]
    assert not seen["enrolled"][0] and "That code was not accepted." in seen["enrolled"][1]
    assert not seen["throttled"][0] and "Too many wrong codes. Try again N." in seen["throttled"][1]
    # sshd asks no more, and says so
    assert seen["throttled"][1] == seen["enrolled"][1].replace(
        "That code was not accepted.", "Too many wrong codes. Try again N.").replace(
        "publickey,keyboard-interactive", "publickey")
    assert not seen["not enrolled"][0] and "authenticator app" in seen["not enrolled"][1]
    assert stored() == ["alice", "carol"] or stored() == ["carol", "alice"]

    # after the last date a user who is not enrolled reads what follows a wrong code
    host.policy(**policy, enroll_until=day(-1))
    assert transcript(host, "bob", PASSWORD, "123456") == seen["enrolled"]


def test_before_the_date_each_login_shows_one_more_line(kinds):
    host, policy = kinds
    host.policy(**{**policy, "enroll": ""}, enforce=day(8))
    text = f"From {day(8)} on, in N days, a login needs a code: ask your administrator."
    _, before = transcript(host, "dave", PASSWORD)
    for _ in range(2):
        ok, said = transcript(host, "bob", PASSWORD)
        said = re.sub(r"in \d days", "in N days", said)
        assert ok and said.count("\n") == before.count("\n") + 1 and text in said, said
        assert said.replace(text + "\n", "").split() == before.split(), (said, before)


# ---- users who leave


def at_password(child):
    child.expect_exact("Password: ")


def at_offer(child):
    at_password(child)
    child.sendline(PASSWORD)
    child.expect_exact(OFFER)


def at_first_code(child):
    at_offer(child)
    child.sendline("y")
    child.expect_exact(ASK)


def at_swapped_picture(child):
    at_first_code(child)
    child.expect_exact(": ")
    child.sendline("i")
    child.expect_exact(ASK)


def at_second_code(child):
    at_first_code(child)
    child.sendline("000000")
    child.expect_exact("does not match")
    child.expect_exact(ASK)


def processes():
    """sshd processes other than the listener."""
    return run("sh", "-c", "pgrep -x sshd || true").split()


@pytest.mark.parametrize("leave", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "dropped"])
@pytest.mark.parametrize("where", [at_password, at_offer, at_first_code, at_swapped_picture,
                                   at_second_code], ids=lambda where: where.__name__)
def test_a_user_who_leaves_at_any_question_leaves_nothing_stored(people, where, leave):  # noqa: F811
    people.policy(enroll="login", enforce=day(8), fail_delay=0, period=60)
    child = people.ssh_by_hand("alice")
    child.setwinsize(50, 100)
    where(child)
    if leave == signal.SIGINT:
        child.sendintr()
    else:
        os.kill(child.pid, leave)
    child.expect(pexpect.EOF)
    child.close()
    assert stored() == [] and os.listdir("/var/lib/pam_totp/state") == []
    assert wait_for(lambda: len(processes()) == 1), "sshd's children have ended"
    login = people.ssh("alice", PASSWORD, "")
    assert login.ok, "and nobody is kept out by it"


@pytest.mark.parametrize("leave", ["ctrl-c", "ctrl-d", "closed"])
@pytest.mark.parametrize("program", ["login", "su"])
def test_a_user_who_leaves_at_a_terminal_leaves_nothing_stored(people, program, leave):  # noqa: F811
    people.pam("login", *STACK)
    people.pam("su", *STACK)
    options = {"env": {"PATH": os.environ["PATH"], "TERM": "linux"}, "dimensions": (50, 100)}
    if program == "login":
        child = console(**options)
        child.sendline("alice")
    else:
        child = Terminal("setpriv", ["--reuid=bob", "--regid=bob", "--init-groups", "--", "su",
                                     "alice", "-c", "id"], cwd="/", **options)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    pid = child.pid
    if leave == "closed":
        child.close(force=True)
        assert wait_for(lambda: not os.path.exists(f"/proc/{pid}"))
    else:
        if leave == "ctrl-c":
            child.sendintr()
        # util-linux's login does not react to the former
        if leave == "ctrl-d" or (program == "login" and not wait_for(lambda: not child.isalive(), 2)):
            child.sendeof()
        child.expect(["uid=", pexpect.EOF, "Nothing was stored"])
        assert "uid=" not in str(child.after)
        child.close(force=True)
    assert stored() == [] and os.listdir("/var/lib/pam_totp/state") == []
    assert "outcome=enrolled" not in people.log_text()


# ---- at the same time


def test_of_many_enrollments_of_one_user_at_once_one_is_stored(people):  # noqa: F811
    """Each with a phone of its own, and all codes typed at the same time."""
    sessions = [begin(people) for _ in range(4)]
    typed = [phone.code() for _, phone in sessions]
    for (child, _), code in zip(sessions, typed):
        child.send(code)
    barrier = threading.Barrier(len(sessions))

    def finish(child):
        barrier.wait()
        child.send("\r")

    threads = [threading.Thread(target=finish, args=[child]) for child, _ in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ends = []
    for child, _ in sessions:
        ends.append(child.expect_exact(["written these down: ", "enrolled a moment ago"]))
        if ends[-1] == 0:
            child.sendline("")
        end(child)
    assert sorted(ends) == [0, 1, 1, 1] and stored() == ["alice"]
    phone = sessions[ends.index(0)][1]
    assert people.ssh("alice", PASSWORD, phone.code(1)).ok, "the winner's phone is the one"


# ---- the picture


def test_the_library_for_pictures_is_loaded_for_a_picture_only(people):  # noqa: F811
    """Everything that sshd and its children open."""
    def opened(login):
        trace = f"{DIR}/opened"
        with subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=openat", "-o", trace, "-p",
                               str(people.daemon.pid)], stderr=subprocess.DEVNULL) as tracer:
            with_tracer = f"TracerPid:\t{tracer.pid}\n"
            assert wait_for(lambda: with_tracer in open(f"/proc/{people.daemon.pid}/status").read())
            login()
            tracer.terminate()
        with open(trace, encoding="utf-8", errors="replace") as file:
            text = file.read()
        assert "pam_totp.so" in text
        return "libqrencode" in text

    phone = people.enroll("bob")
    assert not opened(lambda: people.ssh("bob", PASSWORD, phone.code()))
    assert opened(lambda: people.ssh("alice", PASSWORD, ""))
    people.policy(enroll="login", enroll_qr="none", fail_delay=0)
    assert not opened(lambda: people.ssh("alice", PASSWORD, ""))
    people.policy(enroll="login", enforce=day(8), fail_delay=0)
    assert not opened(lambda: people.ssh("alice", PASSWORD, "")), "an offer that is declined"


LOGIN = r"""
set timeout 60
log_file -noappend %(text)s
set stty_init {rows %(rows)d columns %(columns)d}
spawn -noecho %(ssh)s
expect "Password: "
send "%(password)s\r"
expect -re {Code from your phone[^\n]*: $}
%(more)s
sleep 60
"""


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("style", ["utf8", "ascii"])
def test_a_camera_reads_the_picture_in_the_login(people, screen, style, theme):  # noqa: F811
    """ssh in an xterm; on a light theme after the answer i."""
    people.policy(enroll="login", fail_delay=0, enroll_qr=style)
    swap = 'send "i\\r"\nexpect -re {Code from your phone[^\\n]*: $}' if theme == "light" else ""
    text = f"{DIR}/login.{style}.{theme}"
    with open(f"{DIR}/login.exp", "w", encoding="utf-8") as file:
        file.write(LOGIN % {"text": text, "password": PASSWORD, "more": swap, "rows": 70, "columns": 120,
                            "ssh": " ".join(people.ssh_command("alice")[:-1])})
    questions = 2 if theme == "light" else 1
    scanner = scan_letters if style == "ascii" else scan
    picture, shown = screen.run(f"expect {DIR}/login.exp", dark=theme == "dark", geometry="120x70",
                                ready=rf"(?s)(?:.*Code from your phone[^\n]*: ){{{questions}}}$",
                                read=scanner)
    secret = re.search(r"^Secret +((?:[A-Z2-7]{4} ?){8})\s*$", shown, re.M)[1].replace(" ", "")
    read = scanner(picture)
    assert read and read.startswith("otpauth://totp/tower:alice?") and secret in read, read
