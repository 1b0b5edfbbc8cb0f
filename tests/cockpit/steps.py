# SPDX-License-Identifier: BSD-2-Clause
"""What a person does with the page, step by step."""
import json
import re

from conftest import PASSWORDS
from host import run

RECOVERY = r"\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}\b"
KEPT = "I have saved the codes"


def begin(host, tab):
    """alice starts to enroll; her phone has scanned the picture."""
    tab.page.click("button", "Set up your phone")
    tab.page.find("img", "QR code")
    phone = tab.scan()
    host.phones.append(phone)
    return phone


def codes_on(tab):
    codes = re.findall(RECOVERY, tab.page.text("dialog"))
    tab.shown.update(codes)
    return codes


def confirm(tab, phone):
    """She types a code; her recovery codes."""
    tab.page.answer("Code from your phone", phone.code())
    tab.page.find("button", KEPT)
    codes = codes_on(tab)
    tab.page.click("button", KEPT)
    tab.page.sees("Your account is protected")
    return codes


def enroll(host, tab):
    phone = begin(host, tab)
    return phone, confirm(tab, phone)


def act(tab, name, word):
    """Press a button of an administrator, confirm it in the dialog, and close that."""
    confirm_dialog(tab, name)
    tab.page.sees(word)
    tab.page.click("button", "Close")
    tab.page.gone("dialog", name)


def confirm_dialog(tab, name):
    tab.page.click("button", name, exact=True)
    tab.page.do("""const box = view.getByRole("dialog");
                   await box.getByRole("button", { name: given.name, exact: true }).click();
                   await box.getByRole("button", { name: "Close" }).waitFor()""", name=name)


def administrate(tab):
    tab.login("bob", PASSWORDS["bob"])
    tab.become_administrator(("bob", PASSWORDS["bob"]))
    tab.page.find("link", "People")


def stored(user="alice"):
    """The names of the user's tokens in the store; None: not enrolled."""
    users = {one["user"]: one for one in json.loads(run("totpctl", "list", "--json"))}
    return [token["label"] for token in users[user]["tokens"]] if user in users else None
