# SPDX-License-Identifier: BSD-2-Clause
"""totpctl invite and uninvite, on a store of its own in a temporary directory."""

import datetime
import json

import pytest

from host import *  # noqa: F403

CLOSED = ("enroll = login", "enroll_until = 2026-01-01")


@pytest.fixture
def closed(host):
    """The last date on which users could enroll in a login has passed."""
    host.policy(*CLOSED)
    return host


def listed(host):
    return json.loads(host.done("invite", "--json"))


def when(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def test_an_invitation_is_listed_with_its_end_and_can_be_revoked(closed):
    assert closed.done("invite") == "Nobody is invited.\n" and listed(closed) == []
    said = closed.done("invite", KNOWN)
    assert said.startswith(f"{KNOWN} can enroll in a login, once, until 20") and said.count("\n") == 1
    (one,) = listed(closed)
    assert (one["user"], one["status"], one["error"]) == (KNOWN, "open", None)
    assert when(one["until"]) - when(one["invited"]) == 3 * 86400
    assert abs(when(one["invited"]) - time.time()) < 60
    assert re.search(rf"^{KNOWN} +open +20\S+ +20\S+$", closed.done("invite"), re.M)

    assert closed.done("uninvite", KNOWN) == f"{KNOWN} is no longer invited.\n"
    assert listed(closed) == []
    assert "is not invited" in closed.refused("uninvite", KNOWN)
    assert "outcome=invited" in closed.logged() and "outcome=uninvited" in closed.logged()


@pytest.mark.parametrize("words, seconds", [("90m", 5400), ("12h", 43200), ("366d", 366 * 86400),
                                            ("60", 60)])
def test_the_administrator_chooses_how_long_it_is_valid(closed, words, seconds):
    closed.done("invite", "--for", words, KNOWN)
    (one,) = listed(closed)
    assert when(one["until"]) - when(one["invited"]) == seconds


@pytest.mark.parametrize("words", [("--for", "59s", KNOWN), ("--for", "367d", KNOWN),
                                   ("--for", "soon", KNOWN), ("--for", "-1d", KNOWN),
                                   ("--for", "", KNOWN), ("--for", "3d")])
def test_a_wrong_invitation_is_not_made(closed, words):
    ran = closed.run("invite", *words)
    assert (ran.returncode, ran.stdout) == (2, "") and listed(closed) == []


def test_a_second_invitation_replaces_the_first(closed):
    closed.done("invite", KNOWN)
    closed.done("invite", KNOWN, "--for=1h")
    (one,) = listed(closed)
    assert when(one["until"]) - when(one["invited"]) == 3600


def test_users_who_are_enrolled_or_have_no_account_are_not_invited(closed):
    assert "no account" in closed.refused("invite", UNKNOWN)
    closed.enroll(KNOWN)
    assert "is enrolled already" in closed.refused("invite", KNOWN)
    assert listed(closed) == []


def test_an_enrollment_by_the_administrator_uses_it_up(closed):
    closed.done("invite", KNOWN)
    closed.enroll(KNOWN)
    assert listed(closed) == []


def test_a_policy_that_makes_it_useless_is_reported(host):
    host.policy("enroll =", "enroll_until = 2026-01-01")
    ran = host.run("invite", KNOWN)
    assert ran.returncode == 0 and "'enroll' in the policy is empty" in ran.stderr
    host.policy(*CLOSED, f"exempt = {KNOWN}")
    assert "needs no code (exempt)" in host.run("invite", KNOWN).stderr
    host.policy(*CLOSED, "enforce = optional")
    assert "needs no code (not_required)" in host.run("invite", KNOWN).stderr
    host.policy("enroll = login")
    assert "not needed yet: 'enroll_until' in the policy is not set" in host.done("invite", KNOWN)
    host.policy("enroll = login", "enroll_until = 2099-01-01")
    assert "is in the future" in host.done("invite", KNOWN)
    host.policy(*CLOSED, "enforce = 2099-01-01")
    assert host.done("invite", KNOWN).count("\n") == 1, "it is offered before the day"


def test_the_tool_is_named_where_users_enroll_with_it(host):
    host.policy("enroll = tool", "enroll_until = 2026-01-01", "enforce = optional")
    ran = host.run("invite", KNOWN)
    assert ran.stdout.startswith(f"{KNOWN} can enroll with totp-enroll, once, until 20")
    assert ran.returncode == 0 and ran.stderr == "" and ran.stdout.count("\n") == 1
    host.policy("enroll = login, tool", "enroll_until = 2026-01-01", f"exempt = {KNOWN}")
    ran = host.run("invite", KNOWN)
    assert "can enroll in a login or with totp-enroll, once" in ran.stdout and ran.stderr == ""


def test_the_list_says_which_are_valid_and_why_others_are_not(closed):
    for user in KNOWN, "bin", "sys":
        closed.done("invite", user)
    box = (closed.store / "invites" / "sys").read_bytes()
    (closed.store / "invites" / "games").write_bytes(box)
    (closed.store / "invites" / "games").chmod(0o600)
    (closed.store / "users" / "bin").touch()
    status = {one["user"]: one["status"] for one in listed(closed)}
    assert status == {KNOWN: "open", "bin": "enrolled", "sys": "open", "games": "unreadable"}
    unread = next(one for one in listed(closed) if one["user"] == "games")
    assert "totpctl uninvite" in unread["error"] and unread["until"] is None
    assert re.search(r"^games +unreadable +invites/games: cannot be opened", closed.done("invite"), re.M)
    closed.done("uninvite", "games")


def test_an_expired_one_or_one_of_another_account_is_listed_as_such(closed):
    closed.record("invite", KNOWN, KNOWN_UID, 86400)
    closed.record("invite", "bin", 77, 0)
    closed.record("invite", "sys", 3, -3600)
    closed.record("invite", UNKNOWN, 77, 0)
    assert {one["user"]: one["status"] for one in listed(closed)} == {
        KNOWN: "ended", "bin": "other-uid", "sys": "future", UNKNOWN: "no-account"}
    assert "invited until" not in closed.refused("show", KNOWN)


def test_a_name_of_strange_bytes_does_not_reach_the_terminal(closed):
    (closed.store / "invites" / "a%1b%5b2%4a").write_bytes(b"x")
    said = closed.done("invite")
    assert "\x1b" not in said and "unreadable" in said


def test_other_subcommands_show_who_is_invited(closed):
    closed.done("invite", KNOWN)
    assert "is not enrolled, but invited until 20" in closed.refused("show", KNOWN)
    assert "is not enrolled, but invited until 20" in closed.refused("delete", "--yes", KNOWN)
    assert [one["user"] for one in listed(closed)] == [KNOWN]


def test_a_store_without_the_directory_for_invitations_works(closed):
    (closed.store / "invites").rmdir()
    assert listed(closed) == [] and "is not invited" in closed.refused("uninvite", KNOWN)
    closed.done("invite", KNOWN)
    assert stat.S_IMODE((closed.store / "invites").stat().st_mode) == 0o700


def test_an_invitation_file_shows_no_name(closed):
    closed.done("invite", KNOWN)
    assert KNOWN.encode() not in (closed.store / "invites" / KNOWN).read_bytes()
    assert stat.S_IMODE((closed.store / "invites" / KNOWN).stat().st_mode) == 0o600
