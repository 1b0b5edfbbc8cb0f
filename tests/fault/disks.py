# SPDX-License-Identifier: BSD-2-Clause
"""
Disks that are full, read-only or failing, on real file systems in loop devices.

disks.py LOGIN TOOLS      as fault.py, whose scene this uses
"""
import contextlib
import os
import shutil

import fault
from fault import (AUTH_ERR, LOGIN, SUCCESS, UNAVAILABLE, answers, fill, require, run)

KINDS = {"ext4": 48, "xfs": 300, "btrfs": 128, "tmpfs": 1}  # MiB


def loop_nodes():
    """/dev belongs to this namespace: the loop devices have to be in it."""
    if os.path.exists("/dev/loop-control"):
        return
    os.mknod("/dev/loop-control", 0o20600, os.makedev(10, 237))
    for number in range(64):
        os.mknod(f"/dev/loop{number}", 0o60600, os.makedev(7, number))


@contextlib.contextmanager
def disk(scene, kind, *policy):
    """A store on a file system of this kind, with daemon in it."""
    loop_nodes()
    image, store = scene.path("image"), scene.path("store")
    shutil.rmtree(store)
    os.mkdir(store)
    if kind == "tmpfs":
        run("mount", "-t", "tmpfs", "-o", f"size={KINDS[kind]}m,mode=755", "t", store)
    else:
        with open(image, "wb") as file:
            file.truncate(KINDS[kind] << 20)
        run(f"mkfs.{kind}", "-q", image)
        run("mount", "-o", "loop", image, store)
    try:
        with open(scene.path("conf"), "a", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in policy))
        made = scene.tool("totpctl", "init")
        require(made.returncode == 0, made.stderr)
        run(LOGIN, "enroll", scene.dir, "daemon")
        yield
    finally:
        run("umount", store)


def log_in(scene, when, up=86400):
    answer, = answers(run(LOGIN, scene.dir, f"{when}@{up}"))
    return answer


def remount(scene, how):
    run("mount", "-o", f"remount,{how}", scene.path("store"))


def fill_to_the_last_block(scene):
    path = scene.path("store/filler")
    fill(path)
    os.sync()  # which may find room that was reserved
    try:
        with open(path, "ab", buffering=0) as filler:
            while True:
                filler.write(b"\0" * 512)
    except OSError:
        pass


def on_each(test):
    """One test for each kind of file system."""
    def of(kind):
        def one(scene):
            test(scene, kind)
        one.__name__ = f"{test.__name__}_on_{kind}"
        return one
    return [of(kind) for kind in KINDS]


# ---- without readonly_login


def on_a_full_disk_users_can_log_in(scene, kind):
    with disk(scene, kind):
        fill_to_the_last_block(scene)
        when = scene.fresh()
        answer = log_in(scene, when)
        # a full btrfs may refuse even to overwrite in place
        require(answer == SUCCESS or (kind == "btrfs" and answer == UNAVAILABLE), f"{answer}")
        if answer == SUCCESS:
            require(log_in(scene, when) == AUTH_ERR, "a used code")


def on_a_read_only_disk_every_login_is_denied(scene, kind):
    with disk(scene, kind):
        remount(scene, "ro")
        when = scene.fresh()
        require(log_in(scene, when) == UNAVAILABLE, "not refused")
        require(not os.path.exists(scene.path("run")), "run_dir without readonly_login")
        remount(scene, "rw")
        scene.check(when)


# ---- with readonly_login


def once(scene, when, up=86400):
    """The code works once."""
    require(log_in(scene, when, up) == SUCCESS, "a right code")
    require(log_in(scene, when, up) == AUTH_ERR, "a code used before")


def with_readonly_login_users_can_log_in_on_a_full_disk(scene, kind):
    with disk(scene, kind, "readonly_login = yes"):
        fill_to_the_last_block(scene)
        when = scene.fresh()
        once(scene, when)
        os.unlink(scene.path("store/filler"))
        require(log_in(scene, when) == AUTH_ERR, "a code used before, with room again")
        once(scene, scene.fresh())


