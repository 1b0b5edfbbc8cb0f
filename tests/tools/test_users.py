# SPDX-License-Identifier: BSD-2-Clause
"""totpctl list, test, recovery and resync, as an administrator uses them."""

import json
import os
import re
import stat
import subprocess
import time

import pytest

from host import *  # noqa: F403

HOTP_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def hotp(counter, secret=HOTP_SECRET):
    return code_at(counter, secret, period=1)


def codes_on(page):
    return re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", page)


def listed(host):
    return {entry["user"]: entry for entry in json.loads(host.done("list", "--json"))}


# ---- list


def test_nobody_is_listed_in_an_empty_store(host):
    assert host.done("list") == "Nobody is enrolled.\n"
    assert json.loads(host.done("list", "--json")) == []


def test_everybody_is_listed_by_name_with_tokens_and_last_login(host):
    host.done("import", "csv", "-", stdin=f"{KNOWN},{SECRET}\nbin,{OTHER_SECRET},SHA1,6,hotp:7\n")
    assert host.attempt(KNOWN, fresh_code()) == "allow code"
    lines = host.done("list").splitlines()
    assert lines[0].split() == ["USER", "STATUS", "LAST", "LOGIN", "RECOVERY", "TOKENS"]
    assert re.fullmatch(r"bin +ok +never +- +imported \(HOTP\)", lines[1])
    assert re.fullmatch(rf"{KNOWN} +ok +20\S+ +- +imported", lines[2])
    entry = listed(host)["bin"]
    assert (entry["last_login"], entry["tokens"][0]["type"]) == (None, "hotp")
    assert "secret" not in json.dumps(entry)


def test_a_user_who_cannot_log_in_is_listed_with_the_reason(host):
    host.policy("attempts_refill = 1d")
    users = ["daemon", "bin", "sys", "games", UNKNOWN]
    host.done("import", "csv", "-", stdin="".join(f"{user},{SECRET}\n" for user in users))
    for _ in range(5):
        host.attempt("bin", wrong_code())
    host.record("bind", "sys", 4711)
    host.state_file("games").unlink()
    ran = host.run("list", "--json")
    assert (ran.returncode, ran.stderr) == (
        1, "totpctl: 1 of 5 records cannot be read; 'totpctl doctor' says what to do\n")
    entries = {entry["user"]: entry for entry in json.loads(ran.stdout)}
    assert {name: entry["status"] for name, entry in entries.items()} == {
        "daemon": "ok", "bin": "throttled", "sys": "other-uid", "games": "unreadable",
        UNKNOWN: "no-account"}
    assert "totpctl repair games" in entries["games"]["error"]
    assert entries["bin"]["throttles"][0]["wait_seconds"] > 80000
    assert re.search(r"^games +unreadable +.*totpctl repair", host.run("list").stdout, re.M)


def test_a_user_who_needs_an_unlock_is_listed_as_locked(host):
    host.policy("attempts_total = 2", "attempts_total_refill = 0")
    host.enroll(KNOWN)
    for _ in range(2):
        host.attempt(KNOWN, wrong_code())
    entry = listed(host)[KNOWN]
    assert (entry["status"], entry["throttles"][0]["locked"]) == ("locked", True)
    assert host.attempt(KNOWN, fresh_code()) == "wait throttled"


def test_a_listing_changes_nothing_and_ignores_unknown_files(host):
    host.enroll(KNOWN)
    (host.store / "users" / "%61lice").write_text("")
    (host.store / "users" / "bin~0123456789abcdef").write_text("")
    before = host.files()
    assert list(listed(host)) == [KNOWN]
    host.done("list")
    assert host.files() == before


def test_a_name_with_control_characters_is_listed_harmlessly(host):
    host.enroll("o'b\"rien\\x")
    entry, = json.loads(host.done("list", "--json"))
    assert entry["user"] == "o'b\"rien\\x"


# ---- recovery


def test_new_recovery_codes_work_once_and_the_old_ones_no_more(host):
    host.enroll(KNOWN)
    first = codes_on(host.done("recovery", KNOWN))
    second = codes_on(host.done("recovery", KNOWN))
    assert len(set(first + second)) == 20
    assert host.attempt(KNOWN, first[0]) == "deny wrong_recovery_code"
    assert host.attempt(KNOWN, second[0]) == "allow recovery_code"
    assert host.attempt(KNOWN, second[0]) == "deny spent_recovery_code"
    assert listed(host)[KNOWN]["recovery_codes_left"] == 9
    assert host.logged().count("recovery-codes-made") == 2
    assert not any(code in host.logged() for code in first + second)


def test_new_recovery_codes_keep_used_codes_and_failures(host):
    host.enroll(KNOWN)
    code = fresh_code()
    assert host.attempt(KNOWN, code) == "allow code"
    host.attempt(KNOWN, wrong_code())
    host.done("recovery", KNOWN)
    assert host.attempt(KNOWN, code) == "deny used_code"
    assert listed(host)[KNOWN]["failures"] == 1


