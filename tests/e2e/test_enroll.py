# SPDX-License-Identifier: BSD-2-Clause
"""totp-enroll as a user runs it: at a terminal, with a phone."""
import os
import re
import subprocess
import time
import urllib.parse

import pexpect
import pytest

from host import DIR, STORE, Phone, Terminal, is_listening, run, wait_for

SECRET = r"(?<![A-Z2-7])(?:[A-Z2-7]{4} )+[A-Z2-7]{4}(?![A-Z2-7])"


def uri_of(secret, issuer="tower", account="alice"):
    quote = urllib.parse.quote
    return (f"otpauth://totp/{quote(issuer, safe='')}:{quote(account, safe='')}"
            f"?secret={secret}&issuer={quote(issuer, safe='')}")


def at_terminal(*argv, rows=24, columns=80):
    return Terminal(argv[0], list(argv[1:]), dimensions=(rows, columns),
                    env=dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8"))


def secret_on(text):
    """The secret to type: groups of four, on one line or more."""
    secret = "".join(re.findall(SECRET, text)).replace(" ", "")
    assert len(secret) == 32, text
    return secret


def end(child):
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before


# ---- the conversation


def test_a_code_of_the_phone_confirms_the_enrollment(host):
    child = at_terminal("totp-enroll", "--user", "alice", "--qr=none")
    child.expect(r"(?i)code[^\n]*: ?$")
    phone = Phone(uri_of(secret_on(child.before)))
    host.phones.append(phone)
    assert os.listdir(f"{STORE}/users") == [], "nothing is stored before it is confirmed"
    code = phone.code(room=10)  # the next one has not come when this one has been typed
    child.sendline(code)
    status, said = end(child)
    assert status == 0 and re.search(r"\b\d+ second", said), said

    host.sshd()
    login = host.ssh("alice", code)
    assert not login.ok and "already used" in login.screen, "the confirming code counts as used"
    assert host.ssh("alice", phone.code(1)).ok


def test_a_wrong_code_neither_confirms_nor_reveals_the_correct_one(host):
    child = at_terminal("totp-enroll", "--user", "alice", "--qr=none")
    child.expect(r"(?i)code[^\n]*: ?$")
    phone = Phone(uri_of(secret_on(child.before)))
    right = phone.at(time.time())
    child.sendline(phone.wrong())
    child.expect([r"(?i)code[^\n]*: ?$", pexpect.EOF])
    assert right not in child.before
    child.close(force=True)
    assert os.listdir(f"{STORE}/users") == os.listdir(f"{STORE}/state") == []


def test_ctrl_c_changes_nothing(host):
    phone = host.enroll("alice")
    before = {name: open(f"{STORE}/users/{name}", "rb").read() for name in os.listdir(f"{STORE}/users")}
    child = at_terminal("totp-enroll", "--user", "alice", "--qr=none", "--force")
    child.expect(r"(?i)code[^\n]*: ?$")
    child.sendintr()
    status, _ = end(child)
    assert status != 0
    assert before == {name: open(f"{STORE}/users/{name}", "rb").read()
                      for name in os.listdir(f"{STORE}/users")}
    host.sshd()
    assert host.ssh("alice", phone.code()).ok


def test_an_existing_enrollment_is_replaced_only_on_request(host):
    old = host.enroll("alice")
    said = run("totp-enroll", "--user", "alice", "--no-confirm", "--json", fail=True)
    assert "--force" in said and old.secret not in said
    new = host.enroll("alice", "--force")
    host.policy(fail_delay=0)
    host.sshd()
    assert not host.ssh("alice", old.code()).ok
    assert host.ssh("alice", new.code()).ok


def test_an_ordinary_user_gets_a_clear_message(host):
    for program in ("totp-enroll", "--user", "bob"), ("totpctl", "show", "alice"):
        done = subprocess.run(["setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "--",
                               "/bin/sh", "-c", 'PATH=$PATH:/usr/sbin; exec "$@"', "sh", *program],
                              capture_output=True, text=True, timeout=20, cwd="/")
        assert done.returncode == 1 and "root" in done.stderr, done
        assert done.stderr.count("\n") == 1, done.stderr


def test_root_must_name_the_user_to_enroll(host):
    done = subprocess.run(["totp-enroll"], capture_output=True, text=True, timeout=20,
                          env=dict(os.environ, SUDO_USER="alice"))
    assert done.returncode == 2, done
    assert "--user alice" in done.stderr and "--user root" in done.stderr, done.stderr


def test_an_enrolled_account_is_shown_without_its_secret(host):
    phone = host.enroll("alice", "--label", "phone")
    shown = run("totpctl", "show", "alice")
    assert "alice" in shown and "phone" in shown
    assert phone.secret not in shown.replace(" ", "")


def test_a_full_disk_keeps_the_old_token(host):
    """
    A file-size limit makes writes fail as a full disk does; google-authenticator loses the old
    secret then.
    """
    phone = host.enroll("alice")
    before = sorted(os.listdir(f"{STORE}/users") + os.listdir(f"{STORE}/state"))
    run("sh", "-c", "trap '' XFSZ; ulimit -f 0; exec totp-enroll --user alice --no-confirm --force "
        "--qr=none", fail=True)
    assert before == sorted(os.listdir(f"{STORE}/users") + os.listdir(f"{STORE}/state"))
    host.sshd()
    assert host.ssh("alice", phone.code()).ok
    assert host.ssh("alice", host.enroll("alice", "--force").code()).ok


# ---- the picture, as a user sees it


class Screen:
    """An X server in memory; programs run in its xterms and are photographed."""

    def __init__(self):
        self.display = ":7"
        self.server = subprocess.Popen(
            ["Xvfb", self.display, "-screen", "0", "1400x1100x24", "-nolisten", "tcp"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_for(lambda: is_listening("/tmp/.X11-unix/X7"))
        self.terminals = []

    def run(self, command, dark=True, geometry="120x60", ready=r"(?i)code[^\n]*: ?$", read=None):
        """
        Photograph a program when it has shown `ready`, and again until xterm has drawn all of it, which
        `read` (scan) can read; returns the picture and its text.
        """
        ink, paper = ("white", "black") if dark else ("black", "white")
        text = f"{DIR}/drawn.{time.monotonic_ns()}"
        self.terminals.append(subprocess.Popen(
            ["xterm", "-geometry", geometry, "-fg", ink, "-bg", paper, "-fa", "DejaVu Sans Mono",
             "-fs", "9", "-bc", "-e", "script", "-qefc", command, text],
            env=dict(os.environ, DISPLAY=self.display, LC_ALL="C.UTF-8"),
            stderr=subprocess.DEVNULL))
        shown = lambda: open(text, errors="replace").read() if os.path.exists(text) else ""
        assert wait_for(lambda: re.search(ready, shown())), shown()
        picture = text + ".png"

        def photograph():
            run("import", "-display", self.display, "-window", "root", picture)
            return (read or scan)(picture)
        wait_for(photograph, 20)
        self.terminals.pop().terminate()
        return picture, shown()

    def __call__(self, *options, dark=True, geometry="120x60", read=None,
                 words=("totp-enroll", "--user", "alice", "--force")):
        """An enrollment; returns the picture and the secret that is printed beside it."""
        picture, shown = self.run(" ".join([*words, *options]), dark, geometry, read=read)
        return picture, secret_on(shown)

    def close(self):
        for terminal in self.terminals:
            terminal.terminate()
        self.server.terminate()
        self.server.wait()


@pytest.fixture
def screen(host):
    made = Screen()
    try:
        yield made
    finally:
        made.close()


def scan(picture):
    """What a phone's camera would read, or None."""
    done = subprocess.run(["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", picture],
                          capture_output=True, text=True, timeout=60)
    return done.stdout.rstrip("\n") or None


def scan_letters(picture):
    """
    The same for two characters a module: a camera sees gray squares, depending on its focus, where
    a program sees letters.
    """
    for blur in "5", "6", "4", "5.5", "4.5", "7":
        run("convert", picture, "-blur", f"0x{blur}", "-normalize", f"{picture}.blurred.png")
        read = scan(f"{picture}.blurred.png")
        if read:
            return read
    return None


def scan_swapped(picture):
    """The same with dark and light swapped."""
    run("convert", picture, "-negate", f"{picture}.swapped.png")
    return scan(f"{picture}.swapped.png")


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("style", ["auto", "ansi", "utf8", "ascii"])
def test_the_picture_can_be_scanned(host, screen, style, theme):
    options = [f"--qr={style}"]
    if style in ("utf8", "ascii") and theme == "light":
        options.append("--qr-invert")
    read = scan_letters if style == "ascii" else scan
    picture, secret = screen(*options, dark=theme == "dark", read=read)
    assert read(picture) == uri_of(secret)


@pytest.mark.parametrize("style,theme", [("utf8", "light"), ("utf8", "dark --qr-invert")])
def test_a_picture_with_dark_and_light_swapped_cannot_be_scanned(host, screen, style, theme):
    """Otherwise the test above could not fail."""
    picture, secret = screen(f"--qr={style}", *theme.split()[1:], dark=theme.startswith("dark"),
                             read=scan_swapped)
    assert scan_swapped(picture) == uri_of(secret) and scan(picture) is None


# ---- an ordinary window


@pytest.fixture
def tmux(host):
    """A terminal of a given size whose contents can be read."""
    socket = f"{DIR}/tmux"
    with open(f"{socket}.conf", "w") as file:
        file.write("set -g status off\n")  # before the program sees how many lines there are

    def tell(*argv):
        return run("tmux", "-S", socket, "-f", f"{socket}.conf", *argv)

    def start(command, rows=24, columns=80):
        tell("new-session", "-d", "-x", str(columns), "-y", str(rows), command)

    def lines_at_question():
        """When all has been drawn, down to the question."""
        lines = tell("capture-pane", "-p").split("\n")
        return re.search(r"(?i)code[^\n]*:$", "\n".join(lines).rstrip()) and lines

    def lines():
        found = wait_for(lines_at_question)
        assert found, tell("capture-pane", "-p")
        return found

    start.tell, start.lines = tell, lines
    yield start
    subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True)


def test_picture_secret_and_question_fit_an_ordinary_window(host, tmux):
    tmux("sh -c 'stty size; exec totp-enroll --user alice'")
    lines = tmux.lines()[:24]
    drawn = sum(bool(re.search("[▀▄█]", line)) for line in lines)
    assert drawn >= 19, "37 modules, two to a line"
    phone = Phone(uri_of(secret_on("\n".join(lines))))
    host.phones.append(phone)
    tmux.tell("send-keys", phone.code(), "Enter")
    assert wait_for(lambda: os.listdir(f"{STORE}/users"))
    host.sshd()
    assert host.ssh("alice", phone.code(1)).ok


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_picture_in_an_ordinary_window_is_complete(host, screen, theme):
    picture, secret = screen(dark=theme == "dark", geometry="80x24")
    assert scan(picture) == uri_of(secret)


def test_in_a_small_window_the_needed_size_is_printed(host, tmux):
    tmux("totp-enroll --user alice", rows=15, columns=60)
    text = "\n".join(tmux.lines())
    assert re.search(r"\b(\d+) (?:columns|rows|lines)|\b\d+x\d+\b", text), text
    assert not re.search("[▀▄█]", text), "half a picture helps nobody"
    secret_on(text)