def with_readonly_login_users_can_log_in_on_a_read_only_disk_and_states_are_merged(scene, kind):
    with disk(scene, kind, "readonly_login = yes"):
        used = scene.fresh()
        once(scene, used)
        remount(scene, "ro")
        require(log_in(scene, used) == AUTH_ERR, "a code that the disk knows")
        when = scene.fresh()
        fault.LOG.clear()
        once(scene, when)
        require(fault.LOG.holds("run_dir"), "not logged")
        remount(scene, "rw")
        require(log_in(scene, when) == AUTH_ERR, "a code that run_dir knows")
        later = scene.fresh()
        once(scene, later)
        shutil.rmtree(scene.path("run"))  # the disk has all of it
        require(log_in(scene, later) == AUTH_ERR, "a code that was merged")
        require(log_in(scene, when) == AUTH_ERR, "a code from before")


def with_readonly_login_a_reboot_makes_no_used_code_valid_again(scene, kind):
    with disk(scene, kind, "readonly_login = yes"):
        remount(scene, "ro")
        when = scene.fresh()
        once(scene, when)
        shutil.rmtree(scene.path("run"))  # a reboot, within the window of the code
        require(log_in(scene, when, up=0) == AUTH_ERR, "a code used before the reboot")
        require(log_in(scene, when + 30, up=30) == AUTH_ERR, "a code of the window before it")
        once(scene, when + 60, up=60)
        remount(scene, "rw")
        require(log_in(scene, when + 60, up=60) == AUTH_ERR, "a code used read-only")
        once(scene, when + 90, up=90)


def with_readonly_login_users_can_log_in_on_a_failing_disk(scene, kind):
    with disk(scene, kind, "readonly_login = yes"):
        for call in "pwrite64", "fdatasync":
            when = scene.fresh()
            done = run("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-P",
                       state_file(scene), "-e", f"inject={call}:error=EIO", LOGIN, scene.dir, when)
            require(answers(done) == [SUCCESS], f"{call}: {done.stdout}")
            require(log_in(scene, when) == AUTH_ERR, f"{call}: a code used before")
        once(scene, scene.fresh())


def state_file(scene):
    name, = os.listdir(scene.path("store/state"))
    return scene.path("store/state", name)


# ---- what would be lost in a reboot


def on_a_read_only_disk_no_recovery_code_is_accepted(scene):
    refused_until_writable(scene, "recovery")


def on_a_read_only_disk_no_temporary_code_is_accepted(scene):
    refused_until_writable(scene, "bypass")


def refused_until_writable(scene, kind):
    with disk(scene, "tmpfs", "readonly_login = yes"):
        code = run(LOGIN, kind, scene.dir).stdout.strip()
        remount(scene, "ro")
        when = scene.fresh()
        done = run(LOGIN, scene.dir, f"{when}={code}")
        require(answers(done) == [UNAVAILABLE], done.stdout)
        require(fault.LOG.holds("temporary codes"), "not logged")
        remount(scene, "rw")
        done = run(LOGIN, scene.dir, f"{when}={code}")
        require(answers(done) == [SUCCESS], "the code is still good")


def a_read_only_login_killed_at_any_call_damages_nothing(scene):
    with disk(scene, "tmpfs", "readonly_login = yes"):
        remount(scene, "ro")
        log_in(scene, scene.fresh())
        calls, (_, answered, end) = fault.login_calls(scene, scene.fresh())
        for call in calls[answered:end]:
            when = scene.fresh()
            done = fault.inject(call, "signal=SIGKILL", LOGIN, scene.dir, when)
            fault.with_call(call, scene.check, when, SUCCESS in answers(done))


TESTS = [test for name in (
    on_a_full_disk_users_can_log_in,
    on_a_read_only_disk_every_login_is_denied,
    with_readonly_login_users_can_log_in_on_a_full_disk,
    with_readonly_login_users_can_log_in_on_a_read_only_disk_and_states_are_merged,
    with_readonly_login_a_reboot_makes_no_used_code_valid_again,
    with_readonly_login_users_can_log_in_on_a_failing_disk,
) for test in on_each(name)] + [
    on_a_read_only_disk_no_recovery_code_is_accepted,
    on_a_read_only_disk_no_temporary_code_is_accepted,
    a_read_only_login_killed_at_any_call_damages_nothing,
]

if __name__ == "__main__":
    fault.begin(TESTS)
