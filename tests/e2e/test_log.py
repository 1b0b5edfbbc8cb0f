# SPDX-License-Identifier: BSD-2-Clause
"""totpctl log: what it prints of a real journal and of files, and what it leaves out as forged."""
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from host import PROMPT, run
from journal import Journal
from test_local import STACK, as_user, end

FORGED = ('pam_totp: user=bob service=sshd source=192.0.2.9 outcome=allow reason=code '
          'token="phone"')


@pytest.fixture
def journal(host):
    made = Journal()
    yield made
    made.close()


def forge(user="alice", line=FORGED, tag="sshd"):
    run("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "logger", "-p",
        "authpriv.info", "-t", tag, line)


def read(*words):
    done = subprocess.run(["totpctl", "log", *words], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TZ": "UTC"})
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def events(*words):
    return json.loads(read("--json", *words)[0])


def told(found):
    return [(one["user"], one["service"], one["outcome"], one["reason"], one["sure"])
            for one in found]


def write_log(name, *lines):
    with open(f"/var/log/{name}", "w") as file:
        file.writelines(line + "\n" for line in lines)


@pytest.fixture
def files(host):
    shutil.rmtree("/var/log/journal", ignore_errors=True)
    for name in "auth.log", "auth.log.1", "secure", "secure.1":
        if os.path.exists(f"/var/log/{name}"):
            os.unlink(f"/var/log/{name}")
    return host


def test_a_login_is_in_the_journal_and_a_line_of_another_user_is_left_out(host, journal):
    phone = host.enroll("alice")
    host.sshd()
    assert host.ssh("alice", phone.code()).ok
    forge()
    journal.lines()
    found = events()
    assert told(found) == [("alice", "totp-enroll", "enrolled", "administrator", True),
                           ("alice", "sshd", "allow", "code", True)], found
    assert found[1]["uid"] == 0
    assert found[1]["source"] == "127.0.0.1" and found[1]["detail"] is None
    assert set(found[0]) == {"time", "user", "service", "source", "outcome", "reason", "token",
                             "detail", "sure", "uid", "program"}, "as in totpctl(8)"
    text, errors = read()
    assert "192.0.2.9" not in text and "Left out: 1 line " in errors
    assert re.search(r"alice +sshd +127\.0\.0\.1 +allow +code +phone$", text, re.M), text


def test_the_journal_has_the_words_of_a_line_as_fields(host, journal):
    phone = host.enroll("alice")
    host.sshd()
    assert host.ssh("alice", phone.code()).ok
    assert not host.ssh("alice", phone.wrong()).ok
    assert journal.lines("PAM_TOTP_USER=alice", "PAM_TOTP_OUTCOME=allow", "_UID=0") == [
        "pam_totp: user=alice service=sshd source=127.0.0.1 outcome=allow reason=code "
        "token=\"phone\""]
    journal.lines()
    one, = map(json.loads, run("journalctl", "--quiet", "--output=json",
                               "PAM_TOTP_REASON=wrong_code").splitlines())
    assert one["PAM_TOTP_SERVICE"] == "sshd" and one["PAM_TOTP_SOURCE"] == "127.0.0.1"
    assert one["SYSLOG_FACILITY"] == "10" and one["SYSLOG_PID"] == one["_PID"]
    assert one["SYSLOG_IDENTIFIER"] == one["_COMM"]
    assert len(journal.lines("SYSLOG_FACILITY=10", "PAM_TOTP_OUTCOME=deny")) == 1
    assert sum("outcome=allow" in line for line in journal.lines()) == 1, "once"


def test_the_fields_hold_what_the_line_holds_and_no_code_or_secret(host, journal):
    phone = host.enroll("alice")
    host.sshd()
    for code in phone.wrong(), phone.code():
        host.ssh("alice", code)
    journal.lines()
    entries = [json.loads(line) for line in run("journalctl", "--quiet", "--output=json",
                                                "PAM_TOTP_USER=alice").splitlines()]
    assert len(entries) == 3
    for entry in entries:
        words = {name: text for name, text in entry.items() if name.startswith("PAM_TOTP_")}
        assert {name for name in entry if name[0] != "_"} - set(words) == {
            "MESSAGE", "PRIORITY", "SYSLOG_FACILITY", "SYSLOG_IDENTIFIER", "SYSLOG_PID"}
        assert [f"{name[9:].lower()}={text}" for name, text in words.items()
                if f" {name[9:].lower()}={text} " not in entry["MESSAGE"]] == []
        assert [one for one in (phone.secret, *phone.shown) if one in entry["MESSAGE"]] == []
        assert len(words) == 5


def test_what_journald_does_not_take_goes_to_syslog(host, journal):
    phone = host.enroll("alice")
    host.sshd()
    os.rename("/run/systemd/journal/socket", "/run/systemd/journal/socket.away")
    assert host.ssh("alice", phone.code()).ok
    os.rename("/run/systemd/journal/socket.away", "/run/systemd/journal/socket")
    assert sum("outcome=allow" in line for line in journal.lines()) == 1
    assert journal.lines("PAM_TOTP_OUTCOME=allow") == []


def test_a_user_who_writes_to_the_journal_as_it_is_sent_is_left_out(files, journal):
    """By the journal's own protocol, with several messages, and with fields that are not one line."""
    plain = f"MESSAGE={FORGED}\nSYSLOG_FACILITY=10\n_UID=0\n_EXE=/usr/bin/su\n".encode()
    text = f"x\n__REALTIME_TIMESTAMP=1\n_UID=0\nMESSAGE={FORGED}\n\n".encode()
    more = plain + b"MESSAGE\n" + len(text).to_bytes(8, "little") + text + b"\n"
    code = f"""import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("/run/systemd/journal/socket")
s.send({plain!r})
s.send({more!r})
"""
    run("setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "/usr/bin/python3", "-c", code)
    journal.lines()
    assert events() == []
    assert "Left out: 2 lines" in read()[1]


def test_su_of_a_user_is_marked(host, journal):
    host.pam("su", *STACK)
    phone = host.enroll("bob")
    child = as_user("alice", "su", "bob", "-c", "id -un")
    child.expect_exact(PROMPT)
    child.sendline(phone.code())
    assert end(child) == 0
    journal.lines()
    found = events("bob")
    assert told(found)[1:] == [("bob", "su", "allow", "code", False)]
    assert (found[1]["uid"], found[1]["program"]) == (64001, "/usr/bin/su")
    assert re.search(r"^\S+ \?  bob +su ", read()[0], re.M)


def test_users_and_time_choose_lines(host, journal):
    for user in "alice", "bob":
        host.enroll(user)
    journal.lines()
    assert [one["user"] for one in events("bob")] == ["bob"]
    assert [one["user"] for one in events("bob", "alice")] == ["alice", "bob"]
    assert len(events("--since", "1h")) == 2
    assert events("--since", time.strftime("%Y-%m-%d", time.localtime(time.time() + 2 * 86400))) == []
    assert read("nobody.knows.me")[0] == \
        "The log has no line of pam_totp about these users. Looked in: the journal\n"


def test_nothing_says_where_it_looked(files):
    assert read()[0] == \
        "The log has no line of pam_totp. Looked in: /var/log/auth.log, /var/log/secure\n"
    assert events() == []


def test_lines_of_a_file_are_read_with_those_before_it_and_none_is_sure(files):
    short = time.strftime("%b %d %H:%M:%S", time.gmtime(time.time() - 60))
    write_log("auth.log.1", f"2026-01-02T03:04:05.678901+01:00 tower sudo: {FORGED}")
    write_log("auth.log", f"{short} tower sshd[12]: {FORGED} detail=\"1 is left\"",
              f"{short} tower sshd[12]: Invalid user x: {FORGED} from 192.0.2.3",
              f"{short} tower sshd[12]: {FORGED} trailing", "nonsense", f"pam_totp: {FORGED}",
              "x\0" + FORGED)
    found = events()
    assert told(found) == [("bob", "sshd", "allow", "code", False)] * 2
    assert found[0]["time"] == "2026-01-02T02:04:05+00:00"
    assert found[1]["detail"] == "1 is left" and found[1]["uid"] is found[1]["program"] is None
    text, errors = read()
    assert "These lines are from /var/log/auth.log. Any local user can write such lines.\n" == errors
    assert text.count(" ?  bob") == 2


def test_the_file_that_rsyslog_writes_is_read(files):
    with open("/etc/rsyslog.conf", "w") as file:
        file.write("# authpriv.* /var/log/none\n*.*;auth,authpriv.none -/var/log/syslog\n"
                   "auth,authpriv.*\t\t-/var/log/ours\n")
    write_log("ours", f"2026-01-02T03:04:05+00:00 tower sshd[1]: {FORGED}")
    assert len(events()) == 1
    os.unlink("/etc/rsyslog.conf")
    os.unlink("/var/log/ours")


def test_only_root_reads_the_log(host):
    child = as_user("alice", "/usr/sbin/totpctl", "log")
    child.expect_exact("only root can read the log")
    assert end(child) == 1
