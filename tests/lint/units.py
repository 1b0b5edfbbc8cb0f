# SPDX-License-Identifier: BSD-2-Clause
"""
systemd reports no mistake in totpd's units, and rates the service's exposure as low. Only standard
error shows that a unit is wrong: systemd-analyze succeeds nevertheless.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import tree

EXPOSURE_MAX = 2.0
UNITS = ("totpd.service", "totpd.socket", "totpd-root.socket", "totpd-verifier.socket",
         "pam_totp-keyring.service", "pam-totp-haproxy.service",
         "pam_totp-metrics.service", "pam_totp-metrics.timer")


def analyze(*arguments):
    """What systemd-analyze prints, and what it complains about."""
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True,
                          check=False)
    return done.stdout, done.stderr


def copy_units(build, totpd, directory):
    """The units as they are installed, but with totpd where it was built for all programs."""
    for name in UNITS:
        made = build / name
        text = made.read_text() if made.exists() else tree.read(f"conf/systemd/{name}")
        text = text.replace("/usr/sbin/haproxy", str(totpd))
        text = re.sub(r"^ExecStart=\S*/totpctl ", f"ExecStart={totpd} ", text, flags=re.M)
        pathlib.Path(directory, name).write_text(
            re.sub(r"^ExecStart=.*/totpd$", f"ExecStart={totpd}", text, flags=re.M))


def verify(directory):
    return analyze("verify", "--man=no", *(f"{directory}/{name}" for name in UNITS))[1]


def check_directive(findings, directory):
    """Would an unknown directive be noticed?"""
    unit = pathlib.Path(directory, UNITS[0])
    text = unit.read_text()
    unit.write_text(text.replace("ProtectHome=", "ProtectHouse="))
    if "ProtectHouse" not in verify(directory):
        findings.report("systemd-analyze", "a wrong directive is not noticed")
    unit.write_text(text)


def check_namespace(findings, directory):
    """In a user namespace of its own totpd would see every client as the same user."""
    for name in UNITS:
        if re.search(r"^PrivateUsers *=", pathlib.Path(directory, name).read_text(), re.M):
            findings.report(name, "PrivateUsers= hides who asks")


def check_exposure(findings, directory):
    said = analyze("security", "--offline=true", f"{directory}/{UNITS[0]}")[0]
    level = re.search(r"Overall exposure level for totpd.service: ([\d.]+)", said)
    if not level or float(level[1]) >= EXPOSURE_MAX:
        findings.report(UNITS[0], f"exposure {level and level[1]}, expected under {EXPOSURE_MAX}")


def check_condition(findings, directory):
    """A socket without a keyring would fail permanently at the first requests."""
    certificate = ["/etc/pam_totp/fleet/host.key"]
    for name, other in (("totpd.socket", certificate), ("totpd-root.socket", certificate),
                        ("totpd-verifier.socket", [])):
        found = re.findall(r"^ConditionPathExists=\|(.*)$", pathlib.Path(directory, name).read_text(), re.M)
        if found != [found[0], found[0] + ".cred", *other]:
            findings.report(name, "is to wait for a keyring, or for a sealed one")


def check_network(findings, build):
    """An installation gives totpd no network: a host whose totpd needs it says so itself."""
    installed = json.loads((build.parent / "meson-info/intro-installed.json").read_text())
    for name in installed.values():
        if "/totpd.service.d/" in name:
            findings.report("conf/meson.build", f"{name}: every totpd would have what this allows")


def check_advice(findings):
    """systemd opens no socket of a service that runs: restarting them would close both for good."""
    for name in tree.files():
        if not tree.is_product(name) or name.startswith("scripts/"):
            continue
        text = re.sub(r"[\s*]+", " ", tree.read(name))
        if re.search(r"restart [^.]*totpd(-root|-verifier)?\.socket", text):
            findings.report(name, "advises to restart totpd's sockets: stop totpd.service, start them")


def main():
    if sys.argv[1] == "none" or not shutil.which("systemd-analyze"):
        print("skipped: systemd is not installed")
        sys.exit(77)
    findings = tree.Findings()
    with tempfile.TemporaryDirectory() as directory:
        copy_units(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve(), directory)
        for line in verify(directory).splitlines():
            findings.report("conf/systemd", line)
        check_directive(findings, directory)
        check_namespace(findings, directory)
        check_exposure(findings, directory)
        check_condition(findings, directory)
    check_network(findings, pathlib.Path(sys.argv[1]))
    check_advice(findings)
    findings.leave(len(UNITS))


main()
