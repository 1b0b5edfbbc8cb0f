# SPDX-License-Identifier: BSD-2-Clause
"""Each screen of the page: nothing for axe-core to find, in light and dark, and in a narrow window."""
import os

import pytest

from conftest import PASSWORDS
from host import run
from steps import KEPT, administrate, begin, codes_on

SIZE = 60_000  # of a picture in the documentation


@pytest.fixture
def look(request, tab):
    directory = request.config.getoption("--pictures")

    def look(name, drawn=True):
        """Each look at a screen lists what is wrong; a picture is drawn on request."""
        faults = [f"{name}: {fault}" for fault in tab.faults()]
        if directory and drawn:
            draw(tab, os.path.join(directory, f"cockpit-{name}.png"))
        if not tab.narrow(320):
            faults.append(f"{name}: too wide for 320 pixels")
        tab.color("dark")
        faults += [f"{name}, dark: {fault}" for fault in tab.faults()]
        tab.color("light")
        return faults
    return look


def draw(tab, path):
    tab.do("await state.page.screenshot(given)", path=path)
    run("convert", path, "-strip", "+dither", "-colors", "128", f"PNG8:{path}")
    assert os.path.getsize(path) < SIZE, path


def test_a_look_finds_what_is_wrong(tab, look):
    tab.login("alice", PASSWORDS["alice"])
    tab.do("""await state.frame().evaluate(() => {
        const image = document.createElement("img");
        image.width = 400;
        document.querySelector("main").append(image);
    })""")
    faults = look("faulty", drawn=False)
    assert any("image-alt" in fault for fault in faults) and any("too wide" in fault for fault in faults), faults


def test_a_person_s_screens(host, tab, look):
    host.policy(enforce="optional", window=5)  # with codes that all apps know
    host.totpd()
    tab.login("alice", PASSWORDS["alice"])
    tab.page.sees("You have no phone enrolled here")
    faults = look("without")
    phone = begin(host, tab)
    faults += look("enroll")
    tab.page.answer("Code from your phone", phone.code())
    tab.page.find("button", KEPT)
    codes_on(tab)
    faults += look("recovery-codes")
    tab.page.click("button", KEPT)
    tab.page.sees("Your account is protected")
    faults += look("self")
    assert faults == []


def test_an_administrator_s_screens(host, tab, look):
    host.enroll("alice")
    administrate(tab)
    faults = []
    for name, text in ("People", "people have enrolled"), ("Doctor", "Check again"), ("Policy", "Set by"):
        tab.page.click("link", name)
        tab.page.sees(text)
        faults += look(name.lower())
    tab.page.click("link", "People")
    tab.page.click("link", "alice")
    tab.page.find("button", "Temporary code")
    faults += look("person")
    tab.page.click("button", "Temporary code")
    tab.page.find("spinbutton", "Number of logins")
    faults += look("temporary-code")
    assert faults == []


def test_the_screens_of_the_help_desk(host, desk, tab, look):
    host.enroll("alice")
    tab.login("carol", PASSWORDS["carol"])
    tab.page.click("link", "People")
    tab.page.find("link", "alice")
    faults = look("helpdesk-people", drawn=False)
    tab.page.click("link", "alice")
    tab.page.find("button", "Temporary code")
    faults += look("helpdesk")
    tab.page.click("link", "All people")
    tab.page.fill("Search by name or status", "bob")
    tab.page.click("link", "bob")
    tab.page.find("button", "Invite")
    faults += look("helpdesk-absent", drawn=False)
    desk.rule(None, "carol", False)
    tab.page.click("link", "All people")
    tab.page.sees("polkit does not allow you to help others on this host")
    faults += look("helpdesk-denied", drawn=False)
    assert faults == []


def test_the_page_speaks_german(host, tab):
    tab.open(locale="de-DE")
    tab.give_name("alice", PASSWORDS["alice"])
    tab.page.find("heading", "Zwei-Faktor-Anmeldung")
    assert tab.do("return state.frame().evaluate('document.documentElement.lang')").startswith("de")
