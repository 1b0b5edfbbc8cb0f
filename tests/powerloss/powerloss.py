# SPDX-License-Identifier: BSD-2-Clause
"""
Power cuts while users log in, enroll and are imported, and while keys are rotated: whatever the
disk keeps of the writes that were not flushed, nothing that was acknowledged is lost.

powerloss.py LOGIN TOOLS WITHOUT [TEST...]
    LOGIN TOOLS   as fault.py, whose scene this uses
    WITHOUT       without.c's library
POWERLOSS_LONG: over a thousand cuts. POWERLOSS_SEED: choose as in another run.
"""
import collections
import json
import os
import random
import sys
import tempfile
import time

WITHOUT = os.path.abspath(sys.argv.pop(3))

import fault  # noqa: E402: it reads the other arguments
from disk import (Cuts, KINDS, Logged, is_state, lacks, make, mounted, nodes,  # noqa: E402
                  positions)
from fault import (AUTH_ERR, Failure, LOGIN, SECRET, STEP, SUCCESS, answers, code_at,  # noqa: E402
                   require, say)

LONG = bool(os.environ.get("POWERLOSS_LONG"))
ROUNDS, CUTS = (4, 70) if LONG else (1, 15)  # for each kind of file system
SEED = int(os.environ.get("POWERLOSS_SEED", random.randrange(1 << 32)))
IMPORTED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

# What is true once `count` entries of the log are on the disk. secrets: of each user who is
# enrolled. used: the time and the secret of a user's last code. what: was done to get there.
Truth = collections.namedtuple("Truth", "count what secrets used")


class Story:
    """What happens to the store, and what is true after each step."""

    def __init__(self, scene, disk, without):
        self.scene, self.disk = scene, disk
        self.environment = dict(os.environ)
        if without:
            self.environment.update(LD_PRELOAD=WITHOUT, POWERLOSS_WITHOUT=without)
        self.truths = [Truth(0, "nothing", {"daemon": SECRET}, {})]

    def play(self):
        self.scene.now = int(time.time()) // STEP * STEP + 3600  # the tools have the real clock
        self.log_in("daemon")
        self.enroll("bin")
        self.log_in("bin")
        self.log_in("daemon")
        self.enroll("daemon", "--force")
        self.log_in("daemon")
        self.bring(nobody=IMPORTED, daemon=self.truths[-1].secrets["daemon"])
        self.log_in("nobody")
        self.rotate()
        self.log_in("daemon")
        self.delete("bin")
        self.log_in("daemon")

    def know(self, what, secrets=None, used=None):
        """It was acknowledged."""
        last = self.truths[-1]
        self.truths.append(Truth(self.disk.count(), what, last.secrets if secrets is None else
                                 secrets, dict(last.used, **(used or {}))))

    def tool(self, name, *words):
        done = self.scene.tool(name, *words, env=self.environment)
        require(done.returncode == 0, f"{name} {words}: {done.stderr}")
        return done.stdout

    def log_in(self, user):
        when, secret = self.scene.fresh(), self.truths[-1].secrets[user]
        said = log_in(self.scene, user, (when, secret), env=self.environment)
        require(said == [SUCCESS], f"{user}: {said}")
        self.know(f"login of {user}", used={user: (when, secret)})

    def enroll(self, user, *words):
        said = self.tool("totp-enroll", "--user", user, "--no-confirm", "--json", *words)
        self.know(f"enrollment of {user}",
                  dict(self.truths[-1].secrets, **{user: json.loads(said)["secret"]}))

    def bring(self, **secrets):
        path = self.scene.path("list")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{user},{secret}\n" for user, secret in secrets.items())
        self.tool("totpctl", "import", "csv", "--replace", path)
        self.know("import", dict(self.truths[-1].secrets, **secrets))

    def rotate(self):
        self.tool("totpctl", "key", "rotate")
        self.know("rotation")

    def delete(self, user):
        self.tool("totpctl", "delete", "--yes", user)
        self.know(f"deletion of {user}",
                  {name: secret for name, secret in self.truths[-1].secrets.items()
                   if name != user})


def log_in(scene, user, *codes, **options):
    """PAM's return values for one login with the code of each (time, secret)."""
    words = [f"{when}={code_at(secret, when)}" for when, secret in codes]
    return answers(fault.run(LOGIN, "as", user, scene.dir, *words, **options))


# ---- after a cut

