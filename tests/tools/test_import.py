# SPDX-License-Identifier: BSD-2-Clause
"""
totpctl import and export: what is imported from other systems, what is not, and that both are
reported.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import pathlib
import time

import pytest

from host import (HANGS, KNOWN, KNOWN_UID, OTHER_SECRET, SECRET, TOTPCTL, Host, bare, code_at,
                  cpu_seconds, fresh_code, host, near_codes, row, wrong_code)

PHRASE = "correct horse battery staple"
NEW_PHRASE = "New passphrase, 12 characters or more: "
HEX = "3132333435363738393031323334353637383930"
OF_HEX = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture
def other():
    """Another host, with a keyring of its own."""
    with tempfile.TemporaryDirectory(prefix="totpctl-other-") as directory:
        made = Host(pathlib.Path(directory))
        made.done("init")
        yield made


def digest(directory):
    """Everything that can be seen of a directory: bytes, owners, modes and times."""
    seen = {}
    for top, directories, names in os.walk(directory):
        for name in directories + names:
            st = os.lstat(os.path.join(top, name))
            path = os.path.join(top, name)
            data = open(path, "rb").read() if os.path.isfile(path) and not os.path.islink(path) else b""
            seen[path] = (hashlib.sha256(data).hexdigest(), st.st_mode, st.st_uid, st.st_mtime_ns)
    return seen


def hotp(counter, secret=OF_HEX, digits=6):
    return code_at(counter * 30, secret, 30, digits)


# ---- any source

def test_a_dry_run_reports_each_user_and_changes_nothing(host):
    host.enroll("old.x")
    before = host.files()
    text = f"new.x,{SECRET}\nold.x,{OTHER_SECRET}\n{KNOWN},{SECRET}\n"
    ran = host.run("import", "csv", "-", "--dry-run", stdin=text)
    assert ran.returncode == 1  # one user is kept
    assert ran.stdout == ("import     new.x: 1 token; there is no such account yet\n"
                          "keep       old.x; there is no such account yet\n"
                          f"import     {KNOWN}: 1 token\n"
                          "nothing is changed; it would be: 2 users imported, 1 kept\n")
    assert "standard input:2: old.x is enrolled already" in ran.stderr
    ran = host.run("import", "csv", "-", "--dry-run", "--replace", stdin=text)
    assert ran.returncode == 0 and "replace    old.x: 1 token" in ran.stdout
    assert host.files() == before and host.logged().count("outcome=imported") == 1


def test_a_dry_run_can_be_read_by_a_program(host, ga):
    host.enroll("old.x")
    google(ga, "new.x", SECRET, '" TOTP_AUTH', "12345678", "87654321")
    google(ga, "old.x")
    google(ga, KNOWN)
    ran = host.run("import", "google", "--dry-run", "--json", ga)
    assert ran.returncode == 1
    assert json.loads(ran.stdout) == [
        {"user": KNOWN, "what": "import", "account": True, "tokens": 1, "recovery_codes": 0},
        {"user": "new.x", "what": "import", "account": False, "tokens": 1, "recovery_codes": 2},
        {"user": "old.x", "what": "keep", "account": False, "tokens": 1, "recovery_codes": 0}]
    assert json.loads(host.done("import", "csv", "--dry-run", "--json", "-", stdin="")) == []
    assert host.run("import", "google", "--json", ga).returncode == 2


def test_a_dry_run_reports_all_bad_lines_and_that_nothing_would_be_done(host):
    ran = host.run("import", "csv", "-", "--dry-run", stdin=f"new.x,{SECRET}\nbad\n")
    assert ran.returncode == 1
    assert "import     new.x" in ran.stdout and "nothing is imported: 1 of 2" in ran.stderr


def test_an_enrolled_user_is_kept_and_the_others_are_imported(host):
    host.enroll("old.x")
    ran = host.run("import", "csv", "-", stdin=f"old.x,{OTHER_SECRET}\nnew.x,{OTHER_SECRET}\n")
    assert (ran.returncode, ran.stdout) == (1, "1 user imported, 1 kept\n")
    assert host.attempt("new.x", code_at(time.time(), OTHER_SECRET)) == "allow code"
    assert host.attempt("old.x", fresh_code()) == "allow code"


def test_with_replace_a_record_is_replaced(host):
    host.enroll("old.x")
    assert host.done("import", "csv", "-", "--replace", stdin=f"old.x,{OTHER_SECRET}\n") == \
        "0 users imported, 1 replaced\n"
    assert host.attempt("old.x", code_at(time.time(), OTHER_SECRET)) == "allow code"
    assert host.attempt("old.x", fresh_code()) == "deny wrong_code"
    assert len(os.listdir(host.store / "state")) == 1
    assert re.findall(r"outcome=(\w+)", host.logged()) == ["imported", "replaced"]


def test_a_code_that_was_used_stays_used_when_the_same_secret_is_imported_again(host):
    host.enroll("old.x")
    code = fresh_code()
    assert host.attempt("old.x", code) == "allow code"
    host.done("import", "csv", "-", "--replace", stdin=f"old.x,{SECRET}\n")
    assert host.attempt("old.x", code) == "deny used_code"


def test_a_record_that_cannot_be_replaced_is_reported_and_the_others_are_replaced(host):
    host.enroll("a.x")
    host.enroll("b.x")
    host.user_file("a.x").write_bytes(b"damaged")
    ran = host.run("import", "csv", "-", "--replace", stdin=f"a.x,{OTHER_SECRET}\nb.x,{OTHER_SECRET}\n")
    assert (ran.returncode, ran.stdout) == (1, "0 users imported, 1 replaced\n")
    assert "a.x: " in ran.stderr
    assert host.attempt("b.x", code_at(time.time(), OTHER_SECRET)) == "allow code"


def test_an_interruption_between_two_replacements_leaves_each_whole(host):
    users = 800
    text = "".join(f"u{i},{SECRET}\n" for i in range(users))
    path = host.csv(text.replace(SECRET, OTHER_SECRET))
    for _ in range(5):  # it may be done before this process comes to interrupt it
        host.done("import", "csv", "-", "--replace", stdin=text)
        before = set(os.listdir(host.store / "state"))
        child = subprocess.Popen([TOTPCTL, "--conf", host.conf, "import", "csv", "--replace", path],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while before == set(os.listdir(host.store / "state")):
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=HANGS)
        if child.returncode != 0:
            break
    said = re.search(rf"interrupted: (\d+) of {users} records are replaced", err)
    assert child.returncode == 1 and said, (out, err)
    assert len(set(os.listdir(host.store / "state")) - before) == int(said[1])
    assert len(os.listdir(host.store / "state")) == users
    assert host.attempt("u0", code_at(time.time(), OTHER_SECRET)) == "allow code"
    assert host.attempt(f"u{users - 1}", fresh_code()) == "allow code"


# ---- google-authenticator

def google(directory, name="alice.x", secret=SECRET, *lines):
    path = directory / name
    path.write_text("\n".join([secret, *(lines or ('" TOTP_AUTH',)), ""]))
    path.chmod(0o600)
    return path


@pytest.fixture
def ga(host):
    directory = host.directory / "ga"
    directory.mkdir(0o700)
    return directory


def test_google_users_of_a_directory_are_imported_and_it_stays_unchanged(host, ga):
    google(ga, "alice.x", SECRET, '" TOTP_AUTH', "12345678", "87654321")
    google(ga, "bob.x", OF_HEX, '" HOTP_COUNTER 5')
    google(ga, ".hidden", "no secret at all")
    google(ga, "alice.x~", "no secret at all")
    before = digest(ga)
    assert host.done("import", "google", ga) == "2 users imported\n"
    assert digest(ga) == before
    assert host.attempt("alice.x", fresh_code()) == "allow code"
    assert host.attempt("bob.x", hotp(4)) == "deny used_code"  # that before the next one
    assert host.attempt("bob.x", hotp(5)) == "allow code"
    assert row(host.done("show", "alice.x"), "recovery codes") == "2 of 2 left"


def test_google_scratch_codes_work_once_and_stay_spent(host, ga):
    google(ga, "alice.x", SECRET, '" TOTP_AUTH', "12345678", "87654321", "11112222")
    host.done("import", "google", ga)
    assert host.attempt("alice.x", "8765 4321") == "allow recovery_code"
    assert host.attempt("alice.x", "87654321") == "deny spent_recovery_code"
    assert host.attempt("alice.x", "87654322") == "deny wrong_code"
    # once more, after the first one was used with the other module
    google(ga, "alice.x", SECRET, '" TOTP_AUTH', "87654321", "11112222")
    host.done("import", "google", ga, "--replace")
    assert host.attempt("alice.x", "87654321") == "deny spent_recovery_code"
    assert host.attempt("alice.x", "11112222") == "allow recovery_code"


def test_google_codes_used_before_are_denied(host, ga):
    step = int(time.time()) // 30
    google(ga, "alice.x", SECRET, '" TOTP_AUTH', f'" DISALLOW_REUSE {step - 1} {step + 1}')
    host.done("import", "google", ga)
    for ahead in -1, 0, 1:
        assert host.attempt("alice.x", code_at(time.time() + 30 * ahead)) == "deny used_code"
    assert host.attempt("alice.x", code_at((step + 2) * 30), later=60) == "allow code"


@pytest.mark.parametrize("lines, said", [
    (('" TIME_SKEW -2',), "the learned clock skew is dropped"),
    (('" WINDOW_SIZE 17',), "codes of 17 steps were accepted, here of 3: see window"),
    (('" HOTP_COUNTER 5', '" WINDOW_SIZE 17'), "codes of 17 steps were accepted, here of 11: see hotp_window"),
    (('" DISALLOW_REUSE 2000000000',), "from the future"),
])
def test_google_settings_without_an_equivalent_are_reported(host, ga, lines, said):
    google(ga, "alice.x", SECRET, '" TOTP_AUTH', *lines)
    ran = host.run("import", "google", ga)
    assert (ran.returncode, ran.stdout) == (0, "1 user imported\n")
    assert ran.stderr.startswith(f"{ga}/alice.x: warning: ") and said in ran.stderr


def test_google_scratch_codes_without_room_are_reported(host, ga):
    google(ga, "alice.x", SECRET, '" TOTP_AUTH', *(f"100000{i:02}" for i in range(20)))
    ran = host.run("import", "google", ga)
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    assert "not imported: scratch codes: 4 more than the 16" in ran.stderr
    assert row(host.done("show", "alice.x"), "recovery codes") == "16 of 16 left"


def test_files_of_other_users_in_a_directory_are_reported_and_ignored(host, ga):
    google(ga, "good.x")
    (ga / "link.x").symlink_to(google(host.directory, "elsewhere"))
    os.link(google(host.directory, "elsewhere2"), ga / "hard.x")
    os.mkfifo(ga / "fifo.x")
    (ga / "directory.x").mkdir()
    google(ga, "open.x").chmod(0o666)
    os.chown(google(ga, "theirs.x"), 65534, 65534)
    (ga / "binary.x").write_bytes(b"\0" * 100)
    (ga / "large.x").write_bytes(b"\n" * 70000)
    (ga / "con\ntrol").write_text("x")
    bad = "link.x hard.x fifo.x directory.x open.x theirs.x binary.x large.x".split()
    said = host.refused("import", "google", ga)
    assert "nothing is imported: 9 of 10" in said
    ran = host.run("import", "google", "--keep-going", ga)
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    for name in bad:
        assert f"{ga}/{name}: " in ran.stderr
    assert f"{ga}/con?trol: " in ran.stderr
    assert os.listdir(host.store / "users") == ["good.x"]


def test_a_file_that_a_user_owns_in_a_directory_of_root_belongs_to_that_user(host, ga):
    os.chown(google(ga, KNOWN), KNOWN_UID, -1)
    assert host.done("import", "google", ga) == "1 user imported\n"
    assert row(host.done("show", KNOWN), "uid") == str(KNOWN_UID)


def test_a_file_in_a_home_belongs_to_the_owner_of_the_home(host):
    home = host.directory / "home"
    home.mkdir(0o755)
    host.directory.chmod(0o755)
    path = google(home, ".google_authenticator")
    os.chown(path, KNOWN_UID, KNOWN_UID)
    os.chown(home, KNOWN_UID, KNOWN_UID)
    home.chmod(0o700)
    path.chmod(0o400)
    assert host.done("import", "google", path) == "1 user imported\n"
    assert host.done("list").splitlines()[1].startswith(KNOWN)


def test_a_file_made_with_sudo_in_a_home_does_not_count_as_root_s(host):
    path = google(host.directory, ".google_authenticator")
    assert (f"{path}: owned by root, and not in root's home: chown it to its user"
            in host.refused("import", "google", path))
    # the location counts, whatever its name is
    ran = subprocess.run([TOTPCTL, "--conf", host.conf, "import", "google", path.name],
                         cwd=host.directory, capture_output=True, text=True)
    assert ran.returncode == 1 and "not in root's home" in ran.stderr
    assert os.listdir(host.store / "users") == []


def test_a_file_in_root_s_home_belongs_to_root(host):
    """In a mount namespace in which root's home is a directory of ours."""
    google(host.directory, ".google_authenticator")
    ran = subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$1" /root && '
                          'exec "$2" --conf "$3" import google /root/.google_authenticator',
                          "sh", host.directory, TOTPCTL, host.conf], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (0, "1 user imported\n"), ran.stderr
    assert os.listdir(host.store / "users") == ["root"]


