# SPDX-License-Identifier: BSD-2-Clause
"""
totpctl doctor on hosts that are broken on purpose, each in one way, and on good ones.

The host is this machine, with overlays in memory over /etc, /var/lib and the directories of sshd
and of PAM's modules, in a mount namespace of this process: nothing of the machine is changed. The
stacks are those of Debian 12; sshd is a script that prints settings; doctor-host.c invents the
clock and the type of the disk.
"""

import ctypes
import glob
import json
import os
import pathlib
import re
import subprocess
import tempfile
import textwrap

import pytest

TOTPCTL = os.environ["TOTPCTL"]
LOG_CATCHER = os.environ["LOG_CATCHER_SO"]
DOCTOR_HOST = os.environ["DOCTOR_HOST_SO"]
TOTPD = os.environ["TOTPD"]
MODULES = os.path.dirname(glob.glob("/usr/lib/*/security/pam_unix.so")[0])
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CLONE_NEWNS = 0x20000

COMMON_AUTH = """\
# here are the per-package modules (the "Primary" block)
auth	[success=1 default=ignore]	pam_unix.so nullok
# here's the fallback if no module succeeds
auth	requisite			pam_deny.so
# prime the stack with a positive return value if there isn't one already
auth	required			pam_permit.so
# and here are more per-package modules (the "Additional" block)
auth	optional			pam_cap.so
"""

STACKS = {
    "common-auth": COMMON_AUTH,
    "common-account": "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
                      "account requisite pam_deny.so\naccount required pam_permit.so\n",
    "common-session": "session required pam_unix.so\n",
    "common-session-noninteractive": "session required pam_unix.so\n",
    "common-password": "password requisite pam_unix.so obscure yescrypt\n",
    "sshd": "@include common-auth\nauth required pam_totp.so\naccount required pam_nologin.so\n"
            "@include common-account\nsession required pam_loginuid.so\n@include common-session\n",
    "su": "auth sufficient pam_rootok.so\n@include common-auth\nauth required pam_totp.so\n"
          "@include common-account\n@include common-session\n",
    "su-l": "#%PAM-1.0\nauth include su\naccount include su\nsession include su\n",
    "sudo": "#%PAM-1.0\nsession required pam_limits.so\n@include common-auth\n"
            "auth required pam_totp.so\n@include common-account\n",
    "login": "auth optional pam_faildelay.so delay=3000000\nauth requisite pam_nologin.so\n"
             "@include common-auth\nauth optional pam_group.so\n@include common-account\n",
    "cron": "@include common-auth\n@include common-account\n",
    "chsh": "auth required pam_shells.so\nauth sufficient pam_rootok.so\n@include common-auth\n",
    "passwd": "@include common-password\n",
    "other": "@include common-auth\n@include common-account\n@include common-password\n",
}

SSHD = {
    "port": "22", "usepam": "yes", "permitrootlogin": "without-password",
    "pubkeyauthentication": "yes", "passwordauthentication": "yes",
    "kbdinteractiveauthentication": "yes", "gssapiauthentication": "no",
    "hostbasedauthentication": "no", "authenticationmethods": "keyboard-interactive:pam",
}

# What a host has in addition to this machine.
OVER = f"/etc/login.defs /etc/init.d /etc/pam.d /etc/pam_totp /etc/sshd-settings /etc/machine-id /etc/passwd /etc/group " \
       f"/etc/shadow /etc/nsswitch.conf /var/lib/pam_totp /usr/sbin/sshd {MODULES}/pam_totp.so"

COVER = f"""
mount --make-rprivate /
mount -t tmpfs -o mode=755 host /mnt
cd /mnt
mkdir -p e v m s w/e w/v w/m w/s
mount -t overlay o -o lowerdir=/etc,upperdir=/mnt/e,workdir=/mnt/w/e /etc
mount -t overlay o -o lowerdir=/var/lib,upperdir=/mnt/v,workdir=/mnt/w/v /var/lib
mount -t overlay o -o lowerdir={MODULES},upperdir=/mnt/m,workdir=/mnt/w/m {MODULES}
mount -t overlay o -o lowerdir=/usr/sbin,upperdir=/mnt/s,workdir=/mnt/w/s /usr/sbin
mount -t tmpfs -o mode=755 host /run
rm -rf /etc/pam.d /etc/pam_totp /etc/security/pam_totp.conf /etc/.git /etc/.gitignore $store
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
sed -i '/^alice:/d;/^bob:/d;/^sudo:/d;/^wheel:/d;/^admin:/d' /etc/passwd /etc/group /etc/shadow
printf 'alice:x:64001:64001::/:/bin/sh\\nbob:x:64002:64002::/:/bin/sh\\n' >>/etc/passwd
printf 'sudo:x:27:alice\\n' >>/etc/group
sed -i 's/^root:[^:]*/root:$6$x$y/' /etc/shadow
printf 'passwd: files\\ngroup: files\\nshadow: files\\n' >/etc/nsswitch.conf
cp -r "$FILES/pam.d" /etc/pam.d
cp "$FILES/sshd-settings" /etc/
printf '#!/bin/sh\\nexec cat /etc/sshd-settings\\n' >/usr/sbin/sshd
: >{MODULES}/pam_totp.so
chmod 644 {MODULES}/pam_totp.so
chmod 755 /usr/sbin/sshd
"$TOTPCTL" init >/dev/null
printf 'root,{SECRET}\\nalice,{SECRET}\\nbob,{SECRET}\\n' | "$TOTPCTL" import csv - >/dev/null
tar -cPf /mnt/good.tar {OVER}
"""

RESET = f"""
trap '[ ! -e /mnt/totpd ] || kill $(cat /mnt/totpd) 2>/dev/null || :' EXIT
rm -rf /mnt/totpd /run/pam_totp {OVER} /etc/security/pam_totp.conf /etc/freeradius /etc/.git /etc/.gitignore /etc/pam.conf /etc/run \\
    /var/lib/linked /var/lib/x /mnt/log /mnt/before
tar -xPf /mnt/good.tar
"""


def settings(**changed):
    return "".join(f"{key} {value}\n" for key, value in {**SSHD, **changed}.items())


def sh(script, own=False, **env):
    """Run a script; own: in a mount namespace of its own."""
    env = dict(os.environ, TOTPCTL=TOTPCTL, LC_ALL="C.UTF-8", LOG_CATCHER="/mnt/log",
               store="/var/lib/pam_totp", keyring="/etc/pam_totp/keyring", **env)
    return subprocess.run([*(["unshare", "-m"] if own else []), "sh", "-euc", script], env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)


@pytest.fixture(scope="module")
def covered():
    """A good host instead of this machine, as far as this process can see."""
    if os.geteuid() != 0 or ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
        pytest.skip("only root can make namespaces")
    with tempfile.TemporaryDirectory(prefix="doctor-") as directory:
        top = pathlib.Path(directory)
        (top / "pam.d").mkdir()
        for name, text in STACKS.items():
            (top / "pam.d" / name).write_text(text)
        (top / "sshd-settings").write_text(settings())
        made = sh(COVER, FILES=directory)
        assert made.returncode == 0, made.stderr


class Host:
    def run(self, script, words="--json", after="", **env):
        """Break a host by a script, and run doctor on it."""
        preload = (f'LD_PRELOAD="{LOG_CATCHER} {DOCTOR_HOST}" '
                   'ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0"')
        script = textwrap.dedent(script)
        return sh(f"{RESET}\n{script}\nset +e\n"
                  f"{preload} \"$TOTPCTL\" doctor {words}; code=$?\n{after}\nexit $code",
                  own="mount " in script, **env)

    def found(self, script, words="", **env):
        """The findings, as objects; doctor's exit status says whether there are any."""
        ran = self.run(script, "--json " + words, **env)
        assert ran.stderr == "", ran.stderr
        findings = json.loads(ran.stdout)
        for finding in findings:
            assert finding["what"] and finding["why"] and finding["repair"], finding
        assert ran.returncode == any(not one["repaired"] for one in findings)
        return findings

    def only(self, script, id, what, **more):
        """One finding is reported, and no other; returns it."""
        findings = self.found(script, **more)
        assert [one["id"] for one in findings] == [id], findings
        assert re.search(what, findings[0]["what"]), findings[0]
        return findings[0]


