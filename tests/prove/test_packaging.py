# SPDX-License-Identifier: BSD-2-Clause
"""
What is in packaging/ works on a bare release. Each of tests/packages runs there as root, with the
packages named here, and with nothing else that a bare release lacks.
"""
import pytest

from test_fresh import fresh

BUILD = ("gcc libc6-dev meson ninja-build pkg-config libpam0g-dev libssl-dev libqrencode-dev "
         "libpng-dev libxml2-dev libaudit-dev libcurl4-openssl-dev scdoc systemd")
SELINUX = "selinux-policy-dev selinux-policy-default setools semodule-utils selinux-utils"
ENFORCED = (BUILD + " build-essential debhelper dh-apparmor po-debconf mmdebstrap qemu-system-x86 "
            "e2fsprogs openssh-client python3-pexpect")

PREPARE = """
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get install -qq -y --no-install-recommends $1 >/tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }
shift
exec "$@"
"""


def packaged(release, packages, *command):
    return fresh(release, "sh", "-euc", PREPARE, "sh", packages, *command)


@pytest.mark.parametrize("release", ("bookworm", "trixie"))
def test_every_path_works_where_apparmor_is_enforced(release):
    packaged(release, ENFORCED, "tests/packages/enforced", "apparmor")


@pytest.mark.parametrize("release", ("bookworm", "trixie"))
def test_the_profile_for_apparmor_is_valid(release):
    packaged(release, "apparmor", "tests/packages/apparmor")


@pytest.mark.parametrize("release", ("bookworm", "trixie"))
def test_every_path_works_where_selinux_is_enforced(release):
    packaged(release, ENFORCED + " selinux-policy-dev semodule-utils policycoreutils",
             "tests/packages/enforced", "selinux")


@pytest.mark.parametrize("release", ("bookworm", "trixie"))
def test_selinux_lets_totpd_alone_open_the_store(release):
    packaged(release, SELINUX, "tests/packages/selinux")


def test_the_profile_of_authselect_allows_what_its_original_does_after_a_code():
    packaged("trixie", "authselect " + BUILD, "tests/packages/authselect")


def test_the_rpm_is_built_and_cannot_lock_a_host_out():
    packaged("bookworm", "rpm rpmlint selinux-policy-dev bzip2 xz-utils binutils " + BUILD,
             "tests/packages/rpm")


# s390x: the index of Debian 13.8 lists libc6 and libssl, but its mirror has no such files (404)
@pytest.mark.parametrize("release, architectures", (
    ("trixie", ("arm64", "armhf", "i386", "riscv64")), ("sid", ("s390x",))))
def test_it_builds_for_other_architectures(release, architectures):
    packaged(release, "binutils", "tests/packages/cross", *architectures)


def test_the_container_asks_for_a_code_and_keeps_its_volumes():
    packaged("bookworm", "buildah mmdebstrap openssh-client oathtool iproute2",
             "tests/packages/container")
