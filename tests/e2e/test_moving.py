# SPDX-License-Identifier: BSD-2-Clause
"""Migration: files that the other systems' own programs made and used, and then our logins."""
import os
import re
import shutil
import time
import types

import pytest
import yaml

from host import DIR, STORE, Phone, run

MANUAL = os.path.join(os.path.dirname(__file__), "../../man/totpctl-import.8.scd")
HEX = "3132333435363738393031323334353637383930"


@pytest.fixture(autouse=True)
def homes():
    """Homes without the other system's files."""
    yield
    for user in "alice", "bob":
        if os.path.lexists(f"/home/{user}/.google_authenticator"):
            os.unlink(f"/home/{user}/.google_authenticator")


def peer(host, *lines):
    """A PAM service with only the other module; returns how to log in to it."""
    host.pam("peer", *lines, "account required pam_permit.so")

    def attempt(user, code):
        return run("sh", "-c", f"pamtester peer {user} authenticate 2>&1 || true", given=code + "\n")
    return attempt


def in_time():
    """Not in the last moments of a step, so that all that follows is in the same one."""
    left = 30 - time.time() % 30
    if left < 8:
        time.sleep(left + 0.1)


def hotp(counter, digits=6):
    return run("oathtool", "--hotp", "-d", str(digits), "-c", str(counter), HEX).strip()


def google_authenticator(user, *options):
    """
    Run the other system's tool to make the user's file; returns the phone and the scratch codes.
    """
    run("runuser", "-u", user, "--", "env", f"HOME=/home/{user}", "google-authenticator", "-f", "-q",
        *options)
    with open(f"/home/{user}/.google_authenticator") as file:
        lines = file.read().splitlines()
    return (Phone(f"otpauth://totp/{user}?secret={lines[0]}"),
            [line for line in lines if re.fullmatch(r"\d{8}", line)])


def test_users_of_google_authenticator_log_in_with_what_they_have(host):
    attempt = peer(host, "auth required pam_google_authenticator.so")
    alice, scratch = google_authenticator("alice", "-t", "-d", "-w", "3", "-r", "3", "-R", "30")
    google_authenticator("bob", "-c", "-w", "17", "-u")
    in_time()
    used = alice.code()
    assert "successfully authenticated" in attempt("alice", used)
    assert "successfully authenticated" in attempt("alice", scratch[0])
    before = open("/home/alice/.google_authenticator").read()
    assert scratch[0] not in before and "DISALLOW_REUSE " in before

    told = run("totpctl", "import", "google", "--homes", "--dry-run")
    assert re.search(r"^import     alice: 1 token, 4 recovery codes$", told, re.M), told
    assert run("totpctl", "list") == "Nobody is enrolled.\n"
    assert run("totpctl", "import", "google", "--homes") == "2 users imported\n"
    assert open("/home/alice/.google_authenticator").read() == before

    host.sshd()
    assert not host.ssh("alice", used).ok
    assert not host.ssh("alice", scratch[0]).ok
    assert host.ssh("alice", scratch[1]).ok
    assert not host.ssh("alice", scratch[1]).ok
    assert host.ssh("alice", alice.code(1)).ok
    assert re.search(r"user=alice .*reason=used_code", host.log_text())
    assert re.search(r"user=alice .*reason=spent_recovery_code", host.log_text())
    # the other module works as long as its line is in a stack
    assert "successfully authenticated" in attempt("alice", scratch[2])


def test_a_counter_continues_where_google_authenticator_left_it(host):
    attempt = peer(host, "auth required pam_google_authenticator.so")
    google_authenticator("bob", "-c", "-w", "17", "-u")
    path = "/home/bob/.google_authenticator"
    text = open(path).read().splitlines()
    with open(path, "w") as file:
        file.write("\n".join(["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", *text[1:], ""]))
    first = int(re.search(r"HOTP_COUNTER (\d+)", open(path).read())[1])
    assert "successfully authenticated" in attempt("bob", hotp(first + 2))
    run("totpctl", "import", "google", path)
    host.sshd()
    assert not host.ssh("bob", hotp(first + 2)).ok
    assert host.ssh("bob", hotp(first + 3)).ok


def test_no_home_is_read_as_root(host):
    """A link cannot lead to a file that its user could not read."""
    google_authenticator("bob", "-t", "-d", "-w", "3", "-u")
    os.symlink("/home/bob/.google_authenticator", "/home/alice/.google_authenticator")
    run("chown", "-h", "alice:alice", "/home/alice/.google_authenticator")
    said = run("totpctl", "import", "google", "--homes", fail=True)
    assert "/home/alice/.google_authenticator: cannot be read by its user: Permission denied" in said
    assert "nothing is imported: 1 of 2" in said
    os.unlink("/home/alice/.google_authenticator")
    os.mkfifo("/home/alice/.google_authenticator")
    run("chown", "alice:alice", "/home/alice/.google_authenticator")
    said = run("totpctl", "import", "google", "--homes", "--keep-going", fail=True)
    assert "/home/alice/.google_authenticator: not a regular file" in said
    assert "1 user imported" in said and os.listdir(f"{STORE}/users") == ["bob"]