@pytest.fixture
def host(covered):
    return Host()


# libpam reads pam.conf if it has no directory
NO_DIRECTORIES = f"""
mkdir -p /mnt/u /mnt/w/u
mount -t overlay o -o lowerdir=/usr/lib,upperdir=/mnt/u,workdir=/mnt/w/u /usr/lib
rm -rf /etc/pam.d /usr/lib/pam.d
: >{MODULES}/pam_totp.so; chmod 644 {MODULES}/pam_totp.so
"""


def stack(name, *lines):
    return f"printf '%s\\n' {' '.join(map(repr, lines))} >/etc/pam.d/{name}\n"


# The service account, a store that it owns, and totpd running.
ACCOUNT = """
printf '_pam_totp:x:64990:64990::/:/usr/sbin/nologin\\n' >>/etc/passwd
"""
SERVED = ACCOUNT + f"""
"$TOTPCTL" init >/dev/null
{TOTPD} --foreground >/dev/null 2>&1 & echo $! >/mnt/totpd
while [ ! -S /run/pam_totp/socket ]; do sleep 0.01; done
"""

# SELinux with our policy module, in a mount namespace of its own; sockets that are enabled.
SELINUX = """
mount -t tmpfs t /sys/fs; mkdir /sys/fs/selinux; printf 1 >/sys/fs/selinux/enforce
/usr/bin/python3 -c 'import os
os.setxattr("/var/lib/pam_totp/users", "security.selinux", b"system_u:object_r:pam_totp_store_t:s0")'
mount -t tmpfs t /etc/systemd/system; mkdir /etc/systemd/system/sockets.target.wants
"""
ENABLED = ": >/etc/systemd/system/sockets.target.wants/totpd.socket\n" \
          ": >/etc/systemd/system/sockets.target.wants/totpd-root.socket\n"

STOP = "kill $(cat /mnt/totpd); while kill -0 $(cat /mnt/totpd) 2>/dev/null; do sleep 0.01; done\n"
LOCKER = ("auth required pam_totp.so password=combined", "auth required pam_unix.so use_first_pass")


# ---- nothing to report on good hosts


def shipped():
    """The snippets of the distribution, each in its service's file."""
    methods = {"sshd-key-code": "publickey,keyboard-interactive:pam",
               "sshd-key-or-password":
                   "publickey,keyboard-interactive:pam keyboard-interactive:pam"}
    for path in sorted((pathlib.Path(__file__).parents[2] / "conf" / "pam.d").iterdir()):
        service = path.name.split("-")[0]
        if service == "postgresql":  # its first factor is in a file of its own
            continue
        script = f"cp {path} /etc/pam.d/{service}\n" + (SERVED if service == "i3lock" else "")
        if path.name in methods:
            script += (f"sed -i '/^authenticationmethods/s/ .*/ {methods[path.name]}/' "
                       "/etc/sshd-settings\n")
        yield "shipped-" + path.name, script


# sshd sends users on who must enroll; this adds the account line for them.
ENROLL_AUTH = ("echo 'enroll = login' >/etc/security/pam_totp.conf\n"
               "sed -i 's/^auth required pam_totp.so/& enroll_in_account/' /etc/pam.d/sshd\n")
ENROLL = ENROLL_AUTH + "sed -i '1i account requisite pam_totp.so enroll_in_account' /etc/pam.d/sshd\n"

GOOD = {
    "debian": "",
    **dict(shipped()),
    "in-common-auth": "echo 'exempt = bob' >/etc/security/pam_totp.conf\n"
                      "sed -i '/pam_cap/i auth required pam_totp.so' /etc/pam.d/common-auth\n"
                      "sed -i /pam_totp/d /etc/pam.d/sshd /etc/pam.d/su /etc/pam.d/sudo",
    "enrollment-in-the-login": ENROLL,
    "account-line-alone": "sed -i '1i account required pam_totp.so enroll_in_account' /etc/pam.d/cron",
    "as-pam-auth-update-has-it": "printf 'enroll = login\\nexempt = bob\\n' >/etc/security/pam_totp.conf\n"
                                 "cd /etc/pam.d; sed -i /pam_totp/d sshd su sudo\n"
                                 "sed -i '/pam_cap/i auth required pam_totp.so enroll_in_account' "
                                 "common-auth\n"
                                 "sed -i '1i account requisite pam_totp.so enroll_in_account' "
                                 "common-account\n: >common-auth.pam-old; cd /\n"
                                 "echo LOGIN_TIMEOUT 600 >/etc/login.defs",
    "administrators-who-can-enroll": ENROLL + "\"$TOTPCTL\" delete --yes alice >/dev/null",
    "key-and-code": stack("sshd", "auth required pam_totp.so", "auth required pam_permit.so") +
                    "sed -i '/^authenticationmethods/s/ .*/ publickey,keyboard-interactive:pam/' "
                    "/etc/sshd-settings",
    "key-or-password": stack("sshd", "auth [success=1 default=ignore] pam_totp.so if_publickey",
                             "auth requisite pam_unix.so", "auth required pam_totp.so",
                             "auth required pam_permit.so") +
                       "sed -i '/^authenticationmethods/s/ .*/ publickey,keyboard-interactive:pam "
                       "keyboard-interactive:pam/' /etc/sshd-settings",
    "combined": stack("sshd", "auth required pam_totp.so password=combined",
                      "auth required pam_unix.so use_first_pass") +
                "sed -i '/^authenticationmethods/s/ .*/ password/' /etc/sshd-settings",
    "two-password-modules": "sed -i -e 's/^auth.*pam_unix.so.*/auth [success=2 default=ignore] "
                            "pam_unix.so/' -e '/pam_unix/a auth [success=1 default=ignore] "
                            "pam_sss.so use_first_pass' /etc/pam.d/common-auth",
    "optional": "echo 'enforce = optional' >/etc/security/pam_totp.conf; "
                "\"$TOTPCTL\" delete --yes alice >/dev/null",
    "exempt-administrator": "echo 'exempt = alice' >/etc/security/pam_totp.conf; "
                            "\"$TOTPCTL\" delete --yes alice >/dev/null",
    "locked-root": "\"$TOTPCTL\" delete --yes root >/dev/null; echo 'root:*:19000::::::' >/etc/shadow",
    "console-with-a-way-back": "sed -i '/common-auth/a auth required pam_totp.so exempt=no.such,bob' "
                               "/etc/pam.d/login",
    "console-with-a-group": "echo 'safe:x:64002:' >>/etc/group; sed -i '/common-auth/a auth required "
                            "pam_totp.so exempt=@safe' /etc/pam.d/login",
    "no-group": "sed -i /^sudo:/d /etc/group",
    "ignored-repository": "mkdir /etc/.git; echo /pam_totp/ >/etc/.gitignore",
    "no-sshd": "rm /usr/sbin/sshd",
    "invitations": "\"$TOTPCTL\" delete --yes bob >/dev/null; printf 'enroll = login\\nenroll_until = "
                   "2026-01-01\\n' >/etc/security/pam_totp.conf; \"$TOTPCTL\" invite bob >/dev/null",
    "totpd": SERVED,
    "selinux": SERVED + SELINUX + ENABLED,
    "selinux-permissive": SERVED + SELINUX + "printf 0 >/sys/fs/selinux/enforce",
    "no-invitations": "rmdir $store/invites",
    "young-leftovers": ": >$store/users/alice~0123456789abcdef",
    "readonly_login": "echo 'readonly_login = yes' >/etc/security/pam_totp.conf; mkdir -p "
                      "/run/pam_totp; mount -t tmpfs -o mode=755 t /run/pam_totp",
    "pam.conf": "cd /etc/pam.d; for f in sshd su; do sed \"s/^@include.*/auth requisite "
                "pam_unix.so/;s/^/$f /\" $f; done >/etc/pam.conf; cd /" + NO_DIRECTORIES,
}


