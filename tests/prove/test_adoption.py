# SPDX-License-Identifier: BSD-2-Clause
"""totpctl report with a hundred thousand accounts, and its page in a browser."""

import resource
import subprocess
import time

import pytest

from test_letters import browser
from test_report import SECRET, site  # noqa: F401 a fixture

PEOPLE, ENROLLED = 100_000, 80_000


def test_a_hundred_thousand_accounts_take_seconds_with_a_progress_bar(site):  # noqa: F811
    with open(site.directory / "passwd", "a") as file:
        file.writelines(f"u{i}:x:{100000 + i}:{100 + i % 5}::/:/bin/sh\n" for i in range(PEOPLE - 7))
    with open(site.directory / "group", "a") as file:
        for i in range(5):
            file.write(f"site{i}:x:{100 + i}:\n")
        for i in range(200):
            members = ",".join(f"u{n}" for n in range(i, PEOPLE - 7, 200))
            file.write(f"team{i}:x:{1000 + i}:{members}\n")
    site.done("import", "csv", "-", stdin="".join(f"u{i},{SECRET}\n" for i in range(ENROLLED)),
              seconds=300)

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    report = site.report()
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{PEOPLE} accounts, {ENROLLED} records: {took:.1f} s, {spent:.1f} s of processor time, "
          f"{after.ru_maxrss // 1024} MiB at most")
    assert (report["people"], report["enrolled"]) == (PEOPLE, ENROLLED)
    assert len(report["groups"]) == 208 and report["groups"][0]["people"] == (PEOPLE - 7 + 4) // 5
    assert spent < 10
    shown = site.at_terminal(80)
    assert "reading records [" in shown and "80000 of 100000 people are enrolled." in shown


@pytest.mark.parametrize("width", [420, 1200])
def test_a_browser_shows_the_bars(site, width):  # noqa: F811
    site.enroll("ann")
    site.enroll("ben")
    page, picture = site.directory / "page.html", site.directory / "page.png"
    site.done("report", "--html", str(page))
    browser(site.directory, page, f"--screenshot={picture}", f"--window-size={width},900")
    colours = subprocess.run(["convert", str(picture), "-format", "%c", "histogram:info:-"],
                             check=True, capture_output=True, text=True).stdout
    for colour in "#8AC6A0", "#C8452F":  # enrolled and never logged in; missing
        pixels = sum(int(line.split(":")[0]) for line in colours.splitlines() if colour in line)
        assert pixels > 2000, (colour, pixels)
