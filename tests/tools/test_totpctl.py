# SPDX-License-Identifier: BSD-2-Clause
"""totpctl as an administrator runs it, on a store of its own in a temporary directory."""

import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import stat
import struct
import subprocess
import tempfile
import time

import pytest

from host import *  # noqa: F403

# ---- the command line


def help_of(*words):
    return subprocess.run([TOTPCTL, *words, "--help"], check=True, capture_output=True,
                          text=True).stdout


def subcommands(*family):
    """Every subcommand that --help lists, as words; for a group of subcommands its members, too."""
    before = "".join(f"{word} " for word in family)
    for name in re.findall(rf"^  {before}([a-z][a-z-]*)", help_of(*family).split("\nOptions:")[0],
                           re.M):
        yield *family, name
        if " SUBCOMMAND\n" in help_of(*family, name):
            yield from subcommands(*family, name)


HELPDESK = ("helpdesk",)  # a command line of its own
SUBCOMMANDS = [words for words in subcommands() if words != HELPDESK]


def test_help_fits_a_screen_and_lists_every_subcommand(bare):
    text = bare.done("--help", conf=False)
    assert len(text.splitlines()) <= 46
    assert all(len(line) <= 80 for line in text.splitlines())
    for name in ("init check doctor list show test import recovery resync unlock forget invite "
                 "uninvite suspend resume delete temporary-code repair repair-clock adopt store").split():
        assert (name,) in SUBCOMMANDS


@pytest.mark.parametrize("words", SUBCOMMANDS, ids=" ".join)
def test_each_subcommand_has_help_of_its_own_on_one_screen(bare, words):
    texts = [bare.done(*order, conf=False)
             for order in ((*words, "--help"), ("--help", *words), (*words, "-h"))]
    assert len(set(texts)) == 1
    assert f"Usage: totpctl [--conf FILE] {' '.join(words)}" in texts[0]
    assert len(texts[0].splitlines()) < 24
    assert all(len(line) <= 80 for line in texts[0].splitlines())


def test_the_help_of_the_help_desk_fits_a_screen(bare):
    text = bare.done(*HELPDESK, "--help", conf=False)
    assert "Usage: totpctl helpdesk SUBCOMMAND" in text and len(text.splitlines()) < 24
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "totpctl helpdesk --help" in bare.done("help", *HELPDESK, conf=False)


@pytest.mark.parametrize("words, named", [
    (("unlock", "--bad"), "helpdesk unlock"), (("unlock",), "helpdesk unlock"), (("--bad",), "helpdesk"),
    (("delete", "root"), "helpdesk"), (("temporary-code", "root", "--uses", "0"), "helpdesk temporary-code")])