@pytest.mark.parametrize("name", GOOD)
def test_on_a_good_host_nothing_is_reported(host, name):
    assert host.found(GOOD[name]) == []


def test_a_good_host_is_reported_as_good(host):
    ran = host.run("", "")
    assert (ran.returncode, ran.stdout) == (0, "Nothing was found.\n")


@pytest.mark.parametrize("script, status, line", [
    ("", 0, r"OK: nothing was found \| critical=0 warning=0"),
    (": >$store/users/a~0; touch -d '1 day ago' $store/users/a~0",
     1, r"WARNING: \S*users/a~0: left over \| critical=0 warning=1"),
    (": >$store/users/a~0; touch -d '1 day ago' $store/users/a~0; mkdir /etc/.git",
     2, r"CRITICAL: [^|]*, and more \| critical=1 warning=1"),
], ids=["ok", "warning", "critical"])
def test_for_nagios_there_is_one_line_and_an_exit_status(host, script, status, line):
    ran = host.run(script, "--nagios")
    assert re.fullmatch(f"TOTP {line}\n", ran.stdout) and ran.returncode == status, ran


def test_nothing_is_changed_without_fix(host):
    ran = host.run("chmod 644 $keyring; : >$store/users/a~0; touch -d '1 day ago' $store/users/a~0\n"
                      "find /etc $store -newer /mnt -type f | sort >/mnt/before",
                      after="find /etc $store -newer /mnt -type f | sort | cmp - /mnt/before || code=9;"
                            " test -e /mnt/log && code=8")
    assert ran.returncode == 1


# ---- the stacks


BROKEN_STACKS = [
    # (how, script, ids of the findings)
    ("sufficient", stack("sshd", "auth sufficient pam_unix.so", "auth required pam_totp.so",
                         "auth required pam_permit.so"),
     {"skipped": "/sshd:1: .*pam_unix", "alone": "/sshd:2"}),
    ("jump", "sed -i 's/success=1/success=2/' /etc/pam.d/common-auth; "
             "sed -i 's/^auth.optional.*/auth required pam_totp.so exempt=bob/;/pam_permit/d;$a auth required "
             "pam_permit.so' /etc/pam.d/common-auth; "
             "sed -i /pam_totp/d /etc/pam.d/sshd /etc/pam.d/su /etc/pam.d/sudo",
     {"skipped": "/common-auth:2: .*pam_unix"}),
    ("condition", "sed -i '1i auth [success=done default=ignore] pam_succeed_if.so user ingroup x' "
                  "/etc/pam.d/sudo", {"skipped": "/sudo:1: .*pam_succeed_if"}),
    ("fingerprint", "sed -i '1i auth sufficient pam_fprintd.so' /etc/pam.d/sudo",
     {"skipped": "/sudo:1: .*pam_fprintd"}),
    ("key-alone", "sed -i '1i auth sufficient pam_totp.so if_publickey' /etc/pam.d/sshd",
     {"skipped": "/sshd:1: "}),
    ("in-an-include", stack("part", "auth sufficient pam_unix.so") +
     stack("sshd", "auth include part", "auth requisite pam_unix.so", "auth required pam_totp.so"),
     {"skipped": "/part:1: "}),
    ("optional", "sed -i 's/required\\(.*totp\\)/optional\\1/' /etc/pam.d/sshd",
     {"overruled": "/sshd:2: "}),
    ("ignored", "sed -i 's/required\\(.*totp\\)/[success=ok default=ignore]\\1/' /etc/pam.d/sshd",
     {"overruled": "/sshd:2: "}),
    ("first", stack("sshd", "auth required pam_totp.so", "@include common-auth"),
     {"early": "/sshd:1: "}),
    ("required-password", stack("sshd", "auth required pam_unix.so", "auth required pam_totp.so"),
     {"unproven": "/sshd:2: "}),
    ("substack", stack("password-auth", "auth sufficient pam_unix.so", "auth required pam_deny.so") +
     stack("sshd", "auth substack password-auth", "auth required pam_totp.so"),
     {"unproven": "/sshd:2: "}),
    ("optional-password", stack("sshd", "auth optional pam_unix.so", "auth required pam_totp.so"),
     {"alone": "/sshd:2: "}),
    ("alone", stack("sshd", "auth required pam_totp.so") +
     "sed -i '/^authenticationmethods/s/ .*/ publickey,keyboard-interactive/' /etc/sshd-settings",
     {"permit": "/sshd:1: "}),
    ("no-factor", stack("sudo", "auth required pam_totp.so", "auth required pam_permit.so"),
     {"no-factor": "/sudo:1: "}),
    ("closed", stack("sudo", "auth requisite pam_deny.so", "auth required pam_totp.so",
                     "auth requisite pam_unix.so"), {"closed": "/sudo:2: "}),
    ("no-such-include", "sed -i '$a auth include no-such-file' /etc/pam.d/sudo",
     {"line": "/sudo:6: ", "closed": "/sudo:4: "}),
    ("no-such-@include", "sed -i '$a @include no-such-file' /etc/pam.d/sudo",
     {"unreadable": "/sudo: ", "line": "/sudo:6: ", "closed": "/sudo:4: "}),
    ("other", "echo '@include no-such-file' >/etc/pam.d/other",
     {"unreadable": "/other: "}),
    ("bad-line", "sed -i '$a auth required' /etc/pam.d/sudo",
     {"line": "/sudo:6: ", "closed": "/sudo:4: "}),
    ("cut-short", "printf 'auth required pam_env.so \\\\' >>/etc/pam.d/sudo",
     {"unreadable": "/sudo: "}),
    ("unknown-argument", "sed -i 's/pam_totp.so/pam_totp.so nullok/' /etc/pam.d/sshd",
     {"argument": "/sshd:2: .*nullok"}),
    ("no-such-conf", "sed -i 's/pam_totp.so/pam_totp.so conf=\\/etc\\/no.conf/' /etc/pam.d/sshd",
     {"policy": "/etc/no.conf"}),
    ("enroll-no-account", ENROLL_AUTH, {"enroll-missing": "/sshd:2: "}),
    ("enroll-no-argument", ENROLL_AUTH + "sed -i '1i account requisite pam_totp.so' /etc/pam.d/sshd",
     {"enroll-argument": "/sshd:1: "}),
    ("enroll-late", ENROLL_AUTH + "sed -i '/common-account/a account requisite pam_totp.so "
     "enroll_in_account' /etc/pam.d/sshd", {"enroll-skipped": "/common-account:1: .*pam_unix"}),
    ("enroll-past", ENROLL + "sed -i '1i account sufficient pam_localuser.so' /etc/pam.d/sshd",
     {"enroll-skipped": "/sshd:1: .*pam_localuser"}),
    ("enroll-root", ENROLL + "sed -i '1i account sufficient pam_rootok.so' /etc/pam.d/sshd",
     {"enroll-skipped": "/sshd:1: .*pam_rootok"}),
    ("enroll-ignored", ENROLL + "sed -i '/^account requisite/s/requisite/[success=ok default=ignore]/' "
     "/etc/pam.d/sshd", {"enroll-overruled": "/sshd:1: "}),
    ("enroll-unavailable", ENROLL + "sed -i '/^account requisite/s/requisite/[success=ok ignore=ignore "
     "authinfo_unavail=ignore default=die]/' /etc/pam.d/sshd", {"enroll-overruled": "/sshd:1: "}),
    ("enroll-optional", ENROLL + "sed -i '/^account requisite/s/requisite/optional/' /etc/pam.d/sshd",
     {"enroll-overruled": "/sshd:1: "}),
    ("unavailable", "sed -i 's/required\\(.*totp\\)/[success=ok ignore=ignore authinfo_unavail=ignore "
     "default=die]\\1/' /etc/pam.d/sshd", {"overruled": "/sshd:2: "}),
    ("enroll-policy", ENROLL + "printf 'enroll = tool\\n' >/etc/security/other.conf; sed -i "
     "'/^account requisite/s/$/ conf=\\/etc\\/security\\/other.conf/' /etc/pam.d/sshd",
     {"enroll-policy": "/sshd:1: "}),
    ("enroll-mistake", ENROLL + "sed -i '/^account requisite/s/$/ nullok/' /etc/pam.d/sshd",
     {"argument": "/sshd:1: .*nullok"}),
    ("no-way-back", "sed -i '/common-auth/a auth required pam_totp.so' /etc/pam.d/login",
     {"way-back": "the console asks all users"}),
    ("way-back-misspelt", "sed -i '/common-auth/a auth required pam_totp.so exempt=bbo' /etc/pam.d/login",
     {"way-back": "no account with a password is exempt by bbo$"}),
    ("way-back-second-name-of-root", "echo 'toor:x:0:0::/:/bin/sh' >>/etc/passwd; sed -i "
     "'/common-auth/a auth required pam_totp.so exempt=toor' /etc/pam.d/login",
     {"way-back": "exempt by toor$", "one-uid": "^the names root and toor are of one account, uid 0$"}),
    ("way-back-without-password", "echo 'bob:!:19000::::::' >>/etc/shadow; sed -i '/common-auth/a "
     "auth required pam_totp.so exempt=bob' /etc/pam.d/login", {"way-back": "exempt by bob$"}),
    ("way-back-without-shell", "sed -i '/^bob:/s,/bin/sh,/usr/sbin/nologin,' /etc/passwd; sed -i "
     "'/common-auth/a auth required pam_totp.so exempt=bob' /etc/pam.d/login",
     {"way-back": "exempt by bob$"}),
    ("way-back-required", "sed -i '/common-auth/a auth required pam_totp.so exempt=bob "
     "required_for=bob' /etc/pam.d/login", {"way-back": "exempt by bob$"}),
    ("way-back-empty-group", "echo 'safe:x:64010:' >>/etc/group; sed -i '/common-auth/a auth "
     "required pam_totp.so exempt=@safe' /etc/pam.d/login", {"way-back": "exempt by @safe$"}),
    ("session", "sed -i '1i session required pam_totp.so' /etc/pam.d/cron",
     {"type": "/cron:1: .*session"}),
    ("combined-late", "sed -i 's/pam_totp.so/pam_totp.so password=combined/' /etc/pam.d/sudo",
     {"combined-late": "/sudo:4: "}),
    ("combined-partner", stack("sudo", "auth required pam_totp.so password=combined",
                               "auth required pam_unix.so"), {"partner": "/sudo:2: .*pam_unix"}),
    ("use-first-pass", stack("sudo", "auth required pam_totp.so password=use_first_pass",
                             "auth requisite pam_unix.so"),
     {"partner": "/sudo:1: ", "early": "/sudo:1: "}),
    ("key-elsewhere", stack("sudo", "auth [success=1 default=ignore] pam_totp.so if_publickey",
                            "auth requisite pam_unix.so", "auth required pam_totp.so",
                            "auth required pam_permit.so"), {"key-elsewhere": "/sudo:1: "}),
    ("twice", "sed -i '/common-auth/a auth required pam_totp.so enforce=optional' /etc/pam.d/sshd",
     {"twice": "/sshd:3: .*asks again"}),
    ("twice-included", "echo 'auth required pam_totp.so' >>/etc/pam.d/common-auth\n"
     "sed -i /totp/d /etc/pam.d/su /etc/pam.d/sudo; sed -i 's/^@include common-auth/"
     "auth requisite pam_unix.so/' /etc/pam.d/login /etc/pam.d/cron /etc/pam.d/chsh /etc/pam.d/other",
     {"twice": "/sshd:2: "}),
    ("not-installed", f"rm {MODULES}/pam_totp.so", {"module": "pam_totp.so is not installed$"}),
    ("installed-elsewhere", "mkdir -p /mnt/u /mnt/w/u\nmount -t overlay o -o "
     "lowerdir=/usr/lib64,upperdir=/mnt/u,workdir=/mnt/w/u /usr/lib64\nmkdir -p /usr/lib64/security\n"
     f"mv {MODULES}/pam_totp.so /usr/lib64/security",
     {"module": "not where PAM looks, but at /.*lib64/security/pam_totp.so$"}),
    ("not-installed-there", "sed -i 's/pam_totp.so/\\/opt\\/no\\/&/' /etc/pam.d/sshd",
     {"module": "/opt/no/pam_totp.so is not installed$"}),
    ("module-mode", f"chmod 666 {MODULES}/pam_totp.so", {"mode": "pam_totp.so: mode 0666"}),
    ("stack-mode", "chmod 664 /etc/pam.d/sshd", {"mode": "/etc/pam.d/sshd: mode 0664"}),
    ("stack-owner", "chown 64001 /etc/pam.d/sshd", {"owner": "/etc/pam.d/sshd: .*64001"}),
    ("unused", "sed -i /pam_totp/d /etc/pam.d/*", {"unused": "no service"}),
    ("pam.conf", "printf 'ftpd auth requisite pam_deny.so\\nsshd auth sufficient pam_unix.so\\n"
                 "su auth include x\\nsshd auth required \\\\\\n pam_totp.so\\n"
                 "sshd auth required pam_permit.so\\n' >/etc/pam.conf" + NO_DIRECTORIES,
     {"skipped": "/etc/pam.conf:2: ", "alone": "/etc/pam.conf:5: "}),
]


