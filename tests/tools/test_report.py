# SPDX-License-Identifier: BSD-2-Clause
"""
totpctl report, on a host with invented accounts: each run covers /etc/passwd and /etc/group in a
mount namespace of its own.
"""

import fcntl
import html.parser
import json
import re
import struct
import termios

import pytest

from host import *  # noqa: F403

PASSWD = """\
root:x:0:0::/root:/bin/sh
daemon:x:1:1::/:/usr/sbin/nologin
ann:x:2001:2001::/:/bin/bash
ben:x:2002:2002::/:/bin/bash
cal:x:2003:2003::/:/bin/bash
dan:x:2004:2004::/:/bin/bash
eve:x:2005:2005::/:/bin/bash
fay:x:2006:2006::/:/bin/bash
gus:x:2007:2007::/:/bin/bash
alias:x:2001:2001::/:/bin/bash
robot:x:2100:2100::/:/bin/false
nobody:x:65534:65534::/:/bin/sh
"""

GROUP = """\
root:x:0:
ann:x:2001:
staff:x:3000:ann,ben,cal,dan,alias
students:x:3001:eve,fay
primary:x:2006:gus
admins:x:3002:ann
"""


class Site(Host):
    def __init__(self, directory):
        super().__init__(directory)
        for name, text in (("passwd", PASSWD), ("group", GROUP),
                           ("nsswitch.conf", "passwd: files\ngroup: files\n")):
            (directory / name).write_text(text)
        self.files_of_nss = ["passwd", "group", "nsswitch.conf"]

    def inside(self, *words):
        cover = "".join(f"mount --bind {self.directory}/{name} /etc/{name}\n"
                        for name in self.files_of_nss)
        return ["unshare", "-m", "sh", "-euc", cover + 'exec "$@"', "sh", *map(str, words)]

    def run(self, *words, stdin=None, conf=True, seconds=HANGS):
        env = dict(os.environ, TZ="UTC", LD_PRELOAD=LOG_CATCHER, LOG_CATCHER=str(self.log),
                   LC_ALL="C.UTF-8", ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") +
                   ":verify_asan_link_order=0")
        return subprocess.run(self.inside(TOTPCTL, "--conf", self.conf, *words), input=stdin,
                              capture_output=True, text=True, env=env, timeout=seconds)

    def record(self, *words):
        ran = subprocess.run(self.inside(RECORD_TOOL, self.conf, *words), capture_output=True,
                             text=True, timeout=HANGS)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def report(self):
        return json.loads(self.done("report", "--json"))

    def at_terminal(self, columns, **env):
        """The output in a window of this many columns."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **env}
        child = subprocess.Popen(self.inside(TOTPCTL, "--conf", self.conf, "report"),
                                 stdout=follower, stderr=follower, env=environment)
        shown = drawn_on(leader, follower, lambda: child.poll() is not None)
        assert child.returncode == 0, shown
        return shown.replace("\r\n", "\n")


@pytest.fixture
def site(tmp_path):
    if subprocess.run(["unshare", "-m", "true"]).returncode != 0:
        pytest.skip("only root can make namespaces")
    made = Site(tmp_path)
    made.done("init")
    return made


STAGES = ("in_use", "never_logged_in", "not_confirmed", "refused", "invited", "missing", "not_required", "exempt")


def counts(tally):
    return {stage: tally[stage] for stage in STAGES if tally[stage]}


def test_every_user_is_listed_in_the_right_class(site):
    site.policy("exempt = gus", "enroll = login")
    site.csv("")
    for user in "ann", "ben", "cal", "gone":
        site.enroll(user)
    assert site.attempt("ann", fresh_code()) == "allow code"
    site.done("suspend", "cal")
    site.done("invite", "dan")
    report = site.report()
    assert counts(report) == {"in_use": 1, "never_logged_in": 1, "refused": 1, "invited": 1,
                              "missing": 2, "exempt": 1}
    assert (report["people"], report["enrolled"]) == (7, 2)
    assert report["names"] == {"missing": ["eve", "fay"], "invited": ["dan"],
                               "not_confirmed": [], "never_logged_in": ["ben"],
                               "refused": ["cal"]}
    assert report["records_without_account"] == 1 and report["partial"] is False
    assert (report["enforce"], report["enroll_until"]) == ("required", None)


def test_an_enrollment_that_is_not_confirmed_is_a_class_of_its_own(site, tmp_path):
    site.policy("enforce = optional")
    site.enroll("ben")
    site.done("enroll", "ann", "--must-confirm", "--letters", f"{tmp_path}/letters")
    report = site.report()
    assert counts(report) == {"never_logged_in": 1, "not_confirmed": 1, "not_required": 5}
    assert (report["people"], report["enrolled"]) == (7, 1)
    assert report["names"]["not_confirmed"] == ["ann"]
    text = site.done("report")
    assert "1 of 7 people are enrolled" in text and "not confirmed by a first code yet" in text
    assert "not confirmed by a first code yet" in site.done("report", "--html", "-")


def test_groups_are_counted_with_users_of_that_primary_group(site):
    site.enroll("ann")
    site.enroll("gus")
    groups = {group["group"]: group for group in site.report()["groups"]}
    assert list(groups) == ["staff", "primary", "students"], "by size; not those of one person"
    assert (groups["staff"]["people"], groups["staff"]["enrolled"]) == (4, 1), "alias is ann"
    assert groups["primary"]["people"] == 2 and counts(groups["primary"]) == {
        "never_logged_in": 1, "missing": 1}
    assert counts(groups["students"]) == {"missing": 2}


@pytest.mark.parametrize("policy, stages", [
    (("enforce = optional",), {"not_required": 7}),
    (("enforce = 2199-01-01",), {"missing": 7}),
    (("enforce = 2026-01-01",), {"missing": 7}),
    (("enforce = optional", "required_for = @staff, fay"), {"missing": 5, "not_required": 2}),
    (("exempt = @staff, fay",), {"missing": 2, "exempt": 5}),
    (("exempt = @staff", "required_for = ann"), {"missing": 4, "exempt": 3}),
    (("exempt = @primary",), {"missing": 5, "exempt": 2}),
    (("required_for = root", "enforce = optional"), {"missing": 1, "not_required": 7}),
], ids=" ".join)
def test_the_policy_decides_who_is_missing(site, policy, stages):
    site.policy(*policy)
    assert counts(site.report()) == stages


def test_the_report_and_the_login_agree(site):
    """Each user who is missing would be asked for a code, and none of the others."""
    site.policy("enforce = optional", "required_for = @students, ann", "exempt = @staff")
    missing = site.report()["names"]["missing"]
    assert missing == ["ann", "eve", "fay"]
    for user in "ann", "ben", "eve", "fay", "gus":
        said = site.run("test", user, stdin="\n")
        assert (said.returncode != 0) == (user in missing), (user, said.stdout)


def test_system_accounts_are_not_counted_unless_they_have_a_record(site):
    site.enroll("daemon")
    report = site.report()
    assert report["people"] == 8 and "daemon" in report["names"]["never_logged_in"]


def test_the_host_decides_which_uids_are_people(site):
    (site.directory / "login.defs").write_text("# UID_MIN 1\nUID_MIN\t\t\t 2005\nUID_MAX 60000\n")
    site.files_of_nss.append("login.defs")
    assert site.report()["names"]["missing"] == ["eve", "fay", "gus"]


def test_a_name_service_that_does_not_list_everybody_is_reported(site):
    (site.directory / "nsswitch.conf").write_text("passwd: files sss\ngroup: files\n")
    assert site.report()["partial"] is True
    assert "does not list all accounts" in site.done("report")


def test_a_missing_group_of_the_policy_is_reported(site):
    site.policy("exempt = @nosuch")
    ran = site.run("report", "--json")
    assert ran.returncode == 0 and "group nosuch of the policy: there is none" in ran.stderr
    assert counts(json.loads(ran.stdout)) == {"missing": 7}


# ---- at a terminal


BLOCKS = "█▓╬▒░·-"


def bars(text):
    return [re.search(f"[{BLOCKS}]+$", line).group(0) for line in text.splitlines()
            if re.search(f"[{BLOCKS}]{{8,}}$", line)]


@pytest.mark.parametrize("columns", [40, 60, 80, 133, 300])
def test_the_bars_fit_the_window(site, columns):
    site.enroll("ann")
    text = re.sub("\x1b\\[[0-9]*m", "", site.at_terminal(columns))
    whole, *groups = bars(text)
    width = min(columns, 160)
    assert len(whole) == width and whole == "▓" * whole.count("▓") + "░" * whole.count("░")
    assert abs(whole.count("▓") - width / 7) <= 1
    assert len(groups) == 3 and len({len(bar) for bar in groups}) == 1
    lines = [line for line in text.splitlines() if bars(line)]
    assert columns == 40 or all(len(line) <= width for line in lines)


def test_colors_are_for_terminals_and_can_be_switched_off(site):
    assert "\x1b[31m" in site.at_terminal(80)
    assert "\x1b" not in site.at_terminal(80, NO_COLOR="1")
    assert "\x1b" not in site.done("report")


def test_a_terminal_without_block_characters_gets_letters(site):
    site.enroll("ann")
    text = re.sub("\x1b\\[[0-9]*m", "", site.at_terminal(80, LC_ALL="C"))
    assert text.isascii() and re.search("^\\++!+$", text, re.M)


def test_the_date_and_the_numbers_are_printed(site):
    site.policy("enforce = 2199-01-01", "enroll = login", "enroll_until = 2026-01-01")
    site.enroll("ann")
    said = site.done("report")
    assert re.search(r"^Codes are required from 2199-01-01 on, in \d+ days; after 2026-01-01 only "
                     r"invited users can enroll in a login\.$", said, re.M)
    assert "1 of 7 people are enrolled." in said
    assert re.search(r"^  ▓ +1 +14 %  enrolled, but never logged in yet$", said, re.M)


def test_names_of_groups_line_up_in_any_script(site):
    with open(site.directory / "group", "a") as file:
        file.write("b\u00fcro:x:4001:ann,ben\n" + "n" * 60 + ":x:4002:ann,ben\n")
    lines = [line for line in site.done("report").splitlines() if re.search(f"[{BLOCKS}]{{8,}}$", line)]
    starts = {re.search(f"[{BLOCKS}]{{8,}}$", line).start() for line in lines[1:]}
    assert len(lines) == 6 and len(starts) == 1 and any("b\u00fcro " in line for line in lines)


def test_many_groups_are_cut_and_the_rest_is_counted(site):
    with open(site.directory / "group", "a") as file:
        file.writelines(f"g{i}:x:{4000 + i}:ann,ben\n" for i in range(30))
    said = site.done("report")
    assert len(bars(said)) == 21 and "and 13 smaller ones: --json, --html" in said
    assert len(site.report()["groups"]) == 33


def test_a_host_without_people_is_reported_as_such(site):
    (site.directory / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    assert "There are no people here." in site.done("report")
    assert site.report()["people"] == 0
    assert "0 %" in site.done("report", "--html", "-")


# ---- the HTML page


class Page(html.parser.HTMLParser):
    """Its text; every tag that is opened must be closed."""

    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.text, self.bars = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = "".join(self.text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        assert not {"src", "href", "onload", "onclick"} & set(attributes), "all of it is here"
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "svg":
            self.bars.append([])
        if tag == "rect":
            self.bars[-1].append((int(attributes["x"]), int(attributes["width"])))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_holds_the_numbers(site):
    site.policy("exempt = gus")
    site.enroll("ann")
    site.done("report", "--html", str(site.directory / "page.html"))
    path = site.directory / "page.html"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    page = Page(path.read_text())
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert "1 of 7 people are enrolled" in page.text and "14 %" in page.text
    assert "5 required, but not enrolled" in page.text and "ben" in page.text
    assert len(page.bars) == 4
    for bar in page.bars:
        assert bar[0][0] == 0 and sum(width for _, width in bar) == 1000
        assert all(a[0] + a[1] == b[0] for a, b in zip(bar, bar[1:])), "without gaps"


def test_a_page_replaces_the_last_one_atomically(site):
    path = site.directory / "page.html"
    path.write_text("old")
    site.done("report", "--html", str(path))
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert list(site.directory.glob("page.html?*")) == []
    said = site.refused("report", "--html", "/nosuch/page.html")
    assert "/nosuch/page.html: cannot write" in said
    assert site.done("report", "--html", "-").endswith("</html>\n")


def test_names_cannot_add_markup(site):
    with open(site.directory / "passwd", "a") as file:
        file.write("<script>x:x:2200:2200::/:/bin/sh\n\u202eflip:x:2201:2201::/:/bin/sh\n")
    with open(site.directory / "group", "a") as file:
        file.write("<b>\"&':x:5000:ann,ben\n\x1b[2Jx:x:5001:ann,ben\n")
    page = Page(site.done("report", "--html", "-"))
    assert "<script>x" in page.text and "<b>\"&'" in page.text
    said = site.done("report")
    assert "\x1b" not in said
    assert "<script>x" in site.report()["names"]["missing"]


def test_json_and_a_page_together_are_rejected(site):
    ran = site.run("report", "--json", "--html", "-")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert site.run("report", "staff").returncode == 2


# ---- many


def test_thousands_are_read_in_a_moment_with_a_progress_bar(site):
    with open(site.directory / "passwd", "a") as file:
        file.writelines(f"u{i}:x:{10000 + i}:100::/:/bin/sh\n" for i in range(4000))
    with open(site.directory / "group", "a") as file:
        file.write("users:x:100:\n")
    site.done("import", "csv", "-", stdin="".join(f"u{i},{SECRET}\n" for i in range(3000)))
    began = cpu_seconds()
    report = site.report()
    assert cpu_seconds() - began < 10
    assert (report["people"], report["enrolled"]) == (4007, 3000)
    assert report["groups"][0]["group"] == "users" and report["groups"][0]["people"] == 4000
