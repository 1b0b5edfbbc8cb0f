# SPDX-License-Identifier: BSD-2-Clause
"""
Which process checks a login: its own, or totpd. tests/module/test-place.c tests the table itself;
here real programs and real sandboxes decide.
"""
import base64
import json
import os
import shutil
import subprocess

import pexpect
import pytest

from host import DIR, KEYRING, PROMPT, STORE, Terminal, run
from test_in_login import ASK, PASSWORD, STACK, done, phone_of
from test_totpd import (POWERLESS, SU, as_user, become, locker, log_in, memory_of,
                        opened_by, served, su)

__all__ = ["locker", "served"]  # fixtures

NO_OVERRIDE = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", "--")
ADMIN = "/srv/admin"


def sandbox(*commands):
    """A mount namespace of its own, in which these commands were run first."""
    return ("unshare", "--mount", "--", "sh", "-ec", "; ".join(commands) + '; exec "$@"', "sh")


def read_only(*paths):
    return sandbox(*(f"mount --bind {path} {path}; mount -o remount,bind,ro {path}"
                     for path in paths))


SANDBOXES = {
    "no-dac-override": NO_OVERRIDE,
    "no-capabilities": POWERLESS,
    "store-read-only": read_only(STORE),
    "states-read-only": read_only(f"{STORE}/state"),
    "protect-system-strict": read_only("/etc", "/usr", "/var", STORE, "/home"),
    "no-var": sandbox("mount -t tmpfs none /var"),
    "store-hidden": sandbox(f"mount -t tmpfs -o mode=000 none {STORE}"),
    "keyring-hidden": sandbox("mount -t tmpfs -o mode=000 none /etc/pam_totp"),
}


def ask(how, code, user="alice", service="locker", fail=False):
    return run(*how, "pamtester", service, user, "authenticate", given=code + "\n", fail=fail)


@pytest.mark.parametrize("how", SANDBOXES.values(), ids=SANDBOXES)
@pytest.mark.parametrize("settings", ["enforce=required", "enforce=optional",
                                      "enforce=optional remember=1h"])
def test_root_in_a_sandbox_has_totpd_check_the_code(locker, how, settings):
    phone = locker.enroll("alice")
    locker.pam("locker", f"auth required pam_totp.so {settings}")
    code = phone.code()
    assert "successfully authenticated" in ask(how, code)
    assert "already used" in ask(how, code, fail=True)
    assert "not accepted" in ask(how, phone.wrong(), fail=True)
    assert [event["reason"] for event in locker.events()] == ["code", "used_code", "wrong_code"]
    assert {event["source"] for event in locker.events()} == {locker.events()[0]["source"]}


@pytest.mark.parametrize("how", SANDBOXES.values(), ids=SANDBOXES)
def test_in_a_sandbox_without_totpd_every_login_is_denied(locker, how):
    phone = locker.enroll("alice")
    locker.pam("locker", "auth required pam_totp.so enforce=optional",
               "auth required pam_permit.so")
    locker.stop_totpd()
    assert "not possible right now" in ask(how, phone.code(), fail=True)
    assert locker.event()["outcome"] == "error"


@pytest.mark.parametrize("how", ["no-dac-override", "protect-system-strict", "no-var"])
def test_with_readonly_login_a_sandbox_is_not_taken_for_a_failing_disk(locker, how):
    locker.policy(readonly_login="yes", fail_delay=0)
    locker.totpd()
    phone = locker.enroll("alice")
    before = locker.state_files()
    assert "successfully" in ask(SANDBOXES[how], phone.code())
    assert locker.state_files() != before, "the disk takes it: totpd can write"
    run("mount", "--bind", STORE, STORE)
    try:
        run("mount", "-o", "remount,bind,ro", STORE)
        code = phone.code(1)
        assert "successfully" in ask((), code)
        locker.stop_totpd()
        assert "already used" in ask((), code, fail=True), "root alone goes by it as well"
    finally:
        run("umount", "-l", STORE)


