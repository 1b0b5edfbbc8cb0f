# SPDX-License-Identifier: BSD-2-Clause
"""Enrolling inside the login, with the stock sshd and ssh, login and su."""
import os
import re
import signal

import pexpect
import pytest

from host import DIR, PROMPT, STORE, Phone, Terminal, console, day, run, wait_for
from test_local import as_user, end
from test_ssh import asked

PASSWORD = "correct horse"
ASK = "Code from your phone"
STACK = ("auth requisite pam_unix.so nodelay",
         "auth required pam_totp.so enroll_in_account",
         "auth required pam_permit.so",
         "account required pam_totp.so enroll_in_account",
         "account required pam_unix.so",
         "session required pam_permit.so")


@pytest.fixture
def people(host):
    """alice and bob have passwords, must give codes and are not enrolled."""
    host.policy(enroll="login", fail_delay=0, period=60)
    for user in "alice", "bob":
        host.password(user, PASSWORD)
    host.pam("sshd", *STACK)
    host.sshd()
    return host


def begin(host, user="alice", *options, locale="C.UTF-8"):
    """Log in as far as the question for the first code; returns the terminal and the phone."""
    child = host.ssh_by_hand(user, *options, locale=locale)
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    return child, phone_of(child.before)


def phone_of(screen):
    """The phone of a user who types the printed key."""
    secret = re.findall(r"^Secret +((?:[A-Z2-7]{4} ?){8})\s*$", screen, re.M)[-1]
    secret = secret.replace(" ", "")
    return Phone(f"otpauth://totp/x?secret={secret}&period=60")


def done(child):
    """The end of an enrollment: recovery codes, and time to write them down."""
    child.expect_exact("Done")
    child.expect_exact("written these down: ")
    shown = child.before
    child.sendline("")
    return shown


def stored():
    return os.listdir(f"{STORE}/users")


def test_a_user_who_must_enrolls_in_the_login_and_needs_codes_afterwards(people):
    child, phone = begin(people)
    assert stored() == []
    child.sendline(phone.code())
    shown = done(child)
    assert "Recovery codes of alice" in shown
    recovery = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", shown)[0]
    assert end(child) == 0
    assert child.before.strip().endswith("alice")
    for text in "Done", recovery:
        assert text not in child.before, "sshd prints nothing of it again"
    assert stored() == ["alice"]
    assert [(event["outcome"], event["reason"]) for event in people.events()] == [
        ("skip", "must_enroll")]
    assert wait_for(lambda: "outcome=enrolled reason=login" in people.log_text())

    login = people.ssh("alice", PASSWORD, phone.code(1))
    assert login.ok and asked(login) == ["Password: ", PROMPT], login
    assert people.ssh("alice", PASSWORD, recovery).ok
    assert recovery not in people.log_text()
    people.phones.append(phone)


def test_after_a_wrong_password_there_is_no_enrollment(people):
    login = people.ssh("alice", "wrong horse")
    assert not login.ok and asked(login) == ["Password: "], login
    assert "phone" not in login.screen and stored() == []


def test_after_three_wrong_codes_or_none_nothing_is_stored(people):
    child, phone = begin(people)
    for _ in range(2):
        child.sendline(phone.wrong())
        child.expect_exact("does not match")
        child.expect_exact(ASK)
    child.sendline(phone.wrong())
    child.expect_exact("Nothing was stored")
    assert end(child) != 0
    child, _ = begin(people)
    child.sendline("")
    child.expect_exact("Nothing was stored")
    assert end(child) != 0 and stored() == []


def test_a_connection_that_drops_at_the_question_stores_nothing(people):
    for how in signal.SIGINT, signal.SIGKILL:
        child, _ = begin(people)
        os.kill(child.pid, how)
        child.expect(pexpect.EOF)
        child.close()
    assert stored() == []
    child, phone = begin(people)
    child.sendline(phone.code())
    done(child)
    end(child)
    assert stored() == ["alice"]


def test_a_user_whose_phone_has_a_wrong_clock_reads_so(people):
    child, phone = begin(people)
    child.sendline(phone.code(5, room=20))
    child.expect_exact("about 5 minutes ahead")
    child.expect_exact(ASK)
    child.sendline(phone.code())
    done(child)
    end(child)


def test_the_answer_i_swaps_dark_and_light(people):
    child, phone = begin(people)
    first = child.before
    child.expect_exact(": ")
    child.sendline("i")
    child.expect_exact(ASK)
    again = child.before
    blocks = [[line for line in text.splitlines() if "█" in line] for text in (first, again)]
    assert blocks[0] and blocks[1] and blocks[0] != blocks[1]
    child.sendline(phone.code())
    done(child)
    end(child)