def test_wrong_usage_of_the_help_desk_names_its_own_help(bare, words, named):
    ran = bare.run(*HELPDESK, *words, conf=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.endswith(f"Try 'totpctl {named} --help'.\n")
    assert f"Usage: totpctl {named} " in bare.done(*named.split(), "--help", conf=False)


def test_version(bare):
    assert re.fullmatch(r"totpctl \(pam_totp\) \d+\.\d+\.\d+\n", bare.done("--version"))


@pytest.mark.parametrize("words", [
    (), ("frobnicate",), ("--frobnicate",), ("show",), ("show", "--all", "a"),
    ("init", "now"), ("check", "a", "b"), ("import",), ("import", "csv"), ("import", "json", "-"),
    ("unlock",), ("delete", "a"), ("delete", "--yes"), ("suspend",), ("repair",), ("repair", "a", "b"), ("repair-clock",), ("adopt",),
    ("key",), ("key", "frobnicate"), ("key", "list", "now"), ("key", "rotate", "--json"),
    ("doctor", "now"), ("doctor", "--service"), ("list", "--fix"),
    ("uninvite",),
    ("show", "root", "--keep-going"), ("show", "root", "--conf"), ("--conf=", "show", "root"),
])
def test_wrong_usage_exits_with_2_and_names_the_help(bare, words):
    ran = bare.run(*words, conf=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("totpctl: ") and "--help" in ran.stderr


@pytest.mark.parametrize("typed, meant", [
    ("disable", "suspend"), ("enable", "resume"), ("revoke", "delete"), ("bypass", "temporary-code"),
    ("lock", "suspend"), ("unlok", "unlock"), ("lsit", "list"), ("docter", "doctor"),
    ("temp", "temporary-code"), ("disabel", "suspend"), ("Delete", "delete")])
def test_a_mistyped_or_foreign_word_is_answered_with_the_nearest_subcommand(bare, typed, meant):
    ran = bare.run(typed, "root", conf=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (f"totpctl: unknown subcommand '{typed}'; did you mean '{meant}'?\n"
                          "Try 'totpctl --help'.\n")


@pytest.mark.parametrize("typed", ["frobnicate", "x", "", "q" * 4000])
def test_a_word_that_resembles_no_subcommand_gets_no_suggestion(bare, typed):
    assert "did you mean" not in bare.run(typed, conf=False).stderr


def test_the_suggestion_within_a_group_is_one_of_its_members(bare):
    said = bare.run("key", "lsit", conf=False).stderr
    assert "key: unknown subcommand 'lsit'; did you mean 'list'?" in said
    assert said.endswith("Try 'totpctl key --help'.\n")


@pytest.mark.parametrize("words, said", [
    (("list", "--jsno"), "list: there is no option '--jsno'; did you mean '--json'?"),
    (("test", "a", "--servic", "sshd"), "there is no option '--servic'; did you mean '--service'?"),
    (("--cnof=x", "list"), "list: there is no option '--cnof'; did you mean '--conf'?"),
    (("check", "a", "--json"), "check: there is no option '--json'"),
    (("list", "-j"), "list: there is no option '-j'"),
    (("delete", "a", "--yes=no"), "--yes takes no value"),
    (("test", "a", "--service"), "--service needs a value: --service NAME"),
    (("test", "a", "--service="), "--service needs a value: --service NAME"),
    (("temporary-code", "a", "--uses", "0"), "--uses: expected a number from 1 to 100, not '0'"),
    (("temporary-code", "a", "--for", "31d"), "--for: expected a duration from 1m to 30d"),
    (("invite", "a", "--for", "-1"), "--for: expected a duration from 1m to 366d"),
])
def test_a_wrong_option_is_named_with_what_was_expected(bare, words, said):
    ran = bare.run(*words, conf=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"totpctl: {said}") or f": {said}" in ran.stderr
    command = next(word for word in words if not word.startswith("-"))
    assert ran.stderr.endswith(f"Try 'totpctl {command} --help'.\n")


def test_options_and_words_come_in_any_order(host, monkeypatch):
    monkeypatch.setenv("POSIXLY_CORRECT", "1")
    host.enroll(KNOWN)
    seen = host.done("list", "--json")
    assert host.done("--json", "list") == seen
    assert host.run("--service", "no-such", "test", "--from=192.0.2.1", KNOWN).stderr.startswith(
        "totpctl: /etc/pam.d/no-such: there is no such service")


@pytest.mark.parametrize("words", [
    ("unlock",), ("resync", "a"), ("temporary-code", "a", "--for", "soon"),
    ("invite", "a", "--for", "soon"), ("delete", "a"), ("key", "rotate", "now"), ("key",),
    ("fleet",), ("fleet", "cert"), ("fleet", "cert", "host", "directory")])
def test_a_usage_error_points_to_the_help_of_its_subcommand(bare, words):
    count = max(n for n in range(1, 4) if words[:n] in SUBCOMMANDS)
    said = bare.run(*words, conf=False).stderr
    assert said.endswith(f"Try 'totpctl {' '.join(words[:count])} --help'.\n")


@pytest.mark.parametrize("words", [(), *SUBCOMMANDS], ids=" ".join)
def test_help_is_a_subcommand_too(bare, words):
    assert bare.done("help", *words, conf=False) == help_of(*words)


def test_conf_may_follow_the_subcommand(host):
    for words in ("show", UNKNOWN, "--conf", host.conf), ("show", f"--conf={host.conf}", UNKNOWN):
        ran = host.run(*words, conf=False)
        assert (ran.returncode, "is not enrolled" in ran.stderr) == (1, True)


def test_a_user_name_that_begins_with_a_dash_follows_two_dashes(host):
    assert "-x is not enrolled" in host.refused("show", "--", "-x")


def test_output_that_cannot_be_written_is_a_failure(host):
    with open("/dev/full", "w") as full:
        ran = subprocess.run([TOTPCTL, "--conf", host.conf, "init"], stdout=full,
                             stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 1 and "standard output" in ran.stderr


@pytest.mark.parametrize("words", [("init",), ("doctor",), ("show", "root"), ("import", "csv", "-"),
                                   ("unlock", "root"), ("invite",), ("invite", "root"),
                                   ("uninvite", "root"), ("delete", "--yes", "root"), ("repair", "root"),
                                   ("repair-clock", "root"), ("adopt", "root"),
                                   ("key", "list"), ("key", "rotate"),
                                   ("key", "backup", "/nowhere/x"), ("key", "restore", "/dev/null")])
def test_users_other_than_root_read_that_root_is_needed(host, words):
    try:
        ran = host.run(*words, preexec_fn=as_nobody)
    except PermissionError:
        pytest.skip("the build directory is closed to others")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "only root can" in ran.stderr


# ---- init


def test_init_creates_keyring_and_store(bare):
    said = bare.done("init")
    assert f"keyring {bare.keyring}" in said and f"store {bare.store}" in said
    assert "copy" in said and "totp-enroll --user" in said
    assert stat.S_IMODE(bare.keyring.stat().st_mode) == 0o600
    assert stat.S_IMODE(bare.keyring.parent.stat().st_mode) == 0o755
    assert stat.S_IMODE(bare.store.stat().st_mode) == 0o755
    assert stat.S_IMODE((bare.store / "STORE").stat().st_mode) == 0o644
    for name in "users", "state", "invites":
        assert stat.S_IMODE((bare.store / name).stat().st_mode) == 0o700
    assert "outcome=initialised" in bare.logged()
    assert not list(bare.directory.rglob("*~*"))


def test_init_does_not_depend_on_the_umask(bare):
    bare.done("init", preexec_fn=lambda: os.umask(0o077))
    assert stat.S_IMODE(bare.keyring.parent.stat().st_mode) == 0o755
    assert stat.S_IMODE(bare.keyring.stat().st_mode) == 0o600
    assert stat.S_IMODE(bare.store.stat().st_mode) == 0o755
    bare.enroll(UNKNOWN)


def test_init_says_who_owns_the_records(bare):
    import pwd
    try:
        owner = pwd.getpwnam("_pam_totp")
    except KeyError:
        owner = None
    said = bare.done("init")
    assert ("_pam_totp" if owner else "root, since there is no account _pam_totp") in said
    assert (bare.store / "users").stat().st_uid == (owner.pw_uid if owner else 0)


def test_init_again_changes_nothing(host):
    host.enroll(UNKNOWN)
    before = host.files()
    said = host.done("init")
    assert "nothing is changed" in said
    assert host.files() == before


def test_init_creates_no_new_key_for_an_old_store(host):
    host.enroll(UNKNOWN)
    kept = host.keyring.read_bytes()
    host.keyring.unlink()
    before = host.files()
    said = host.refused("init")
    assert str(host.keyring) in said and "Restore" in said
    assert host.files() == before

    host.keyring.write_bytes(kept)
    host.keyring.chmod(0o600)
    host.done("show", UNKNOWN)


def test_init_creates_no_new_key_for_records_without_a_marker(host):
    host.enroll(UNKNOWN)
    host.keyring.unlink()
    (host.store / "STORE").unlink()
    host.refused("init")
    assert not host.keyring.exists() and not (host.store / "STORE").exists()


def test_init_creates_a_store_for_an_existing_keyring(host):
    kept = host.keyring.read_bytes()
    subprocess.run(["rm", "-r", host.store], check=True)
    said = host.done("init")
    assert "Made the keyring" not in said and "Made the store" in said
    assert host.keyring.read_bytes() == kept
    host.enroll(UNKNOWN)


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("nonsense\n"),
                                   lambda path: path.chmod(0o640),
                                   lambda path: os.chown(path, 1, 0),
                                   lambda path: path.write_text("")])
def test_init_leaves_an_unsafe_keyring_unchanged(host, spoil):
    spoil(host.keyring)
    before = host.files()
    assert str(host.keyring) in host.refused("init")
    assert host.files() == before


def test_init_needs_the_parents_of_its_directories(bare):
    bare.keyring = bare.directory / "a" / "b" / "keyring"
    bare.policy()
    assert str(bare.directory / "a" / "b") in bare.refused("init")
    assert not bare.store.exists()


def test_a_missing_store_is_explained(bare):
    for words in ("show", "root"), ("delete", "--yes", "root"), ("import", "csv", "/dev/null"):
        assert "totpctl init" in bare.refused(*words)


def test_a_missing_keyring_never_means_not_enrolled(host):
    host.enroll(KNOWN)
    host.keyring.unlink()
    for name in "show", "unlock", "repair", "repair-clock", "adopt":
        said = host.refused(name, KNOWN)
        assert "not enrolled" not in said and str(host.keyring) in said
    said = host.refused("import", "csv", "-", stdin=f"{UNKNOWN},{SECRET}\n")
    assert "nothing is imported" in said and str(host.keyring) in said


# ---- check


def test_check_says_that_a_file_has_no_errors(host):
    assert host.done("check") == f"{host.conf}: no errors\n"
    assert host.done("check", host.conf, conf=False) == f"{host.conf}: no errors\n"


def test_check_reports_every_mistake_with_file_and_line(host):
    path = host.directory / "candidate"
    path.write_text("# a comment\nwindow = many\n\nnullok = yes\nwindow = 1\nwindow = 1\nnonsense\n")
    ran = host.run("check", path)
    assert (ran.returncode, ran.stdout) == (1, "")
    lines = ran.stderr.splitlines()
    assert [re.match(rf"{re.escape(str(path))}:(\d+): ", line).group(1) for line in lines[:2]] == [
        "2", "4"]
    assert lines[-1].startswith(f"{path}:7: ")


def test_check_reads_a_candidate_of_any_owner_and_mode(host):
    path = host.directory / "candidate"
    path.write_text("window = 2\n")
    os.chown(path, 65534, 65534)
    path.chmod(0o666)
    assert host.done("check", path) == f"{path}: no errors\n"
    # but not the policy in use
    assert str(path) in host.refused("--conf", path, "check", conf=False)


def test_check_needs_no_root(host):
    host.directory.chmod(0o755)
    path = host.directory / "candidate"
    path.write_text("window = 2\n")
    for directory in list(path.parents)[:-1]:
        if not directory.stat().st_mode & stat.S_IXOTH:
            path = None
            break
    try:
        ran = host.run("check", path or "/dev/null", preexec_fn=as_nobody)
    except PermissionError:
        pytest.skip("the build directory is closed to others")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_check_reads_a_pipe(host):
    said = host.done("check", "/dev/stdin", stdin="enforce = optional\n")
    assert said == "/dev/stdin: no errors\n"


@pytest.mark.parametrize("key", ["required_for", "exempt"])
def test_check_rejects_a_group_that_does_not_exist(host, key):
    host.policy(f"{key} = root, @root, @no.such.group, @nor.this.one")
    said = host.refused("check")
    assert f"{host.conf}: {key}: " in said
    assert "no.such.group" in said and "nor.this.one" in said


def test_check_only_warns_about_a_user_who_does_not_exist(host):
    host.policy(f"exempt = root, {UNKNOWN}")
    ran = host.run("check")
    assert (ran.returncode, ran.stdout) == (0, f"{host.conf}: no errors\n")
    assert re.fullmatch(rf".*exempt: warning: .*{UNKNOWN}\n", ran.stderr)


@pytest.mark.parametrize("path", ["/nonexistent/policy", "/etc"])
def test_check_says_why_it_cannot_read(host, path):
    assert path in host.refused("check", path)


def test_check_rejects_a_file_that_is_too_large(host):
    path = host.directory / "candidate"
    path.write_text("#" * 70000)
    assert "64 KiB" in host.refused("check", path)


def test_a_mistake_in_the_policy_stops_every_subcommand(host):
    host.policy("window = many")
    for words in ("init",), ("show", "root"), ("import", "csv", "-"), ("unlock", "root"):
        assert re.search(rf"{re.escape(str(host.conf))}:4: window: ", host.refused(*words))


# ---- import


def test_import_enrolls_users(host):
    path = host.csv(f"# user,secret\n\nalice.x,{SECRET}\n"
                    f"bob.x , {OTHER_SECRET},SHA256,8,60\r\n\t\ncarol.x,{SECRET.lower()},,,")
    assert host.done("import", "csv", path) == "3 users imported\n"
    assert row(host.done("show", "alice.x"), "token") == '"imported": TOTP, SHA1, 6 digits, 30 seconds'
    assert row(host.done("show", "bob.x"), "token") == '"imported": TOTP, SHA256, 8 digits, 60 seconds'
    assert host.attempt("alice.x", fresh_code()) == "allow code"
    assert sorted(os.listdir(host.store / "users")) == ["alice.x", "bob.x", "carol.x"]
    assert len(os.listdir(host.store / "state")) == 3


def test_import_binds_known_users_to_their_uid(host):
    host.done("import", "csv", "-", stdin=f"{KNOWN},{SECRET}\n{UNKNOWN},{SECRET}\n")
    assert row(host.done("show", KNOWN), "uid") == str(KNOWN_UID)
    assert "not bound" in row(host.done("show", UNKNOWN), "uid")


def test_import_binds_the_same_way_in_a_long_list(host):
    text = "".join(f"user{i:04},{SECRET}\n" for i in range(500)) + f"{KNOWN},{SECRET}\n"
    assert host.done("import", "csv", "-", stdin=text) == "501 users imported\n"
    assert row(host.done("show", KNOWN), "uid") == str(KNOWN_UID)
    assert "not bound" in row(host.done("show", "user0499"), "uid")


BAD_LINES = [
    "alone",
    ",JBSWY3DPEHPK3PXP",
    f"{'x' * 201},{SECRET}",
    f"{'X' * 100},{SECRET}",
    "u,",
    "u,not base32!",
    "u,JBSWY3DPEHPK3PX",
    "u,GE======",
    f"u,{'A' * 300}",
    f"u,{SECRET},MD5",
    f"u,{SECRET},SHA1,5",
    f"u,{SECRET},SHA1,6,10",
    f"u,{SECRET},SHA1,6,30,more",
    "user,secret,algorithm,digits,period",
    f"a\x01b,{SECRET}",
]


def test_a_file_with_a_nul_is_no_list(host):
    path = host.csv(f"alice.x,{SECRET}\n\x00,{SECRET}\n")
    assert f"{path}: not a text file" in host.refused("import", "csv", path)
    assert os.listdir(host.store / "users") == []


@pytest.mark.parametrize("bad", BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_line_is_reported_and_nothing_is_imported(host, bad):
    path = host.csv(f"alice.x,{SECRET}\n{bad}\n")
    said = host.refused("import", "csv", path)
    assert said.startswith(f"{path}:2: ")
    assert "nothing is imported" in said and "--keep-going" in said
    assert os.listdir(host.store / "users") == os.listdir(host.store / "state") == []
    assert SECRET not in said


def test_every_bad_line_is_reported(host):
    path = host.csv(f"\nx\ny,{SECRET}\n#\nz,1\n")
    said = host.refused("import", "csv", path)
    assert re.findall(rf"^{re.escape(str(path))}:(\d+): ", said, re.M) == ["2", "5"]
    assert "2 of 3" in said


def test_keep_going_imports_the_good_lines(host):
    path = host.csv(f"x\ngood.x,{SECRET}\ngood.x,{SECRET}\n")
    for words in ("--keep-going", "csv", path), ("csv", path, "--keep-going"):
        ran = host.run("import", *words)
        assert ran.returncode == 1
        assert ran.stdout in ("1 user imported\n", "0 users imported, 1 kept\n")
        assert f"{path}:1: " in ran.stderr and f"{path}:3: " in ran.stderr
    assert os.listdir(host.store / "users") == ["good.x"]


def test_keep_going_succeeds_where_every_line_is_good(host):
    said = host.done("import", "csv", "-", "--keep-going", stdin=f"good.x,{SECRET}\n")
    assert said == "1 user imported\n"


def test_a_user_given_twice_is_an_error_that_names_the_first_line(host):
    path = host.csv(f"a.x,{SECRET}\nb.x,{SECRET}\na.x,{OTHER_SECRET}\n")
    assert f"{path}:3: a.x is in line 1 already" in host.refused("import", "csv", path)


def test_an_enrolled_user_stays_unchanged(host):
    host.enroll("a.x")
    before = host.files()
    said = host.refused("import", "csv", "-", stdin=f"a.x,{OTHER_SECRET}\n")
    assert "standard input:1: a.x is enrolled already" in said
    assert host.files() == before


def test_a_weak_secret_is_imported_with_a_warning(host):
    ran = host.run("import", "csv", "-", stdin=f"a.x,{SECRET}\nb.x,JBSWY3DPEHPK3PXP\n")
    assert (ran.returncode, ran.stdout) == (0, "2 users imported\n")
    assert ran.stderr.startswith("standard input:2: warning: ") and "10 bytes" in ran.stderr
    assert "10 bytes" in row(host.done("show", "b.x"), "  weak")


def test_a_list_without_users_imports_none(host):
    for text in "", "\n\n", "# nobody\n":
        assert host.done("import", "csv", "-", stdin=text) == "0 users imported\n"


def test_a_byte_order_mark_is_not_part_of_the_first_name(host):
    path = host.csv("")
    path.write_bytes(b"\xef\xbb\xbfa.x," + SECRET.encode() + b"\r\n")
    host.done("import", "csv", path)
    host.done("show", "a.x")


def test_import_warns_about_a_list_that_others_can_read(host):
    path = host.csv(f"a.x,{SECRET}\n")
    path.chmod(0o644)
    ran = host.run("import", "csv", path)
    assert ran.returncode == 0 and "others can read it" in ran.stderr


@pytest.mark.parametrize("path", ["/nonexistent/list", "/etc"])
def test_import_says_why_it_cannot_read(host, path):
    assert path in host.refused("import", "csv", path)


def test_import_logs_the_enrolled_users_and_no_secret(host):
    host.done("import", "csv", "-", stdin=f"a.x,{SECRET}\nb.x,{OTHER_SECRET}\n")
    assert re.findall(r"user=(\S+) .*outcome=imported", host.logged()) == ["a.x", "b.x"]
    assert SECRET not in host.logged() and OTHER_SECRET not in host.logged()


def test_hostile_names_stay_inside_the_store(host):
    names = ["../x", "a/b", " lead", ".", "..", "A", "%41", "ä"]
    before = set(host.files())
    text = "".join(f"{name},{SECRET}\n" for name in names)
    assert host.done("import", "csv", "-", stdin=text) == f"{len(names)} users imported\n"
    made = set(host.files()) - before
    assert len(made) == 2 * len(names)
    assert {os.path.dirname(path) for path in made} == {f"{host.store}/users", f"{host.store}/state"}
    for name in names:
        assert row(host.done("show", "--", name.strip()), "user") == name.strip()


def test_a_full_disk_leaves_nothing(host):
    import resource
    path = host.csv("".join(f"u{i},{SECRET}\n" for i in range(50)))

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    before = host.files()
    assert "nothing is imported" in host.refused("import", "csv", path, preexec_fn=small)
    assert host.files() == before


def test_an_interruption_undoes_everything(host):
    path = host.csv("".join(f"u{i},{SECRET}\n" for i in range(20000)))
    child = subprocess.Popen([TOTPCTL, "--conf", host.conf, "import", "csv", path],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(os.listdir(host.store / "users")) < 20:
        assert child.poll() is None
        time.sleep(0.001)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=HANGS)
    assert (child.returncode, out) == (1, "")
    assert "interrupted: nothing is imported" in err
    assert os.listdir(host.store / "users") == os.listdir(host.store / "state") == []


def run_on_terminal(*words):
    """Run totpctl with a terminal as its standard error; returns exit code and what it drew."""
    master, slave = pty.openpty()
    child = subprocess.Popen([TOTPCTL, *words], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=slave)
    drawn = drawn_on(master, slave, lambda: child.poll() is not None)
    return child.returncode, drawn


def test_progress_is_drawn_on_a_terminal_and_erased_again(host):
    path = host.csv("".join(f"u{i},{SECRET}\n" for i in range(5000)))
    code, drawn = run_on_terminal("--conf", host.conf, "import", "csv", path)
    assert code == 0
    assert re.search(r"importing \[#* *\] +\d+ %", drawn)
    assert drawn.endswith("\r\x1b[K")


# ---- show


def test_show_never_shows_a_secret(host):
    host.enroll(KNOWN)
    for shown in host.done("show", KNOWN), host.logged():
        for secret in SECRET, SECRET.lower(), base64.b32decode(SECRET).hex(), "Hello!":
            assert secret not in shown


def test_show_prints_what_an_administrator_wants_to_know(host):
    host.enroll(KNOWN)
    shown = host.done("show", KNOWN)
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+01:00"
    assert row(shown, "user") == KNOWN
    assert row(shown, "uid") == str(KNOWN_UID)
    assert re.fullmatch(moment, row(shown, "enrolled"))
    assert re.fullmatch(moment, row(shown, "  added"))
    assert row(shown, "  last used") == row(shown, "last login") == "never"
    assert row(shown, "failures") == "none since then"
    assert row(shown, "  wrong codes") == "0 of 5, in the long run 0 of 100"
    assert row(shown, "known source") is row(shown, "  next try") is None

    assert host.attempt(KNOWN, fresh_code()) == "allow code"
    assert host.attempt(KNOWN, wrong_code(), "2001:db8::7") == "deny wrong_code"
    shown = host.done("show", KNOWN)
    assert re.fullmatch(moment, row(shown, "last login"))
    assert row(shown, "  last used") == row(shown, "last login") == row(shown, "  last login")
    assert row(shown, "known source") == "192.0.2.1"
    assert row(shown, "failures") == "1 since then"
    assert re.fullmatch(rf"{moment} from 2001:db8::/64", row(shown, "  the last"))
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_show_prints_how_long_to_wait(host):
    host.enroll(KNOWN)
    for _ in range(5):
        assert host.attempt(KNOWN, wrong_code()) == "deny wrong_code"
    assert host.attempt(KNOWN, wrong_code()) == "wait throttled"
    shown = host.done("show", KNOWN)
    assert row(shown, "  wrong codes") == "5 of 5, in the long run 5 of 100"
    assert re.fullmatch(r"in (5 minutes|4 minutes \d+ seconds?), or after totpctl unlock",
                        row(shown, "  next try"))


def test_show_reports_a_lock_that_only_unlock_ends(host):
    host.policy("attempts_total = 2", "attempts_total_refill = 0")
    host.enroll(KNOWN)
    for _ in range(2):
        host.attempt(KNOWN, wrong_code())
    assert row(host.done("show", KNOWN), "  next try") == "denied until totpctl unlock"


def test_show_counts_recovery_codes_and_marks_counter_based_tokens(host):
    host.enroll(KNOWN)
    host.record("hotp", KNOWN)
    shown = host.done("show", KNOWN)
    assert row(shown, "recovery codes") == "10 of 10 left"
    assert '"keyfob": HOTP, SHA1, 6 digits' in shown


def test_show_reports_a_user_who_is_not_enrolled(host):
    assert host.refused("show", KNOWN) == f"totpctl: {KNOWN} is not enrolled\n"
    assert f"{UNKNOWN} is not enrolled" in host.refused("show", UNKNOWN)


def test_show_names_the_command_that_repairs(host):
    host.enroll(KNOWN)
    host.state_file(KNOWN).unlink()
    ran = host.run("show", KNOWN)
    assert ran.returncode == 1 and "totpctl repair" in ran.stderr
    assert '"imported": TOTP' in ran.stdout and "last login" not in ran.stdout

    host.user_file(KNOWN).write_bytes(b"\0" * 300)
    said = host.refused("show", KNOWN)
    assert "totpctl delete" in said and "totpctl repair" not in said


def test_show_reports_a_uid_that_differs(host):
    host.enroll(KNOWN)
    host.record("bind", KNOWN, 4711)
    uid = host.done("show", KNOWN)
    assert "4711" in uid and f"the account has {KNOWN_UID}" in uid and "totpctl adopt" in uid


def test_a_record_of_another_user_does_not_open(host):
    host.done("import", "csv", "-", stdin=f"a.x,{SECRET}\n{KNOWN},{OTHER_SECRET}\n")
    host.user_file("a.x").rename(host.user_file(KNOWN))
    assert "cannot be opened" in host.refused("show", KNOWN)


# ---- unlock


def test_unlock_clears_failed_attempts(host):
    host.enroll(KNOWN)
    used = fresh_code()
    assert host.attempt(KNOWN, used) == "allow code"
    for _ in range(6):
        host.attempt(KNOWN, wrong_code(), "203.0.113.9")
    for _ in range(2):
        host.attempt(KNOWN, wrong_code())
    said = host.done("unlock", KNOWN)
    assert "Cleared: 5 wrong codes from sources where" in said
    assert "Cleared: 2 wrong codes from 192.0.2.1" in said
    assert f"user={KNOWN}" in host.logged() and "outcome=unlocked" in host.logged()

    shown = host.done("show", KNOWN)
    assert shown.count("0 of 5, in the long run 0 of 100") == 5, "a known source and four classes"
    assert host.attempt(KNOWN, used, "203.0.113.9").split()[0] == "deny"
    assert row(shown, "failures") == "7 since then"


def test_unlock_makes_no_used_code_valid_again(host):
    host.enroll(KNOWN)
    code = fresh_code()
    assert host.attempt(KNOWN, code) == "allow code"
    host.attempt(KNOWN, wrong_code())
    host.done("unlock", KNOWN)
    assert host.attempt(KNOWN, code) in ("deny used_code", "deny wrong_code")


def test_unlock_of_a_user_who_is_not_locked_changes_nothing(host):
    host.enroll(KNOWN)
    before = host.files()
    assert "nothing is changed" in host.done("unlock", KNOWN)
    assert host.files() == before and "unlocked" not in host.logged()


def test_unlock_waits_for_a_login(host):
    host.enroll(KNOWN)
    host.attempt(KNOWN, wrong_code())
    holder = subprocess.Popen([RECORD_TOOL, host.conf, "lock", KNOWN], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    holder.stdout.readline()
    waiting = subprocess.Popen([TOTPCTL, "--conf", host.conf, "unlock", KNOWN],
                               stdout=subprocess.PIPE)
    time.sleep(0.3)
    assert waiting.poll() is None
    holder.communicate(b"", timeout=HANGS)
    assert waiting.wait(timeout=HANGS) == 0
    waiting.stdout.close()


# ---- delete


def test_delete_removes_every_trace(host):
    host.enroll(KNOWN)
    host.enroll(UNKNOWN)
    assert "no longer enrolled" in host.done("delete", "--yes", KNOWN)
    assert os.listdir(host.store / "users") == [UNKNOWN]
    host.state_file(UNKNOWN)
    assert f"{KNOWN} is not enrolled" in host.refused("delete", "--yes", KNOWN)
    assert host.logged().count("outcome=revoked") == 1
    host.done("delete", "--yes", UNKNOWN)
    assert os.listdir(host.store / "state") == []


def on_terminal(host, answer, *words):
    """Run totpctl with a terminal on which `answer` is typed; returns exit code and output."""
    master, slave = pty.openpty()
    child = subprocess.Popen([TOTPCTL, "--conf", host.conf, *words], stdin=slave, stdout=slave,
                             stderr=slave)
    os.write(master, answer.encode())
    said = drawn_on(master, slave, lambda: child.poll() is not None)
    return child.returncode, said


@pytest.mark.parametrize("answer", ["n\n", "\n", "x\n", "\x04", "nyes\n"])
def test_delete_asks_on_a_terminal_and_only_yes_deletes(host, answer):
    host.enroll(KNOWN)
    before = host.files()
    code, said = on_terminal(host, answer, "delete", KNOWN)
    assert code == 1 and f"Delete {KNOWN}'s enrollment? [y/N]" in said
    assert "still enrolled" in said and host.files() == before
    code, said = on_terminal(host, "y\n", "delete", KNOWN)
    assert code == 0 and "no longer enrolled" in said and os.listdir(host.store / "users") == []


def test_delete_asks_for_each_user(host):
    for name in "alice.x", "bob.x", "carol.x":
        host.enroll(name)
    code, said = on_terminal(host, "y\nn\nYES\n", "delete", "alice.x", "bob.x", "no.such", "carol.x")
    assert code == 1 and said.count("[y/N]") == 3 and "no.such is not enrolled" in said
    assert os.listdir(host.store / "users") == ["bob.x"]


def test_delete_does_not_ask_with_yes_and_needs_it_without_a_terminal(host):
    host.enroll(KNOWN)
    before = host.files()
    ran = host.run("delete", KNOWN, stdin="y\n")
    assert ran.returncode == 2 and "--yes" in ran.stderr and host.files() == before
    code, said = on_terminal(host, "", "delete", "--yes", KNOWN)
    assert code == 0 and "[y/N]" not in said


def test_no_name_in_the_store_controls_root_s_terminal(host):
    """A process that can write there, such as totpd, can have stored any record."""
    host.enroll(KNOWN)
    for name in "a\x1b[2J", "b\n\x9b2J":
        host.record("twin", KNOWN, name)
    for file in (host.store / "state").glob("[ab]%*"):
        file.unlink()
    host.record("invite", "c\x1b[2J", 0, 60)
    for words in (("list",), ("invite",), ("show", "a\x1b[2J"), ("upgrade",), ("doctor",),
                  ("export", "-", "--passphrase-file", host.directory / "none"),
                  ("repair-clock", "a\x1b[2J"), ("report",), ("key", "rotate")):
        ran = host.run(*words)
        said = ran.stdout + ran.stderr
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", said), (words, said)
    assert "repair a?[2J" in host.run("list").stdout
    assert "repair a?[2J" in host.refused("show", "a\x1b[2J")


def test_delete_removes_a_damaged_record(host):
    host.enroll(KNOWN)
    host.user_file(KNOWN).write_bytes(b"nonsense")
    host.done("delete", "--yes", KNOWN)
    assert os.listdir(host.store / "users") == os.listdir(host.store / "state") == []


# ---- repair


def spoil_missing(path):
    path.unlink()


def spoil_bytes(path):
    path.write_bytes(b"\xff" * 8192)


def spoil_short(path):
    path.write_bytes(path.read_bytes()[:5000])


def spoil_mode(path):
    path.chmod(0o666)


def spoil_link(path):
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize("spoil", [spoil_missing, spoil_bytes, spoil_short, spoil_mode, spoil_link])
def test_repair_creates_a_new_state_and_says_what_that_means(host, spoil):
    host.enroll(KNOWN)
    path = host.state_file(KNOWN)
    spoil(path)
    host.refused("show", KNOWN)
    now = time.time()
    said = host.done("repair", KNOWN)
    clock = re.search(rf"{KNOWN} can log in with codes from (\d\d):(\d\d):(\d\d) \S+ on \(in (.*)\)", said)
    # last step = the current one + 2 * window: the next code begins three steps after the current
    # step
    begins = (int(now) // 30 + 3) * 30 + 3600
    expected = [time.strftime("%H %M %S", time.gmtime(begins + late)).split() for late in (0, 30)]
    assert list(clock.groups()[:3]) in expected
    assert "outcome=repaired" in host.logged()
    assert host.state_file(KNOWN) != path

    for step in 0, 1:
        assert host.attempt(KNOWN, code_at(time.time() + 30 * step)).startswith("deny ")
    shown = host.done("show", KNOWN)
    assert row(shown, "uid") == str(KNOWN_UID)


def test_codes_are_accepted_from_the_time_that_repair_prints(host):
    host.enroll(KNOWN)
    host.state_file(KNOWN).unlink()
    said = host.done("repair", KNOWN)
    at = time.time()
    minutes, seconds = re.search(r"\(in (?:(\d+) minutes? ?)?(?:(\d+) seconds?)?\)", said).groups("0")
    wait = int(minutes) * 60 + int(seconds)
    assert 60 <= wait <= 90
    assert host.attempt(KNOWN, code_at(at + wait - 30), later=wait - 32).startswith("deny ")
    assert host.attempt(KNOWN, code_at(at + wait + 2), later=wait + 2) == "allow code"


def test_repair_makes_recovery_codes_and_counters_invalid(host):
    host.enroll(KNOWN)
    host.record("hotp", KNOWN)
    host.state_file(KNOWN).unlink()
    said = host.done("repair", KNOWN)
    assert "Counter-based tokens are no longer valid" in said and \
        "Recovery codes are no longer valid" in said
    shown = host.done("show", KNOWN)
    assert row(shown, "recovery codes") == "0 of 10 left" and "6 digits; no longer valid" in shown


def test_repair_leaves_an_undamaged_record_unchanged(host):
    host.enroll(KNOWN)
    before = host.files()
    assert "nothing is changed" in host.done("repair", KNOWN)
    assert host.files() == before and "repaired" not in host.logged()


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"nonsense"),
                                   lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x")])
def test_repair_says_that_a_damaged_credential_is_lost(host, spoil):
    host.enroll(KNOWN)
    spoil(host.user_file(KNOWN))
    before = host.files()
    assert "totpctl delete" in host.refused("repair", KNOWN)
    assert host.files() == before


def test_repair_of_a_user_without_a_record_fails(host):
    assert "not enrolled" in host.refused("repair", UNKNOWN)


# ---- repair-clock


def test_repair_clock_sets_a_future_step_back(host):
    host.enroll(KNOWN)
    host.record("ahead", KNOWN, 3600)
    code = fresh_code()
    assert host.attempt(KNOWN, code) == "deny clock_back"
    said = host.done("repair-clock", KNOWN)
    assert re.search(r'"imported": its last code was (1 hour|59 minutes.*|1 hour .*) in the future; '
                     r"codes from \d\d:\d\d:\d\d \S+ on are accepted", said)
    assert 'outcome=clock-repaired' in host.logged() and 'token="imported"' in host.logged()
    # the codes up to now stay used, and the next one is accepted
    assert host.attempt(KNOWN, code).startswith("deny ")
    assert host.attempt(KNOWN, code_at(time.time() + 30)) == "allow code"


def test_repair_clock_leaves_a_correct_step_unchanged(host):
    host.enroll(KNOWN)
    assert host.attempt(KNOWN, fresh_code()) == "allow code"
    before = host.files()
    assert "nothing is changed" in host.done("repair-clock", KNOWN)
    assert host.files() == before and "clock" not in host.logged()


def test_repair_clock_does_not_undo_a_repair(host):
    host.enroll(KNOWN)
    host.state_file(KNOWN).unlink()
    host.done("repair", KNOWN)
    before = host.files()
    said = host.done("repair-clock", KNOWN)
    assert "passes by itself" in said or "nothing is changed" in said
    assert host.files() == before


def test_repair_clock_of_a_damaged_record_names_repair(host):
    host.enroll(KNOWN)
    host.state_file(KNOWN).unlink()
    assert "totpctl repair" in host.refused("repair-clock", KNOWN)


# ---- adopt


def test_adopt_binds_a_record_to_the_current_account(host):
    host.enroll(KNOWN)
    used = fresh_code()
    assert host.attempt(KNOWN, used) == "allow code"
    host.record("bind", KNOWN, 4711)
    said = host.done("adopt", KNOWN)
    assert "uid 4711" in said and f"uid {KNOWN_UID}" in said
    assert "outcome=adopted" in host.logged()
    shown = host.done("show", KNOWN)
    assert row(shown, "uid") == str(KNOWN_UID)
    assert row(shown, "known source") == "192.0.2.1"
    assert host.attempt(KNOWN, used) in ("deny used_code", "deny wrong_code")
    host.state_file(KNOWN)


def test_adopt_leaves_a_correct_binding_unchanged(host):
    host.enroll(KNOWN)
    before = host.files()
    assert "nothing is changed" in host.done("adopt", KNOWN)
    assert host.files() == before and "adopted" not in host.logged()


def test_adopt_needs_an_account_and_a_record(host):
    host.enroll(UNKNOWN)
    assert "there is no account" in host.refused("adopt", UNKNOWN)
    assert "is not enrolled" in host.refused("adopt", KNOWN)


# ---- what others left in the store


# ---- store accept


OTHER_MACHINE = "ab" * 32


def move_to_another_machine(host):
    marker = host.store / "STORE"
    marker.write_text(re.sub(r"machine \w+", f"machine {OTHER_MACHINE}", marker.read_text()))


def test_after_accept_a_moved_store_causes_no_warning(host):
    host.enroll(KNOWN)
    before = (host.store / "STORE").read_text()
    move_to_another_machine(host)
    assert "totpctl store accept" in host.run("list").stderr
    assert "belongs to this machine now" in host.done("store", "accept")
    assert (host.store / "STORE").read_text() == before
    assert "outcome=store-accepted" in host.logged()
    host.done("list")
    files = host.files()
    assert "nothing is changed" in host.done("store", "accept")
    assert host.files() == files


def test_after_a_restored_backup_no_earlier_code_is_accepted(host):
    host.enroll(KNOWN)
    backup = {path: path.read_bytes() for path in (host.user_file(KNOWN), host.state_file(KNOWN))}
    code = fresh_code()
    assert host.attempt(KNOWN, code) == "allow code"
    for path, held in backup.items():
        path.write_bytes(held)
    move_to_another_machine(host)
    host.done("store", "accept")
    for step in 0, 1, 2:  # as after a repair
        assert host.attempt(KNOWN, code_at(time.time() + step * 30),
                            later=step * 30).startswith("deny ")
    assert host.attempt(KNOWN, code).startswith("deny ")
    assert host.attempt(KNOWN, code_at(time.time() + 4 * 30), later=4 * 30) == "allow code"


def test_accepting_a_store_ends_temporary_codes_and_reports_the_unknown(host):
    host.enroll(KNOWN)
    host.done("import", "csv", "-", stdin=f"{UNKNOWN},{OTHER_SECRET},SHA1,6,hotp:5\n")
    host.done("recovery", KNOWN)
    code = json.loads(host.done("temporary-code", KNOWN, "--uses", "5", "--json"))["code"]
    move_to_another_machine(host)
    said = host.done("store", "accept")
    assert "totpctl recovery USER" in said and "totpctl resync USER LABEL" in said
    assert host.attempt(KNOWN, code).startswith("deny ")


def test_a_store_is_not_accepted_while_a_record_cannot_be_changed(host):
    host.enroll(KNOWN)
    move_to_another_machine(host)
    with open(host.state_file(KNOWN), "r+b") as state:
        fcntl.fcntl(state, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
        assert "run this again" in host.refused("store", "accept")
    assert OTHER_MACHINE in (host.store / "STORE").read_text()
    host.done("store", "accept")


def test_a_damaged_record_does_not_prevent_accepting_the_store(host):
    host.enroll(KNOWN)
    move_to_another_machine(host)
    host.user_file(KNOWN).write_bytes(b"x" * 200)
    assert "1 record could not be read" in host.done("store", "accept")


def test_a_store_of_another_uid_is_not_accepted(host):
    host.enroll(KNOWN)
    move_to_another_machine(host)
    for directory in "users", "state":
        os.chown(host.store / directory, 2, 2)
    said = host.refused("store", "accept")
    assert "belong to uid 2" in said and ("chown -hR" in said or "systemd-sysusers" in said)
    assert OTHER_MACHINE in (host.store / "STORE").read_text()


@pytest.mark.parametrize("name", ["show", "unlock", "delete", "repair", "repair-clock", "adopt"])
def test_a_fifo_instead_of_a_record_blocks_no_command(host, name):
    os.mkfifo(host.user_file(KNOWN), 0o600)
    ran = host.run(name, KNOWN, *(["--yes"] if name == "delete" else []))
    if name == "delete":
        assert ran.returncode == 0 and os.listdir(host.store / "users") == []
    else:
        assert ran.returncode == 1 and KNOWN in ran.stderr


def test_a_name_with_control_characters_does_not_reach_the_terminal(host):
    said = host.refused("show", "evil\x1b[2J\n")
    assert "\x1b" not in said and said.count("\n") == 1