@pytest.mark.parametrize("script, expected", [row[1:] for row in BROKEN_STACKS],
                         ids=[row[0] for row in BROKEN_STACKS])
def test_a_broken_stack_is_found_and_nothing_else_is_reported(host, script, expected):
    findings = host.found(script)
    assert {one["id"] for one in findings} == set(expected), findings
    for one in findings:
        assert re.search(expected[one["id"]], one["what"]), one


def test_one_cause_in_several_services_is_reported_once(host):
    findings = host.found(
        stack("common-auth", "auth sufficient pam_unix.so", "auth requisite pam_deny.so",
              "auth required pam_totp.so") +
        "sed -i '/pam_totp/d' /etc/pam.d/sshd /etc/pam.d/su /etc/pam.d/sudo")
    skipped = [one for one in findings if one["id"] == "skipped"]
    assert len(skipped) == 1
    assert {"sshd", "su", "su-l", "sudo", "login"} <= set(skipped[0]["services"])
    assert "common-auth" not in skipped[0]["services"]


def test_the_repair_that_is_printed_repairs(host):
    """Run the commands of all findings that have one as their repair; then nothing is found."""
    broken = stack("sshd", "auth sufficient pam_unix.so", "auth required pam_totp.so")
    first = host.found(broken)
    command = next(one["repair"] for one in first if one["id"] == "skipped")
    assert host.found(broken + command) == []

    alone = GOOD["key-and-code"] + "\nsed -i /permit/d /etc/pam.d/sshd"
    command = host.only(alone, "permit", "/sshd:1: ")["repair"]
    assert host.found(alone + "\n" + command) == []


@pytest.mark.parametrize("script, ids", [
    (stack("su", "auth required pam_totp.so"), {"permit", "no-factor"}),
    (stack("sshd", "auth required pam_totp.so"), {"permit", "no-factor"}),  # by password or by key
])
def test_no_repair_lets_in_everybody_who_needs_no_code(host, script, ids):
    found = host.found(script)
    assert {one["id"] for one in found} == ids, found
    for one in found:
        assert "sed" not in one["repair"] or "AuthenticationMethods publickey," in one["repair"], one
    assert "first factor" in next(one["repair"] for one in found if one["id"] == "permit")


def test_for_the_database_server_it_reports_what_the_manual_says(host):
    stack = pathlib.Path(__file__).parents[2] / "conf" / "pam.d" / "postgresql"
    host.only(f"cp {stack} /etc/pam.d/", "no-factor", r"/postgresql:\d+: ")


