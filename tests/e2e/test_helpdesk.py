"""The help desk: temporary codes, and users who are disabled, with ssh and su."""
import re

from host import PROMPT, run

BYPASS = re.compile(r"^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$", re.M)


def bypass(user, *words):
    return BYPASS.search(run("totpctl", "bypass", *words, user)).group()


def test_a_code_read_out_over_the_phone_lets_in_and_says_what_to_ask_for(host):
    host.policy(fail_delay=0)
    phone = host.enroll("alice")
    host.sshd()
    for _ in range(5):
        assert not host.ssh("alice", phone.wrong()).ok
    assert "Try again in" in host.ssh("alice", phone.code()).screen

    code = bypass("alice", "--uses", "2")
    login = host.ssh("alice", code.lower().replace("-", ""))
    assert login.ok and login.prompts == ["(alice@localhost) " + PROMPT]
    assert re.search(r"works 1 more time until 20\S+ \d\d:\d\d UTC\. Ask for a new phone",
                     login.screen)
    assert "does not work again" in host.ssh("alice", code).screen
    login = host.ssh("alice", code)
    assert not login.ok and "does not work any more" in login.screen
    assert [event["reason"] for event in host.events()[-3:]] == ["bypass", "bypass",
                                                                 "ended_bypass"]
    assert code not in host.log_text() and code.replace("-", "") not in host.log_text()


def test_a_code_that_is_taken_back_is_refused(host):
    host.policy(fail_delay=0)
    host.enroll("alice")
    host.sshd()
    code = bypass("alice")
    run("totpctl", "bypass", "--revoke", "alice")
    login = host.ssh("alice", code)
    assert not login.ok and "That code was not accepted." in login.screen
    assert host.event()["reason"] == "wrong_recovery_code"


def test_totpd_takes_a_temporary_code_too(host):
    host.serve(fail_delay=0)
    host.enroll("alice")
    code = bypass("alice")
    host.pam("check", "auth required pam_totp.so", "account required pam_permit.so")
    done = run("runuser", "-u", "alice", "--", "pamtester", "check", "alice", "authenticate",
               given=code + "\n")
    assert "successfully authenticated" in done
    assert host.event()["reason"] == "bypass"


def test_a_disabled_user_is_refused_and_let_in_again_when_enabled(host):
    phone = host.enroll("alice")
    host.policy(remember="1h", fail_delay=0)
    host.sshd()
    assert host.ssh("alice", phone.code()).ok
    run("totpctl", "disable", "alice")
    login = host.ssh("alice", phone.code(1))
    assert not login.ok and "That code was not accepted." in login.screen
    event = host.events()[-1]
    assert (event["outcome"], event["reason"]) == ("deny", "disabled")
    run("totpctl", "enable", "alice")
    assert host.ssh("alice").ok, "the address is remembered again"


def test_a_new_phone_makes_nobody_enabled(host):
    host.policy(fail_delay=0)
    host.enroll("alice")
    run("totpctl", "disable", "alice")
    phone = host.enroll("alice", "--force")
    host.sshd()
    assert not host.ssh("alice", phone.code()).ok
    assert host.event()["reason"] == "disabled"
    run("totpctl", "enable", "alice")
    assert host.ssh("alice", phone.code()).ok
