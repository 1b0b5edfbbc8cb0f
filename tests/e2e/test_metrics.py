# SPDX-License-Identifier: BSD-2-Clause
"""totpctl metrics counts what sshd, su and totpd have decided, from its first run on."""
import glob
import os
import re

from host import PROMPT, run
from test_local import STACK, as_user, end


def decisions():
    """The numbers that are not 0: (outcome, reason) -> number."""
    rows = re.findall(r'^pam_totp_decisions_total\{outcome="(\w+)",reason="(\w+)"\} ([1-9]\d*)$',
                      run("totpctl", "metrics"), re.M)
    return {(outcome, reason): int(number) for outcome, reason, number in rows}


def su(code):
    child = as_user("alice", "su", "bob", "-c", "id -un")
    child.expect_exact(PROMPT)
    child.sendline(code)
    return end(child)


def test_logins_are_counted_from_the_first_run_on(host):
    host.policy(fail_delay=0)
    host.pam("su", *STACK)
    os.makedirs("/run/pam_totp", exist_ok=True)
    phone = host.enroll("bob")
    assert su(phone.wrong()) != 0
    assert decisions() == {}
    assert su(phone.wrong()) != 0
    code = phone.code()
    assert su(code) == 0
    assert su(code) != 0
    assert decisions() == {("allow", "code"): 1, ("deny", "wrong_code"): 1, ("deny", "used_code"): 1}
    host.sshd()
    assert host.ssh("bob", phone.code(1)).ok
    assert decisions()["allow", "code"] == 2


def test_a_login_does_not_depend_on_its_file(host):
    """Nor on the other files: with a pipe or a directory in its place, and with none of them."""
    host.policy(fail_delay=0, window=2)
    host.pam("su", *STACK)
    os.makedirs("/run/pam_totp", exist_ok=True)
    phone = host.enroll("bob")
    path = "/run/pam_totp/decisions-2/allow.code"
    for number, command in enumerate((f"rm {path}; mkfifo {path}", f"rm {path}; mkdir {path}",
                                      "rm -r /run/pam_totp/decisions-2")):
        run("totpctl", "metrics")
        run("sh", "-c", command)
        assert su(phone.code(number)) == 0, command


def test_totpd_counts_what_it_decides(host):
    host.serve()
    phone = host.enroll("alice")
    assert decisions() == {}
    child = as_user("alice", "totp-enroll", "test")
    child.expect("ode: ")
    child.sendline(phone.wrong())
    child.expect("not ")
    child.close(force=True)
    assert decisions() == {("deny", "wrong_code"): 1}
    assert os.stat("/run/pam_totp/decisions-2.totpd/deny.wrong_code").st_uid == 64990
    assert os.stat("/run/pam_totp/decisions-2.totpd").st_uid == 0


def test_users_do_not_see_the_files_in_which_decisions_are_counted(host):
    """A size would tell what was decided about an attempt, such as that there is no such user."""
    host.serve()
    run("totpctl", "metrics")
    for path in glob.glob("/run/pam_totp/decisions-2*"):
        child = as_user("alice", "stat", f"{path}/deny.unknown_user")
        child.expect("Permission denied")
        assert end(child) != 0, path
