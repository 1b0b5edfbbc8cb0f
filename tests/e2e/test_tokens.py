# SPDX-License-Identifier: BSD-2-Clause
"""Recovery codes, several tokens, hardware tokens and pictures: enrolled, and used with ssh."""
import json
import os
import re
import stat
import subprocess

import pytest

from host import STORE, Phone, run
from test_enroll import at_terminal, end, secret_on, uri_of

RECOVERY = r"\b[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}\b"
FOB = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 4226 appendix D


def counter_code(counter):
    return run("oathtool", "-c", str(counter), "-b", FOB).strip()


def enroll(*options, given=None):
    return run("totp-enroll", "--user", "alice", "--qr=none", *options, given=given)


def refused(*options, given=None):
    done = subprocess.run(["totp-enroll", "--user", "alice", "--qr=none", *options], input=given,
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0, done
    return done


def files_of_store():
    return sorted(os.listdir(f"{STORE}/users") + os.listdir(f"{STORE}/state"))


# ---- recovery codes


def test_recovery_codes_are_shown_once_after_the_confirmation_and_work(host):
    child = at_terminal("totp-enroll", "--user", "alice", "--qr=none")
    child.expect(r"(?i)code[^\n]*: ?$")
    assert not re.search(RECOVERY, child.before), "before anything is stored"
    phone = Phone(uri_of(secret_on(child.before)))
    host.phones.append(phone)
    child.sendline(phone.code())
    status, said = end(child)
    codes = re.findall(RECOVERY, said)
    assert status == 0 and len(set(codes)) == 10, said
    assert all(len(line) <= 80 for line in said.splitlines()), said
    assert "alice" in said and "tower" in said

    host.sshd()
    assert host.ssh("alice", codes[9].lower().replace("-", " ")).ok
    assert host.events()[-1]["reason"] == "recovery_code"
    again = host.ssh("alice", codes[9])
    assert not again.ok and "already used" in again.screen
    assert not re.search(RECOVERY, run("totpctl", "show", "alice"))
    assert "9 of 10 left" in run("totpctl", "show", "alice")
    assert not any(code in host.log_text() for code in codes)
    assert host.ssh("alice", phone.code(1)).ok


def test_the_user_reads_when_the_last_recovery_codes_are_left(host):
    host.policy(recovery_codes=3)
    codes = re.findall(RECOVERY, enroll("--no-confirm"))
    assert len(codes) == 3
    host.sshd()
    for left, code in zip(("2 recovery codes left", "1 recovery code left", "last recovery code"),
                          codes):
        assert left in host.ssh("alice", code).screen


def test_recovery_codes_go_to_a_new_file_of_one_s_own(host, tmp_path):
    path = f"{tmp_path}/codes"
    said = enroll("--no-confirm", "--save", path)
    assert not re.search(RECOVERY, said) and path in said
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, encoding="ascii") as file:
        codes = re.findall(RECOVERY, file.read())
    assert len(codes) == 10
    host.sshd()
    assert host.ssh("alice", codes[0]).ok


@pytest.mark.parametrize("option", ["--save", "--svg", "--png"])
@pytest.mark.parametrize("there", ["file", "link", "directory"])
def test_no_file_replaces_another(host, tmp_path, option, there):
    path, target = f"{tmp_path}/there", f"{tmp_path}/target"
    if there == "file":
        with open(path, "w", encoding="ascii") as file:
            file.write("mine")
    elif there == "link":
        os.symlink(target, path)
    else:
        path = f"{tmp_path}/no-such-directory/there"
    said = refused("--no-confirm", option, path)
    assert path in said.stderr and "Nothing was changed" in said.stderr, said
    assert files_of_store() == [] and not os.path.exists(target)
    if there == "file":
        with open(path, encoding="ascii") as file:
            assert file.read() == "mine"


def test_a_failed_enrollment_leaves_no_file(host, tmp_path):
    paths = [f"{tmp_path}/{name}" for name in ("codes", "svg", "png")]
    options = [word for pair in zip(("--save", "--svg", "--png"), paths) for word in pair]
    said = refused(*options, given="000000\n" * 5)
    assert said.returncode == 1 and not any(map(os.path.exists, paths)), said
    host.enroll("alice")
    assert refused("--no-confirm", *options).returncode == 1  # enrolled already
    assert not any(map(os.path.exists, paths))


def test_a_new_enrollment_makes_the_old_recovery_codes_invalid(host):
    old = re.findall(RECOVERY, enroll("--no-confirm"))
    new = json.loads(enroll("--no-confirm", "--force", "--json"))["recovery_codes"]
    assert len(new) == 10 and not set(new) & set(old)
    host.sshd()
    assert not host.ssh("alice", old[0]).ok
    assert host.events()[-1]["reason"] == "wrong_recovery_code"
    assert host.ssh("alice", new[0]).ok


# ---- several tokens