def test_no_link_of_a_user_is_followed_as_root(host):
    """A file that its owner may not read is not read, whatever the path."""
    host.directory.chmod(0o755)
    home = host.directory / "home"
    home.mkdir(0o755)
    secret = google(host.directory, "root-alone")
    link = home / ".google_authenticator"
    link.symlink_to(secret)
    os.lchown(link, KNOWN_UID, KNOWN_UID)
    said = host.refused("import", "google", link)
    assert f"{link}: cannot be read by its user: Permission denied" in said
    secret.chmod(0o644)  # which the user may read, but does not own
    assert "owned by uid 0, expected uid 1" in host.refused("import", "google", link)
    assert os.listdir(host.store / "users") == []


@pytest.mark.parametrize("spoil, said", [
    (lambda path: path.chmod(0o620), "others can write to it (mode 0620)"),
    (lambda path: (path.unlink(), os.mkfifo(path)), "not a regular file"),
    (lambda path: (path.unlink(), path.symlink_to("/dev/zero")), "not a regular file"),
    (lambda path: path.write_bytes(b"\n" * 70000), "more than 65536 bytes"),
    (lambda path: path.write_text("short\n"), "secret"),
    (lambda path: os.chown(path, 12345, 12345), "there is no account of its owner, uid 12345"),
])
def test_anything_but_a_regular_file_is_rejected_at_once(host, spoil, said):
    host.directory.chmod(0o755)
    path = google(host.directory, ".google_authenticator")
    os.chown(path, KNOWN_UID, KNOWN_UID)
    spoil(path)
    if path.lstat().st_uid == 0:
        os.lchown(path, KNOWN_UID, KNOWN_UID)
    assert f"{path}: {said}" in host.refused("import", "google", path)