def test_recovery_codes_go_to_a_new_file_that_only_its_owner_can_read(host):
    host.enroll(KNOWN)
    page = host.directory / "codes"
    said = host.done("recovery", KNOWN, "--save", page)
    assert codes_on(said) == [] and str(page) in said
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    code, *others = codes_on(page.read_text())
    assert len(others) == 9
    assert host.attempt(KNOWN, code) == "allow recovery_code"


def test_an_existing_file_stays_and_so_do_the_codes(host):
    host.enroll(KNOWN)
    code = codes_on(host.done("recovery", KNOWN))[0]
    page = host.directory / "codes"
    page.write_text("mine")
    assert str(page) in host.refused("recovery", KNOWN, "--save", page)
    assert page.read_text() == "mine"
    assert host.attempt(KNOWN, code) == "allow recovery_code"


def test_with_a_damaged_record_no_codes_are_made(host):
    page = host.directory / "codes"
    assert "not enrolled" in host.refused("recovery", KNOWN, "--save", page)
    host.enroll(KNOWN)
    host.state_file(KNOWN).unlink()
    assert "totpctl repair" in host.refused("recovery", KNOWN, "--save", page)
    assert not page.exists()


def test_the_policy_says_how_many_recovery_codes_there_are(host):
    host.enroll(KNOWN)
    host.policy("recovery_codes = 3")
    assert len(codes_on(host.done("recovery", KNOWN))) == 3
    host.policy("recovery_codes = 0")
    assert "recovery_codes = 0" in host.refused("recovery", KNOWN)
    assert listed(host)[KNOWN]["recovery_codes_left"] == 3