def test_the_picture_holds_the_secret_printed_beside_it(people):
    child, phone = begin(people)
    rows = [line.rstrip("\r") for line in child.before.splitlines()
            if re.search("[█▀▄]", line)]
    child.close(force=True)
    side = max(len(row) for row in rows)
    # light modules are drawn: on a dark terminal they are white
    bits = []
    for row in rows:
        for half in "█▀", "█▄":
            bits.append(["0" if char in half else "1" for char in row.ljust(side)])
    with open(f"{DIR}/qr.pbm", "w", encoding="ascii") as file:
        file.write(f"P1\n{side} {len(bits)}\n" + "\n".join(" ".join(line) for line in bits) + "\n")
    run("convert", f"{DIR}/qr.pbm", "-scale", "600%", f"{DIR}/qr.png")
    uri = run("zbarimg", "-q", "--raw", f"{DIR}/qr.png")
    assert uri.startswith("otpauth://totp/tower:alice?") and phone.secret in uri


def test_in_a_c_locale_plain_characters_or_no_picture_can_be_chosen(people):
    """ssh shows the bytes of a block in octal there."""
    child, phone = begin(people, locale="C")
    assert "\\342\\226\\210" in child.before
    for letter, has, lacks in ("a", "####", "\\342"), ("n", "enter a key", "####"):
        child.expect_exact("a plain text, n none): ")
        child.sendline(letter)
        child.expect_exact(ASK)
        assert has in child.before and lacks not in child.before, child.before
        assert phone_of(child.before).secret == phone.secret
        assert "Secret" in "".join(child.before.splitlines()[-2:]), "it stays on the screen"
    child.sendline(phone.code())
    done(child)
    assert end(child) == 0 and stored() == ["alice"]


@pytest.mark.parametrize("kind, pattern", [("ascii", "##"), ("none", None)])
def test_the_policy_chooses_the_picture(people, kind, pattern):
    people.policy(enroll="login", fail_delay=0, period=60, enroll_qr=kind)
    child, phone = begin(people)
    assert "█" not in child.before and (pattern is None or pattern in child.before)
    child.sendline(phone.code())
    done(child)
    end(child)


def test_two_logins_of_one_user_enroll_once(people):
    one, phone = begin(people)
    two, other = begin(people)
    one.sendline(phone.code())
    done(one)
    end(one)
    two.sendline(other.code())
    two.expect_exact("enrolled a moment ago")
    assert end(two) != 0
    assert people.ssh("alice", PASSWORD, phone.code(1)).ok


def test_two_users_enroll_at_once(people):
    one, phone = begin(people)
    two, other = begin(people, "bob")
    for child, device in (two, other), (one, phone):
        child.sendline(device.code())
        done(child)
        assert end(child) == 0
    assert sorted(stored()) == ["alice", "bob"]


# ---- the time limit of the program


@pytest.fixture
def hurried(people):
    """sshd ends a login after this time, and its own file says so."""
    def start(grace):
        with open("/etc/ssh/sshd_config", "w", encoding="ascii") as file:
            file.write(f"logingracetime={grace}\n")
        people.sshd(f"LoginGraceTime {grace}")
        return people
    yield start
    os.unlink("/etc/ssh/sshd_config")


def test_a_user_who_enrolls_in_the_login_reads_how_long_the_program_waits(hurried):
    for grace, least, most, unit in (("100", 60, 100, "seconds"), ("10m", 8, 10, "minutes"),
                                     ("1h1m", 58, 61, "minutes")):
        child, _ = begin(hurried(grace))
        found = re.search(r"You have (\d+) (\w+) for it\.", child.before)
        assert least <= int(found[1]) <= most and found[2] == unit, found
        assert ("press Enter, install one" in child.before) == (grace == "100")
        child.close(force=True)
    child, _ = begin(hurried("0"))
    assert "You have" not in child.before, "no limit"
    child.close(force=True)


def test_an_enrollment_that_sshd_ends_stores_nothing_and_its_beginning_is_in_the_log(hurried):
    people = hurried("20")
    child, phone = begin(people)
    child.sendline(phone.wrong())
    child.expect(r"\d+ seconds are left")
    waiting = f"/proc/{people.daemon.pid}/task/{people.daemon.pid}/children"
    assert wait_for(lambda: open(waiting, encoding="ascii").read() == "", 40), "sshd has ended it"
    child.sendline(phone.code())  # ssh checks its connection again when a key is pressed
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus != 0 and stored() == []
    text = people.log_text()
    assert re.search(r"user=alice service=sshd source=\S+ outcome=enrolling reason=login "
                     r'token="" detail="the program ends the login in \d+ s"', text), text
    assert "outcome=enrolled" not in text and "reason=not_enrolled" not in text
    child, phone = begin(hurried("10m"))
    child.sendline(phone.code())
    done(child)
    assert end(child) == 0 and stored() == ["alice"]
    people.phones.append(phone)