def test_a_file_named_after_a_user_must_belong_to_root_or_that_user(host):
    path = google(host.directory, "alice.x")
    assert host.done("import", "google", path) == "1 user imported\n"
    path = google(host.directory, "bob.x")
    os.chown(path, KNOWN_UID, KNOWN_UID)
    assert "owned by uid 1, which is neither root nor the user" in host.refused("import", "google", path)


@pytest.mark.parametrize("words", [(), ("--homes", "a", "b")])
def test_google_wants_paths_or_homes(host, words):
    assert host.run("import", "google", *words).returncode == 2


def test_the_same_user_from_two_files_is_reported(host, ga):
    google(ga, "alice.x")
    path = google(host.directory, "alice.x")
    said = host.refused("import", "google", ga, path)
    assert f"{path}: alice.x is in {ga}/alice.x already" in said


# ---- pam_oath

def local_time(when):
    """As pam_oath writes it, in the time zone in which totpctl runs here."""
    return time.strftime("%Y-%m-%dT%H:%M:%SL", time.gmtime(when + 3600))


def users_oath(host, *lines):
    return host.csv("".join(line + "\n" for line in lines), "users.oath")


def test_oath_counters_continue_where_they_were(host):
    path = users_oath(host, "# users", f"HOTP/E/6 new.x - {HEX}", f"HOTP used.x + {HEX} 7 {hotp(7)}",
                      f"HOTP/E/8 eight.x - {HEX} 3 {hotp(3, digits=8)} {local_time(time.time())}",
                      "# other words")
    before = path.read_bytes()
    assert host.done("import", "oath", path) == "3 users imported\n"
    assert path.read_bytes() == before
    assert host.attempt("new.x", hotp(0)) == "allow code"
    assert host.attempt("used.x", hotp(7)) == "deny used_code"
    assert host.attempt("used.x", hotp(8)) == "allow code"
    assert host.attempt("eight.x", hotp(4, digits=8)) == "allow code"


@pytest.mark.parametrize("off", [0, -1, 1, -20, 20])
def test_oath_codes_used_before_are_denied(host, off):
    """The code may belong to any step of pam_oath's window around the time of its use."""
    for user in "alice.x", "bob.x":  # again, should the step end meanwhile
        now = time.time()
        step = int(now) // 30
        host.done("import", "oath", users_oath(
            host, f"HOTP/T30 {user} - {HEX} 0 {code_at(30 * (step + off), OF_HEX)} {local_time(now)}"))
        seen = {ahead: host.attempt(user, code_at(30 * (step + ahead), OF_HEX)) for ahead in (-1, 0, 1)}
        if int(time.time()) // 30 == step:
            break
    for ahead, answer in seen.items():
        expected = "deny used_code" if ahead <= off else "deny clock_back" if off == 20 else "allow code"
        assert answer == expected or (off == 20 and answer == "deny clock_back"), seen


def test_an_oath_code_that_is_not_found_counts_as_used_at_its_time(host):
    now, near = time.time(), near_codes(OF_HEX)
    old = next(code for code in (code_at(now - 86400 * days, OF_HEX) for days in range(1, 9))
               if code not in near)
    ran = host.run("import", "oath", users_oath(
        host, f"HOTP/T30 alice.x - {HEX} 0 {wrong_code(OF_HEX)} {local_time(now)}",
        f"HOTP/T30 bob.x - {HEX} 0 {old}"))
    assert ran.returncode == 0
    assert ":1: warning: the step of the code used last is not found; it counts as that of the time" in ran.stderr
    assert ":2: warning: the step of the code used last is not found; it counts as that of now" in ran.stderr
    for user in "alice.x", "bob.x":
        assert host.attempt(user, code_at(now, OF_HEX)) == "deny used_code"
        assert host.attempt(user, code_at(now + 90, OF_HEX), later=90) == "allow code"


