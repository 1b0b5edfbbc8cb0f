# SPDX-License-Identifier: BSD-2-Clause
"""Logging in with the real sshd and the real ssh."""
import os
import re
import stat
import subprocess
import time

import pytest

from host import ALONE, DIR, PROMPT, STORE, run, wait_for

SOON = {"fail_delay": 0}  # where a test is not about the delay


def asked(login):
    """The prompts without what the ssh client puts before each."""
    return [re.sub(r"^\(\w+@localhost\) ", "", prompt) for prompt in login.prompts]


def wording(login, *names):
    """Everything that the user saw, without names and numbers that necessarily differ."""
    text = login.screen
    for name in names:
        text = text.replace(name, "USER")
    return [prompt for prompt in asked(login)], re.sub(r"port \d+", "port", text), login.output


def test_one_code_allows_one_login(host):
    """
    With the defaults: a correct code is allowed, the same one denied, a wrong one denied, the next
    one allowed.
    """
    phone = host.enroll("alice", period=30)
    host.sshd()
    time.sleep(30 - time.time() % 30)  # the next code is named while the used one is the newest
    first = phone.code()

    mark = host.log_end()
    login = host.ssh("alice", first)
    assert login.ok and login.output == "alice\n" and asked(login) == [PROMPT], login
    event = host.event(mark)
    assert (event["user"], event["service"], event["source"], event["outcome"], event["reason"],
            event["facility"]) == ("alice", "sshd", "127.0.0.1", "allow", "code", 10)

    mark = host.log_end()
    login = host.ssh("alice", first)
    assert not login.ok and asked(login) == [PROMPT], login
    assert "This code was already used. The next one comes in" in login.screen
    assert host.event(mark)["outcome"] == "deny" and host.event(mark)["reason"] == "used_code"

    mark = host.log_end()
    login = host.ssh("alice", phone.wrong())
    assert not login.ok and asked(login) == [PROMPT], login
    assert login.seconds > 1, "a refusal is delayed"
    assert host.event(mark)["outcome"] == "deny" and host.event(mark)["reason"] == "wrong_code"

    mark = host.log_end()
    login = host.ssh("alice", phone.code(1))
    assert login.ok, login
    assert host.event(mark)["outcome"] == "allow"


def test_spaces_and_dashes_in_a_code_do_not_matter(host):
    phone = host.enroll("alice")
    host.sshd()
    code = phone.code()
    assert host.ssh("alice", f" {code[:3]} - {code[3:]} ").ok


@pytest.mark.parametrize("algorithm,digits", [("SHA256", "7"), ("SHA512", "8")])
def test_other_algorithms_and_lengths_log_in(host, algorithm, digits):
    phone = host.enroll("alice", "--algorithm", algorithm, "--digits", digits)
    assert (phone.algorithm, phone.digits) == (algorithm, int(digits))
    host.sshd()
    assert host.ssh("alice", phone.code()).ok


def test_a_login_at_its_prompt_is_not_disturbed_by_another_one(host):
    phone = host.enroll("alice")
    host.sshd()
    slow = host.ssh_by_hand("alice")
    slow.expect_exact(PROMPT)

    assert host.ssh("alice", phone.code(0)).ok

    slow.sendline(phone.code(1))
    slow.expect("alice")
    slow.wait()
    assert slow.exitstatus == 0


def test_of_many_logins_with_one_code_one_is_allowed(host):
    host.policy(**SOON)
    phone = host.enroll("alice")
    host.sshd()
    code = phone.code()
    clients = [host.ssh_start("alice", code) for _ in range(8)]
    logins = [host.ssh_end(client) for client in clients]
    assert sum(login.ok for login in logins) == 1, logins


def test_an_exempt_user_gets_in_where_our_line_is_the_only_one(host):
    host.policy(exempt="bob")
    host.enroll("alice")
    host.sshd()
    login = host.ssh("bob")
    assert login.ok and login.prompts == [], login
    assert host.event()["outcome"] == "skip" and host.event()["reason"] == "exempt"


def test_skipping_a_user_alone_allows_no_login(host):
    """Without pam_permit after it, our line allows nothing to a user whom it skips."""
    host.policy(exempt="bob")
    host.pam("sshd", ALONE[0], *ALONE[2:])
    host.sshd()
    assert not host.ssh("bob", "000000").ok


def test_while_optional_only_the_enrolled_are_asked(host):
    phone = host.enroll("alice")
    host.pam("sshd", *ALONE, args="enforce=optional")
    host.sshd()

    login = host.ssh("bob")
    assert login.ok and login.prompts == [], login
    assert host.event()["reason"] == "not_required"

    login = host.ssh("alice", phone.code())
    assert login.ok and asked(login) == [PROMPT], login
    assert not host.ssh("alice", phone.wrong()).ok


