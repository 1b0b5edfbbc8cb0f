# SPDX-License-Identifier: BSD-2-Clause
"""
The help desk with pkexec and a real polkitd, as the Debian packages install its examples. That
totpctl itself rejects what a member may not do: tests/e2e/test_helpdesk_sudo.py.
"""
import pexpect
import pytest

import guest as guest_module
from test_packages import packages  # noqa: F401 (a fixture)

EXAMPLES = "/usr/share/doc/totp-tools/examples/helpdesk"
RULES = "/etc/polkit-1/rules.d/50-totp-helpdesk.rules"
# With an agent beside it, as in a session: the one in pkexec itself cannot finish (No session for cookie).
SHELL = """
ready=$(mktemp -u) && mkfifo $ready
pkttyagent --process $$ --notify-fd 3 3>$ready &
cat $ready
pkexec --disable-internal-agent "$@"
code=$?
kill $!
exit $code
"""
OURS, ANY = "org.pam-totp.helpdesk", "org.freedesktop.policykit.exec"


@pytest.fixture
def guest(packages):  # noqa: F811
    made = guest_module.Guest(packages, guest_module.MORE)
    try:
        made.run("sh", "-ec", f"""
            dpkg -i /debs/libpam-totp_*.deb /debs/totp-tools_*.deb
            totpctl init
            groupadd --system totp-helpdesk
            useradd -m alice
            useradd -m -G totp-helpdesk bob
            install -m 644 {EXAMPLES}/helpdesk.conf /etc/pam_totp/""")
        made.run("chpasswd", input="alice:horse\nbob:horse\n")
        made.run("totp-enroll", "--user", "alice", "--no-confirm", "--json")
        yield made
    finally:
        made.close()


class Pkexec:
    """What a user types after pkexec: which action it is, who has to authenticate, and the end."""

    def __init__(self, guest, user, *words):
        child = pexpect.spawn("nsenter", ["-t", guest.first(), "-m", "-p", "-u", "-i", "-n", "-C", "-r",
                                          "-w", "--", "env", "-i", "LC_ALL=C.UTF-8", "TERM=dumb",
                                          "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "setpriv",
                                          f"--reuid={user}", f"--regid={user}", "--init-groups",
                                          "sh", "-c", SHELL, "sh", *words],
                              timeout=120, encoding="utf-8")
        self.said = ""
        if child.expect_exact(["Password: ", pexpect.EOF]) == 0:
            self.said = child.before
            child.sendline("horse")
            child.expect(pexpect.EOF)
        self.said = " ".join((self.said + child.before).split())
        child.close()
        self.code = child.exitstatus


def test_a_member_helps_with_pkexec_and_nobody_else_does(guest):
    tried = Pkexec(guest, "bob", "totpctl", "helpdesk", "suspend", "alice")
    assert tried.code != 0 and OURS in tried.said and "as: root" in tried.said, tried.said

    guest.run("install", "-m", "644", f"{EXAMPLES}/polkit.rules", RULES)
    guest.run("systemctl", "restart", "polkit")
    tried = Pkexec(guest, "bob", "totpctl", "helpdesk", "suspend", "alice")
    assert tried.code == 0 and OURS in tried.said and "as: bob" in tried.said, tried.said
    assert "Every code of alice is denied until" in tried.said
    logged = guest.run("journalctl", "-q", "--no-pager", "-t", "totpctl")
    assert logged.strip().endswith('(bob)"') and "user=alice" in logged

    tried = Pkexec(guest, "bob", "totpctl", "helpdesk", "suspend", "root", "bob")
    assert tried.code == 1 and tried.said.count("only an administrator can do this") == 2

    for words in (("totpctl", "delete", "--yes", "alice"), ("totpctl", "list"), ("id",),
                  ("totpctl", "--conf", "/home/bob/own.conf", "helpdesk", "list"),
                  ("totpctl", "helpdesk ", "list"), ("totp-enroll", "--user", "alice")):
        tried = Pkexec(guest, "bob", *words)
        assert tried.code != 0 and ANY in tried.said and "as: root" in tried.said, tried.said
    tried = Pkexec(guest, "alice", "totpctl", "helpdesk", "resume", "alice")
    assert tried.code != 0 and OURS in tried.said and "as: root" in tried.said, tried.said
    assert "disabled" in guest.run("totpctl", "list")


def test_on_the_page_of_cockpit_nobody_is_asked(guest):
    """It has no agent. These are the commands of cockpit/src/tool.js."""
    guest.run("install", "-m", "644", f"{EXAMPLES}/polkit-cockpit.rules", RULES)
    guest.run("systemctl", "restart", "polkit")
    for user, code in ("bob", 0), ("alice", 127):
        ran = guest.run("sh", "-c", f"""
            runuser -u {user} -- sh -c 'exec pkcheck --action-id {OURS} --process $$'; echo may=$?
            runuser -u {user} -- pkexec --disable-internal-agent totpctl helpdesk suspend --json -- alice
            echo code=$?""")
        assert (f"code={code}" in ran) and ("may=0" in ran) == (code == 0), ran
    logged = guest.run("journalctl", "-q", "--no-pager", "-t", "totpctl")
    assert logged.count("outcome=disabled") == 1 and "(bob)" in logged, logged
