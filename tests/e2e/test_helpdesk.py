# SPDX-License-Identifier: BSD-2-Clause
"""The help desk: temporary codes, and users who are suspended, with ssh and su."""
import json
import os
import re

from host import PROMPT, Phone, run, wait_for
from test_self import say

BYPASS = re.compile(r"^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$", re.M)


def bypass(user, *words):
    return BYPASS.search(run("totpctl", "temporary-code", *words, user)).group()


def test_a_temporary_code_from_the_help_desk_logs_in_and_says_what_to_ask_for(host):
    host.policy(fail_delay=0)
    phone = host.enroll("alice")
    host.sshd()
    for _ in range(5):
        assert not host.ssh("alice", phone.wrong()).ok
    assert "Try again in" in host.ssh("alice", phone.code()).screen

    code = bypass("alice", "--uses", "2")
    login = host.ssh("alice", code.lower().replace("-", ""))
    assert login.ok and login.prompts == ["(alice@localhost) " + PROMPT]
    assert re.search(r"works 1 more time until 20\S+ \d\d:\d\d UTC\.\s+"
                     r"If your phone is lost,\s+ask your administrator", login.screen)
    assert "does not work again" in host.ssh("alice", code).screen
    login = host.ssh("alice", code)
    assert not login.ok and "is no longer valid" in login.screen
    assert [event["reason"] for event in host.events()[-3:]] == ["bypass", "bypass",
                                                                 "ended_bypass"]
    assert code not in host.log_text() and code.replace("-", "") not in host.log_text()


def test_a_revoked_temporary_code_is_denied(host):
    host.policy(fail_delay=0)
    host.enroll("alice")
    host.sshd()
    code = bypass("alice")
    run("totpctl", "temporary-code", "--revoke", "alice")
    login = host.ssh("alice", code)
    assert not login.ok and "That code was not accepted." in login.screen
    assert host.event()["reason"] == "wrong_recovery_code"


def test_totpd_accepts_a_temporary_code_too(host):
    host.serve(fail_delay=0)
    host.enroll("alice")
    code = bypass("alice")
    host.pam("check", "auth required pam_totp.so", "account required pam_permit.so")
    done = run("runuser", "-u", "alice", "--", "pamtester", "check", "alice", "authenticate",
               given=code + "\n")
    assert "successfully authenticated" in done
    assert host.event()["reason"] == "bypass"


def test_a_suspended_user_is_denied_and_allowed_again_after_resume(host):
    phone = host.enroll("alice")
    host.policy(remember="1h", fail_delay=0)
    host.sshd()
    assert host.ssh("alice", phone.code()).ok
    run("totpctl", "suspend", "alice")
    login = host.ssh("alice", phone.code(1))
    assert not login.ok and "That code was not accepted." in login.screen
    assert wait_for(lambda: host.events()[-1]["reason"] == "disabled")
    assert host.events()[-1]["outcome"] == "deny"
    run("totpctl", "resume", "alice")
    login = host.ssh("alice", phone.code(1))
    assert login.ok and login.prompts == ["(alice@localhost) " + PROMPT], "asked for a code again"


def test_a_new_phone_does_not_end_a_suspension(host):
    host.policy(fail_delay=0)
    host.enroll("alice")
    run("totpctl", "suspend", "alice")
    phone = host.enroll("alice", "--force")
    host.sshd()
    assert not host.ssh("alice", phone.code()).ok
    assert host.event()["reason"] == "disabled"
    run("totpctl", "resume", "alice")
    assert host.ssh("alice", phone.code()).ok


# ---- letters


def letter_of(directory, name):
    """A letter, and the phone of the user who has typed its key."""
    with open(f"{directory}/{name}.html", encoding="utf-8") as file:
        letter = file.read()
    key = re.sub(r"<.*?>| ", "", re.search(r'<dd class="key">(.*?)</dd>', letter).group(1))
    return letter, Phone(f"otpauth://totp/tower:{name}?secret={key}&period=60")


def test_a_user_logs_in_with_the_key_from_a_letter(host, tmp_path):
    host.policy(period=60)
    directory = f"{tmp_path}/letters"
    run("totpctl", "enroll", "--batch", "-", "--letters", directory, given="alice\nbob\n")
    host.sshd()
    for user in "alice", "bob":
        _, phone = letter_of(directory, user)
        host.phones.append(phone)
        assert host.ssh(user, phone.code()).ok
        assert host.events()[-1]["token"] == "phone"