def test_several_oath_lines_are_several_tokens(host):
    path = users_oath(host, f"HOTP/T30 alice.x - {HEX}", f"HOTP alice.x - 61{HEX} 5",
                      f"HOTP/T60/8 bob.x - {HEX}", f"HOTP/T60 alice.x - 62{HEX}")
    assert host.done("import", "oath", path) == "2 users imported\n"
    shown = host.done("show", "alice.x")
    assert re.findall(r'^token +"([^"]*)": (\w+)', shown, re.M) == [
        ("imported", "TOTP"), ("imported 2", "HOTP"), ("imported 3", "TOTP")]
    assert host.attempt("alice.x", code_at(time.time(), OF_HEX)) == "allow code"


def test_an_oath_pin_is_reported_as_not_imported(host):
    ran = host.run("import", "oath", users_oath(host, f"HOTP/T30 alice.x 1234 {HEX}"))
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    assert "users.oath:1: not imported: the password before the code (PIN)" in ran.stderr
    assert "1234" not in ran.stderr.replace("12345", "")


def test_too_many_oath_tokens_and_duplicates_are_reported(host):
    lines = [f"HOTP alice.x - {i:02x}{HEX}" for i in range(9)]
    ran = host.run("import", "oath", users_oath(host, lines[0], *lines))
    assert ran.returncode == 1
    assert ":2: not imported: a token with the same secret" in ran.stderr
    assert ":10: not imported: more than the 8 tokens" in ran.stderr
    assert host.done("show", "alice.x").count("HOTP") == 8


def test_a_bad_oath_line_stops_the_import(host):
    said = host.refused("import", "oath", users_oath(host, f"HOTP a.x - {HEX}", "HOTP b.x - 00"))
    assert ":2: key: expected 10 to 128 bytes" in said
    assert os.listdir(host.store / "users") == []


# ---- totp-cgi

@pytest.fixture
def cgi(host):
    directory = host.directory / "totp"
    directory.mkdir()
    (host.directory / "state").mkdir()
    return directory


def cgi_state(host, user, **members):
    state = {"fail_timestamps": [], "success_timestamps": [], "used_scratch_tokens": [],
             "counter": -1, **members}
    path = host.directory / "state" / f"{user}.json"
    path.write_text(json.dumps(state, indent=4))
    path.chmod(0o666)  # as totp-cgi makes it


def test_totp_cgi_secret_and_state_are_imported_together(host, cgi):
    now = int(time.time())
    google(cgi, "alice.x.totp", SECRET, '" WINDOW_SIZE 3', '" DISALLOW_REUSE', '" TOTP_AUTH', "01234567",
           "87654321")
    cgi_state(host, "alice.x", success_timestamps=[now - 300, now], used_scratch_tokens=["87654321"])
    google(cgi, "bob.x.totp", OF_HEX, '" HOTP_COUNTER 2')
    cgi_state(host, "bob.x", counter=6)
    google(cgi, "readme", "this is no secret")
    before = digest(cgi), digest(host.directory / "state")
    assert host.done("import", "totp-cgi", cgi, host.directory / "state") == "2 users imported\n"
    assert (digest(cgi), digest(host.directory / "state")) == before
    assert host.attempt("alice.x", code_at(now)) == "deny used_code"
    assert host.attempt("alice.x", "87654321") == "deny wrong_code"
    assert host.attempt("alice.x", "01234567") == "allow recovery_code"
    assert host.attempt("alice.x", code_at(now + 30)) == "allow code"
    assert host.attempt("bob.x", hotp(5)) == "deny used_code"
    assert host.attempt("bob.x", hotp(6)) == "allow code"


def test_without_its_state_no_used_scratch_code_becomes_valid_again(host, cgi):
    google(cgi, "alice.x.totp", SECRET, '" TOTP_AUTH', "01234567")
    ran = host.run("import", "totp-cgi", cgi, host.directory / "state")
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    assert "not imported: 1 scratch codes: there is no .json" in ran.stderr
    assert host.attempt("alice.x", "01234567") == "deny wrong_code"


def test_secret_and_state_may_be_in_one_directory(host, cgi):
    google(cgi, "alice.x.totp", SECRET, '" TOTP_AUTH', "01234567")
    cgi_state(host, "alice.x", used_scratch_tokens=[1234567])
    shutil.move(host.directory / "state" / "alice.x.json", cgi)
    host.done("import", "totp-cgi", cgi)
    assert host.attempt("alice.x", "01234567") == "deny wrong_code"


def test_totp_cgi_users_that_cannot_be_imported_are_reported(host, cgi):
    google(cgi, "sealed.x.totp", "aes256+hmac256$AAAA$BBBB")
    google(cgi, "broken.x.totp")
    (host.directory / "state" / "broken.x.json").write_text('{"fail_timestamps": [')
    google(cgi, "link.x.totp")
    (host.directory / "state" / "link.x.json").symlink_to("/dev/zero")
    said = host.refused("import", "totp-cgi", cgi, host.directory / "state")
    assert f"{cgi}/sealed.x.totp: the secret is encrypted under the user's PIN" in said
    assert f"{cgi}/broken.x.totp: its state .json: not the state of a user" in said
    assert f"{cgi}/link.x.totp: its state .json: not a regular file" in said
    assert "nothing is imported: 3 of 3" in said


def test_a_directory_that_everybody_can_write_is_not_read(host, cgi, ga):
    for kind, directory in ("google", ga), ("totp-cgi", cgi):
        google(directory, "alice.x" if kind == "google" else "alice.x.totp")
        directory.chmod(0o1777)
        assert f"{directory}: all users can put files there" in host.refused("import", kind, directory)
    # nor one through which used codes would become valid again
    cgi.chmod(0o700)
    (host.directory / "state").chmod(0o1777)
    assert "all users can put files" in host.refused("import", "totp-cgi", cgi, host.directory / "state")
    assert os.listdir(host.store / "users") == []


def test_a_missing_directory_is_reported(host, cgi):
    assert "/nonexistent" in host.refused("import", "totp-cgi", cgi, "/nonexistent")
    assert "/nonexistent" in host.refused("import", "totp-cgi", "/nonexistent")
    assert "/nonexistent" in host.refused("import", "google", "/nonexistent")


# ---- otpauth URIs

