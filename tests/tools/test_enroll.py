# SPDX-License-Identifier: BSD-2-Clause
"""totpctl enroll: many at once, with a letter for each, on a store of its own."""

import html
import json
import subprocess
import urllib.parse

import pytest

from host import *  # noqa: F403
from test_totpctl import run_on_terminal

USERS = ("daemon", "bin", "sys")


@pytest.fixture
def directory(host):
    return host.directory / "letters"


def letters(directory):
    return {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir()}


def key_in(letter):
    """The key to be typed, which is printed in groups of four."""
    groups = re.search(r'<dd class="key">(.*?)</dd>', letter).group(1)
    assert re.fullmatch(r"<span>[A-Z2-7]{4}</span>( <span>[A-Z2-7]{4}</span>)*", groups)
    return re.sub(r"<.*?>| ", "", groups)


def scanned(letter, directory):
    """What a phone reads from the picture; drawn by a program that is not ours."""
    (directory / "qr.svg").write_text(re.search(r"<svg .*</svg>", letter, re.S).group())
    subprocess.run(["rsvg-convert", "-o", directory / "qr.png", directory / "qr.svg"], check=True)
    return subprocess.run(["zbarimg", "-q", "--raw", directory / "qr.png"], capture_output=True,
                          text=True, check=True).stdout.strip()


def uri(issuer, account, secret, **more):
    label = ":".join(urllib.parse.quote(name, safe="") for name in (issuer, account))
    return f"otpauth://totp/{label}?secret={secret}&issuer=" + urllib.parse.quote(
        issuer, safe="") + "".join(f"&{name}={value}" for name, value in more.items())


def listed(host):
    return {entry["user"]: entry for entry in json.loads(host.done("list", "--json"))}


# ---- letters


def test_each_letter_has_the_picture_and_the_key_of_its_credential(host, directory):
    host.policy("issuer = tower")
    said = host.done("enroll", *USERS, "--letters", directory)
    assert said.startswith("3 users are enrolled.\n") and str(directory) in said
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    found = letters(directory)
    assert set(found) == {f"{user}.html" for user in USERS}
    keys = {user: key_in(found[f"{user}.html"]) for user in USERS}
    assert len(set(keys.values())) == 3
    for user in USERS:
        letter = found[f"{user}.html"]
        assert stat.S_IMODE((directory / f"{user}.html").stat().st_mode) == 0o600
        assert scanned(letter, host.directory) == uri("tower", user, keys[user])
        assert letter.count("<li>") == 3 and f"log in as <bdi>{user}</bdi>" in letter
        assert host.attempt(user, code_at(time.time(), keys[user])) == "allow code"
    assert {name: entry["status"] for name, entry in listed(host).items()} == dict.fromkeys(
        USERS, "ok")
    assert not any(key in host.logged() + said for key in keys.values())


def test_one_letter_is_printed_without_a_file(host):
    letter = host.done("enroll", "daemon", "--must-confirm", "--letters", "-")
    assert letter.rstrip().endswith("</html>") and "log in as <bdi>daemon</bdi>" in letter
    assert listed(host)["daemon"]["status"] == "pending"
    assert host.attempt("daemon", code_at(time.time(), key_in(letter))) == "allow code"
    assert key_in(letter) not in host.logged()
    assert not (host.directory / "-").exists()


@pytest.mark.parametrize("words", [USERS, ("daemon", "--json"), ("--batch", "-")])
def test_what_is_printed_is_one_letter_alone(host, words):
    said = host.run("enroll", *words, "--letters", "-")
    assert (said.returncode, said.stdout) == (2, "") and "one letter" in said.stderr
    assert listed(host) == {}