def test_the_alarm_of_the_program_itself_is_known(people):
    """As in util-linux's login: in its own process."""
    people.pam("sshd", *STACK)
    child = Terminal("perl", ["-e", "alarm 300; exec @ARGV", "pamtester", "sshd", "alice",
                              "authenticate", "acct_mgmt"], dimensions=(50, 100))
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect(r"You have (\d) minutes for it")
    assert child.match[1] == "4"
    child.close(force=True)


# ---- before the date, and after the last one


def test_before_the_date_enrolling_is_an_offer(people):
    people.policy(enroll="login", enforce=day(8), fail_delay=0, period=60)
    login = people.ssh("alice", PASSWORD, "")
    assert login.ok, login
    assert re.search(rf"From {day(8)} on, in [78] days, ", "".join(login.prompts)), login
    assert stored() == []

    child = people.ssh_by_hand("alice")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact("to go on: ")
    child.sendline("y")
    child.expect_exact(ASK)
    phone = phone_of(child.before)
    child.sendline(phone.code())
    done(child)
    assert end(child) == 0 and stored() == ["alice"]
    assert not people.ssh("alice", PASSWORD, "").ok, "an enrolled user gives a code"


def test_a_user_who_cancels_the_offer_logs_in_as_before(people):
    people.policy(enroll="login", enforce=day(8), fail_delay=0, period=60)
    child = people.ssh_by_hand("alice")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact("to go on: ")
    child.sendline("y")
    child.expect_exact(ASK)
    child.sendline("")
    child.expect_exact("Nothing was stored")
    child.expect_exact("alice")
    assert end(child) == 0 and stored() == []


def test_without_login_in_enroll_the_date_is_shown_and_nothing_is_asked(people):
    for where, what in ("tool", "run totp-enroll."), ("", "ask your administrator."):
        people.policy(enforce=day(8), fail_delay=0, enroll=where)
        login = people.ssh("alice", PASSWORD)
        assert login.ok and asked(login) == ["Password: "] and what in login.screen, login


def test_after_the_last_date_nobody_enrolls(people):
    people.policy(enroll="login", enroll_until=day(-1), fail_delay=0)
    login = people.ssh("alice", PASSWORD, "123456")
    assert not login.ok and asked(login) == ["Password: ", PROMPT], login
    assert people.event()["reason"] == "not_enrolled"
    people.policy(enroll="login", enroll_until=day(0), fail_delay=0, period=60)
    child, phone = begin(people)
    child.sendline(phone.code())
    done(child)
    end(child)


# ---- invitations


@pytest.fixture
def closed(people):
    """The last date for enrolling in a login has passed."""
    people.policy(enroll="login", enroll_until=day(-1), fail_delay=0, period=60)
    return people


def denied_with_the_usual_questions(login):
    return not login.ok and asked(login) == ["Password: ", PROMPT]


def test_an_invitation_allows_one_user_to_enroll_once_after_the_last_date(closed):
    run("totpctl", "invite", "alice")
    assert denied_with_the_usual_questions(closed.ssh("bob", PASSWORD, "123456")), "it is alice's"
    child, phone = begin(closed)
    child.sendline(phone.code())
    done(child)
    assert end(child) == 0 and stored() == ["alice"]
    assert run("totpctl", "invite") == "Nobody is invited.\n"
    run("totpctl", "delete", "--yes", "alice")
    assert denied_with_the_usual_questions(closed.ssh("alice", PASSWORD, "123456")), "it was used up"
    assert "run totpctl invite" in closed.log_text()


def test_a_user_who_does_not_finish_keeps_the_invitation(closed):
    run("totpctl", "invite", "alice")
    child, _ = begin(closed)
    child.sendline("")
    child.expect_exact("Nothing was stored")
    assert end(child) != 0 and stored() == []
    child, phone = begin(closed)
    child.sendline(phone.code())
    done(child)
    assert end(child) == 0 and stored() == ["alice"]


def test_a_revoked_invitation_has_no_effect(closed):
    run("totpctl", "invite", "alice")
    child, phone = begin(closed)
    run("totpctl", "uninvite", "alice")
    child.sendline(phone.code())
    child.expect_exact("Nothing was stored")
    assert end(child) != 0 and stored() == []
    assert "the invitation was taken back" in closed.log_text()
    assert denied_with_the_usual_questions(closed.ssh("alice", PASSWORD, "123456"))


def test_an_invitation_that_cannot_be_read_is_an_error(closed):
    run("totpctl", "invite", "alice")
    run("totpctl", "invite", "bob")
    os.replace(f"{STORE}/invites/bob", f"{STORE}/invites/alice")
    login = closed.ssh("alice", PASSWORD)
    assert not login.ok and asked(login) == ["Password: "], login
    assert "Verification is not possible right now" in "".join(login.prompts) + login.screen
    event = closed.event()
    assert (event["outcome"], event["reason"]) == ("error", "seal_broken"), event
    assert "totpctl uninvite, then invite again" in closed.log_text()