def test_nobody_can_find_out_who_is_enrolled(host):
    """Wrong code, not enrolled, not known to the host: the user sees the same."""
    phone = host.enroll("alice")
    host.sshd()
    wrong = phone.wrong()
    enrolled = host.ssh("alice", wrong)
    mark = host.log_end()
    not_enrolled = host.ssh("bob", wrong)
    assert host.event(mark)["user"] == "bob"
    mark = host.log_end()
    unknown = host.ssh("mallory", wrong)
    assert host.event(mark)["user"] == "-", "people type passwords where a name belongs"
    assert "mallory" not in "".join(
        line for line in host.log_text(mark).splitlines() if "pam_totp: " in line)

    assert not enrolled.ok and not not_enrolled.ok and not unknown.ok
    assert asked(enrolled) == [PROMPT]
    assert wording(enrolled, "alice") == wording(not_enrolled, "bob") == wording(unknown, "mallory")
    assert max(enrolled.seconds, not_enrolled.seconds, unknown.seconds) < 30


def test_key_and_code(host):
    """AuthenticationMethods publickey,keyboard-interactive: both, and in that order."""
    phone = host.enroll("alice")
    with_key = host.key("alice")
    host.sshd("AuthenticationMethods publickey,keyboard-interactive:pam")

    login = host.ssh("alice", phone.code(), options=with_key)
    assert login.ok and asked(login) == [PROMPT], login
    assert not host.ssh("alice", phone.wrong(), options=with_key).ok
    login = host.ssh("alice", phone.code(1), options=("PubkeyAuthentication=no",))
    assert not login.ok and login.prompts == [], "without the key nobody is asked"


def test_password_then_code(host):
    host.password("alice", "correct horse")
    phone = host.enroll("alice")
    host.pam("sshd", "auth requisite pam_unix.so nodelay", "auth required pam_totp.so", *ALONE[2:])
    host.sshd()
    login = host.ssh("alice", "correct horse", phone.code())
    assert login.ok and asked(login) == ["Password: ", PROMPT], login
    assert not host.ssh("alice", "correct horse", phone.wrong()).ok
    login = host.ssh("alice", "wrong horse", phone.code(1))
    assert not login.ok and asked(login) == ["Password: "], "the first factor stands before ours"


def test_sshd_password_method_is_denied_and_not_counted(host):
    """It sends the password in answer to every prompt: the log says what to change."""
    host.policy(**SOON)
    host.password("alice", "correct horse")
    phone = host.enroll("alice")
    host.pam("sshd", "auth requisite pam_unix.so nodelay", "auth required pam_totp.so", *ALONE[2:])
    host.sshd("PasswordAuthentication yes", "KbdInteractiveAuthentication no")
    before = host.state_files()
    for _ in range(6):
        mark = host.log_end()
        assert not host.ssh("alice", "correct horse").ok
        event = host.event(mark)
        assert event["outcome"] == "deny" and event["reason"] == "password"
        assert "KbdInteractiveAuthentication" in event["detail"]
    assert host.state_files() == before
    assert "correct horse" not in host.log_text()

    host.sshd()
    assert host.ssh("alice", "correct horse", phone.code()).ok


def test_sshd_filler_for_root_is_denied_and_not_counted(host):
    """PermitRootLogin no makes sshd answer instead of root."""
    host.policy(**SOON)
    phone = host.enroll("root")
    host.sshd("PermitRootLogin no")
    before = host.state_files()
    for _ in range(6):
        mark = host.log_end()
        assert not host.ssh("root", phone.code()).ok
        event = host.event(mark)
        assert event["outcome"] == "deny" and event["reason"] == "junk"
        assert "PermitRootLogin" in event["detail"]
    assert host.state_files() == before

    host.sshd()
    assert host.ssh("root", phone.code()).ok


def test_after_five_wrong_codes_a_sixth_must_wait(host):
    host.policy(**SOON)
    phone = host.enroll("alice")
    host.sshd()
    for _ in range(5):
        login = host.ssh("alice", phone.wrong())
        assert not login.ok and "Try again" not in login.screen
    right = phone.code()

    before = host.state_files()
    for _ in range(2):
        mark = host.log_end()
        login = host.ssh("alice", right)
        assert not login.ok and asked(login) == [PROMPT], login
        assert re.search(r"Too many wrong codes\. Try again in [45] minutes\.", login.screen), login
        assert host.event(mark)["outcome"] == "wait" and host.event(mark)["reason"] == "throttled"
    assert host.state_files() == before, "a refused try costs nothing"

    bob = host.enroll("bob")
    assert host.ssh("bob", bob.code()).ok, "nobody else waits"

    run("totpctl", "unlock", "alice")
    assert host.ssh("alice", phone.code()).ok


def test_guessing_in_parallel_counts_every_guess(host):
    host.policy(**SOON)
    phone = host.enroll("alice")
    host.sshd()
    clients = [host.ssh_start("alice", phone.wrong()) for _ in range(12)]
    logins = [host.ssh_end(client) for client in clients]
    assert not any(login.ok for login in logins)
    outcomes = [event["outcome"] for event in host.events()]
    assert (outcomes.count("deny"), outcomes.count("wait")) == (5, 7), outcomes


def test_debug_logs_more_and_no_secret(host):
    """The fixture looks for codes and secrets in all logs."""
    host.policy(**SOON)
    phone = host.enroll("alice")
    host.pam("sshd", *ALONE, args="debug")
    host.sshd()
    for answer in phone.code(), phone.wrong(), "not a code: opensesame":
        host.ssh("alice", answer)
    assert host.events()
    assert "opensesame" not in host.log_text()


