# SPDX-License-Identifier: BSD-2-Clause
"""The letters of totpctl enroll as a browser shows and prints them."""

import subprocess

import pytest

from host import *  # noqa: F403
from test_enroll import key_in, letters, uri

# as wide as names may be, in a letter with few names on a line
LONGEST = {"issuer": "W" * 63, "account": "M" * 127}


def browser(directory, letter, *words):
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu",
                    f"--user-data-dir={directory}/profile", "--hide-scrollbars",
                    "--virtual-time-budget=2000", *words, f"file://{letter}"],
                   check=True, capture_output=True, timeout=120)


def picture(directory, letter):
    """What the browser shows of a letter, in a window as wide as A4 on a usual screen."""
    browser(directory, letter, f"--screenshot={directory}/shown.png", "--window-size=794,1123",
            "--force-device-scale-factor=2")
    return directory / "shown.png"


def pages(directory, letter):
    browser(directory, letter, f"--print-to-pdf={directory}/printed.pdf", "--no-pdf-header-footer")
    printed = (directory / "printed.pdf").read_bytes()
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", printed)
    assert [round(float(side)) for side in box.groups()] == [595, 842], "A4"
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", printed))


@pytest.fixture(params=["usual", "longest", "hostile"])
def letter(request, host):
    names = {"usual": {"issuer": "tower", "account": KNOWN}, "longest": LONGEST,
             "hostile": {"issuer": "<b>&'\"</b></bdi>\u202ereward", "account": "-->]]><svg>"}}
    told = names[request.param]
    host.policy(*(f"{name} = {value}" for name, value in told.items()), "digits = 8",
                "algorithm = SHA512")
    host.done("enroll", KNOWN, "--letters", host.directory / "letters")
    text, = letters(host.directory / "letters").values()
    return (host.directory, host.directory / "letters" / f"{KNOWN}.html",
            uri(told["issuer"], told["account"], key_in(text), algorithm="SHA512", digits=8))


def test_the_picture_can_be_scanned_from_the_screen(letter):
    directory, path, expected = letter
    seen = subprocess.run(["zbarimg", "-q", "--raw", picture(directory, path)], check=True,
                          capture_output=True, text=True).stdout.strip()
    assert seen == expected


def test_it_is_one_page_of_a4(letter):
    directory, path, _ = letter
    assert pages(directory, path) == 1