def test_a_service_can_be_checked_alone(host):
    broken = "sed -i '1i auth sufficient pam_unix.so' /etc/pam.d/sudo"
    assert host.found(broken, "--service sshd") == []
    assert [one["services"] for one in host.found(broken, "--service sudo")] == [["sudo"]]
    one = host.only("", "unused", "/login has no auth line", words="--service login")
    assert one["services"] == ["login"]


def test_administrators_whom_a_new_line_would_lock_out_are_reported_first(host):
    script = "sed -i /pam_totp/d /etc/pam.d/*; \"$TOTPCTL\" delete --yes alice >/dev/null"
    findings = host.found(script, "--service sudo")
    assert [(one["id"], one["services"]) for one in findings] == [("unused", ["sudo"]),
                                                                  ("administrator", ["sudo"])]
    assert findings[1]["what"].startswith("administrator alice ")


PROFILE = ("echo 'exempt = bob' >/etc/security/pam_totp.conf\n"
           "sed -i '/pam_cap/i auth required pam_totp.so' /etc/pam.d/common-auth\n"
           "sed -i /pam_totp/d /etc/pam.d/sshd /etc/pam.d/su /etc/pam.d/sudo\n")
ASKING_ONCE = stack("proxmox-ve-auth", "@include common-auth") + stack("i3lock", "@include common-auth")


def test_programs_that_ask_once_are_reported_once_before_and_after_the_profile_is_enabled(host):
    assert host.found(ASKING_ONCE) == [], "nobody plans a profile"
    plan = host.found(ASKING_ONCE, "--service common-auth")
    assert [one["id"] for one in plan] == ["unused", "asks-once"], plan
    assert plan[1]["services"] == ["i3lock", "proxmox-ve-auth"]
    one = host.only(SERVED + ASKING_ONCE + PROFILE, "asks-once", "one question")
    assert one["services"] == ["i3lock", "proxmox-ve-auth"]
    lines = re.findall(r"auth required pam_\S+ \S+_?\w+", one["repair"].replace(",", ""))
    assert len(lines) == 2, one
    repaired = stack("i3lock", *lines) + stack("proxmox-ve-auth", *lines)
    assert host.found(SERVED + repaired + PROFILE) == []


def test_programs_that_give_no_address_are_reported_once(host):
    lines = stack("imap", *LOCKER) + stack("xrdp-sesman", *LOCKER) + stack("dovecot", *LOCKER)
    one = host.only(SERVED + lines, "no-address", "no address of its clients")
    assert one["services"] == ["imap", "xrdp-sesman"]


# ---- RADIUS

RADIUS = "auth required pam_radius_auth.so"
SAFE = f"{RADIUS} force_prompt require_message_authenticator"
FREERADIUS = SERVED + r"""
echo freerad:x:64003:64003::/:/bin/sh >>/etc/passwd
mkdir -p /etc/freeradius/3.0/mods-enabled
cd /etc/freeradius/3.0
: >mods-enabled/pam_totp
printf 'security {\n\tuser = freerad\n\trequire_message_authenticator = %s\n}\n' "${all:-auto}" >radiusd.conf
echo 'client vpn {
	ipaddr = 192.0.2.1 # {
	limit {
		max_connections = 16
	}
	require_message_authenticator = yes
}
client tunnel {
	proto = tls
}' >clients.conf
"""
LISTED = "printf 'may_check = freerad\\nmay_tell_source = freerad\\n' >/etc/security/pam_totp.conf\n"


def ids_of_radius(host, *lines):
    found = host.found(stack("sshd", *lines, "auth required pam_totp.so"))
    return [one["id"] for one in found if one["id"].startswith("radius-")]


@pytest.mark.parametrize("above", ("auth required pam_unix.so", "@include common-auth"))
def test_a_line_of_radius_that_sends_the_password_or_takes_any_answer_is_reported(host, above):
    assert ids_of_radius(host, above, SAFE) == []
    assert ids_of_radius(host, above, RADIUS) == ["radius-password", "radius-unsigned"]


def test_a_line_of_radius_that_asks_a_question_of_its_own_needs_no_force_prompt(host):
    asks = f"{RADIUS} require_message_authenticator"
    assert ids_of_radius(host, asks) == []
    assert ids_of_radius(host, "auth sufficient pam_unix.so", asks) == []
    assert ids_of_radius(host, "auth [success=2 default=ignore] pam_unix.so", asks) == []


def test_a_radius_server_that_totpd_does_not_answer_is_reported(host):
    assert host.found(FREERADIUS + LISTED) == []
    found = host.found(FREERADIUS)
    assert [(one["id"], one["what"]) for one in found] == [
        ("radius-account", f"FreeRADIUS runs as freerad, which is not in {key}")
        for key in ("may_check", "may_tell_source")], found
    one = host.only(FREERADIUS + LISTED + "sed -i /tell/d /etc/security/pam_totp.conf",
                    "radius-account", "not in may_tell_source")
    assert one["repair"] == "add freerad to may_tell_source in /etc/security/pam_totp.conf"
    assert host.found(FREERADIUS + "rm mods-enabled/pam_totp") == []


def test_a_radius_client_that_need_not_sign_is_reported(host):
    lax = "sed -i 's/authenticator = yes/authenticator = no/' clients.conf\n"
    one = host.only(FREERADIUS + LISTED + lax, "radius-client", "the client vpn without")
    assert "CVE-2024-3596" in one["why"]
    assert host.found("all=yes\n" + FREERADIUS + LISTED + lax) == []


# ---- sshd


@pytest.mark.parametrize("changed, expected", [
    ({"usepam": "no"}, {"sshd-pam": "UsePAM"}),
    ({"kbdinteractiveauthentication": "no"}, {"sshd-questions": "KbdInteractive"}),
    ({"authenticationmethods": "any"}, {"sshd-methods": "publickey is enough"}),
    ({"authenticationmethods": "any", "gssapiauthentication": "yes", "pubkeyauthentication": "no"},
     {"sshd-methods": "gssapi-with-mic is enough"}),
    ({"authenticationmethods": "publickey publickey,keyboard-interactive"},
     {"sshd-methods": "publickey is enough"}),
    ({"authenticationmethods": "password"}, {"sshd-password": "cannot ask"}),
    ({"authenticationmethods": "publickey,password"}, {"sshd-password": "publickey,password cannot ask"}),
], ids=str)
def test_settings_of_sshd_that_ask_for_no_code_are_found(host, changed, expected):
    script = f"cat >/etc/sshd-settings <<'END'\n{settings(**changed)}END\n"
    findings = host.found(script)
    assert {one["id"] for one in findings} == set(expected), findings
    for one in findings:
        assert re.search(expected[one["id"]], one["what"]), one


@pytest.mark.parametrize("penalties, what", [
    ("no", None),
    ("crash:90 authfail:5 noauth:1 grace-exceeded:10 max:600 min:15 overflow:permissive", None),
    ("crash:90 authfail:0 noauth:1 max:600 min:0", None),
    ("crash:90 authfail:15 noauth:1 max:600 min:15", "authfail:15 and min:15"),
    ("crash:90 authfail:3600 noauth:1 max:600 min:15", "authfail:3600 and min:15"),
])
def test_an_sshd_that_refuses_an_address_after_one_wrong_code_is_found(host, penalties, what):
    script = f"cat >/etc/sshd-settings <<'END'\n{settings(persourcepenalties=penalties)}END\n"
    assert what is None and host.found(script) == [] or host.only(script, "sshd-penalty", what)


def test_a_password_that_no_module_checks_is_found(host):
    """The stack of key and code, to which sshd passes passwords, although it checks none."""
    script = stack("sshd", "auth required pam_totp.so enforce=optional", "auth required pam_permit.so")
    script += f"cat >/etc/sshd-settings <<'END'\n"
    script += settings(authenticationmethods="any", kbdinteractiveauthentication="no",
                       pubkeyauthentication="no") + "END\n"
    findings = {one["id"]: one["what"] for one in host.found(script)}
    assert "password" in findings["no-factor"], findings


def test_a_code_alone_as_a_login_is_found(host):
    script = stack("sshd", "auth required pam_totp.so", "auth required pam_permit.so")
    one = host.only(script, "no-factor", "asks for no key")
    assert one["services"] == ["sshd"]