def test_a_second_phone_works_beside_the_first_until_one_is_removed(host):
    first = host.enroll("alice")
    host.sshd()
    used = first.code()
    assert host.ssh("alice", used).ok
    recovery = re.findall(RECOVERY, enroll("--add", "tablet", "--no-confirm", "--json"))
    assert not recovery, "the recovery codes stay as they are"
    second = Phone(json.loads(enroll("--add", "watch", "--no-confirm", "--json"))["uri"])
    host.phones.append(second)

    assert not host.ssh("alice", used).ok, "what was used before is used still"
    assert host.events()[-1]["reason"] == "used_code"
    assert host.ssh("alice", second.code()).ok
    assert host.events()[-1]["token"] == "watch"
    assert host.ssh("alice", first.code(1)).ok
    assert host.events()[-1]["token"] == "phone"

    enroll("--remove", "phone")
    assert not host.ssh("alice", first.code(1)).ok
    assert host.ssh("alice", second.code(1)).ok
    enroll("--remove", "tablet")
    assert "totpctl delete" in refused("--remove", "watch").stderr
    assert "no token" in refused("--remove", "phone").stderr


def test_a_token_that_cannot_be_added_is_rejected_before_a_secret_is_shown(host):
    said = refused("--add", "phone", "--no-confirm")
    assert "not enrolled" in said.stderr and said.stdout == ""
    enroll("--no-confirm")
    said = refused("--add", "phone", "--no-confirm")
    assert "already" in said.stderr and said.stdout == ""
    for number in range(2, 9):
        enroll("--add", f"token {number}", "--no-confirm")
    said = refused("--add", "ninth", "--no-confirm")
    assert "--remove" in said.stderr and said.stdout == ""


# ---- hardware tokens


def test_a_counter_based_token_is_enrolled_with_its_secret_and_works(host):
    said = enroll("--secret", "-", "--hotp", given=f"{FOB}\n{counter_code(2)}\n")
    assert "enrolled" in said and FOB not in said.replace(" ", "")
    host.sshd()
    assert not host.ssh("alice", counter_code(2)).ok, "the confirming code counts as used"
    assert host.ssh("alice", counter_code(3)).ok
    assert host.ssh("alice", counter_code(9)).ok
    assert not host.ssh("alice", counter_code(4)).ok


def test_a_secret_is_typed_without_being_shown(host):
    child = at_terminal("totp-enroll", "--user", "alice", "--secret", "-", "--no-confirm")
    child.expect("base32\\): ?$")
    child.sendline(FOB.lower())
    status, said = end(child)
    assert status == 0 and FOB.lower() not in said, said
    host.phones.append(Phone(uri_of(FOB)))
    host.sshd()
    assert host.ssh("alice", host.phones[0].code()).ok


@pytest.mark.parametrize("given", ["", "\n", "not base32!\n", "GEZDGNBV\n", "A" * 300 + "\n"])
def test_a_malformed_secret_changes_nothing(host, given):
    said = refused("--secret", "-", "--no-confirm", given=given)
    assert said.returncode == 1 and "secret" in said.stderr, said
    assert files_of_store() == []


def test_the_same_secret_is_not_accepted_twice(host):
    enroll("--secret", "-", "--no-confirm", given=f"{FOB}\n")
    said = refused("--add", "twin", "--secret", "-", "--no-confirm", given=f"{FOB}\n")
    assert "same secret" in said.stderr and "Nothing was changed" in said.stderr


# ---- pictures in files


def scan(picture):
    done = subprocess.run(["zbarimg", "--quiet", "--raw", picture], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.strip()


def draw_svg(svg, picture, scale=6):
    """The modules of our SVG as a portable bitmap: what a browser would show."""
    with open(svg, encoding="ascii") as file:
        text = file.read()
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', text)[1])
    dark = set()
    for x, y, run_, back in re.findall(r"M(\d+) (\d+)h(\d+)v1H(\d+)z", text):
        assert back == x
        dark |= {(int(x) + i, int(y)) for i in range(int(run_))}
    rows = [" ".join("1" if (x // scale, y // scale) in dark else "0"
                     for x in range(side * scale)) for y in range(side * scale)]
    with open(picture, "w", encoding="ascii") as file:
        file.write(f"P1\n{side * scale} {side * scale}\n" + "\n".join(rows) + "\n")


def test_pictures_in_files_hold_the_exact_uri(host, tmp_path):
    svg, png, drawn = f"{tmp_path}/a.svg", f"{tmp_path}/a.png", f"{tmp_path}/a.pbm"
    uri = json.loads(enroll("--no-confirm", "--json", "--svg", svg, "--png", png))["uri"]
    assert stat.S_IMODE(os.stat(svg).st_mode) == stat.S_IMODE(os.stat(png).st_mode) == 0o600
    assert scan(png) == uri
    draw_svg(svg, drawn)
    assert scan(drawn) == uri


# ---- options that contradict each other


@pytest.mark.parametrize("options", [
    ("--add", "x", "--force"), ("--remove", "x", "--add", "y"),
    ("--hotp", "--period", "30"), ("--counter", "3"), ("--add", "x", "--save", "y"),
    ("--secret", FOB), ("--hotp", "--counter", "-1"), ("--add", 'a"b'), ("--remove", ""),
])
def test_options_that_contradict_each_other_are_wrong_usage(host, options):
    said = refused(*options)
    assert said.returncode == 2 and "--help" in said.stderr, said
    assert FOB not in said.stderr