def test_an_unconfirmed_user_is_not_asked_until_a_code_is_required(host, tmp_path):
    directory = f"{tmp_path}/letters"
    host.policy(period=60, enforce="optional", fail_delay=0)
    run("totpctl", "enroll", "alice", "--must-confirm", "--letters", directory)
    _, phone = letter_of(directory, "alice")
    host.phones.append(phone)
    host.sshd()
    login = host.ssh("alice")
    assert login.ok and login.prompts == []
    assert host.events()[-1]["reason"] == "not_confirmed"

    host.policy(period=60, enforce="optional", fail_delay=0, required_for="alice")
    assert not host.ssh("alice", phone.wrong()).ok
    assert host.ssh("alice", phone.code()).ok
    host.policy(period=60, enforce="optional", fail_delay=0)
    assert not host.ssh("alice", phone.wrong()).ok
    assert host.ssh("alice", phone.code(1)).ok


def test_each_login_reminds_the_user_of_an_unconfirmed_enrollment(host, tmp_path):
    directory = f"{tmp_path}/letters"
    settings = dict(period=60, enforce="2099-01-31", fail_delay=0)
    host.policy(**settings)
    run("totpctl", "enroll", "alice", "--must-confirm", "--letters", directory)
    letter, phone = letter_of(directory, "alice")
    assert "totp-enroll test" in letter
    host.phones.append(phone)
    host.password("alice", "alice")
    host.pam("sshd", "auth required pam_unix.so", "auth required pam_totp.so",
             "account optional pam_totp.so", "account required pam_permit.so",
             "session required pam_permit.so")
    host.sshd()
    login = host.ssh("alice", "alice")
    shown = login.screen + "".join(login.prompts)
    assert login.ok and "not confirmed yet" in shown and "totp-enroll test" in shown, login
    assert "From 2099-01-31 on a login needs a code." in shown
    login = host.ssh("alice", "wrong")
    assert not login.ok and "confirm" not in login.screen + "".join(login.prompts), \
        "a stranger learns nothing"
    host.policy(**settings, required_for="alice")
    assert host.ssh("alice", "alice", phone.code()).ok
    host.policy(**settings)
    login = host.ssh("alice", "alice", phone.code(1))
    assert login.ok and "confirm" not in login.screen + "".join(login.prompts)


def test_a_name_cannot_add_markup_to_its_letter(host, tmp_path):
    name = "../a<img src=x>&'\""
    with open("/etc/passwd", "a", encoding="ascii") as accounts:
        accounts.write(f"{name}:x:64990:64990::/nonexistent:/bin/false\n")
    host.policy(account="somebody")
    try:
        run("totpctl", "enroll", name, "--letters", f"{tmp_path}/letters")
    finally:
        run("sed", "-i", "/^[.][.].a<img/d", "/etc/passwd")
    file, = os.listdir(f"{tmp_path}/letters")
    assert file == "%2e.%2fa%3cimg%20src%3dx%3e%26%27%22.html"
    letter, _ = letter_of(f"{tmp_path}/letters", file[:-len(".html")])
    assert "<img" not in letter and "../a&lt;img src=x&gt;&amp;&#39;&quot;" in letter


# ---- what users read in totp-enroll


def test_totp_enroll_accepts_a_first_code(host, tmp_path):
    host.serve(fail_delay=0, enforce="optional", period=60)
    directory = f"{tmp_path}/letters"
    run("totpctl", "enroll", "alice", "--must-confirm", "--letters", directory)
    _, phone = letter_of(directory, "alice")
    host.phones.append(phone)
    host.pam("locker", "auth required pam_totp.so", "auth required pam_permit.so")
    ask = ("runuser", "-u", "alice", "--", "pamtester", "locker", "alice", "authenticate")
    assert "Verification" not in run(*ask), "totpd says that it waits"
    assert host.event()["reason"] == "not_confirmed"
    assert "not confirmed yet" in say("status")
    assert json.loads(say("status", "--json"))["pending"] is True
    assert "not accepted" in say("test", given=phone.wrong() + "\n", code=1)
    assert json.loads(say("status", "--json"))["pending"] is True
    assert "Right" in say("test", given=phone.code() + "\n")
    assert json.loads(say("status", "--json"))["pending"] is False
    run(*ask, given=phone.wrong() + "\n", fail=True)
    assert host.events()[-1]["reason"] == "wrong_code"


def test_a_temporary_code_changes_no_enrollment(host):
    host.serve(fail_delay=0)
    host.enroll("alice")
    code = bypass("alice")
    assert "ask your administrator" in say("recovery", given=code + "\n", code=1)
    assert "One use of it is gone; 0 left" in say("test", given=code + "\n")
    assert "is no longer valid" in say("test", given=code + "\n", code=1)


def test_a_suspended_user_reads_whom_to_ask(host):
    host.serve(fail_delay=0)
    phone = host.enroll("alice")
    run("totpctl", "suspend", "alice")
    assert "suspended" in say("status")
    assert json.loads(say("status", "--json"))["disabled"] is True
    for words in ("test",), ("rename", "phone", "old"), ("recovery",), ("delete",):
        assert "ask your administrator" in say(*words, given=phone.code() + "\n", code=1)
    run("totpctl", "resume", "alice")
    assert "Right" in say("test", given=phone.code() + "\n")