def move_to(service):
    """sshd uses another PAM service, and prints its name."""
    return (f"cat >/etc/sshd-settings <<'END'\n{settings(pamservicename=service)}END\n"
            "sed '/pam_totp/d' /etc/pam.d/sshd >/etc/pam.d/remote\n")


def test_the_stack_of_the_service_that_sshd_uses_is_judged(host):
    one = host.only(move_to("remote"), "sshd-service", "PAMServiceName is remote, .*no auth line")
    assert one["services"] == ["remote"]
    host.only(move_to("nowhere"), "sshd-service", "PAMServiceName is nowhere")
    moved = move_to("remote") + "cp /etc/pam.d/sshd /etc/pam.d/remote\n"
    assert host.found(moved) == []
    one = host.only(moved + "sed -i '/^authenticationmethods/s/ .*/ publickey/' /etc/sshd-settings",
                       "sshd-methods", "publickey is enough")
    assert one["services"] == ["remote"]
    by_key = stack("remote", "auth [success=1 default=ignore] pam_totp.so if_publickey",
                   "auth requisite pam_unix.so", "auth required pam_totp.so",
                   "auth required pam_permit.so")
    assert host.found(move_to("remote") + by_key) == []


BY_KEY = ("auth [success=1 default=ignore] pam_totp.so if_publickey", "auth requisite pam_unix.so",
          "auth required pam_totp.so", "auth required pam_permit.so")


def test_the_key_line_of_a_second_sshd_is_no_finding(host):
    """The program sshd-internal is sshd too, and the module goes by the program."""
    assert host.found(stack("sshd-internal", *BY_KEY)) == []
    host.only(stack("sshdish", *BY_KEY), "key-elsewhere", "/sshdish:1: ")


def test_a_program_with_a_key_is_found_when_its_account_is_exempt_by_a_group(host):
    asks = settings(authenticationmethods="publickey,keyboard-interactive:pam",
                    authorizedkeysfile="/etc/run/key")
    script = (f"cat >/etc/sshd-settings <<'END'\n{asks}END\n"
              "echo 'robots:x:64020:bob' >>/etc/group\n"
              "echo 'exempt = @robots' >/etc/security/pam_totp.conf\n")
    assert host.found(script) == [], "bob has no key"
    one = host.only(script + "mkdir /etc/run; : >/etc/run/key\n", "sshd-program",
                       "bob is exempt by @robots and has a key")
    assert one["services"] == ["sshd"]


def test_each_line_of_a_service_is_checked_for_another_store(host):
    other = ("printf 'store_dir = /var/lib/x\\nexempt = bob\\n' >/etc/security/other.conf\n"
             "\"$TOTPCTL\" --conf /etc/security/other.conf init >/dev/null\n")
    second = "sed -i '$a auth required pam_totp.so conf=/etc/security/other.conf' /etc/pam.d/sudo\n"
    ids = {one["id"]: one["services"] for one in host.found(SERVED + other + second)}
    assert ids["totpd-other-store"] == ["sudo"], ids


def test_an_sshd_that_prints_no_settings_is_found(host):
    host.only("printf '#!/bin/sh\\necho no hostkeys available >&2; exit 1\\n' "
                 ">/usr/sbin/sshd", "sshd", "no hostkeys")


# ---- policy, keyring, store, records


BROKEN_HOSTS = [
    ("policy-mistake", "echo 'nullok = yes' >/etc/security/pam_totp.conf",
     {"policy": "pam_totp.conf:1: nullok"}),
    ("policy-mode", ": >/etc/security/pam_totp.conf; chmod 666 /etc/security/pam_totp.conf",
     {"mode": "pam_totp.conf: mode 0666", "policy": "mode 0666"}),
    ("policy-group", "echo 'required_for = @no.such' >/etc/security/pam_totp.conf",
     {"group": "no.such"}),
    ("keyring-mode", "chmod 640 $keyring", {"mode": "keyring: mode 0640"}),
    ("keyring-owner", "chown 64001 $keyring", {"owner": "keyring: owned by uid 64001"}),
    ("keyring-directory", "chmod 777 ${keyring%/*}", {"mode": "/pam_totp: mode 0777"}),
    ("keyring-gone", "rm $keyring", {"keyring": "no keyring"}),
    ("keyring-damaged", "echo nonsense >$keyring", {"keyring": "keyring:1: "}),
    ("rotation", "k=$(cat $keyring); printf '# rotating from %.8s to 0000000a: x\\n%s\\n0000000a%s\\n' "
     "\"$k\" \"$k\" \"${k#????????}\" >$keyring", {"rotation": "to 0000000a is not finished"}),
    ("keyring-volatile", "mkdir -p /run/pam_totp; mv $keyring /run/pam_totp/keyring; "
     "echo 'keyring = /run/pam_totp/keyring' >/etc/security/pam_totp.conf",
     {"keyring-volatile": "/run/pam_totp/keyring is in memory only"}),
    ("store-gone", "rm -r $store", {"store": "no store"}),
    ("marker-gone", "rm $store/STORE", {"store": "no marker"}),
    ("marker-damaged", "echo x >$store/STORE", {"store": "damaged"}),
    ("store-mode", "chmod 775 $store", {"mode": "pam_totp: mode 0775"}),
    ("users-mode", "chmod 755 $store/users", {"mode": "users: mode 0755"}),
    ("state-mode", "chmod 750 $store/state", {"mode": "state: mode 0750"}),
    ("state-gone", "rm -r $store/state", {"store": "state"}),
    ("clone", "echo fedcba9876543210fedcba9876543210 >/etc/machine-id",
     {"clone": "another machine"}),
    ("no-machine-id", "rm /etc/machine-id", {"machine-id": "machine-id"}),
    ("empty-machine-id", "echo uninitialized >/etc/machine-id", {"machine-id": "it holds no machine id"}),
    ("version", "sed -i '1s/2$/1/' $store/STORE", {"version": "records are of version 1, the newest is 2"}),
    ("record-mode", "chmod 644 $store/users/bob", {"mode": "users/bob: mode 0644"}),
    ("record-owner", "chown 64002 $store/users/bob", {"owner": "users/bob: owned by uid 64002"}),
    ("record-link", "ln $store/users/bob $store/bob", {"record": "bob: .*hard links"}),
    ("record-fifo", "rm $store/users/bob; mkfifo -m 600 $store/users/bob",
     {"record": "bob: .*not a regular file"}),
    ("record-damaged", "echo x >>$store/users/bob", {"record": "bob: "}),
    ("record-of-another", "cp $store/users/alice $store/users/bob", {"record": "bob: "}),
    ("state-file-gone", "rm $store/state/bob.*", {"record": "bob: .*missing"}),
    ("state-file-mode", "chmod 666 $store/state/bob.*", {"mode": r"state/bob\.\w+: mode 0666"}),
    ("state-file-damaged", "for f in $store/state/bob.*; do head -c 8192 /dev/zero >$f; done",
     {"record": "bob: .*damaged"}),
    ("other-key", "sed -i '1s/^......../00000000/' $keyring", {"record": "sealed by key"}),
    ("uid", "sed -i 's/^bob:x:64002/bob:x:64009/' /etc/passwd", {"uid": "bob: .*64002.*64009"}),
    ("no-account", "sed -i '/^bob:/d' /etc/passwd", {"no-account": "bob: "}),
    ("invitation-left", "\"$TOTPCTL\" delete --yes bob >/dev/null; \"$TOTPCTL\" invite bob >/dev/null 2>&1; "
     "cp -a $store/invites/bob /mnt/bob; printf 'bob,{0}\\n' | \"$TOTPCTL\" import csv - >/dev/null; "
     "mv /mnt/bob $store/invites/".format(SECRET), {"invitation": "bob: left over"}),
    ("invitation-ended", "\"$TOTPCTL\" delete --yes bob >/dev/null; : >/etc/security/pam_totp.conf; "
     "\"$RECORD_TOOL\" /etc/security/pam_totp.conf invite bob 64002 86400",
     {"invitation": "bob: has expired"}),
    ("invitation-damaged", "\"$TOTPCTL\" delete --yes bob >/dev/null; echo x >$store/invites/bob; "
     "chmod 600 $store/invites/bob", {"invitation": "bob: invites/bob: not a sealed"}),
    ("invites-mode", "chmod 755 $store/invites", {"mode": "invites: mode 0755"}),
    ("repository", "mkdir /etc/.git", {"repository": "keyring"}),
    ("repository-that-ignores-less", "mkdir /etc/.git; echo '#pam_totp' >/etc/.gitignore",
     {"repository": "keyring"}),
    ("read-only", "mkdir -p /mnt/x; mount -t tmpfs t /mnt/x; cp -a $store/. /mnt/x/; mount "
                  "--bind /mnt/x $store; mount -o remount,ro,bind $store", {"read-only": "mounted read-only"}),
    ("full", "mkdir -p /mnt/x; mount -t tmpfs -o size=512k t /mnt/x; cp -a $store/. /mnt/x/; mount "
             "--bind /mnt/x $store", {"full": "the disk is full"}),
    ("run-dir", "printf 'readonly_login = yes\\nrun_dir = /etc/run\\n' "
                ">/etc/security/pam_totp.conf; mkdir -m 777 -p /etc/run",
     {"mode": "/etc/run: mode 0777", "run-dir": "/etc/run"}),
    ("locker-without-account", stack("swaylock", *LOCKER), {"totpd-account": "no account _pam_totp"}),
    ("may_check-without-account", "echo 'may_check = bob' >/etc/security/pam_totp.conf",
     {"totpd-account": "no account _pam_totp"}),
    ("account-that-came-later", ACCOUNT, {"totpd-store": "do not belong to _pam_totp",
                                          "totpd-socket": "socket: no process is listening"}),
    ("record-of-root-s", SERVED + "chown 0 $store/users/bob", {"totpd-store": "do not belong"}),
    ("account-that-was-deleted", SERVED + STOP + "sed -i /_pam_totp/d /etc/passwd\n",
     {"totpd-account": "belongs to uid [0-9]+, and there is no account _pam_totp"}),
    ("totpd-waits", SERVED + STOP + "rm $keyring; ",
     {"totpd-socket": "no process is listening, since there is no keyring", "keyring": "no keyring"}),
    ("totpd-gone", SERVED + STOP, {"totpd-socket": "socket: no process is listening"}),
    ("totpd-never-was", ACCOUNT + "\"$TOTPCTL\" init >/dev/null",
     {"totpd-socket": "socket: no process is listening"}),
    ("totpd-without-store", SERVED + "chown -R 0 $store",
     {"totpd-store": "do not belong", "totpd": "totpd: users: Permission denied"}),
    ("socket-of-a-stranger", SERVED + "chown 64001 /run/pam_totp/socket",
     {"totpd": "totpd: .*/socket: not a socket that root owns"}),
    ("directory-of-sockets", SERVED + "chmod 777 /run/pam_totp",
     {"mode": "/run/pam_totp: mode 0777", "totpd": "/run/pam_totp: mode 0777"}),
    ("selinux-without-totpd", SERVED + STOP + SELINUX,
     {"selinux": "sockets are not enabled", "totpd-socket": "no process is listening"}),
    ("selinux-until-the-next-boot", SERVED + SELINUX, {"selinux": "sockets are not enabled"}),
    ("selinux-with-one-socket", SERVED + SELINUX + ENABLED.splitlines()[0],
     {"selinux": "sockets are not enabled"}),
    ("sudo-locked-out", "\"$TOTPCTL\" delete --yes alice >/dev/null",
     {"administrator": "alice must give a code, but is not"}),
    ("administrator-disabled", "\"$TOTPCTL\" suspend alice >/dev/null",
     {"administrator": "alice must give a code, but is suspended"}),
    ("root-locked-out", "\"$TOTPCTL\" delete --yes root >/dev/null; echo 'root:$6$x$y:19000::::::' "
                        ">/etc/shadow", {"administrator": r"root must give a code"}),
    ("locked-out-later", "\"$TOTPCTL\" delete --yes alice >/dev/null; echo 'enforce = 2199-01-31' "
                         ">/etc/security/pam_totp.conf",
     {"administrator": "from 2199-01-31"}),
]


