# SPDX-License-Identifier: BSD-2-Clause
"""A person's own devices."""
import subprocess
import time

import pytest

from conftest import PASSWORDS
from host import wait_for
from steps import KEPT, administrate, begin, codes_on, confirm, confirm_dialog, enroll, stored

ALICE = ("alice", PASSWORDS["alice"])


@pytest.fixture
def alice(host, tab):
    """alice is logged in, and has no phone yet."""
    tab.login(*ALICE)
    tab.page.sees("You have no phone enrolled here")
    return tab


def running():
    return subprocess.run(["pgrep", "-x", "totp-enroll"], capture_output=True, check=False).returncode == 0


def test_a_lost_phone_is_replaced_with_a_temporary_code(host, alice):
    tab = alice
    phone, codes = enroll(host, tab)
    assert len(set(codes)) == 10 and stored() == ["phone"]
    tab.logout()
    tab.login(*ALICE, phone.code(1))
    tab.page.sees("Your account is protected")
    tab.logout()

    administrate(tab)
    tab.page.click("link", "People")
    tab.page.click("link", "alice")
    confirm_dialog(tab, "Temporary code")
    tab.page.find("button", "Copy the code")
    temporary, = codes_on(tab)
    tab.page.click("button", "Close")
    tab.logout()

    tab.login(*ALICE, temporary)
    tab.page.click("button", "Replace: phone")
    tab.page.find("img", "QR code")
    newer = tab.scan()
    host.phones.append(newer)
    tab.page.answer("Code from the new phone", newer.code())
    tab.page.answer("Code from the old phone, or a recovery code", codes[0])
    tab.page.click("button", "Close")
    tab.page.sees("Your account is protected", "9 of 10 recovery codes are left")
    tab.logout()

    tab.give_name(*ALICE)
    tab.give_code(phone.code(2))
    tab.shell.sees("Authentication failed")
    tab.login(*ALICE, newer.code(1))
    tab.page.sees("Your account is protected")


def test_every_change_of_the_page_works(host, alice):
    tab = alice
    _, codes = enroll(host, tab)
    own = "Code from your phone, or a recovery code"

    tab.page.click("button", "Add a device")
    tab.page.answer("Name of the device", "tablet")
    tab.page.find("img", "QR code")
    tablet = tab.scan()
    host.phones.append(tablet)
    tab.page.answer("Code from the new phone", tablet.code())
    tab.page.answer("Code from your other phone, or a recovery code", codes[0])
    tab.page.click("button", "Close")
    tab.page.click("button", "Rename: tablet")
    tab.page.answer("New name", "watch")
    tab.page.answer(own, codes[1])
    tab.page.click("button", "Close")
    tab.page.find("button", "Remove: watch")
    assert stored() == ["phone", "watch"]
    tab.page.click("button", "Remove: watch")
    tab.page.answer(own, codes[2])
    tab.page.click("button", "Close")
    tab.page.gone("button", "Remove: watch")
    tab.page.click("button", "Test a code")
    tab.page.answer(own, tablet.wrong())
    tab.page.sees("That code was not accepted")
    tab.page.click("button", "Cancel")
    tab.page.click("button", "Make new recovery codes")
    tab.page.answer(own, codes[3])
    tab.page.find("button", KEPT)
    assert not set(codes_on(tab)) & set(codes)
    tab.page.click("button", KEPT)
    tab.page.sees("10 of 10 recovery codes are left")
    assert stored() == ["phone"]


def test_wrong_codes_have_the_hints_of_the_tool(host, alice):
    tab = alice
    phone = begin(host, tab)
    tab.page.answer("Code from your phone", phone.wrong())
    tab.page.sees("That code does not match.")
    tab.page.answer("Code from your phone", phone.at(time.time() - 900))
    tab.page.sees("clock")
    assert stored() is None
    confirm(tab, phone)


def test_an_enrollment_that_is_left_leaves_nothing(host, alice):
    tab = alice
    begin(host, tab)
    tab.page.click("button", "Cancel")
    tab.page.gone("dialog", "Set up your phone")
    assert wait_for(lambda: not running()) and stored() is None

    begin(host, tab)
    tab.do("await state.page.reload()")
    tab.page.sees("You have no phone enrolled here")
    assert wait_for(lambda: not running()) and stored() is None

    begin(host, tab)
    tab.do("await state.page.close(); state.page = await state.context.newPage()")
    assert wait_for(lambda: not running()) and stored() is None


def test_of_two_tabs_the_first_one_enrolls(host, alice):
    tab = alice
    other = begin(host, tab)
    tab.do("""state.other = state.page;
              state.page = await state.context.newPage();
              await state.page.goto(state.other.url())""")
    enroll(host, tab)
    tab.do("state.page = state.other")
    tab.page.answer("Code from your phone", other.code())
    tab.page.sees("You are already enrolled", "Nothing was changed")
    tab.page.click("button", "Close")
    tab.page.sees("Your account is protected")
    assert stored() == ["phone"]


def test_a_session_that_ends_leaves_nothing(host, cockpit, alice):
    tab = alice
    begin(host, tab)
    cockpit.end_sessions()
    tab.shell.find("button", "Reconnect")  # Cockpit's own words cover the page
    assert wait_for(lambda: not running()) and stored() is None
    tab.shell.click("button", "Reconnect")
    tab.login(*ALICE)
    tab.page.sees("You have no phone enrolled here")


def test_without_totpd_there_is_a_sentence(host, alice):
    tab = alice
    host.stop_totpd()
    tab.do("await state.page.reload()")
    tab.page.sees("The service totpd is not running")
    host.totpd()
    tab.page.click("button", "Try again")
    tab.page.sees("You have no phone enrolled here")


def test_the_keyboard_alone_enrolls(host, alice):
    tab = alice
    tab.do("await state.frame().locator('h1').first().evaluate(one => { one.tabIndex = -1; one.focus(); })")

    def focused():
        return tab.do("""return state.frame().evaluate(
            "document.activeElement === document.body ? '' : document.activeElement.innerText")""")

    def reach(name):
        for _ in range(20):
            if name in focused():
                return
            tab.press("Tab")
        raise AssertionError(f"no {name!r}, but {focused()!r}")

    reach("Set up your phone")
    tab.press("Enter")
    tab.page.find("img", "QR code")
    phone = tab.scan()
    host.phones.append(phone)
    tab.page.find("textbox", "Code from your phone")
    tab.type(phone.code())
    tab.press("Enter")
    tab.page.find("button", KEPT)
    codes_on(tab)
    tab.press("Escape")
    assert tab.page.has("button", KEPT), "codes that nobody has read are not closed by Escape"
    assert KEPT in focused()
    tab.press("Enter")
    tab.page.sees("Your account is protected")
    reach("Replace")
    tab.press("Enter")
    tab.page.find("img", "QR code")
    host.phones.append(tab.scan())
    tab.press("Escape")
    tab.page.gone("dialog", "Replace")
    assert wait_for(lambda: focused() == "Replace"), "the focus returns"
    assert wait_for(lambda: not running())