def test_recovery_codes_that_cannot_be_shown_are_a_failure(host):
    host.enroll(KNOWN)
    with open("/dev/full", "w") as full:
        ran = subprocess.run([TOTPCTL, "--conf", host.conf, "recovery", KNOWN], stdout=full,
                             stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 1 and "makes new ones" in ran.stderr


# ---- resync


def test_two_codes_find_a_counter_far_ahead_and_use_both_up(host):
    host.done("import", "csv", "-", stdin=f"{KNOWN},{HOTP_SECRET},SHA1,6,hotp:3\n")
    assert host.attempt(KNOWN, hotp(500)) == "deny wrong_code"
    said = host.done("resync", KNOWN, "imported", stdin=f"{hotp(500)}\n{hotp(501)}\n")
    assert "497 codes ahead" in said
    assert host.attempt(KNOWN, hotp(501)) == "deny used_code"
    assert host.attempt(KNOWN, hotp(502)) == "allow code"
    assert 'outcome=resynced' in host.logged() and 'token="imported"' in host.logged()


def test_two_codes_set_the_clock_of_a_token_that_is_off(host):
    host.enroll(KNOWN)
    late = time.time() - 7200
    assert host.attempt(KNOWN, code_at(late)) == "deny wrong_code"
    said = host.done("resync", KNOWN, "imported",
                     stdin=f"{code_at(late - 30)}\n{code_at(late)}\n")
    assert "is 2 hours behind" in said
    assert host.attempt(KNOWN, code_at(late)) == "deny used_code"
    assert host.attempt(KNOWN, code_at(late + 30)) == "allow code"
    assert "-240 steps off" in host.done("show", KNOWN)


@pytest.mark.parametrize("typed, said", [
    ("", "not a code"),
    ("12345\n", "not a code"),
    (f"{hotp(10)}\n", "not a code"),
    (f"{hotp(11)}\n{hotp(10)}\n", "two codes in a row"),
    (f"{hotp(10)}\n{hotp(12)}\n", "two codes in a row"),
    (f"{hotp(0)}\n{hotp(1)}\n", "two codes in a row"),
    (f"{hotp(3000)}\n{hotp(3001)}\n", "two codes in a row"),
])
def test_codes_that_match_no_counter_change_nothing(host, typed, said):
    host.done("import", "csv", "-", stdin=f"{KNOWN},{HOTP_SECRET},SHA1,6,hotp:3\n")
    before = host.files()
    ran = host.run("resync", KNOWN, "imported", stdin=typed)
    assert ran.returncode == 1 and said in ran.stderr
    assert host.files() == before


def test_codes_that_were_used_do_not_set_a_clock(host):
    host.enroll(KNOWN)
    now = time.time()
    host.attempt(KNOWN, code_at(now))
    before = host.files()
    assert "used before" in host.refused("resync", KNOWN, "imported",
                                         stdin=f"{code_at(now - 30)}\n{code_at(now)}\n")
    assert host.files() == before


def test_a_missing_or_invalid_token_is_reported_before_codes_are_asked_for(host):
    assert "not enrolled" in host.refused("resync", KNOWN, "phone")
    host.done("import", "csv", "-", stdin=f"{KNOWN},{HOTP_SECRET},SHA1,6,hotp:3\n")
    ran = host.run("resync", KNOWN, "phone", stdin="")
    assert 'no token "phone"' in ran.stderr and "First code" not in ran.stdout
    host.state_file(KNOWN).unlink()
    host.done("repair", KNOWN)
    assert "no longer valid" in host.refused("resync", KNOWN, "imported", stdin=f"{hotp(3)}\n{hotp(4)}\n")


# ---- test


def decided(said):
    """The rule that decided."""
    return re.search(r"^  ->  yes  (.*)$", said, re.M).group(1)


def tried(host, *words, stdin="\n", code=0):
    before = host.files()
    ran = host.run("test", *words, stdin=stdin)
    assert ran.returncode == code, (ran.stdout, ran.stderr)
    assert host.files() == before, "a dry run changes nothing"
    return ran.stdout


def test_each_rule_is_reported_where_it_decides(host):
    host.enroll(KNOWN)
    host.policy("trusted_networks = 10.0.0.0/8")
    assert "trusted_networks" in decided(tried(host, KNOWN, "--from", "10.1.2.3"))
    assert "enforce" in decided(tried(host, KNOWN, "--from", "11.1.2.3"))
    host.policy(f"required_for = {KNOWN}", "enforce = optional")
    assert "required_for" in decided(tried(host, KNOWN))
    host.policy(f"exempt = {KNOWN}")
    assert "exempt" in decided(tried(host, KNOWN))
    host.policy("enforce = optional")
    assert "is enrolled" in decided(tried(host, KNOWN))
    assert "none of these" in decided(tried(host, "bin"))
    assert "does not know" in decided(tried(host, UNKNOWN, code=1))


def test_a_correct_code_is_reported_as_allowed_and_stays_valid(host):
    host.enroll(KNOWN)
    code = fresh_code()
    said = tried(host, KNOWN, "--from", "192.0.2.1", stdin=f"{code}\n")
    assert "Allowed: a code that is right" in said and '"imported"' in said
    assert host.attempt(KNOWN, code) == "allow code"
    assert "used before" in tried(host, KNOWN, stdin=f"{code}\n", code=1)
    assert code not in host.logged()


def test_a_recovery_code_is_reported_as_allowed_and_stays_valid(host):
    host.enroll(KNOWN)
    code = codes_on(host.done("recovery", KNOWN))[0]
    assert "Allowed: a recovery code" in tried(host, KNOWN, stdin=f"{code}\n")
    assert host.attempt(KNOWN, code) == "allow recovery_code"
    assert "used before" in tried(host, KNOWN, stdin=f"{code}\n", code=1)


def test_a_wrong_code_is_not_counted_and_a_wrong_clock_is_reported(host):
    host.enroll(KNOWN)
    for _ in range(8):
        said = tried(host, KNOWN, "--from", "192.0.2.1", stdin=f"{wrong_code()}\n", code=1)
    assert "0 of 5" in said and "a wrong code" in said
    assert "+600 seconds away" in tried(host, KNOWN, stdin=f"{code_at(time.time() + 600)}\n",
                                        code=1)
    assert "neither a code" in tried(host, KNOWN, stdin="hello\n", code=1)


def test_a_throttled_source_and_a_damaged_record_are_denied_without_a_question(host):
    host.enroll(KNOWN)
    for _ in range(5):
        host.attempt(KNOWN, wrong_code(), "192.0.2.1")
    said = tried(host, KNOWN, "--from", "192.0.2.1", code=1)
    assert "5 of 5" in said and "totpctl unlock" in said and "Code to try" not in said
    host.state_file(KNOWN).unlink()
    assert "Denied" in tried(host, KNOWN, code=1)


def test_a_remembered_address_is_reported(host):
    host.policy("remember = 1h")
    host.enroll(KNOWN)
    assert "Code to try" in tried(host, KNOWN, "--from", "192.0.2.1")
    host.attempt(KNOWN, fresh_code(), "192.0.2.1")
    assert "remembered" in tried(host, KNOWN, "--from", "192.0.2.1")
    assert "Code to try" in tried(host, KNOWN, "--from", "192.0.2.2")


def test_a_malformed_address_or_a_missing_service_is_rejected(host):
    host.enroll(KNOWN)
    assert host.run("test", KNOWN, "--from", "example.org").returncode == 2
    for service in "no-such-service", "../passwd", "/etc/passwd":
        assert "no such service" in host.refused("test", KNOWN, "--service", service)


# ---- a clock that was ahead


@pytest.mark.parametrize("ahead, status", [(86400, "clock"), (90, "clock"), (30, "ok")])
def test_a_last_code_in_the_future_is_listed_and_shown_and_test_denies_it(host, ahead, status):
    host.enroll(KNOWN)
    assert host.attempt(KNOWN, fresh_code()) == "allow code"
    host.record("ahead", KNOWN, ahead)
    assert re.search(rf"^{KNOWN} +{status} ", host.done("list"), re.M)
    tried = host.run("test", KNOWN, stdin="\n")
    assert ("Allowed" in tried.stdout) == (status == "ok")
    assert ("repair-clock" in tried.stdout) == (status == "clock")
    shown = host.done("show", KNOWN)
    assert ("of a later time" in shown and f"totpctl repair-clock {KNOWN}" in shown) == \
        (status == "clock")
    assert tried.returncode == (status == "clock")
    host.done("repair-clock", KNOWN)
    if ahead > 90:
        assert re.search(rf"^{KNOWN} +ok ", host.done("list"), re.M)
