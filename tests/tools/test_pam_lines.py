# SPDX-License-Identifier: BSD-2-Clause
"""Which lines of PAM files would lack the module if it were removed (packaging/pam-lines)."""

import os
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "packaging/pam-lines"
MODULE = "/usr/lib/x86_64-linux-gnu/security/pam_totp.so"
BLOCKS = """auth required pam_env.so
# here are the per-package modules (the "Primary" block)
auth [success=1 default=ignore] pam_unix.so
auth required pam_totp.so first
# here's the fallback if no module succeeds
auth required pam_totp.so second
# and here are more per-package modules (the "Additional" block)
auth required pam_totp.so third
# end of pam-auth-update config
auth required pam_totp.so fourth
"""


def lines(root, files, *arguments, module=MODULE, path=os.environ["PATH"]):
    """The lines that it prints for a root directory with these files."""
    for name, text in {module: "", **files}.items():
        place = root / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, tuple):
            place.symlink_to(text[0])
        else:
            place.write_text(text)
    ran = subprocess.run([SCRIPT, module, *arguments], env={"DPKG_ROOT": str(root), "PATH": path},
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    assert ran.returncode == 0, ran.stdout
    return sorted(ran.stdout.replace(str(root), "").splitlines())


@pytest.mark.parametrize("number, text", [
    (1, "auth required pam_totp.so\n"),
    (1, "auth required pam_totp.so"),
    (2, "\n\tauth\trequired\tpam_totp.so\tconf=/x\r\n"),
    (1, "-auth [success=1 default=ignore] pam_totp.so\n"),
    (1, "AUTH [value=\\] x] pam_totp.so\n"),
    (1, "auth required [pam_totp.so]\n"),
    (1, "auth required pam_totp\n"),
    (1, f"auth required {MODULE} # why\n"),
    (1, "auth required /lib/$ISA/security/pam_totp.so\n"),
    (1, "auth required pam_totp.so#why\n"),
    (1, "auth \\\n  required \\  \n# a comment between\n\n  pam_totp.so\n"),
    (1, "auth required pam_totp.so \\"),
    (2, "# a comment is not continued \\\nauth required pam_totp.so\n"),
    (2, "auth required pam_x.so # \\\nauth required pam_totp.so\n"),
])
def test_each_way_to_write_a_line_counts(tmp_path, number, text):
    found, = lines(tmp_path, {"/etc/pam.d/sshd": text})
    assert found.startswith(f"line\t/etc/pam.d/sshd:{number}: ") and "pam_totp" in found


@pytest.mark.parametrize("text", [
    "",
    "# auth required pam_totp.so\n",
    "  # auth required pam_totp.so\n",
    "auth required pam_x.so # pam_totp.so\n",
    "auth required pam_x.so pam_totp.so\n",
    "auth required pam_exec.so /usr/sbin/pam_totp.so\n",
    "auth required pam_totp_other.so\n",
    "auth required other_pam_totp.so\n",
    "auth required pam_x.so conf=/etc/security/pam_totp.conf\n",
    "auth [pam_totp.so=1] pam_x.so\n",
])
def test_mere_mentions_do_not_count(tmp_path, text):
    assert lines(tmp_path, {"/etc/pam.d/sshd": text}) == []


LINE = "auth required pam_totp.so\n"


@pytest.mark.parametrize("path, files", [
    ("/etc/pam.d/no.service", {}),
    ("/etc/pam.d/below/x", {}),
    ("/etc/pam.d/a name", {}),
    ("/etc/pam.d/sshd.distrib", {}),
    ("/usr/lib/pam.d/x", {}),
    ("/usr/etc/pam.d/x", {}),
    ("/srv/x", {"/etc/pam.d/sshd": "@include /srv/x\n"}),
    ("/srv/x", {"/etc/pam.d/sshd": "auth substack /srv/x\n"}),
    ("/srv/x", {"/etc/pam.d/sshd": "account include y\n", "/usr/etc/pam.d/y": "auth include /srv/x"}),
    ("/etc/pam.d/x~", {"/etc/pam.d/sshd": "@include x~\n"}),
    ("/etc/pam.d/../x", {"/etc/pam.d/sshd": "auth include ../x\n"}),
])
def test_each_file_that_libpam_may_read_counts(tmp_path, path, files):
    assert lines(tmp_path, {path: LINE, **files}) == [f"line\t{path}:1: {LINE.strip()}"]


def test_pam_conf_counts(tmp_path):
    assert lines(tmp_path, {"/etc/pam.conf": "# \nsshd auth required pam_totp.so\n"}) == \
        ["line\t/etc/pam.conf:2: sshd auth required pam_totp.so"]


@pytest.mark.parametrize("name", ["x~", "x.pam-old", "x.dpkg-old", "x.dpkg-dist", "x.ucf-old",
                                  "x.rpmsave"])
def test_backups_that_no_file_includes_do_not_count(tmp_path, name):
    assert lines(tmp_path, {f"/etc/pam.d/{name}": LINE}) == []


def test_links_are_followed_and_broken_ones_are_no_error(tmp_path):
    (tmp_path / "etc/pam.d").mkdir(parents=True)
    assert lines(tmp_path, {"/srv/x": LINE, "/etc/pam.d/x": ("../../srv/x",),
                            "/etc/pam.d/y": ("y",), "/etc/pam.d/z": ("nowhere",),
                            "/etc/pam.d/sshd": "@include nothing\n@include sshd\n"}) == \
        [f"line\t/etc/pam.d/x:1: {LINE.strip()}"]


def test_another_name_of_the_module_counts(tmp_path):
    assert lines(tmp_path, {"/usr/lib/x86_64-linux-gnu/security/pam_2fa.so": ("pam_totp.so",),
                            "/etc/pam.d/x": "auth required pam_2fa.so\n"}) == \
        ["line\t/etc/pam.d/x:1: auth required pam_2fa.so"]


def test_lines_of_pam_auth_update_are_told_apart(tmp_path):
    found = lines(tmp_path, {"/etc/pam.d/common-auth": BLOCKS, "/etc/pam.d/other": BLOCKS})
    assert [line.split("\t")[0] + line.rpartition(" ")[2] for line in found if "common" in line] == \
        ["linefourth", "linesecond", "profilefirst", "profilethird"]
    assert len([line for line in found if line.startswith("line\t/etc/pam.d/other:")]) == 4


def test_for_another_architecture_only_the_path_of_its_module_counts(tmp_path):
    module = MODULE.replace("x86_64", "i386")
    files = {MODULE: "", "/etc/pam.d/x": LINE, "/etc/pam.d/y": f"auth required {MODULE}\n",
             "/etc/pam.d/z": f"auth required {module}\n"}
    assert lines(tmp_path, files, "absolute", module=module) == \
        [f"line\t/etc/pam.d/z:1: auth required {module}"]


def test_it_fails_if_it_cannot_read_the_files(tmp_path):
    with pytest.raises(AssertionError):
        lines(tmp_path, {"/etc/pam.d/sshd": LINE, "/bin/awk": ""}, path=f"{tmp_path}/bin")


def test_a_host_without_pam_files_has_no_lines(tmp_path):
    assert lines(tmp_path, {}) == []
