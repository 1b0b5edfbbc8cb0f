# SPDX-License-Identifier: BSD-2-Clause
"""
The log names the user who made a change and had logged in, and the audit system gets a record.
"""

import pytest

from host import *  # noqa: F403

AUDIT = os.environ["AUDIT"] == "true"


def as_somebody():
    """What pam_loginuid does; sudo and su leave it unchanged."""
    with open("/proc/self/loginuid", "w") as file:
        file.write("1234")


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
    host.done("suspend", KNOWN, preexec_fn=as_somebody)
    host.done("key", "rotate", preexec_fn=as_somebody)
    lines = host.logged().splitlines()
    assert f'user={KNOWN} service=totpctl source=uid:0 outcome=disabled' in lines[0]
    assert lines[0].endswith(' detail="loginuid 1234"')
    assert re.search(r'outcome=key-added .* detail="key [0-9a-f]{8}; loginuid 1234"$', lines[1])