def test_uris_are_enrolled_for_their_account(host):
    text = (f"otpauth://totp/Example:alice.x?secret={SECRET}&issuer=Example\n"
            f"otpauth://totp/{KNOWN}@tower?secret={SECRET}&algorithm=SHA256&digits=8&period=60\n"
            f"otpauth://hotp/Example:alice.x?secret={OF_HEX}&issuer=Example&counter=5\n"
            f"otpauth://totp/no.one@tower?secret={SECRET}\n")
    assert host.done("import", "otpauth", "-", stdin=text) == "3 users imported\n"
    assert re.findall(r'^token +"([^"]*)": (.*)', host.done("show", "alice.x"), re.M) == [
        ("Example", "TOTP, SHA1, 6 digits, 30 seconds"), ("imported", "HOTP, SHA1, 6 digits")]
    assert '"imported": TOTP, SHA256, 8 digits, 60 seconds' in host.done("show", KNOWN)
    assert sorted(os.listdir(host.store / "users")) == ["alice.x", KNOWN, "no.one%40tower"]
    assert host.attempt("alice.x", fresh_code()) == "allow code"
    assert host.attempt("alice.x", hotp(5)) == "allow code"


def test_a_malformed_uri_is_reported_without_its_text(host):
    said = host.refused("import", "otpauth", "-", stdin=f"otpauth://totp/a.x?secret={SECRET}\n{SECRET}\n"
                        "otpauth://totp/b.x?secret=JBSWY3DP\n")
    assert "standard input:2: " in said and "standard input:3: secret: expected 10 to 128" in said
    assert SECRET not in said and "JBSWY3DP" not in said
    assert os.listdir(host.store / "users") == []


# ---- PSKC

PSKC = "urn:ietf:params:xml:ns:keyprov:pskc"
PLAIN = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="  # the secret of RFC 6030's examples: that of HEX


def pskc_key(serial, kind="hotp", user=None, data="", more="", secret=PLAIN, digits=6):
    return f"""
  <KeyPackage>
    <DeviceInfo><Manufacturer>Maker</Manufacturer><SerialNo>{serial}</SerialNo></DeviceInfo>
    <Key Id="{serial}" Algorithm="{PSKC}:{kind}">
      <AlgorithmParameters><ResponseFormat Length="{digits}" Encoding="DECIMAL"/></AlgorithmParameters>
      <Data><Secret><PlainValue>{secret}</PlainValue></Secret>{data}</Data>
      {f"<UserId>{user}</UserId>" if user else ""}{more}
    </Key>
  </KeyPackage>"""


def container(host, *packages, head=""):
    path = host.directory / "tokens.xml"
    path.write_text(f"""<?xml version="1.0" encoding="UTF-8"?>
{head}<KeyContainer Version="1.0" xmlns="{PSKC}">{"".join(packages)}
</KeyContainer>
""")
    path.chmod(0o600)
    return path


def number(name, value):
    return f"<{name}><PlainValue>{value}</PlainValue></{name}>"


def test_hardware_tokens_of_a_container_are_enrolled(host):
    path = container(host, pskc_key("1001", user="UID=alice.x,DC=example", data=number("Counter", 7)),
                     pskc_key("1002", "totp", user="bob.x", data=number("TimeInterval", 60) +
                              number("TimeDrift", -1)),
                     pskc_key("1003", user="alice.x", secret="MTIzNDU2Nzg5MDEyMzQ1Njc4OTAx"))
    assert host.done("import", "pskc", path) == "2 users imported\n"
    assert re.findall(r'^token +"([^"]*)": (\w+)', host.done("show", "alice.x"), re.M) == [
        ("1001", "HOTP"), ("1003", "HOTP")]
    assert host.attempt("alice.x", hotp(6)) == "deny used_code"
    assert host.attempt("alice.x", hotp(7)) == "allow code"
    assert host.attempt("bob.x", code_at(time.time() - 60, OF_HEX, 60)) == "allow code"


def test_a_list_says_whose_tokens_they_are(host):
    path = container(host, pskc_key("1001", data=number("Counter", 0)), pskc_key("1002", user="other.x"))
    users = host.csv("# serial,user\n1001, alice.x\n1002,bob.x\n")
    assert host.done("import", "pskc", "--users", users, path) == "2 users imported\n"
    assert sorted(os.listdir(host.store / "users")) == ["alice.x", "bob.x"]
    assert host.attempt("alice.x", hotp(0)) == "allow code"


def test_tokens_that_cannot_be_imported_are_named_with_their_line(host):
    path = container(host, pskc_key("1001"), pskc_key("1002", kind="pin", user="a.x"),
                     pskc_key("1003", user="b.x", secret="MTIz"),
                     pskc_key("1004", user="c.x", digits=10), pskc_key("1005", user="good.x"))
    users = host.csv("1006,d.x\nnonsense\n")
    said = host.refused("import", "pskc", path, "--users", users)
    for line, why in (5, "no user: --users FILE"), (13, "Algorithm: expected"), \
            (21, "Secret: expected 10 to 128 bytes"), (29, "ResponseFormat: expected a length of 6 to 8"):
        assert re.search(rf"^{path}:{line}: {why}", said, re.M), (line, said)
    assert f"{users}:1: there is no token with that serial number" in said
    assert f"{users}:2: expected serial,user" in said
    assert PLAIN not in said and os.listdir(host.store / "users") == []


def test_the_policy_of_a_token_is_reported(host):
    path = container(host, pskc_key("1001", user="a.x", more="<Policy><ExpiryDate>2030-01-01T00:00:00Z"
                                    "</ExpiryDate><PINPolicy MinLength='4'/></Policy>"))
    ran = host.run("import", "pskc", path)
    assert (ran.returncode, ran.stdout) == (1, "1 user imported\n")
    assert "not imported: the PIN" in ran.stderr and "warning: the dates" in ran.stderr


BOMB = "<!DOCTYPE x [<!ENTITY a '" + "ha" * 50 + "'>" + "".join(
    f"<!ENTITY {chr(98 + i)} '{f'&{chr(97 + i)};' * 20}'>" for i in range(9)) + "]>"


@pytest.mark.parametrize("text", [
    "", "no XML", "<KeyContainer>", "<Other/>", "<KeyContainer xmlns='x'><KeyPackage></KeyContainer>",
    "<!DOCTYPE KeyContainer><KeyContainer/>",
    "<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/dtd'><KeyContainer/>",
    "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><KeyContainer>&f;</KeyContainer>",
    BOMB + "<KeyContainer><KeyPackage><Key Id='&j;'/></KeyPackage></KeyContainer>",
    "<a>" * 100000, "<KeyContainer " + "a='" + "x" * 11000000 + "'/>",
], ids=range(11))
def test_anything_but_a_container_is_rejected_at_once(host, text):
    path = host.directory / "tokens.xml"
    path.write_text(text)
    path.chmod(0o600)
    began = cpu_seconds()
    said = host.refused("import", "pskc", path)
    assert cpu_seconds() - began < 5
    assert f"nothing is imported: {path}: not " in said and "root:" not in said