@pytest.mark.parametrize("script, expected", [row[1:] for row in BROKEN_HOSTS],
                         ids=[row[0] for row in BROKEN_HOSTS])
def test_a_broken_host_is_found_and_nothing_else_is_reported(host, script, expected):
    findings = host.found(script)
    assert {one["id"] for one in findings} == set(expected), findings
    for one in findings:
        assert re.search(expected[one["id"]], one["what"]), one


def test_a_record_whose_key_is_missing_is_repaired_by_the_keyring_and_a_damaged_one_is_not(host):
    """Revoking is not a repair where the key can be restored."""
    for one in host.found("sed -i '1s/^......../00000000/' $keyring"):
        assert re.fullmatch(r"restore the key [0-9a-f]{8} from your copy: totpctl key restore FILE",
                            one["repair"]), one
    one = host.only("echo x >>$store/users/bob", "record", "bob: ")
    assert one["repair"] == "enroll the user again after: totpctl delete bob"
    one = host.only("rm $store/state/bob.*", "record", "bob: ")
    assert one["repair"] == "totpctl repair bob"


@pytest.mark.parametrize("id, env", [("clock", {"HOST_CLOCK": "free"}),
                                     ("disk-kind", {"HOST_DISK": "0x6969"}),
                                     ("disk-kind", {"HOST_DISK": "0xfe534d42"}),
                                     ("disk-kind", {"HOST_DISK": "0x01021994"}),
                                     ("disk-kind", {"HOST_DISK": "0x794c7630"}),
                                     ("btrfs", {"HOST_DISK": "0x9123683e"})], ids=str)
def test_an_unreliable_clock_or_disk_is_found(host, id, env):
    host.only("", id, "", **env)


NO_UNITS = "mount -t tmpfs t /usr/lib/systemd/system; rm -f /etc/init.d/*; "


@pytest.mark.parametrize("script, repair", [
    ("", "install a service that sets the clock over the network, such as chrony"),
    (": >/usr/lib/systemd/system/systemd-timesyncd.service", "timedatectl set-ntp true"),
    (": >/usr/lib/systemd/system/chrony.service", "systemctl enable --now chrony"),
    (": >/usr/lib/systemd/system/chronyd.service", "systemctl enable --now chronyd"),
    (": >/usr/lib/systemd/system/ntpsec.service", "systemctl enable --now ntpsec"),
    (": >/etc/init.d/openntpd", "service openntpd start"),
    ("mkdir -p /run/systemd; : >/run/systemd/container; : >/usr/lib/systemd/system/chrony.service",
     "set the clock of the machine that runs this container"),
], ids=["none", "timesyncd", "chrony", "chronyd", "ntpsec", "init", "container"])
def test_the_repair_of_a_clock_names_a_service_that_is_installed(host, script, repair):
    one = host.only(NO_UNITS + script, "clock", "no service keeps", HOST_CLOCK="free")
    assert one["repair"] == repair


ENROLL_AT_THE_CONSOLE = ENROLL.replace("sshd", "login").replace("'s/^auth", "'/common-auth/a auth").replace(
    "required pam_totp.so/& enroll_in_account/'", "required pam_totp.so exempt=bob enroll_in_account'")
AS_LOGIN = "chmod 755 /mnt/login; mount --bind /mnt/login /usr/bin/login\n"
OF_SHADOW = "printf '#!/bin/sh\\necho Usage: login >&2; exit 1\\n' >/mnt/login; " + AS_LOGIN
OF_UTIL_LINUX = "printf '#!/bin/sh\\necho login from util-linux 2.41\\n' >/mnt/login; " + AS_LOGIN


