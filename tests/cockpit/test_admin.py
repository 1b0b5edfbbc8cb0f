# SPDX-License-Identifier: BSD-2-Clause
"""What administrators see and do."""
import json
import subprocess

import pytest

from conftest import PASSWORDS
from host import POLICY, run
from steps import act, administrate, confirm_dialog, stored


@pytest.fixture
def bob(host, tab):
    """alice has a phone and wrong codes; bob is logged in as administrator."""
    phone = host.enroll("alice")
    host.pam("check", "auth required pam_totp.so", "account required pam_permit.so")
    run("pamtester", "check", "alice", "authenticate", given=phone.wrong() + "\n", fail=True)
    administrate(tab)
    return tab


def shown():
    return json.loads(run("totpctl", "show", "alice", "--json"))


def test_an_administrator_finds_and_helps_a_user(host, bob):
    tab = bob
    tab.page.click("link", "People")
    tab.page.sees("people have enrolled")
    tab.page.fill("Search by name or status", "nobody of this name")
    tab.page.gone("link", "alice")
    tab.page.fill("Search by name or status", "ali")
    tab.page.click("link", "alice")
    tab.page.sees("Wrong codes since then: 1")

    act(tab, "Suspend", "Every code of alice is denied")
    assert shown()["disabled"]
    tab.page.find("button", "Resume")
    act(tab, "Resume", "Codes of alice are accepted again")
    tab.page.find("button", "Suspend")
    assert not shown()["disabled"]
    act(tab, "Unlock", "alice")
    assert "Wrong codes since then: 1" in tab.page.text()

    act(tab, "Delete", "alice is no longer enrolled")
    tab.page.find("button", "Invite")
    assert stored() is None
    act(tab, "Invite", "alice can enroll")
    act(tab, "Withdraw the invitation", "alice is no longer invited")


def test_the_picture_of_a_letter_can_be_scanned(host, bob):
    run("totpctl", "delete", "--yes", "alice")
    bob.page.click("link", "People")
    bob.page.fill("Search by name or status", "alice")
    bob.page.click("link", "alice")
    confirm_dialog(bob, "Enroll by letter")
    phone = bob.scan("""await state.frame().frameLocator("iframe").locator("svg").first().screenshot(given)""")
    host.phones.append(phone)
    bob.page.click("button", "Close")
    assert stored() == ["phone"] and phone.uri.startswith("otpauth://totp/tower:alice?")


def test_bad_input_has_the_sentence_of_the_tool(bob):
    tab = bob
    tab.page.click("link", "People")
    tab.page.click("link", "alice")
    tab.page.click("button", "Temporary code")
    tab.page.answer("Valid for", "soon")
    tab.page.sees("soon")
    assert shown()["bypass"] is None or shown()["bypass"]["uses_left"] == 0


def test_the_policy_has_file_and_line(bob):
    bob.page.click("link", "Policy")
    bob.page.sees(f"{POLICY}:1")
    assert "period" in bob.page.text()


def test_the_findings_of_doctor_have_repairs_to_copy(bob):
    bob.page.click("link", "Doctor")
    bob.page.find("button", "Check again")
    done = subprocess.run(["totpctl", "doctor", "--json"], capture_output=True, text=True, check=False)
    findings = json.loads(done.stdout)
    assert findings
    for finding in findings:
        bob.page.sees(finding["what"])


def test_administrative_access_asks_for_a_code_where_sudo_does(host, tab):
    host.pam("sudo", "auth requisite pam_unix.so", "auth required pam_totp.so",
             "account required pam_permit.so", "session required pam_permit.so")
    phone = host.enroll("bob")
    tab.login("bob", PASSWORDS["bob"], phone.code())
    tab.become_administrator(("bob", PASSWORDS["bob"]), ("Verification code:", phone.code(1)))
    tab.page.click("link", "People")
    tab.page.sees("people have enrolled")


def test_without_administrative_access_there_is_a_sentence_and_no_data(host, tab):
    host.enroll("alice")
    tab.login("bob", PASSWORDS["bob"])
    tab.page.sees("You have no phone enrolled here")
    assert not tab.page.has("link", "People")
    for part in "people", "people/alice", "policy", "doctor":
        tab.do("await state.frame().evaluate(given.go)", go=f"window.location.hash = '#/{part}'")
        tab.page.sees("You need administrative access for this")
        assert "alice" not in tab.page.text()
