# SPDX-License-Identifier: BSD-2-Clause
"""totpctl temporary-code, suspend and resume, on a store of its own in a temporary directory."""

import datetime
import json
import os
import subprocess

import pytest

from host import *  # noqa: F403

CODE = re.compile(r"^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$", re.M)


def listed(host):
    return {entry["user"]: entry for entry in json.loads(host.done("list", "--json"))}


def when(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def bypass(host, *words, user=KNOWN):
    """Make a temporary code; returns it."""
    return CODE.search(host.done("temporary-code", user, *words)).group()


@pytest.fixture
def enrolled(host):
    host.enroll(KNOWN)
    host.log.unlink(missing_ok=True)
    return host


# ---- temporary-code


def test_a_temporary_code_works_once_within_the_hour(enrolled):
    said = enrolled.done("temporary-code", KNOWN)
    code, sentence, back = said.splitlines()
    assert CODE.fullmatch(code)
    assert re.fullmatch(rf"works for {KNOWN} once until 20\S+, instead of a code\.", sentence)
    assert back.endswith(f"totpctl temporary-code --revoke {KNOWN}")
    assert abs(when(sentence.split()[5].rstrip(",")) - time.time() - 3600) < 60
    assert enrolled.attempt(KNOWN, code, later=3600 + 60) == "deny ended_bypass"
    assert enrolled.attempt(KNOWN, code.lower().replace("-", " ")) == "allow bypass"
    assert enrolled.attempt(KNOWN, code) == "deny ended_bypass"
    assert enrolled.attempt(KNOWN, fresh_code()) == "allow code"


def test_the_administrator_chooses_how_long_and_how_often_it_works(enrolled):
    code = bypass(enrolled, "--for", "2d", "--uses=3")
    assert enrolled.attempt(KNOWN, code, later=2 * 86400 - 60) == "allow bypass"
    assert enrolled.attempt(KNOWN, code) == "allow bypass"
    assert enrolled.attempt(KNOWN, code, later=2 * 86400 + 60) == "deny ended_bypass"
    assert enrolled.attempt(KNOWN, code) == "allow bypass"
    assert enrolled.attempt(KNOWN, code) == "deny ended_bypass"


@pytest.mark.parametrize("words", [
    ("--for", "59s"), ("--for", "31d"), ("--for", "soon"), ("--for", ""), ("--for",),
    ("--uses", "0"), ("--uses", "101"), ("--uses", "-1"), ("--uses", "many"),
    ("--revoke", "--for", "1h"), ("--revoke", "--uses=2")])
def test_a_wrong_time_or_number_of_uses_is_rejected(enrolled, words):
    before = enrolled.files()
    ran = enrolled.run("temporary-code", KNOWN, *words)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert enrolled.files() == before


@pytest.mark.parametrize("words", [("--for", "1m", "--uses", "1"), ("--for=30d", "--uses=100")])
def test_the_shortest_and_the_longest_time_are_accepted(enrolled, words):
    assert enrolled.attempt(KNOWN, bypass(enrolled, *words)) == "allow bypass"


def test_a_new_one_replaces_the_old_one(enrolled):
    first, second = bypass(enrolled, "--uses", "5"), bypass(enrolled)
    assert enrolled.attempt(KNOWN, first) == "deny wrong_recovery_code"
    assert enrolled.attempt(KNOWN, second) == "allow bypass"
    third = bypass(enrolled)
    assert enrolled.attempt(KNOWN, second) == "deny wrong_recovery_code"
    assert enrolled.attempt(KNOWN, third) == "allow bypass"


def test_it_changes_no_used_code_and_no_count(enrolled):
    code = fresh_code()
    assert enrolled.attempt(KNOWN, code) == "allow code"
    enrolled.attempt(KNOWN, wrong_code())
    bypass(enrolled)
    assert enrolled.attempt(KNOWN, code) == "deny used_code"
    assert listed(enrolled)[KNOWN]["failures"] == 1


def test_other_changes_of_the_record_keep_its_number_of_uses(enrolled):
    code = bypass(enrolled, "--uses", "2")
    assert enrolled.attempt(KNOWN, code) == "allow bypass"
    enrolled.done("recovery", KNOWN)
    assert enrolled.attempt(KNOWN, code) == "allow bypass"
    enrolled.done("suspend", KNOWN)
    enrolled.done("resume", KNOWN)
    assert enrolled.attempt(KNOWN, code) == "deny ended_bypass"
    code = bypass(enrolled, "--uses", "2")
    enrolled.state_file(KNOWN).unlink()
    enrolled.done("repair", KNOWN)
    assert enrolled.attempt(KNOWN, code) == "deny ended_bypass"


def test_it_can_be_revoked(enrolled):
    code = bypass(enrolled)
    assert "denied from now on" in enrolled.done("temporary-code", "--revoke", KNOWN)
    assert enrolled.attempt(KNOWN, code) == "deny wrong_recovery_code"
    assert "has no temporary code" in enrolled.refused("temporary-code", KNOWN, "--revoke")


def test_it_is_listed_but_its_digits_are_never_shown_again(enrolled):
    assert listed(enrolled)[KNOWN]["bypass"] is None
    code = bypass(enrolled, "--uses", "2")
    enrolled.attempt(KNOWN, code)
    entry = listed(enrolled)[KNOWN]
    assert (entry["status"], entry["bypass"]["uses"], entry["bypass"]["uses_left"]) == (
        "bypass", 2, 1)
    assert when(entry["bypass"]["until"]) - when(entry["bypass"]["made"]) == 3600
    shown = enrolled.done("show", KNOWN)
    assert row(shown, "temporary code").startswith("1 of 2 uses left, until 20")
    assert re.search(rf"^{KNOWN} +bypass ", enrolled.done("list"), re.M)
    tried = enrolled.run("test", KNOWN, stdin="\n").stdout
    assert "a temporary code works 1 more time until 20" in tried
    enrolled.attempt(KNOWN, code)
    assert row(enrolled.done("show", KNOWN), "temporary code") == "used up"
    assert listed(enrolled)[KNOWN]["status"] == "ok"
    assert code not in shown + tried + enrolled.logged() + json.dumps(listed(enrolled))


def test_the_log_says_who_made_it_and_for_how_long(enrolled):
    code = bypass(enrolled, "--uses", "2")
    assert re.search(rf'user={KNOWN} service=totpctl source=uid:0 outcome=bypass-made '
                     r'reason=administrator token="" detail="2 uses until 20\S+"',
                     enrolled.logged())
    enrolled.done("temporary-code", KNOWN, "--revoke")
    assert "outcome=bypass-revoked" in enrolled.logged()
    assert code not in enrolled.logged() and code.replace("-", "") not in enrolled.logged()


def test_a_program_gets_it_as_an_object(enrolled):
    told = json.loads(enrolled.done("temporary-code", KNOWN, "--json", "--uses", "2", "--for", "30m"))
    assert (told["user"], told["uses"], set(told)) == (
        KNOWN, 2, {"event", "user", "code", "uses", "until"})
    assert abs(when(told["until"]) - time.time() - 1800) < 60
    assert enrolled.attempt(KNOWN, told["code"]) == "allow bypass"


def test_a_user_who_is_not_enrolled_gets_none_and_the_message_says_what_helps(host):
    said = host.refused("temporary-code", KNOWN)
    assert f"totp-enroll --user {KNOWN}" in said and f"totpctl invite {KNOWN}" in said
    assert "there is no such account" in host.refused("temporary-code", UNKNOWN)


def test_one_that_a_login_would_deny_is_not_given_out(enrolled):
    enrolled.record("bind", KNOWN, 4711)
    assert "totpctl adopt first" in enrolled.refused("temporary-code", KNOWN)
    enrolled.done("adopt", KNOWN)
    enrolled.done("suspend", KNOWN)
    assert "totpctl resume first" in enrolled.refused("temporary-code", KNOWN)
    enrolled.enroll(UNKNOWN)
    assert "no such account" in enrolled.refused("temporary-code", UNKNOWN)
    assert listed(enrolled)[KNOWN]["bypass"] is None


def test_one_that_cannot_be_shown_is_an_error_and_can_be_replaced(enrolled):
    with open("/dev/full", "w", encoding="ascii") as full:
        ran = subprocess.run([TOTPCTL, "--conf", enrolled.conf, "temporary-code", KNOWN], stdout=full,
                             stderr=subprocess.PIPE, text=True, timeout=HANGS)
    assert ran.returncode == 1 and "make another one" in ran.stderr
    assert enrolled.attempt(KNOWN, bypass(enrolled)) == "allow bypass"


def test_a_user_with_a_damaged_record_gets_no_temporary_code(enrolled):
    enrolled.state_file(KNOWN).unlink()
    assert f"totpctl repair {KNOWN}" in enrolled.refused("temporary-code", KNOWN)


# ---- suspend, resume


def test_a_suspended_user_keeps_everything_and_is_denied(enrolled):
    page = enrolled.done("recovery", KNOWN)
    recovery = re.findall(r"\b\w{4}-\w{4}-\w{4}\b", page)
    code = bypass(enrolled)
    assert enrolled.done("suspend", KNOWN) == (
        f"Every code of {KNOWN} is denied until: totpctl resume {KNOWN}\n")
    for typed in (fresh_code(), recovery[0], code, wrong_code()):
        assert enrolled.attempt(KNOWN, typed) == "deny disabled"
    assert enrolled.done("resume", KNOWN) == f"Codes of {KNOWN} are accepted again.\n"
    assert listed(enrolled)[KNOWN]["failures"] == 0
    for typed, reason in ((fresh_code(), "code"), (recovery[0], "recovery_code"), (code, "bypass")):
        assert enrolled.attempt(KNOWN, typed) == f"allow {reason}"


def test_suspending_or_resuming_twice_changes_nothing(enrolled):
    before = enrolled.files()
    assert enrolled.done("resume", KNOWN) == f"{KNOWN} is not suspended.\n"
    assert enrolled.files() == before and enrolled.logged() == ""
    enrolled.done("suspend", KNOWN)
    before, logged = enrolled.files(), enrolled.logged()
    assert enrolled.done("suspend", KNOWN) == f"{KNOWN} is suspended already.\n"
    assert enrolled.files() == before and enrolled.logged() == logged


def test_a_suspended_user_is_listed_shown_and_logged(enrolled):
    enrolled.done("suspend", KNOWN)
    entry = listed(enrolled)[KNOWN]
    assert (entry["status"], entry["disabled"]) == ("disabled", True)
    assert f"totpctl resume {KNOWN}" in row(enrolled.done("show", KNOWN), "suspended")
    tried = enrolled.run("test", KNOWN, stdin=f"{fresh_code()}\n")
    assert tried.returncode == 1 and "Denied: the user is suspended" in tried.stdout
    enrolled.done("resume", KNOWN)
    assert listed(enrolled)[KNOWN]["disabled"] is False
    assert re.findall(r"outcome=(\w+) ", enrolled.logged()) == ["disabled", "enabled"]


def test_one_call_handles_several_users_and_one_failure_stops_no_other(host):
    for name in "alice.x", "bob.x":
        host.enroll(name)
    for words, word in ((("suspend",), "disabled"), (("resume",), "enabled"), (("delete", "--yes"), "revoked")):
        ran = host.run(*words, "alice.x", "no.such.user", "bob.x")
        assert ran.returncode == 1 and "no.such.user is not enrolled" in ran.stderr
        assert "alice.x" in ran.stdout and "bob.x" in ran.stdout
        assert host.logged().count(f"outcome={word}") == 2
    host.enroll("carol.x")
    ran = host.run("unlock", "no.such.user", "carol.x")
    assert ran.returncode == 1 and "carol.x has no wrong codes" in ran.stdout
    ran = host.run("invite", KNOWN, "no.such.user", "bin")
    assert ran.returncode == 1 and "no account no.such.user" in ran.stderr
    assert sorted(os.listdir(host.store / "invites")) == ["bin", KNOWN]


def test_used_codes_and_throttles_stay_through_it(enrolled):
    code = fresh_code()
    assert enrolled.attempt(KNOWN, code, "192.0.2.9") == "allow code"
    for _ in range(5):
        enrolled.attempt(KNOWN, wrong_code())
    enrolled.done("suspend", KNOWN)
    enrolled.done("resume", KNOWN)
    assert enrolled.attempt(KNOWN, code, "192.0.2.9") == "deny used_code"
    assert enrolled.attempt(KNOWN, fresh_code()) == "wait throttled"


def test_a_user_who_is_not_enrolled_cannot_be_suspended(host):
    for word in ("suspend", "resume"):
        assert "is not enrolled" in host.refused(word, KNOWN)


def test_only_root_can_do_this(enrolled):
    for words in (("temporary-code", KNOWN), ("suspend", KNOWN), ("resume", KNOWN)):
        assert "only root can" in enrolled.refused(*words, preexec_fn=as_nobody)
