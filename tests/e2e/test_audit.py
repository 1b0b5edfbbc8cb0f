# SPDX-License-Identifier: BSD-2-Clause
"""
Records of the Linux audit system, at the socket of the real kernel: strace shows what is sent
there, and nothing fails where the kernel rejects it. Whether the kernel then writes a record
depends on the administrator's settings.
"""
import re
import signal
import subprocess

import pytest

from host import DIR, wait_for
from test_in_login import begin, done, people  # noqa: F401  a fixture
from test_local import end

USER_MGMT, USER_CHAUTHTOK, CRYPTO_KEY_USER = 1102, 1108, 2404


def strace(*arguments):
    return ("strace", "-f", "-qq", "-s", "600", "-e", "trace=socket,sendto,recvfrom",
            "-e", "signal=none", *arguments)


def text_of(dump):
    """strace shows the bytes of a netlink message in hexadecimal."""
    return bytes.fromhex(dump.replace("\\x", "")).decode(errors="replace").rstrip("\0")


def records(trace):
    """(type, text, the kernel's answer) of every record that was sent to the audit system."""
    sent = re.findall(r"sendto\(\d+, \[\{nlmsg_len=\d+, nlmsg_type=(0x[0-9a-f]+|\w+)[^}]*\}, "
                      r'"((?:\\x[0-9a-f]{2})*)"', trace)
    answers = re.findall(r"MSG_DONTWAIT.*|error=(-?\w+)", trace)
    return [(int(kind, 16), text_of(dump)) for kind, dump in sent
            if kind.startswith("0x")], [answer for answer in answers if answer]


def traced(*argv):
    """Run a program; returns the records that it sent, each of which the kernel has accepted."""
    done = subprocess.run(strace(*argv), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    sent, answers = records(done.stderr)
    assert sent and set(answers) == {"0"}, done.stderr
    return sent


def test_changes_by_a_tool_reach_the_kernel(host):
    (kind, text), = traced("totp-enroll", "--user", "alice", "--no-confirm", "--json")
    assert kind == USER_CHAUTHTOK
    assert re.match(r'op=totp-enrolled acct="alice" exe="/usr/bin/totp-enroll" hostname=\? addr=\? '
                    r"terminal=\S+ res=success", text), text
    (kind, text), = traced("totpctl", "suspend", "alice")
    assert kind == USER_MGMT and text.startswith('op=totp-disabled acct="alice"')
    sent = traced("totpctl", "key", "rotate")
    assert [kind for kind, _ in sent] == [CRYPTO_KEY_USER] * 3
    assert re.match(r'op=totp-key-added detail="key [0-9a-f]{8}" exe=', sent[0][1])


def ordinals(*argv):
    """Which of its calls to socket and sendto are for the audit system?"""
    done = subprocess.run(strace(*argv), capture_output=True, text=True, timeout=60)
    lines = done.stderr.splitlines()
    found = []
    for name in "socket", "sendto":
        calls = [line for line in lines if re.match(rf"(\[pid +\d+\] )?{name}\(", line)]
        found.append(1 + next(i for i, line in enumerate(calls) if "NETLINK" in line or
                              "nlmsg" in line))
    return found


@pytest.mark.parametrize("call, error", [
    ("socket", "EPROTONOSUPPORT"), ("socket", "EAFNOSUPPORT"), ("socket", "EPERM"),
    ("sendto", "EPERM"), ("sendto", "ECONNREFUSED"), ("sendto", "EINVAL"), ("sendto", "ENOBUFS")])
def test_a_kernel_that_rejects_records_breaks_nothing(host, call, error):
    host.enroll("alice")
    at = dict(zip(("socket", "sendto"), ordinals("totpctl", "suspend", "alice")))[call]
    start = host.log_end()
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", f"{DIR}/trace", "-e", f"trace={call}", "-e",
         f"inject={call}:error={error}:when={at}+", "totpctl", "resume", "alice"],
        capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "INJECTED" in open(f"{DIR}/trace").read()
    assert wait_for(lambda: "outcome=enabled" in host.log_text(start))


def test_without_the_library_only_the_log_has_it(host):
    host.enroll("alice")
    start = host.log_end()
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", "for file in /usr/lib/*/libaudit.so.1; do "
         "mount --bind /dev/null $file; done; exec strace -f -qq -e trace=socket "
         "totpctl suspend alice"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "NETLINK" not in done.stderr
    assert wait_for(lambda: "outcome=disabled" in host.log_text(start))


def test_an_enrollment_in_the_login_reaches_the_kernel_too(people):  # noqa: F811
    trace = f"{DIR}/trace.sshd"
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-s", "600", "-o", trace, "-e",
                               "trace=sendto,recvfrom,openat,execve", "-p", str(people.daemon.pid)])
    assert wait_for(lambda: re.search(r"TracerPid:\t[1-9]",
                                      open(f"/proc/{people.daemon.pid}/status").read()))
    try:
        child, phone = begin(people)
        child.sendline(phone.code())
        done(child)
        assert end(child) == 0
        found = wait_for(lambda: [text for _, text in records(open(trace).read())[0]
                                  if "totp-enrolled" in text])
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(60)
    assert len(found) == 1
    assert re.match(r'op=totp-enrolled acct="alice" exe="/usr/(sbin/sshd|lib/openssh/sshd-session)" '
                    r'hostname=\? addr=127.0.0.1 '
                    r"terminal=\S+ res=success", found[0]), found
    # libpam has loaded the library, and our module loads no other
    lines = open(trace).read().splitlines()
    module = next(i for i, line in enumerate(lines) if "pam_totp.so" in line)
    others = set()  # programs that were started meanwhile, such as unix_chkpwd
    for line in lines[module:]:
        pid = line.split()[0]
        if "execve(" in line:
            others.add(pid)
        assert pid in others or "libaudit" not in line, line