def test_root_does_not_wait_for_a_home(host):
    """A process of each user's own reads it, and is ended if it gets no answer."""
    log = f"{DIR}/homes.strace"
    run("strace", "-f", "-qq", "-e", "trace=%file", "-o", log, "totpctl", "import", "google",
        "--homes")
    calls = [line.split(maxsplit=1) for line in open(log)]
    tool = calls[0][0]
    assert any(pid != tool and '"/home/alice/' in call for pid, call in calls)
    assert not [call for pid, call in calls if pid == tool and '"/home' in call]


def test_users_of_pam_oath_log_in_with_what_they_have(host):
    users = f"{DIR}/users.oath"
    attempt = peer(host, f"auth required pam_oath.so usersfile={users} window=20")
    with open(users, "w") as file:
        file.write(f"# users\nHOTP/T30 alice - {HEX}\nHOTP/E/6 bob - {HEX}\n")
    os.chmod(users, 0o600)
    phone = Phone("otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    in_time()
    used = phone.code()
    assert "successfully authenticated" in attempt("alice", used)
    assert "successfully authenticated" in attempt("bob", hotp(3))
    before = open(users).read()
    assert used in before and hotp(3) in before

    assert run("totpctl", "import", "oath", users) == "2 users imported\n"
    assert open(users).read() == before
    host.sshd()
    assert not host.ssh("alice", used).ok
    assert host.ssh("alice", phone.code(1)).ok
    assert not host.ssh("bob", hotp(3)).ok
    assert host.ssh("bob", hotp(4)).ok


def test_an_export_moves_a_host_and_used_codes_stay_used(host):
    phone = host.enroll("alice")
    host.sshd()
    used = phone.code()
    assert host.ssh("alice", used).ok
    with open(f"{DIR}/phrase", "w") as file:
        file.write("correct horse battery staple\n")
    os.chmod(f"{DIR}/phrase", 0o600)
    run("totpctl", "export", f"{DIR}/export", "--passphrase-file", f"{DIR}/phrase")

    host.forget()
    run("totpctl", "init")
    assert run("totpctl", "import", "exported", f"{DIR}/export", "--passphrase-file",
               f"{DIR}/phrase") == "1 user imported\n"
    assert not host.ssh("alice", used).ok
    assert host.ssh("alice", phone.code(1)).ok


def playbook():
    """The tasks of the manual's example."""
    text = open(MANUAL).read()
    return yaml.safe_load(re.search(r"^```\n(- name: .*?)^```", text, re.M | re.S)[1])


def play(tasks, files):
    """What ansible-playbook would do; returns the names of the tasks that changed something."""
    changed, facts = [], {}
    for task in tasks:
        if "ansible.builtin.copy" in task:
            copy = task["ansible.builtin.copy"]
            source, dest = os.path.join(files, copy["src"]), copy["dest"]
            names = os.listdir(source) if source.endswith("/") else [""]
            os.makedirs(os.path.dirname(dest), exist_ok=True)
            for name in names:
                shutil.copy(source + name, dest + name)
                os.chmod(dest + name, int(copy["mode"], 8))
                os.chown(dest + name, 0, 0)
            continue
        command = task["ansible.builtin.command"]["cmd"].split()
        facts[task["register"]] = types.SimpleNamespace(stdout=run(*command))
        if eval(task["changed_when"], {}, facts):
            changed.append(task["name"])
    return changed


def test_the_manual_s_playbook_runs_twice_and_changes_nothing_the_second_time(host):
    phone = host.enroll("alice")
    host.enroll("bob")
    files = f"{DIR}/files"
    shutil.rmtree(files, ignore_errors=True)
    os.mkdir(files)
    shutil.copy("/etc/pam_totp/keyring", f"{files}/keyring")
    shutil.copytree(f"{STORE}/users", f"{files}/users")
    tasks = playbook()
    assert len(tasks) == 4

    host.forget()  # another host
    assert play(tasks, files) == ["Keyring and store", "Users"]
    host.sshd()
    code = phone.code()
    assert host.ssh("alice", code).ok
    assert play(tasks, files) == []
    assert not host.ssh("alice", code).ok
    assert host.ssh("alice", phone.code(1)).ok
    shutil.rmtree("/root/pam_totp.users")
    os.unlink("/root/pam_totp.keyring")