def test_a_console_that_ends_before_somebody_can_enroll_is_reported_and_repaired(host):
    script = ENROLL_AT_THE_CONSOLE + "echo '#LOGIN_TIMEOUT 600' >/etc/login.defs\n"
    assert host.found(script + OF_SHADOW) == [], "login of shadow waits"
    one = host.only(script + OF_UTIL_LINUX, "login-grace", "login.defs: LOGIN_TIMEOUT is 60 seconds")
    assert host.found(script + OF_UTIL_LINUX + one["repair"]) == []
    script += "printf '\\tLOGIN_TIMEOUT\\t120\\n' >>/etc/login.defs\n" + OF_UTIL_LINUX
    one = host.only(script, "login-grace", "120 seconds")
    assert host.found(script + one["repair"]) == []
    assert host.found(script + "echo LOGIN_TIMEOUT 0 >/etc/login.defs") == [], "0: no limit"


# ---- --fix


FIXED = [
    ("keyring", "chmod 644 $keyring", 'stat -c %a $keyring | grep -qx 600'),
    ("policy", ": >/etc/security/pam_totp.conf; chmod 666 /etc/security/pam_totp.conf",
     "stat -c %a /etc/security/pam_totp.conf | grep -qx 644"),
    ("directories", "chmod 777 $store; chmod 755 $store/users $store/state",
     "stat -c %a $store $store/users $store/state | tr '\\n' ' ' | grep -qx '755 700 700 '"),
    ("record", "chmod 666 $store/users/bob $store/state/bob.*",
     "stat -c %a $store/users/bob $store/state/bob.* | sort -u | grep -qx 600"),
    ("record-of-the-account", SERVED + "chmod 666 $store/users/bob", "stat -c %a $store/users/bob | grep -qx 600"),
    ("stack", "chmod 666 /etc/pam.d/sshd", "stat -c %a /etc/pam.d/sshd | grep -qx 644"),
    ("temporary", "for f in $keyring~01 $store/STORE~01 $store/users/bob~01; do : >$f; touch -d "
     "'1 day ago' $f; done", "! ls $keyring~* $store/STORE~* $store/users/*~* 2>/dev/null"),
    ("unfinished-invitation", ": >$store/invites/bob~01; touch -d '1 day ago' $store/invites/bob~01",
     "! ls $store/invites/*~* 2>/dev/null"),
    ("old-invitation", "\"$TOTPCTL\" delete --yes bob >/dev/null; : >/etc/security/pam_totp.conf; "
     "\"$RECORD_TOOL\" /etc/security/pam_totp.conf invite bob 64002 86400",
     "! ls $store/invites/* 2>/dev/null"),
    ("state-of-nobody", "f=$store/state/carol.0123456789abcdef0123456789abcdef; : >$f; "
     "touch -d '1 day ago' $f", "! ls $store/state/carol.* 2>/dev/null"),
]


@pytest.mark.parametrize("script, shown", [row[1:] for row in FIXED], ids=[row[0] for row in FIXED])
def test_fix_repairs_what_needs_no_choice_and_the_log_says_so(host, script, shown):
    before = host.found(script)
    assert before and not any(one["repaired"] for one in before)
    ran = host.run(script, "--fix --json",
                      after=f"({shown}) || code=9; grep -q outcome=repaired /mnt/log || code=8; "
                            "\"$TOTPCTL\" doctor --json >/mnt/again; "
                            "! grep -Eq '\"(mode|leftover|invitation)\"' /mnt/again || code=7")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert {one["id"] for one in json.loads(ran.stdout)} <= {"mode", "leftover", "invitation"}
    assert all(one["repaired"] for one in json.loads(ran.stdout))


UNFIXED = [
    ("owner", "chown 64001 $keyring", "stat -c %u $keyring | grep -qx 64001"),
    ("young", ": >$store/users/bob~01", "test -e $store/users/bob~01"),
    ("linked", "chmod 666 $store/users/bob; ln $store/users/bob /var/lib/linked",
     "stat -c %a /var/lib/linked | grep -qx 666"),
    ("symbolic-link", "echo x >/var/lib/x; chmod 666 /var/lib/x; rm $store/users/bob; "
     "ln -s /var/lib/x $store/users/bob", "stat -c %a /var/lib/x | grep -qx 666"),
    # as a link that the directory's owner made, and unlinked after it was opened
    ("root-s-in-the-account-s", "chown 64001 $store/users; chmod 666 $store/users/bob",
     "stat -c %a $store/users/bob | grep -qx 666"),
    ("in-a-directory-of-many", "chmod 777 /etc/security; : >/etc/security/pam_totp.conf; "
     "chmod 666 /etc/security/pam_totp.conf",
     "stat -c %a /etc/security/pam_totp.conf | grep -qx 666"),
    ("foreign", ": >$store/users/KEEP; touch -d '1 day ago' $store/users/KEEP",
     "test -e $store/users/KEEP"),
    ("stack", "sed -i '1i auth sufficient pam_unix.so' /etc/pam.d/sudo",
     "grep -q '^auth sufficient pam_unix' /etc/pam.d/sudo"),
]


@pytest.mark.parametrize("script, shown", [row[1:] for row in UNFIXED],
                         ids=[row[0] for row in UNFIXED])
def test_fix_leaves_what_needs_a_choice(host, script, shown):
    ran = host.run(script, "--fix --json", after=f"({shown}) || code=9")
    assert ran.returncode in (0, 1), ran.stdout
    assert not any(one["repaired"] for one in json.loads(ran.stdout))


# ---- printing


def test_a_finding_says_what_is_wrong_why_it_matters_and_how_to_fix_it(host):
    ran = host.run("chmod 640 $keyring; chown 64001 /etc/pam.d/sshd", "--fix")
    assert ran.returncode == 1
    text = ran.stdout
    assert re.search(r"^1\. /etc/pam.d/sshd: owned by uid 64001$", text, re.M)
    assert re.search(r"^   Why:    users who can write it", text, re.M)
    assert re.search(r"^   Repair: .*chown -h 0:0 /etc/pam.d/sshd$", text, re.M)
    assert re.search(r"^   Repaired\.$", text, re.M)
    assert text.endswith("2 found, 1 repaired\n")


def test_control_characters_of_others_do_not_reach_the_terminal(host):
    ran = host.run(": >\"$store/users/$(printf 'A\\033[2J')\"; touch -d '1 day ago' $store/users/A*",
                      "")
    assert ran.returncode == 1 and "left over" in ran.stdout and "\x1b" not in ran.stdout


def test_no_secret_is_printed(host):
    ran = host.run("echo \"$(cut -d' ' -f2 $keyring) is no line\" >$keyring; cat $keyring >/mnt/k",
                      "", after="cat /mnt/k >&2")
    key = ran.stderr.split()[0]
    assert ran.returncode == 1 and len(key) == 44 and key not in ran.stdout


ALICE2 = "echo 'alice2:x:64001:64001::/:/bin/sh' >>/etc/passwd\n"


def test_several_names_of_one_uid_are_found(host):
    found = host.only(ALICE2, "one-uid", "^the names alice and alice2 are of one account, uid 64001$")
    assert "by the second asks for its codes" in found["why"]
    assert "list both names" in found["repair"]
    assert host.found(ALICE2.replace("/bin/sh", "/usr/sbin/nologin")) == []


def test_check_warns_of_a_second_name_and_show_shows_the_enrollment_of_the_first(host):
    ran = sh(f"{RESET}{ALICE2}echo 'exempt = alice' >/etc/security/pam_totp.conf\n"
             '"$TOTPCTL" check 2>&1; "$TOTPCTL" show alice2')
    assert "exempt: warning: alice and alice2 are names of one account, uid 64001: list both" \
        in ran.stdout
    assert re.search(r"^user +alice \(alice2 is another name of uid 64001\)$", ran.stdout, re.M)


def test_users_other_than_root_are_rejected(host):
    ran = host.run("", "--help >/dev/null; setpriv --reuid 65534 --clear-groups $TOTPCTL doctor")
    if "Permission denied" in ran.stderr:
        pytest.skip("the build directory is closed to others")
    assert (ran.returncode, ran.stdout) == (1, "") and "only root can" in ran.stderr