def check(scene, before, after):
    """`before` is true, and all or nothing of the step to `after`, for each user."""
    listed = json.loads(scene.tool("totpctl", "list", "--json").stdout)
    errors = [user for user in listed if user["error"]]
    require(not errors, f"records that cannot be read: {errors}")
    users = {user["user"] for user in listed}
    least, most = set(before.secrets) & set(after.secrets), set(before.secrets) | set(after.secrets)
    require(least <= users <= most, f"enrolled are {users} instead of {least} or {most}")
    for user in sorted(users):
        check_user(scene, user, before, after)
    if after.what == "rotation":
        again = scene.tool("totpctl", "key", "rotate")
        require(again.returncode == 0, f"the next rotation: {again.stderr}")


def check_user(scene, user, before, after):
    """A used code stays used, one that may be used works once at most, and the next one works."""
    secrets = [secrets[user] for secrets in (before.secrets, after.secrets) if user in secrets]
    used, now = before.used.get(user), after.used.get(user)
    codes = [used] * bool(used) + [now, now] * (now != used)
    later = [(scene.now + 4 * STEP, secret) for secret in dict.fromkeys(secrets)]
    said = log_in(scene, user, *codes, *later)
    if used:
        require(said[0] == AUTH_ERR, f"a code that {user} had used: {said}")
    if now != used:
        require(said[len(codes) - 1] == AUTH_ERR, f"a code of {user}, twice: {said}")
    require(said[len(codes):].count(SUCCESS) == 1, f"{user}'s next code: {said}")


def losses(scene, kind, choose, without=None):
    """
    What was lost at each cut: a list of sentences. choose: returns positions and damages; with a
    safeguard taken away, the first loss ends it.
    """
    with tempfile.TemporaryDirectory() as directory:
        fault.run("mount", "-t", "tmpfs", "t", directory)
        try:
            return losses_in(directory, scene, kind, choose, without)
        finally:
            fault.run("umount", directory)


def losses_in(directory, scene, kind, choose, without):
    nodes()
    image = f"{directory}/image"
    make(kind, image, scene.dir)
    fault.run("cp", "--sparse=always", image, f"{image}.before")
    with Logged(image, scene.dir) as disk:
        story = Story(scene, disk, without)
        story.play()
    truths = story.truths
    cuts, chance = Cuts(kind, f"{image}.before", disk.entries), random.Random(SEED)
    lost = []
    for position, damage in choose(disk.entries, [truth.count for truth in truths[1:]]):
        known = max(i for i, truth in enumerate(truths) if truth.count <= position)
        before, after = truths[known], truths[min(known + 1, len(truths) - 1)]
        try:
            with mounted(cuts.make(position, damage, chance), scene.dir):
                check(scene, before, after)
        except Failure as failure:
            lost.append(f"after entry {position} of {len(disk.entries)}, {damage} of what was not "
                        f"flushed, {before.what} acknowledged, before {after.what}: {failure}")
            if without:
                break
    return lost


# ---- tests

def power_cuts_lose_nothing_that_was_acknowledged(scene, kind):
    since, chance = time.monotonic(), random.Random(f"{SEED} {kind}")
    lost = []
    for _ in range(ROUNDS):
        lost += losses(scene, kind, lambda entries, known: positions(entries, known, CUTS, chance))
    say(f"{ROUNDS * CUTS} cuts, {time.monotonic() - since:.0f} s")
    require(not lost, f"POWERLOSS_SEED={SEED}\n" + "\n".join(lost))


def on(kind):
    def one(scene):
        power_cuts_lose_nothing_that_was_acknowledged(scene, kind)
    one.__name__ = f"power_cuts_lose_nothing_that_was_acknowledged_on_{kind.replace('-', '_')}"
    return one


def just_acknowledged(_, known):
    return [(count, "none") for count in known]


def in_a_state(entries, _):
    return [(at + 1, "shorn") for at, entry in enumerate(entries) if is_state(entry)]


def is_noticed(scene, without, choose):
    lost = losses(scene, "ext4", choose, without)
    require(lost, "nothing was lost")
    say(lost[0])


def without_syncs_codes_are_accepted_again(scene):
    is_noticed(scene, "syncs", just_acknowledged)


def without_the_sync_of_a_directory_enrollments_are_lost(scene):
    is_noticed(scene, "directories", just_acknowledged)


def with_both_slots_in_one_write_a_login_state_is_lost(scene):
    is_noticed(scene, "slots", in_a_state)


TESTS = [on(kind) for kind in KINDS] + [
    without_syncs_codes_are_accepted_again,
    without_the_sync_of_a_directory_enrollments_are_lost,
    with_both_slots_in_one_write_a_login_state_is_lost,
]

if __name__ == "__main__":
    if "FAULT_INSIDE" not in os.environ:
        sys.argv.insert(3, WITHOUT)  # for the process inside
        LACKING = lacks()
        if LACKING:
            print(f"1..0 # SKIP {LACKING}")
            sys.exit(77)
    fault.begin(TESTS)