def test_totpd_is_asked_even_if_a_missing_right_shows_late(locker):
    """A security module that access(2) does not consult: the state cannot be opened for writing."""
    phone = locker.enroll("alice")
    source = f"{DIR}/refuse.c"
    with open(source, "w", encoding="utf-8") as file:
        file.write("""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
int openat(int dir, const char *name, int flags, ...)
{
	int (*next)(int, const char *, int, ...) = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
	va_list args;
	int mode;
	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	if ((flags & O_ACCMODE) == O_RDWR) { errno = EACCES; return -1; }
	return next(dir, name, flags, mode);
}
int openat64(int dir, const char *name, int flags, ...) __attribute__((alias("openat")));
int __openat64_2(int dir, const char *name, int flags) { return openat(dir, name, flags, 0); }
int __openat_2(int dir, const char *name, int flags) { return openat(dir, name, flags, 0); }
""")
    run("gcc", "-shared", "-fPIC", "-w", "-o", f"{DIR}/refuse.so", source, "-ldl")
    how = ("env", f"LD_PRELOAD={DIR}/refuse.so")
    code = phone.code()
    assert "successfully" in ask(how, code)
    assert "already used" in ask((), code, fail=True)
    locker.stop_totpd()
    assert "not possible" in ask(how, phone.code(1), fail=True)


# ---- a line that uses another store

@pytest.fixture
def two_stores(served):
    """totpd serves the usual store; the lines of su and locker use another one."""
    with open("/etc/security/admin.conf", "w", encoding="utf-8") as file:
        file.write(f"store_dir = {ADMIN}\nfail_delay = 0\n")
    os.chmod("/etc/security/admin.conf", 0o644)
    shutil.rmtree(ADMIN, ignore_errors=True)
    run("totpctl", "--conf", "/etc/security/admin.conf", "init")
    line = "pam_totp.so conf=/etc/security/admin.conf {}"
    served.su = [entry.replace("pam_totp.so {}", line) for entry in SU]
    served.line = line
    yield served
    shutil.rmtree(ADMIN, ignore_errors=True)
    os.unlink("/etc/security/admin.conf")
    if os.path.exists("/etc/pam.d/locker"):  # its line names that policy
        os.unlink("/etc/pam.d/locker")


def admin_phone(host, user):
    return host.enroll(user, "--conf", "/etc/security/admin.conf")


@pytest.mark.parametrize("enforce", ["optional", "required"])
def test_su_checks_the_store_of_its_own_line(two_stores, enforce):
    two_stores.pam("su", *two_stores.su, args=f"enforce={enforce}")
    theirs, usual = admin_phone(two_stores, "bob"), two_stores.enroll("bob")
    assert not become("alice", "bob", usual.code()), "a code of the other store"
    code = theirs.code()
    assert become("alice", "bob", code)
    assert not become("alice", "bob", code)


@pytest.mark.parametrize("enforce", ["optional", "required"])
def test_a_process_of_the_user_is_denied_where_totpd_serves_another_store(two_stores, enforce):
    two_stores.pam("locker", "auth required " + two_stores.line.format(f"enforce={enforce}"),
                   "auth required pam_permit.so")
    theirs, usual = admin_phone(two_stores, "alice"), two_stores.enroll("alice")
    for code in theirs.code(), usual.code():
        assert "not possible" in log_in("alice", code, fail=True)
    for event in two_stores.events():
        assert (event["outcome"], event["reason"]) == ("error", "other_store")
        assert ADMIN in event["detail"]


def test_root_in_a_sandbox_is_denied_where_totpd_serves_another_store(two_stores):
    two_stores.pam("locker", "auth required " + two_stores.line.format("enforce=optional"),
                   "auth required pam_permit.so")
    theirs = admin_phone(two_stores, "alice")
    assert "not possible" in ask(POWERLESS, theirs.code(), fail=True)
    assert ADMIN in two_stores.event()["detail"]
    since = two_stores.log_end()
    assert "successfully" in ask((), theirs.code()), "root works there itself"
    assert two_stores.event(since)["outcome"] == "allow"


def test_a_totpd_of_another_policy_is_noticed_with_the_answer(two_stores):
    """su's line names no policy, so su does not ask totpd before the code is typed."""
    two_stores.pam("su", *SU)
    phone, theirs = two_stores.enroll("bob"), admin_phone(two_stores, "bob")
    two_stores.totpd("--conf", "/etc/security/admin.conf")
    assert not become("alice", "bob", theirs.code())
    assert become("alice", "bob", phone.code())
    assert "totpd serves /srv/admin" in as_user("bob", "totp-enroll", "status", fail=True)


def test_doctor_reports_a_line_whose_store_totpd_does_not_serve(two_stores):
    def found():
        done = json.loads(subprocess.run(["totpctl", "doctor", "--json"], text=True, check=False,
                                         capture_output=True).stdout)
        return [finding for finding in done if finding["id"] == "totpd-other-store"]

    two_stores.pam("su", *SU)
    assert found() == []
    two_stores.pam("su", *two_stores.su)
    assert ["su" in finding["services"] for finding in found()] == [True]
    assert ADMIN in found()[0]["what"]


# ---- no key in memory while a user types

