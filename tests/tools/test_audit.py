# SPDX-License-Identifier: BSD-2-Clause
"""
The log names the user who made a change and had logged in, and the audit system gets a record.
"""

import pytest

from host import *  # noqa: F403

AUDIT = os.environ["AUDIT"] == "true"


def as_uid(uid):
    """What pam_loginuid does; sudo and su leave it unchanged."""
    with open("/proc/self/loginuid", "w") as file:
        file.write(str(uid))


@pytest.mark.skipif(not AUDIT, reason="built without libaudit")
def test_each_change_of_a_user_is_recorded(host):
    host.enroll(KNOWN)
    host.done("suspend", KNOWN)
    host.done("resume", KNOWN)
    host.done("temporary-code", KNOWN)
    host.done("recovery", KNOWN)
    for _ in range(2):
        host.attempt(KNOWN, wrong_code())
    host.done("unlock", KNOWN)
    host.done("delete", "--yes", KNOWN)
    assert host.audited() == [
        '1111 op=totp-initialised detail="" res=1',
        f"1108 op=totp-imported acct={KNOWN} res=1",
        f"1102 op=totp-disabled acct={KNOWN} res=1",
        f"1102 op=totp-enabled acct={KNOWN} res=1",
        f"1108 op=totp-bypass-made acct={KNOWN} res=1",
        f"1108 op=totp-recovery-codes-made acct={KNOWN} res=1",
        f"1102 op=totp-unlocked acct={KNOWN} res=1",
        f"1108 op=totp-revoked acct={KNOWN} res=1"]


@pytest.mark.skipif(not AUDIT, reason="built without libaudit")
def test_work_on_keys_is_recorded(host):
    old = host.keyring.read_text()[:8]
    host.done("key", "rotate")
    new = host.keyring.read_text()[:8]
    assert host.audited() == [
        '1111 op=totp-initialised detail="" res=1',
        f'2404 op=totp-key-added detail="key {new}" res=1',
        f'2404 op=totp-key-promoted detail="key {new}" res=1',
        f'2404 op=totp-key-dropped detail="key {old}" res=1']


def test_a_command_that_changes_nothing_is_not_recorded(host):
    host.enroll(KNOWN)
    host.log.unlink()
    before = host.audited()
    host.done("list")
    host.done("show", KNOWN)
    host.done("unlock", KNOWN)
    host.refused("delete", "--yes", UNKNOWN)
    assert (host.logged(), host.audited()) == ("", before)


def test_the_log_names_the_user_who_logged_in(host):
    host.enroll(KNOWN)
    host.log.unlink()
    host.done("suspend", KNOWN, preexec_fn=lambda: as_uid(KNOWN_UID))
    host.done("key", "rotate", preexec_fn=lambda: as_uid(KNOWN_UID))
    lines = host.logged().splitlines()
    assert f'user={KNOWN} service=totpctl source=uid:0 outcome=disabled' in lines[0]
    assert lines[0].endswith(f' detail="loginuid {KNOWN_UID} ({KNOWN})"')
    assert re.search(rf'outcome=key-added .* detail="key [0-9a-f]{{8}}; loginuid {KNOWN_UID} \({KNOWN}\)"$',
                     lines[1])


def test_the_log_has_the_uid_of_a_user_without_an_account(host):
    host.enroll(KNOWN)
    host.log.unlink()
    host.done("suspend", KNOWN, preexec_fn=lambda: as_uid(64321))
    assert host.logged().endswith(' detail="loginuid 64321"\n')


@pytest.mark.parametrize("variable, word", [("SUDO_UID", "sudo"), ("PKEXEC_UID", "pkexec")])
def test_without_a_login_uid_the_log_names_the_user_of_sudo_or_pkexec(host, monkeypatch, variable, word):
    host.enroll(KNOWN)
    host.log.unlink()
    monkeypatch.setenv(variable, str(KNOWN_UID))
    host.done("suspend", KNOWN, preexec_fn=lambda: as_uid(2 ** 32 - 1))
    assert host.logged().endswith(f' detail="{word} {KNOWN_UID} ({KNOWN})"\n')
    for value in "", "root", "-1", "4294967295", "1 2":
        monkeypatch.setenv(variable, value)
        for word in "resume", "suspend":
            host.log.unlink()
            host.done(word, KNOWN, preexec_fn=lambda: as_uid(2 ** 32 - 1))
            assert "outcome=" in host.logged() and "detail" not in host.logged()


def test_a_user_with_a_login_uid_is_not_named_by_the_environment(host, monkeypatch):
    host.enroll(KNOWN)
    host.log.unlink()
    monkeypatch.setenv("SUDO_UID", "0")
    host.done("suspend", KNOWN, preexec_fn=lambda: as_uid(KNOWN_UID))
    assert host.logged().endswith(f' detail="loginuid {KNOWN_UID} ({KNOWN})"\n')