def test_a_container_of_very_many_parts_is_read_in_bounded_time(host):
    """One package, in which the reader would go through the whole device for every key."""
    path = host.directory / "many.xml"
    path.write_text(f'<KeyContainer xmlns="{PSKC}"><KeyPackage><DeviceInfo>' + "<Model/>" * 40000 +
                    "</DeviceInfo>" + "<Key/>" * 40000 + "</KeyPackage></KeyContainer>")
    path.chmod(0o600)
    began = cpu_seconds()
    assert "40000 of 40000" in host.refused("import", "pskc", path)
    assert cpu_seconds() - began < 15


def test_reading_a_container_ends_in_a_timeout(host):
    """libxml2 compares each attribute of an element with every other one."""
    path = host.directory / "attributes.xml"
    path.write_text("<KeyContainer " + " ".join(f"a{i}=''" for i in range(90000)) + "/>")
    path.chmod(0o600)
    began = cpu_seconds()
    ran = host.run("import", "pskc", path)
    took = cpu_seconds() - began
    assert took < 15
    if took > 4:  # a later libxml2 is fast
        assert ran.stderr == f"totpctl: nothing is imported: {path}: takes too long to be read as XML\n"


# ---- export, and import of it

def phrase_file(host, text=PHRASE + "\n", mode=0o600):
    path = host.directory / "phrase"
    path.write_text(text)
    path.chmod(mode)
    return path


def export(host, *users, name="out"):
    path = host.directory / name
    host.done("export", path, *users, "--passphrase-file", phrase_file(host))
    return path


def bring(host, path, *options):
    return host.run("import", "exported", path, *options, "--passphrase-file", phrase_file(host))


def test_an_export_moves_everything_to_another_host(host, other):
    host.enroll("alice.x")
    host.enroll(KNOWN, OTHER_SECRET)
    host.done("import", "google", google(host.directory, "carol.x", OF_HEX, '" HOTP_COUNTER 5', "12345678",
                                         "87654321"))
    code = fresh_code()
    assert host.attempt("alice.x", code) == "allow code"
    assert host.attempt("carol.x", hotp(5)) == "allow code"
    assert host.attempt("carol.x", "12345678") == "allow recovery_code"
    assert host.attempt(KNOWN, wrong_code(OTHER_SECRET)) == "deny wrong_code"
    before = host.files()
    path = export(host)
    st = path.stat()
    assert (st.st_mode & 0o7777, st.st_uid) == (0o600, 0)
    assert {name: seen for name, seen in host.files().items() if name in before} == before

    assert bring(other, path).stdout == "3 users imported\n"
    assert other.attempt("alice.x", code) == "deny used_code"
    assert other.attempt("carol.x", hotp(5)) == "deny used_code"
    assert other.attempt("carol.x", hotp(6)) == "allow code"
    assert other.attempt("carol.x", "12345678") == "deny spent_recovery_code"
    assert other.attempt("carol.x", "87654321") == "allow recovery_code"
    assert row(other.done("show", KNOWN), "failures") == row(host.done("show", KNOWN), "failures")
    ids = [{name.split(".")[-1] for name in os.listdir(made.store / "state")} for made in (host, other)]
    assert not ids[0] & ids[1]
    assert "outcome=exported" in host.logged()


def test_some_users_may_be_exported(host, other):
    for user in "alice.x", "bob.x", "carol.x":
        host.enroll(user)
    assert "carol.x" not in bring(other, export(host, "alice.x", "bob.x"), "--dry-run").stdout
    assert bring(other, export(host, "alice.x", "alice.x", name="twice")).stdout == "1 user imported\n"
    said = host.refused("export", host.directory / "more", "alice.x", "no.one", "--passphrase-file",
                        phrase_file(host))
    assert "no.one: is not enrolled" in said


def test_codes_used_since_the_export_stay_used_here(host):
    host.enroll("alice.x")
    path = export(host)
    code = fresh_code()
    assert host.attempt("alice.x", code) == "allow code"
    ran = bring(host, path)
    assert (ran.returncode, ran.stdout) == (1, "0 users imported, 1 kept\n")
    assert bring(host, path, "--replace").stdout == "0 users imported, 1 replaced\n"
    assert host.attempt("alice.x", code) == "deny used_code"


def test_an_export_file_shows_no_names_and_no_secrets(host):
    host.enroll("alice.x")
    sealed = export(host).read_bytes()
    assert sealed.startswith(b"PTPB\x01\x01")
    assert b"alice" not in sealed and b"imported" not in sealed


def test_another_passphrase_or_a_changed_file_imports_nothing(host, other):
    host.enroll("alice.x")
    path = export(host)
    said = other.refused("import", "exported", path, "--passphrase-file",
                         phrase_file(other, "correct horse battery stable\n"))
    assert f"nothing is imported: {path}: another passphrase, or the file was changed" in said
    sealed = path.read_bytes()
    for spoiled in sealed[:-1], sealed + b"x", sealed[:60] + bytes([sealed[60] ^ 1]) + sealed[61:]:
        path.write_bytes(spoiled)
        assert "another passphrase, or the file was changed" in bring(other, path).stderr
    for spoiled in b"", b"PTPB", sealed[:5] + b"\2" + sealed[6:], sealed[:6] + b"\x1f" + sealed[7:]:
        path.write_bytes(spoiled)
        assert "not an export that this version reads" in bring(other, path).stderr
    assert os.listdir(other.store / "users") == []


def test_an_export_overwrites_nothing(host):
    host.enroll("alice.x")
    path = export(host)
    before = path.read_bytes()
    assert "File exists" in host.refused("export", path, "--passphrase-file", phrase_file(host))
    link = host.directory / "link"
    link.symlink_to(host.directory / "nowhere")
    assert "File exists" in host.refused("export", link, "--passphrase-file", phrase_file(host))
    assert path.read_bytes() == before and not (host.directory / "nowhere").exists()


def test_an_export_that_fails_leaves_no_file(host):
    import resource
    host.enroll("alice.x")

    def small():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    path = host.directory / "out"
    host.refused("export", path, "--passphrase-file", phrase_file(host), preexec_fn=small)
    host.refused("export", path, "--passphrase-file", phrase_file(host, "short\n"))
    assert not path.exists()


def test_a_damaged_record_is_reported_and_the_others_are_exported(host, other):
    host.enroll("alice.x")
    host.enroll("bob.x")
    host.user_file("bob.x").write_bytes(b"damaged")
    path = host.directory / "out"
    ran = host.run("export", path, "--passphrase-file", phrase_file(host))
    assert ran.returncode == 1 and "bob.x: " in ran.stderr and "1 left out" in ran.stderr
    assert bring(other, path).stdout == "1 user imported\n"