def test_a_letter_that_cannot_be_printed_enrolls_nobody(host):
    with open("/dev/full", "wb") as full:
        said = subprocess.run([TOTPCTL, "--conf", host.conf, "enroll", "daemon", "--letters", "-"],
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert said.returncode == 1 and "nobody is enrolled" in said.stderr
    assert listed(host) == {}


def test_issuer_and_account_on_the_phone_come_from_the_policy(host, directory):
    host.policy("issuer = Example & Sons: no", "account = %u@tower")
    assert "issuer" in host.refused("enroll", KNOWN, "--letters", directory) and not directory.exists()
    host.policy("issuer = Example & Söhne", "account = %u@tower", "digits = 8", "period = 60",
                "algorithm = SHA256")
    host.done("enroll", KNOWN, "--letters", directory)
    letter, = letters(directory).values()
    key = key_in(letter)
    assert scanned(letter, host.directory) == uri("Example & Söhne", f"{KNOWN}@tower", key,
                                               algorithm="SHA256", digits=8, period=60)
    assert "SHA256, 8 digits, 60 seconds" in letter and "8 digits, a new one every 60 s" in letter
    assert "Example &amp; Söhne" in letter and "Example & S" not in letter
    token, = listed(host)[KNOWN]["tokens"]
    assert (token["algorithm"], token["digits"], token["period"]) == ("SHA256", 8, 60)


def test_a_name_cannot_add_markup(host, directory):
    hostile = "<script>alert('1')</script>&lt;\"><img src=x>"
    host.policy(f"issuer = {hostile[:60]}", f"account = {hostile} %u")
    host.done("enroll", KNOWN, "--letters", directory)
    letter, = letters(directory).values()
    assert not re.search(r"<(script|img)", letter)
    assert html.escape(hostile[:30]).replace("&#x27;", "&#39;") in letter
    assert set(re.findall(r"<(\w+)", letter)) == {
        "html", "head", "meta", "title", "style", "body", "h1", "bdi", "div", "svg", "rect",
        "path", "dl", "dt", "dd", "span", "ol", "li", "footer"}
    assert scanned(letter, host.directory) == uri(hostile[:60], f"{hostile} {KNOWN}", key_in(letter))


def test_a_letter_says_what_to_do_if_something_fails(host, directory):
    host.policy("help = Call <Anna>: 555-0100")
    host.done("enroll", KNOWN, "--letters", directory)
    letter, = letters(directory).values()
    assert "Call &lt;Anna&gt;: 555-0100" in letter


def test_a_letter_needs_no_other_file(host, directory):
    host.done("enroll", KNOWN, "--letters", directory)
    letter, = letters(directory).values()
    assert "default-src 'none'" in letter
    assert not re.search(r"(src|href)=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)", letter)


# ---- which users


def test_a_list_has_one_user_a_line_and_comments(host, directory):
    path = host.csv("# the first day\n\n  daemon \r\nbin\n   # and\nsys", "list")
    host.done("enroll", "--batch", path, "--letters", directory)
    assert set(listed(host)) == set(USERS)
    host.done("enroll", "--batch=-", "--letters", host.directory / "more", stdin="games\n")
    assert set(listed(host)) == {*USERS, "games"}


def test_every_user_who_cannot_be_enrolled_is_named_and_nobody_is_enrolled(host, directory):
    host.enroll("bin")
    before = host.files()
    path = host.csv(f"daemon\nbin\n{UNKNOWN}\n#\ndaemon\nx{'y' * 300}\n", "list")
    said = host.refused("enroll", "--batch", path, "--letters", directory)
    for line in (f"{path}:2: bin: is enrolled already", f"{path}:3: {UNKNOWN}: there is no such",
                 f"{path}:5: daemon: is named twice", f"{path}:6: xyyy"):
        assert line in said
    assert "4 of 5 cannot be" in said and not directory.exists()
    path.unlink()
    assert host.files() == before and host.logged().count("enrolled") == 0

    said = host.refused("enroll", "daemon", "bin", "--letters", directory)
    assert said.startswith("totpctl: bin: is enrolled already\n") and not directory.exists()


def test_the_others_are_enrolled_with_keep_going(host, directory):
    host.enroll("bin")
    ran = host.run("enroll", "daemon", "bin", UNKNOWN, "sys", "--letters", directory, "--keep-going")
    assert ran.returncode == 1 and ran.stdout.startswith("2 users are enrolled.")
    assert "2 left out" in ran.stderr
    assert set(letters(directory)) == {"daemon.html", "sys.html"}
    ran = host.run("enroll", "daemon", "--letters", host.directory / "more", "--keep-going")
    assert ran.returncode == 1 and "nobody to enroll" in ran.stderr
    assert not (host.directory / "more").exists()


def test_a_program_reads_where_each_letter_is(host, directory):
    host.enroll("bin")
    ran = host.run("enroll", "daemon", "bin", "--letters", directory, "--keep-going", "--json")
    assert ran.returncode == 1
    assert json.loads(ran.stdout) == [
        {"user": "daemon", "letter": f"{directory}/daemon.html", "error": None},
        {"user": "bin", "letter": None, "error": "is enrolled already"}]
    ran = host.run("enroll", "sys", "bin", "--letters", directory, "--json")
    assert ran.returncode == 1 and json.loads(ran.stdout)[0] == {
        "user": "sys", "letter": None, "error": None}


def test_an_enrollment_is_logged_and_uses_up_an_invitation(host, directory):
    host.policy("enroll = login", "enroll_until = 2026-01-01")
    host.done("invite", KNOWN)
    host.done("enroll", KNOWN, "--letters", directory)
    assert json.loads(host.done("invite", "--json")) == []
    assert re.search(rf'user={KNOWN} service=totpctl source=uid:0 outcome=enrolled '
                     r'reason=administrator token="phone"', host.logged())


# ---- --must-confirm


def test_with_must_confirm_a_record_waits_for_its_first_correct_code(host, directory):
    host.policy("enforce = optional")
    said = host.done("enroll", KNOWN, "--letters", directory, "--must-confirm")
    assert "takes effect with its first correct code" in said
    letter, = letters(directory).values()
    assert listed(host)[KNOWN]["status"] == "pending" and listed(host)[KNOWN]["pending"] is True
    assert row(host.done("show", KNOWN), "pending")
    tried = host.done("test", KNOWN, stdin="\n")
    assert "no code is asked for" in tried
    assert host.attempt(KNOWN, wrong_code()) == "deny wrong_code"
    assert listed(host)[KNOWN]["status"] == "pending"
    assert host.attempt(KNOWN, code_at(time.time(), key_in(letter))) == "allow code"
    assert listed(host)[KNOWN]["status"] == "ok"
    assert "Code to try" in host.run("test", KNOWN, stdin="\n").stdout
    host.policy()
    assert "the first correct code" not in host.run("test", KNOWN, stdin="\n").stdout


def test_where_a_code_is_required_an_unconfirmed_user_is_asked_for_it(host, directory):
    host.done("enroll", KNOWN, "--letters", directory, "--must-confirm")
    tried = host.run("test", KNOWN, stdin="\n").stdout
    assert "waits for the first correct code" in tried and "Code to try" in tried


# ---- the directory


def test_letters_go_only_to_an_empty_directory_of_one_s_own(host, directory):
    directory.mkdir(0o755)
    assert "mode 0700" in host.refused("enroll", KNOWN, "--letters", directory)
    directory.chmod(0o700)
    os.chown(directory, 2, 2)
    assert "must be yours" in host.refused("enroll", KNOWN, "--letters", directory)
    os.chown(directory, 0, 0)
    (directory / ".old").write_text("")
    assert "not empty" in host.refused("enroll", KNOWN, "--letters", directory)
    (directory / ".old").unlink()
    (host.directory / "link").symlink_to(directory)
    assert "link" in host.refused("enroll", KNOWN, "--letters", host.directory / "link")
    assert "No such file" in host.refused("enroll", KNOWN, "--letters", host.directory / "no/where")
    assert "Not a directory" in host.refused("enroll", KNOWN, "--letters", host.conf)
    assert listed(host) == {} and directory.is_dir()
    host.done("enroll", KNOWN, "--letters", directory)


@pytest.mark.parametrize("words", [
    (KNOWN,), ("--letters", "x"), ("--batch", "list", KNOWN, "--letters", "x"),
    (KNOWN, "--letters", ""), ("--batch", "", "--letters", "x")])
def test_a_wrong_command_line_enrolls_nobody(host, words):
    ran = host.run("enroll", *words, cwd=host.directory)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert listed(host) == {} and not (host.directory / "x").exists()


def test_a_list_that_cannot_be_read_enrolls_nobody(host, directory):
    assert "No such file" in host.refused("enroll", "--batch", host.directory / "no", "--letters",
                                          directory)
    assert "Is a directory" in host.refused("enroll", "--batch", host.directory, "--letters", directory)
    assert ":2: expected the name" in host.refused("enroll", "--batch", "-", "--letters", directory,
                                                   stdin="sys\ndaemon\0bin\n")
    assert "nobody to enroll" in host.refused("enroll", "--batch", "-", "--letters", directory,
                                             stdin="# nobody yet\n")
    assert not directory.exists()


def test_only_root_enrolls_many(host, directory):
    said = host.refused("enroll", KNOWN, "--letters", directory, preexec_fn=as_nobody)
    assert "only root can" in said and not directory.exists()


def test_without_a_library_for_pictures_nobody_is_enrolled(host, directory):
    script = ("mount -t tmpfs t /mnt; for f in /usr/lib/*/libqrencode.so.4*; do "
              "mount --bind /dev/null $f; done; exec \"$@\"")
    ran = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", TOTPCTL, "--conf", host.conf,
                          "enroll", KNOWN, "--letters", directory], capture_output=True, text=True,
                         timeout=HANGS)
    assert ran.returncode == 1 and "libqrencode" in ran.stderr
    assert not directory.exists() and listed(host) == {}


def test_a_terminal_sees_progress_and_a_pipe_does_not(host, directory):
    assert "[" not in host.run("enroll", KNOWN, "--letters", directory).stderr
    with open("/etc/passwd", encoding="ascii") as accounts:
        names = [line.split(":")[0] for line in accounts]
    # a list that takes a moment: from the second time on every user is a duplicate
    path = host.csv("\n".join(names * 1500), "list")
    code, drawn = run_on_terminal("--conf", host.conf, "enroll", "--batch", path, "--letters",
                                  host.directory / "more", "--keep-going")
    assert code == 1
    assert re.search(r"(checking|letters) +\[#* *\] +\d+ %\r\x1b\[K", drawn)
