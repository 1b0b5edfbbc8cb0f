# SPDX-License-Identifier: BSD-2-Clause
"""Logins to Cockpit itself, with password and code."""
import json
import subprocess

from conftest import PASSWORDS


def test_cockpit_asks_for_the_code_after_the_password(host, tab):
    phone = host.enroll("alice")
    tab.give_name("alice", PASSWORDS["alice"])
    tab.shell.sees("Verification code:")
    tab.give_code(phone.code())
    tab.shell.find("link", "Two-factor login")
    tab.page.sees("Your account is protected")
    assert (host.event()["reason"], host.event()["service"]) == ("code", "cockpit")


def test_a_wrong_code_logs_nobody_in(host, tab):
    phone = host.enroll("alice")
    tab.give_name("alice", PASSWORDS["alice"])
    tab.give_code(phone.wrong())
    tab.shell.find("button", "Log in")
    tab.shell.sees("Authentication failed")
    assert host.event()["reason"] == "wrong_code"
    tab.login("alice", PASSWORDS["alice"], phone.code())


def test_after_a_wrong_password_no_code_is_asked_for(host, tab):
    host.enroll("alice")
    tab.give_name("alice", "another password")
    tab.shell.sees("Wrong user name or password")
    assert host.events() == []


def test_doctor_finds_nothing_wrong_with_the_line(cockpit):
    done = subprocess.run(["totpctl", "doctor", "--json"], capture_output=True, text=True, check=False)
    assert [one for one in json.loads(done.stdout) if "cockpit" in one["services"]] == []