def test_an_export_can_be_written_to_a_pipe(host, other):
    host.enroll("alice.x")
    made = subprocess.run([TOTPCTL, "--conf", host.conf, "export", "-", "--passphrase-file",
                           phrase_file(host)], capture_output=True, timeout=HANGS)
    assert made.returncode == 0 and made.stderr == b"1 user exported\n"
    taken = subprocess.run([TOTPCTL, "--conf", other.conf, "import", "exported", "-",
                            "--passphrase-file", phrase_file(other)], input=made.stdout,
                           capture_output=True, timeout=HANGS)
    assert (taken.returncode, taken.stdout) == (0, b"1 user imported\n")


def test_an_export_of_an_empty_store_is_empty(host, other):
    assert bring(other, export(host)).stdout == "0 users imported\n"


@pytest.mark.parametrize("text, mode, said", [
    (PHRASE + "\n", 0o640, "others can read it (mode 0640)"),
    ("eleven char\n", 0o600, "expected 12 to 128 bytes"),
    ("x" * 129 + "\n", 0o600, "expected 12 to 128 bytes"),
    (PHRASE + "\n" + PHRASE + "\n", 0o600, "expected one line"),
    ("", 0o600, "expected 12 to 128 bytes"),
])
def test_an_unsuitable_passphrase_file_is_rejected(host, text, mode, said):
    host.enroll("alice.x")
    refused = host.refused("export", host.directory / "out", "--passphrase-file", phrase_file(host, text, mode))
    assert said in refused and PHRASE not in refused
    assert not (host.directory / "out").exists()


def test_a_passphrase_may_come_through_a_pipe(host, other):
    host.enroll("alice.x")
    for longest in PHRASE, "x" * 128:
        path = host.directory / longest[:8]
        host.done("export", path, "--passphrase-file", "/dev/stdin", stdin=longest)
        assert other.done("import", "exported", "--dry-run", path, "--passphrase-file", "/dev/stdin",
                          stdin=longest + "\r\n")


# ---- the passphrase at a terminal

def at_terminal(host, words, *typed):
    """Run totpctl at a terminal of its own; returns exit code and everything that was shown."""
    pexpect = pytest.importorskip("pexpect")
    child = pexpect.spawn(TOTPCTL, ["--conf", str(host.conf), *map(str, words)], timeout=20,
                          encoding="utf-8")
    for question, answer in typed:
        child.expect_exact(question)
        child.waitnoecho()
        child.send(answer)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, "".join(child.before if isinstance(child.before, str) else "")


def test_a_passphrase_is_asked_twice_and_not_shown(host, other):
    host.enroll("alice.x")
    path = host.directory / "out"
    code, shown = at_terminal(host, ("export", path), (NEW_PHRASE, PHRASE + "\n"),
                              ("The same again: ", PHRASE + "\n"))
    assert code == 0 and "1 user exported" in shown and PHRASE not in shown
    code, shown = at_terminal(other, ("import", "exported", path), ("Passphrase: ", PHRASE + "\n"))
    assert code == 0 and "1 user imported" in shown and PHRASE not in shown


@pytest.mark.parametrize("typed, said", [
    (((NEW_PHRASE, PHRASE + "\n"), ("The same again: ", PHRASE + "x\n")), "the two differ"),
    (((NEW_PHRASE, "short\n"),), "expected 12 to 128 bytes"),
    (((NEW_PHRASE, "x" * 129 + "\n"),), "expected 12 to 128 bytes"),
    (((NEW_PHRASE, "\x04"),), "no passphrase"),
    (((NEW_PHRASE, "\x03"),), "no passphrase"),
    (((NEW_PHRASE, PHRASE + "\n"), ("The same again: ", "\x03")), "no passphrase"),
])
def test_without_a_passphrase_no_export_is_made(host, typed, said):
    host.enroll("alice.x")
    code, shown = at_terminal(host, ("export", host.directory / "out"), *typed)
    assert code == 1 and said in shown
    assert not (host.directory / "out").exists()


def test_without_a_terminal_no_passphrase_is_asked_for(host):
    host.enroll("alice.x")
    said = host.refused("export", host.directory / "out", start_new_session=True)
    assert "--passphrase-file" in said


# ---- sealed credentials

@pytest.fixture
def twin(host):
    """Another host with the keyring of the first."""
    with tempfile.TemporaryDirectory(prefix="totpctl-twin-") as directory:
        made = Host(pathlib.Path(directory))
        made.done("init", "--keyring", host.keyring)
        yield made


def test_a_sealed_credential_can_be_imported_again_on_hosts_with_the_same_key(host, twin):
    host.enroll("alice.x")
    host.enroll(KNOWN)
    files = [host.user_file("alice.x"), host.user_file(KNOWN)]
    assert twin.done("import", "sealed", *files) == "2 users imported\n"
    code = fresh_code()
    assert twin.attempt("alice.x", code) == "allow code"
    before = twin.files()
    for options in (), ("--replace",):
        assert twin.done("import", "sealed", *options, *files) == "0 users imported, 2 unchanged\n"
    assert twin.files() == before
    assert twin.attempt("alice.x", code) == "deny used_code"


def test_a_directory_of_sealed_credentials_is_imported_as_the_store_keeps_it(host, twin):
    for user in "alice.x", "bob.x", KNOWN:
        host.enroll(user)
    users = host.directory / "copy"
    shutil.copytree(host.store / "users", users)
    (users / "alice.x~0123456789abcdef").write_text("cut short")
    assert twin.done("import", "sealed", users) == "3 users imported\n"
    (users / "Carol").write_text("hello")
    (users / "dave.x").symlink_to(users / "bob.x")
    said = twin.refused("import", "sealed", users)
    assert f"{users}/Carol: its name is not that of a record" in said
    assert f"{users}/dave.x: not a regular file with one name" in said
    assert "nothing is imported: 2 of 5" in said
    (users / "Carol").unlink()
    (users / "dave.x").unlink()
    assert twin.done("import", "sealed", "--replace", users) == "0 users imported, 3 unchanged\n"
    users.chmod(0o777)
    assert "all users can put files there" in twin.refused("import", "sealed", users)