def needles():
    key = base64.b64decode(open(KEYRING, encoding="ascii").read().split()[1])
    return [key, base64.b64encode(key)]


@pytest.mark.parametrize("settings", ["enforce=required", "enforce=optional",
                                      "enforce=required remember=1h"])
def test_a_waiting_su_has_no_key_of_the_host_in_its_memory(served, settings):
    served.pam("su", *SU, args=settings)
    phone = served.enroll("bob")
    served.stop_totpd()
    child = su("alice", "bob")
    child.expect_exact(PROMPT)
    memory = memory_of(child.pid)
    assert b"pam_totp" in memory
    assert opened_by(child.pid) == []
    for needle in [*needles(), base64.b32decode(phone.secret)]:
        assert needle not in memory
    child.sendline(phone.code())
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def person_of(host, served_by_totpd, **settings):
    host.serve(enroll="login", fail_delay=0, period=60, **settings)
    host.password("bob", PASSWORD)
    host.pam("su", "auth sufficient pam_rootok.so", *STACK)
    if not served_by_totpd:
        host.stop_totpd()


def begin_su(shell=""):
    child = Terminal("setpriv", ["--reuid=alice", "--regid=alice", "--init-groups", "--reset-env",
                                 "--", "bash", "-c", f"{shell} exec su bob -c 'id -un'"],
                     cwd="/", dimensions=(60, 100))
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    return child


@pytest.mark.parametrize("by_totpd", [True, False])
def test_a_su_in_which_a_user_enrolls_has_no_key_of_the_host_in_its_memory(host, by_totpd):
    person_of(host, by_totpd, enroll_until="2020-01-02")
    run("totpctl", "invite", "bob")
    child = begin_su()
    child.expect_exact(ASK)
    phone = phone_of(child.before)
    memory = memory_of(child.pid)
    assert phone.secret[:4].encode() in memory, "what is shown is there to be found"
    assert opened_by(child.pid) == []
    for needle in needles():
        assert needle not in memory
    child.sendline(phone.code())
    done(child)
    child.expect_exact("bob")
    child.expect(pexpect.EOF)


# ---- limits of the caller of a set-uid program

LIMITS = ["ulimit -f 0;", "ulimit -f 4;", "trap '' XFSZ; ulimit -f 0;"]


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("by_totpd", [True, False])
def test_a_file_size_limit_neither_kills_a_su_that_enrolls_nor_leaves_files(host, limit, by_totpd):
    person_of(host, by_totpd, readonly_login="yes")
    child = begin_su(limit)
    child.expect_exact(ASK)
    child.sendline(phone_of(child.before).code())
    if by_totpd:
        done(child)
    else:
        child.expect_exact("not possible right now")
    child.expect(pexpect.EOF)
    child.close()
    assert child.signalstatus is None, child.signalstatus
    assert child.exitstatus is not None
    if not by_totpd:
        assert host.state_files() == {} and os.listdir(f"{STORE}/users") == []
        assert [name for name in os.listdir("/run/pam_totp") if "~" in name] == []


# ---- only totpd may open the store

def test_where_only_totpd_may_open_the_store_a_user_enrolls_in_the_login(host):
    """
    As under SELinux's policy: root may search /run/pam_totp, and open nothing below
    /var/lib/pam_totp.
    """
    host.serve(enroll="login", fail_delay=0, period=60, recovery_codes=4)
    host.password("alice", PASSWORD)
    host.pam("console", *STACK)
    script = f"{DIR}/login"
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--", "pamtester", "console",
               "alice", "authenticate", "acct_mgmt"]
    os.chmod("/run/pam_totp", 0o711)
    run("chown", "root:root", "/run/pam_totp")
    run("chmod", "0644", "/etc/shadow")
    child = Terminal(command[0], command[1:], dimensions=(60, 100), cwd="/")
    child.expect_exact("Password: ")
    child.sendline(PASSWORD)
    child.expect_exact(ASK)
    phone = phone_of(child.before)
    child.sendline(phone.code())
    shown = done(child)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert shown.count("-") >= 8, "four recovery codes"
    assert os.listdir(f"{STORE}/users") == ["alice"]
    assert "outcome=enrolled" in host.log_text()
    host.pam("locker", "auth required pam_totp.so")
    assert "successfully" in ask(POWERLESS, phone.code(1))


def test_a_caller_who_may_search_the_directory_but_not_list_it_asks_totpd(locker):
    phone = locker.enroll("alice")
    os.chmod("/run/pam_totp", 0o711)
    assert "successfully" in log_in("alice", phone.code())
