# SPDX-License-Identifier: BSD-2-Clause
"""Members of a help desk, who are no administrators, with the real polkitd and pkexec."""
import json
import os
import re

import pytest

from conftest import HELP_DESK, PASSWORDS
from host import run
from polkit import PKEXEC
from steps import act, codes_on, confirm_dialog, stored

ADMINISTRATORS = "You need administrative access for this"


def shown(user="alice"):
    return json.loads(run("totpctl", "show", user, "--json"))


def go(tab, part):
    tab.do("await state.frame().evaluate(given.go)", go=f"window.location.hash = '#/{part}'")


@pytest.fixture
def carol(host, desk, tab):
    """alice, bob and carol have phones; carol has logged in to Cockpit with hers."""
    for user in "alice", "bob":
        host.enroll(user)
    tab.login("carol", PASSWORDS["carol"], host.enroll("carol").code())
    tab.page.click("link", "People")
    tab.page.find("link", "alice")
    return tab


def test_a_member_helps_a_user_who_has_lost_the_phone(host, carol):
    tab = carol
    tab.page.fill("Search by name or status", "ali")
    tab.page.gone("link", "bob")
    tab.page.click("link", "alice")
    confirm_dialog(tab, "Temporary code")
    temporary, = codes_on(tab)
    tab.page.click("button", "Close")
    tab.page.sees("1 of 1 logins left")
    assert re.search(r"user=alice .*outcome=bypass-made .*\(carol\)", host.log_text())
    tab.logout()

    tab.login("alice", PASSWORDS["alice"], temporary)
    tab.page.sees("Your account is protected")


def test_a_member_has_what_the_help_desk_may_do_and_nothing_else(host, carol):
    tab = carol
    tab.page.click("link", "alice")
    act(tab, "Suspend", "Every code of alice is denied")
    assert shown()["disabled"]
    act(tab, "Resume", "Codes of alice are accepted again")
    act(tab, "Unlock", "alice has no wrong codes to clear")
    confirm_dialog(tab, "Temporary code")
    codes_on(tab)
    tab.page.click("button", "Close")
    act(tab, "Withdraw the temporary code", "alice")
    tab.page.gone("button", "Withdraw the temporary code")
    assert not shown()["disabled"] and stored() == ["phone"]
    assert tab.page.texts("button") == ["Temporary code", "Unlock", "Suspend"]
    assert tab.page.texts("link") == ["My devices", "People", "All people"]
    for part in "doctor", "policy":
        go(tab, part)
        tab.page.sees("Your account is protected")


def test_a_member_invites_and_takes_it_back(host, carol):
    run("totpctl", "delete", "--yes", "alice")
    go(carol, "")
    carol.page.click("link", "People")
    carol.page.fill("Search by name or status", "alice")
    carol.page.click("link", "alice")
    act(carol, "Invite", "alice can enroll")
    assert carol.page.texts("button") == ["Invite", "Withdraw the invitation"]
    carol.page.click("link", "All people")
    carol.page.sees("invited")
    carol.page.click("link", "alice")
    act(carol, "Withdraw the invitation", "alice is no longer invited")


def test_an_exempt_account_is_left_alone_with_the_sentence_of_the_tool(host, carol):
    before = shown("bob"), host.state_files()
    for user, why in ("bob", f"bob is exempt in {HELP_DESK}"), ("carol", f"carol is exempt in {HELP_DESK}"):
        go(carol, f"people/{user}")
        carol.page.find("button", "Suspend")
        for name in "Temporary code", "Suspend", "Unlock":
            carol.page.click("button", name, exact=True)
            carol.page.do("""await view.getByRole("dialog").getByRole("button",
                                 { name: given.name, exact: true }).click()""", name=name)
            carol.page.sees(f"{why}: only an administrator can do this")
            carol.page.click("button", "Cancel")
            carol.page.gone("dialog", name)
    assert (shown("bob"), host.state_files()) == before


def test_without_the_list_of_exempt_accounts_nobody_is_changed(host, carol):
    os.unlink(HELP_DESK)
    carol.page.click("link", "alice")
    carol.page.click("button", "Suspend")
    carol.page.do("""await view.getByRole("dialog").getByRole("button", { name: "Suspend", exact: true }).click()""")
    carol.page.sees(f"{HELP_DESK}: there is no such file, so the help desk can change nobody")
    assert not shown()["disabled"]


def test_a_member_who_is_denied_meanwhile_reads_so(desk, carol):
    desk.rule("polkit.rules", "carol", False)
    carol.page.click("link", "alice")
    carol.page.sees("polkit does not allow you to help others on this host")
    desk.rule("polkit-cockpit.rules", "carol", True)
    os.rename(PKEXEC, f"{PKEXEC}.away")
    try:
        go(carol, "people")
        carol.page.sees("install the package pkexec")
    finally:
        os.rename(f"{PKEXEC}.away", PKEXEC)


@pytest.mark.parametrize("user, rule", [
    ("alice", "polkit-cockpit.rules"), ("alice", None), ("carol", None), ("carol", "polkit.rules")])
def test_nobody_else_sees_more_than_without_a_help_desk(host, desk, tab, user, rule):
    """Nor does anything fail or get into the log. A rule that wants a password allows nothing here."""
    desk.rule(rule, "carol", rule == "polkit-cockpit.rules")
    host.enroll("bob")
    since = host.log_end()
    tab.login(user, PASSWORDS[user])
    tab.page.sees("You have no phone enrolled here")
    for part in "people", "people/bob", "policy", "doctor":
        go(tab, part)
        tab.page.sees(ADMINISTRATORS)
        assert tab.page.texts("link") == [] and "enrolled:" not in tab.page.text().lower()
    assert "pkexec" not in host.log_text(since) and not [one for one in tab.do("return state.said") if "olkit" in one]


def test_an_administrator_who_is_a_member_has_everything(host, desk, tab):
    run("usermod", "-a", "-G", "totp-helpdesk", "bob")
    tab.login("bob", PASSWORDS["bob"])
    tab.page.find("link", "People")
    assert not tab.page.has("link", "Doctor")
    tab.become_administrator(("bob", PASSWORDS["bob"]))
    tab.page.find("link", "Doctor")
    tab.page.click("link", "People")
    tab.page.sees("people have enrolled")