def test_a_newer_sealed_credential_replaces_and_keeps_what_was_used_here(host, twin):
    host.enroll("alice.x")
    twin.done("import", "sealed", host.user_file("alice.x"))
    code = fresh_code()
    assert twin.attempt("alice.x", code) == "allow code"
    host.done("recovery", "alice.x")
    ran = twin.run("import", "sealed", host.user_file("alice.x"))
    assert (ran.returncode, ran.stdout) == (1, "0 users imported, 1 kept\n")
    for said in "1 replaced", "1 unchanged":
        assert twin.done("import", "sealed", "--replace", host.user_file("alice.x")) == \
            f"0 users imported, {said}\n"
    assert row(twin.done("show", "alice.x"), "recovery codes") == "10 of 10 left"
    assert twin.attempt("alice.x", code) == "deny used_code"


def test_a_sealed_credential_is_bound_to_the_local_account_of_its_name(host, twin):
    host.enroll(KNOWN)
    host.record("bind", KNOWN, 4711)
    twin.done("import", "sealed", host.user_file(KNOWN))
    assert row(twin.done("show", KNOWN), "uid") == str(KNOWN_UID)


def test_a_credential_not_sealed_for_this_host_and_name_is_rejected(host, twin, other):
    host.enroll("alice.x")
    host.record("hotp", "alice.x")
    other.enroll("bob.x")
    host.enroll("carol.x")
    wrong_name = host.directory / "dave.x"
    shutil.copy(host.user_file("carol.x"), wrong_name)
    cut = host.directory / "carol.x"
    cut.write_bytes(host.user_file("carol.x").read_bytes()[:-1])
    large = host.directory / "large.x"
    large.write_bytes(b"x" * 9000)
    text = host.directory / "text.x"
    text.write_text("hello")
    upper = host.directory / "Carol"
    upper.write_text("hello")
    said = twin.refused("import", "sealed", host.user_file("alice.x"), other.user_file("bob.x"),
                        wrong_name, cut, large, text, upper, "/nonexistent")
    for path, why in ((host.user_file("alice.x"), "has a counter-based token"),
                      (other.user_file("bob.x"), "sealed by key"),
                      (wrong_name, "does not open"), (cut, "does not open"),
                      (large, "more than"), (text, "not a sealed record"),
                      (upper, "its name is not that of a record"),
                      ("/nonexistent", "cannot be read: No such file")):
        assert re.search(rf"^{re.escape(str(path))}: .*{why}", said, re.M), (path, said)
    assert os.listdir(twin.store / "users") == []


# ---- a keyring that several hosts share

def test_init_accepts_a_keyring_and_changes_nothing_the_second_time(host, bare, other):
    copy = host.directory / "copy"
    copy.write_bytes(b"# shared\n" + host.keyring.read_bytes() + other.keyring.read_bytes())
    copy.chmod(0o400)
    with tempfile.TemporaryDirectory(prefix="totpctl-third-") as directory:
        third = Host(pathlib.Path(directory))
        said = third.done("init", "--keyring", copy)
        assert f"Copied the keyring {copy} to {third.keyring}" in said and "Keep a copy" not in said
        st = third.keyring.stat()
        assert (st.st_mode & 0o7777, st.st_uid) == (0o600, 0)
        assert third.keyring.read_bytes() == copy.read_bytes()
        before = third.files()
        for keyring in copy, host.keyring:
            assert "nothing is changed" in third.done("init", "--keyring", keyring)
        assert third.files() == before


def test_init_leaves_a_keyring_without_the_keys_unchanged(host, other):
    before = other.files()
    said = other.refused("init", "--keyring", host.keyring)
    assert "does not have the key" in said and "nothing is changed" in said
    assert other.files() == before
    same_id = host.directory / "same-id"
    same_id.write_bytes(other.keyring.read_bytes()[:8] + host.keyring.read_bytes()[8:])
    same_id.chmod(0o600)
    assert "does not have the key" in other.refused("init", "--keyring", same_id)


@pytest.mark.parametrize("spoil", [
    lambda path: path.chmod(0o640),
    lambda path: os.chown(path, 65534, 65534),
    lambda path: path.write_text("no keyring\n"),
    lambda path: path.write_text(""),
    lambda path: path.write_bytes(b"#" * 100000),
    lambda path: path.unlink(),
])
def test_init_rejects_an_unsafe_keyring(host, spoil):
    copy = host.directory / "copy"
    shutil.copy(host.keyring, copy)
    copy.chmod(0o600)
    spoil(copy)
    with tempfile.TemporaryDirectory(prefix="totpctl-third-") as directory:
        third = Host(pathlib.Path(directory))
        assert str(copy) in third.refused("init", "--keyring", copy)
        assert not third.keyring.exists() and not third.store.exists()


def test_a_keyring_that_was_lost_is_restored_from_a_copy(host):
    host.enroll("alice.x")
    copy = host.directory / "copy"
    shutil.move(host.keyring, copy)
    host.done("init", "--keyring", copy)
    assert host.attempt("alice.x", fresh_code()) == "allow code"


def test_an_import_of_nothing_needs_an_argument(host):
    for words in ("sealed",), ("oath",), ("totp-cgi",), ("otpauth",), ("exported",), ("tokens",):
        assert host.run("import", *words).returncode == 2
    assert host.run("export").returncode == 2


TOP = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["man/totpctl-import.8.scd", "docs/migrating.md"])
def test_the_printed_command_that_replaces_the_module_asks_no_fewer_users(page, tmp_path):
    text = (TOP / page).read_text().replace("\\\\", "\\")  # as scdoc prints it
    command = re.search(r"^sed -i '(.*pam_google_authenticator.*)' /etc/pam.d/sshd$", text, re.M)[1]
    old = tmp_path / "sshd"
    old.write_text("auth required pam_google_authenticator.so\n"
                   "auth required pam_google_authenticator.so nullok\n"
                   "auth [success=1 default=die] /usr/lib/pam_google_authenticator.so secret=/x/${USER}\n")
    subprocess.run(["sed", "-i", command, old], check=True)
    assert [line.split("auth ")[1] for line in old.read_text().splitlines()] == [
        "required pam_totp.so", "required pam_totp.so",
        "[success=1 default=die] /usr/lib/pam_totp.so"]


def test_no_advice_puts_enforce_on_a_pam_line_where_the_tools_do_not_read_it():
    for path in [*(TOP / "conf/pam.d").iterdir(), TOP / "scripts/try", *TOP.glob("docs/*.md"),
                 TOP / "README.md", TOP / "man/totpctl-import.8.scd"]:
        assert "enforce=optional" not in path.read_text().replace("write enforce=optional", ""), path
