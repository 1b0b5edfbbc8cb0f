# SPDX-License-Identifier: BSD-2-Clause
"""Logins to Cockpit itself, with password and code."""
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


def test_a_right_code_does_not_replace_the_password(host, tab):
    phone = host.enroll("alice")
    tab.give_name("alice", "another password")
    tab.give_code(phone.code())
    tab.shell.sees("Authentication failed")