def test_a_removed_user_is_not_enrolled(host):
    host.policy(**SOON)
    phone = host.enroll("alice")
    host.sshd()
    assert host.ssh("alice", phone.code()).ok
    run("totpctl", "delete", "--yes", "alice")
    login = host.ssh("alice", phone.code(1))
    assert not login.ok and asked(login) == [PROMPT]


# ---- a broken part denies at once, and the log says so


def refused(host, user, answer, prompts=(PROMPT,)):
    """Denied in bounded time, with the prompt that everybody gets, and logged as an error."""
    mark = host.log_end()
    login = host.ssh(user, answer)
    assert not login.ok and tuple(asked(login)) == prompts, login
    assert login.seconds < 30, login
    event = host.event(mark)
    assert event["outcome"] == "error" and event.get("detail"), event
    return event


def damage_missing():
    run("rm", "-rf", STORE)


def damage_unmarked():
    for name in os.listdir(STORE):
        if os.path.isfile(f"{STORE}/{name}"):
            os.unlink(f"{STORE}/{name}")


def damage_foreign_store():
    os.chown(STORE, 64002, 64002)


def damage_keyring_missing():
    os.unlink("/etc/pam_totp/keyring")


def damage_keyring_readable():
    os.chmod("/etc/pam_totp/keyring", 0o644)


@pytest.mark.parametrize("enforce", ["required", "optional"])
@pytest.mark.parametrize("damage", [damage_missing, damage_unmarked, damage_foreign_store])
def test_with_a_damaged_store_every_login_is_denied(host, damage, enforce):
    host.policy(**SOON, enforce=enforce)
    phone = host.enroll("alice")
    host.sshd()
    damage()
    refused(host, "alice", phone.code(), prompts=())
    refused(host, "bob", phone.code(), prompts=())


@pytest.mark.parametrize("damage", [damage_keyring_missing, damage_keyring_readable])
def test_with_a_damaged_keyring_every_login_is_denied(host, damage):
    host.policy(**SOON)
    phone = host.enroll("alice")
    host.sshd()
    damage()
    refused(host, "alice", phone.code())


def hostile_fifo(path):
    os.unlink(path)
    os.mkfifo(path, 0o600)


def hostile_symlink(path):
    os.rename(path, f"{STORE}/record")
    os.symlink(f"{STORE}/record", path)


def hostile_hard_link(path):
    os.link(path, os.path.dirname(path) + "~other")


def hostile_directory(path):
    os.unlink(path)
    os.mkdir(path, 0o700)


def hostile_mode(path):
    os.chmod(path, 0o666)


def hostile_owner(path):
    os.chown(path, 64002, 64002)


def hostile_size(path):
    os.truncate(path, 1 << 30)


def hostile_emptiness(path):
    os.truncate(path, 0)


def hostile_device(path):
    os.unlink(path)
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))


@pytest.mark.parametrize("which", ["users", "state"])
@pytest.mark.parametrize("hostile", [
    hostile_fifo, hostile_symlink, hostile_hard_link, hostile_directory, hostile_mode,
    hostile_owner, hostile_size, hostile_emptiness, hostile_device])
def test_a_hostile_file_denies_only_its_user(host, which, hostile):
    host.policy(**SOON)
    alice, bob = host.enroll("alice"), host.enroll("bob")
    host.sshd()
    directory = f"{STORE}/{which}"
    name, = (name for name in os.listdir(directory) if name.split(".")[0] == "alice")
    hostile(f"{directory}/{name}")
    refused(host, "alice", alice.code())
    assert host.ssh("bob", bob.code()).ok


@pytest.mark.parametrize("line", ["nullok", "enforce = yes", "window = 1\nwindow = 2", "enforce"])
def test_with_half_a_policy_every_login_is_denied(host, line):
    phone = host.enroll("alice")
    host.sshd()
    with open("/etc/security/pam_totp.conf", "w") as file:
        file.write(line + "\n")
    login = host.ssh("alice", phone.code())
    assert not login.ok
    assert "pam_totp.conf" in host.log_text()


def test_with_a_misspelt_argument_every_login_is_denied(host):
    phone = host.enroll("alice")
    host.pam("sshd", *ALONE, args="enforce=optionl")
    host.sshd()
    assert not host.ssh("alice", phone.code()).ok
    assert not host.ssh("bob", "000000").ok
    assert "enforce: expected" in host.log_text()


# ---- what sshd's process loads


def test_sshd_loads_only_the_libraries_that_a_login_needs(host):
    host.enroll("alice")
    host.sshd()
    waiting = host.ssh_by_hand("alice")
    waiting.expect_exact(PROMPT)

    def carriers():
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/maps") as maps:
                    text = maps.read()
            except OSError:
                continue
            if "/pam_totp.so" in text:
                found[pid] = text
        return found

    found = wait_for(carriers)
    assert found
    for text in found.values():
        assert not re.search(r"libqrencode|libcurl|libpng|libcmocka|libasan", text)
