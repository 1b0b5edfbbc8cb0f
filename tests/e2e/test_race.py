# SPDX-License-Identifier: BSD-2-Clause
"""
Many logins with one code at once, by root in its own process and by the user through totpd, while an
administrator works on the same store.
"""
import os
import subprocess
import threading
import time

import pytest

from host import DIR, accounts, run
from test_keys import managed  # noqa: F401

PROCESSES = 64
CODES = 3000 if os.environ.get("RACE_LONG") else 40
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
FIRST_UID = 70000


def users_file(name, users):
    path = f"{DIR}/{name}.csv"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{user},{SECRET}\n" for user in users)
    return path


def code():
    """The current code; none in the last moments of a step."""
    if time.time() % 30 > 27:
        time.sleep(3.1)
    return run("oathtool", "--totp", "-d", "6", "-b", "-", given=SECRET).strip()


class Administrator(threading.Thread):
    """Enrolls, removes, imports and rotates, again and again; unlocks the user of the moment."""

    def __init__(self):
        super().__init__(daemon=True)
        self.leave, self.rounds, self.failed = False, 0, []
        self.racing = "race0"
        self.others = users_file("others", [f"other{number}" for number in range(20)])

    def totpctl(self, *words):
        done = subprocess.run(["totpctl", *words], capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            self.failed.append((words, done.stdout + done.stderr))

    def run(self):
        while not self.leave:
            self.totpctl("import", "csv", "--replace", self.others)
            self.totpctl("unlock", self.racing)
            self.totpctl("enroll", "--letters", "-", "bob")
            self.totpctl("delete", "--yes", "bob")
            if self.rounds % 4 == 0:
                self.totpctl("key", "rotate")
            self.rounds += 1


class Program:
    """One of ours that does something for each line, and answers "WORD NUMBER WORD NUMBER"."""

    def __init__(self, path, *words):
        self.process = subprocess.Popen([f"{os.environ['HOST_BUILD']}/tests/{path}", *map(str, words)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        _, first, _, second = self.process.stdout.readline().split()
        return int(first), int(second)

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


class Storm(Program):
    """Logins of the service `locker`, of which so many are killed."""

    def __init__(self, kills, processes=PROCESSES):
        super().__init__("race/mixed", "locker", processes, kills)

    def log_in(self, number, shown):
        """(how many were allowed, how many were killed)"""
        return self.ask(f"race{number}", FIRST_UID + number, shown)


@pytest.fixture
def racing(managed):  # noqa: F811
    """Users who each have a code, and an administrator."""
    managed.policy(fail_delay=0)
    managed.pam("locker", "auth required pam_totp.so")
    names = [f"race{number}" for number in range(CODES)]
    others = [f"other{number}" for number in range(20)]
    with accounts(*names, *others, uid=FIRST_UID):
        run("totpctl", "import", "csv", users_file("race", names))
        administrator = Administrator()
        administrator.start()
        yield administrator
        administrator.leave = True
        administrator.join(120)


def test_one_code_allows_one_of_64_logins_by_root_and_through_totpd(racing):
    storm = Storm(kills=0)
    results = []
    for number in range(CODES // 2):
        racing.racing = f"race{number}"
        results.append(storm.log_in(number, code()))
    storm.end()
    assert {allowed for allowed, _ in results} == {1}, results
    assert racing.rounds > 1 and racing.failed == []


def test_no_code_allows_two_however_many_of_64_logins_are_killed(racing):
    storm, after = Storm(kills=40), Storm(kills=0)
    killed = 0
    for number in range(CODES // 2, CODES):
        racing.racing = f"race{number}"
        shown = code()
        allowed, died = storm.log_in(number, shown)
        again, _ = after.log_in(number, shown)
        assert allowed + again <= 1, (number, allowed, again)
        killed += died
    storm.end()
    after.end()
    assert killed > CODES // 2, "too few were killed to show something"
    assert racing.rounds > 1 and racing.failed == []