def test_before_the_date_but_after_the_last_one_only_invited_users_get_the_offer(closed):
    closed.policy(enroll="login", enforce=day(8), enroll_until=day(-1), fail_delay=0)
    login = closed.ssh("alice", PASSWORD)
    assert login.ok and asked(login) == ["Password: "], login
    assert "ask your administrator" in login.screen
    run("totpctl", "invite", "alice")
    login = closed.ssh("alice", PASSWORD, "")
    assert login.ok and "Set it up on your phone now?" in "".join(asked(login)), login


# ---- other programs


def test_the_password_method_cannot_enroll_and_is_denied(people):
    people.sshd("PasswordAuthentication yes", "KbdInteractiveAuthentication no")
    assert not people.ssh("alice", PASSWORD).ok
    assert stored() == []


def test_a_login_by_key_alone_has_no_enrollment(people):
    key = people.key("alice")
    people.sshd("AuthenticationMethods publickey")
    login = people.ssh("alice", options=key)
    assert login.ok and login.prompts == [] and login.screen == "", login


def test_su_enrolls(people):
    people.pam("su", "auth sufficient pam_rootok.so", *STACK)
    child = as_user("alice", "su", "bob", "-c", "id -un")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    phone = phone_of(child.before)
    child.sendline(phone.code())
    done(child)
    assert end(child) == 0 and "bob" in child.before
    assert run("su", "alice", "-c", "id -un") == "alice\n", "root's su meets nothing"
    assert stored() == ["bob"]


def test_login_at_a_terminal_enrolls(people):
    people.pam("login", *STACK)
    child = console(env={"PATH": os.environ["PATH"], "TERM": "linux"}, dimensions=(50, 100))
    child.sendline("alice")
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    phone = phone_of(child.before)
    child.sendline(phone.code())
    done(child)
    child.expect_exact("$")
    child.sendline("exit")
    end(child)
    assert stored() == ["alice"]


def test_sudo_cannot_show_anything_and_denies(people):
    people.pam("sudo", *STACK)
    with open("/etc/sudoers", "w", encoding="utf-8") as file:
        file.write("Defaults passwd_tries=1\nDefaults !lecture\nalice ALL=(ALL) ALL\n")
    os.chmod("/etc/sudoers", 0o440)
    child = as_user("alice", "sudo", "-k", "id", "-un")
    child.expect_exact("password for alice: ")
    child.sendline(PASSWORD)
    child.expect_exact("You have no code yet: log in again, by ssh or at the console, to set it up. Code: ")
    child.sendline("123456")
    assert end(child) != 0 and stored() == []

    people.policy(enroll="login, tool", fail_delay=0)
    child = as_user("alice", "sudo", "-k", "id", "-un")
    child.expect_exact("password for alice: ")
    child.sendline(PASSWORD)
    child.expect_exact("You have no code yet: set it up with totp-enroll. Code: ")
    child.sendline("123456")
    assert end(child) != 0 and stored() == []


def test_only_a_user_s_own_process_learns_that_the_user_is_not_enrolled(people):
    """A set-uid program of another user, which shows no messages, asks as it asks everybody."""
    people.pam("sudo", *STACK)
    with open("/etc/sudoers", "w", encoding="utf-8") as file:
        file.write("Defaults passwd_tries=1\nDefaults !lecture, targetpw\nbob ALL=(ALL) ALL\n")
    os.chmod("/etc/sudoers", 0o440)
    child = as_user("bob", "sudo", "-k", "-u", "alice", "id", "-un")
    child.expect_exact("password for alice: ")
    child.sendline(PASSWORD)
    child.expect_exact(PROMPT)
    child.sendline("123456")
    assert end(child) != 0 and stored() == []


def test_without_the_argument_nobody_is_sent_on_to_enroll(people):
    people.pam("sshd", *(line.replace(" enroll_in_account", "") for line in STACK))
    login = people.ssh("alice", PASSWORD, "123456")
    assert not login.ok and asked(login) == ["Password: ", PROMPT], login


def test_su_enrolls_beside_totpd_too(people):
    """It asks totpd who is enrolled, and stores the new credential with root's rights."""
    people.serve(enroll="login", fail_delay=0, period=60)
    people.pam("su", "auth sufficient pam_rootok.so", *STACK)
    child = as_user("alice", "su", "bob", "-c", "id -un")
    child.setwinsize(50, 100)
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    phone = phone_of(child.before)
    child.sendline(phone.code())
    done(child)
    assert end(child) == 0 and "bob" in child.before
    child = as_user("alice", "su", "bob", "-c", "id -un")
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(PROMPT)
    child.sendline(phone.code(1))
    assert end(child) == 0 and "bob" in child.before
