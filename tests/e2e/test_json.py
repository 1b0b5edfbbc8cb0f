# SPDX-License-Identifier: BSD-2-Clause
"""totp-enroll --json as a program runs it for a user, through totpd."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from host import STORE, Phone, run
from test_self import AS_ALICE, FOB, MANUAL, RECOVERY, records, served  # noqa: F401
from test_tokens import draw_svg, scan

STRONG = dict(period=60, fail_delay=0)


class Program:
    """A program that runs totp-enroll --json, and answers its questions."""

    def __init__(self, *words, through=()):
        self.child = subprocess.Popen([*AS_ALICE, *through, "totp-enroll", *words, "--json"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, cwd="/home/alice",
                                      env={"PATH": os.environ["PATH"]})
        self.said = []

    def read(self):
        """Read up to the next question, or to the end; the objects."""
        objects = []
        for line in iter(self.child.stdout.readline, b""):
            one = json.loads(line.decode("utf-8", "strict"))
            assert list(one)[:2] == ["event", "user"] and one["user"] in ("alice", None), one
            if one.get("id") == "settings":  # a period of 60 seconds leaves time to type
                assert one["event"] == "warning"
                continue
            objects.append(one)
            if one["event"] == "ask":
                break
        self.said += objects
        return objects

    def answer(self, text):
        self.child.stdin.write(f"{text}\n".encode())
        self.child.stdin.flush()
        return self.read()

    def end(self, close=True):
        """The exit status."""
        if close:
            self.child.stdin.close()
        self.read()
        assert self.child.stderr.read() == b"", "all of it is objects"
        return self.child.wait(30)


def words(objects):
    return [one["event"] if "id" not in one else f"{one['event']} {one['id']}" for one in objects]


def ask(*argv, answers=(), status=0):
    """Run it with these answers; the objects after the last of them."""
    program = Program(*argv)
    objects = program.read()
    for one in answers:
        objects = program.answer(one)
    assert program.end() == status, program.said
    return objects


def status():
    one, = ask("status")
    return one


def phone_of(host, objects):
    """The phone of somebody who scans the picture."""
    made = next(one for one in objects if one["event"] == "secret")
    svg, drawn = "/tmp/secret.svg", "/tmp/secret.pbm"
    with open(svg, "w", encoding="ascii") as file:
        file.write(made["svg"])
    draw_svg(svg, drawn)
    uri = scan(drawn)
    os.unlink(svg)
    os.unlink(drawn)
    assert uri == made["uri"] and f"secret={made['secret']}" in uri
    phone = Phone(uri)
    host.phones.append(phone)
    return phone


def enroll(host, *argv):
    """alice enrolls; her phone, with one code used, and her recovery codes."""
    program = Program("enroll", *argv)
    phone = phone_of(host, program.read())
    done, _, codes = program.answer(phone.code())
    assert program.end() == 0 and (done["event"], done["id"]) == ("done", "enrolled"), program.said
    return phone, codes["codes"]


def test_a_program_enrolls_a_user_in_two_steps(served):  # noqa: F811
    program = Program("enroll", "--label", "new phone")
    made, question = program.read()
    assert (made["label"], made["issuer"], made["account"]) == ("new phone", "tower", "alice")
    assert (question["event"], question["id"]) == ("ask", "new_code")
    assert records()["users"] == {}, "nothing is stored before the code"
    phone = phone_of(served, [made])
    said = program.answer(phone.code())
    assert words(said) == ["done enrolled", "note next_code", "recovery_codes"]
    assert program.end(close=False) == 0, "it ends without waiting for the end of input"
    codes = said[-1]["codes"]
    assert len(set(codes)) == 10 and all(re.fullmatch(RECOVERY, code) for code in codes)
    served.sshd()
    assert served.ssh("alice", phone.code(1)).ok
    assert served.ssh("alice", codes[0]).ok


def test_the_secret_is_in_no_argument_environment_file_or_log(served):  # noqa: F811
    program = Program("enroll")
    made, _ = program.read()
    for name in "cmdline", "environ":
        with open(f"/proc/{program.child.pid}/{name}", "rb") as file:
            assert made["secret"].encode() not in file.read()
    phone = phone_of(served, [made])
    codes = program.answer(phone.code())[-1]["codes"]
    assert program.end() == 0
    for secret in (made["secret"], *codes):
        found = subprocess.run(["grep", "-rlF", "--", secret, "/home", "/tmp", "/run/user", STORE],
                               capture_output=True, text=True, check=False)
        assert found.stdout == "", found
        assert secret not in served.log_text()
    assert served.leaks() == []


@pytest.mark.parametrize("answer, expected", [
    ("wrong", "wrong_code"), ("12345678", "wrong_digits"), ("what?", "not_a_code"),
    ("", "not_a_code"), ("behind", "clock"), ("\x00\xff", "not_a_code")])
def test_a_wrong_code_has_a_word_and_the_hint_of_the_terminal(served, answer, expected):  # noqa: F811
    program = Program("enroll")
    phone = phone_of(served, program.read())
    typed = {"wrong": phone.wrong, "behind": lambda: phone.at(time.time() - 600)}.get(
        answer, lambda: answer)()
    wrong, again = program.answer(typed)
    assert (wrong["event"], wrong["id"], again["event"]) == ("error", expected, "ask")
    assert wrong["text"][0].isupper() and wrong["text"].endswith("."), wrong
    assert words(program.answer(phone.code()))[0] == "done enrolled"
    assert program.end() == 0


def test_after_five_wrong_codes_nothing_is_stored(served):  # noqa: F811
    program = Program("enroll")
    phone = phone_of(served, program.read())
    for _ in range(4):
        assert words(program.answer(phone.wrong())) == ["error wrong_code", "ask new_code"]
    assert words(program.answer(phone.wrong())) == [
        "error wrong_code", "error tries", "note unchanged", "note delete_entry"]
    assert program.end(close=False) == 1 and records() == {"users": {}, "state": {}}


@pytest.mark.parametrize("how", ["closed", "ended", signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_session_that_ends_leaves_nothing_half_done(served, how):  # noqa: F811
    program = Program("enroll", through=("env", "--default-signal=HUP"))  # nohup ignores it
    assert words(program.read()) == ["secret", "ask new_code"]
    if how == "closed":  # nobody reads what it prints, either
        program.child.stdout.close()
        program.child.stdin.close()
        assert program.child.wait(30) == 1
    elif how == "ended":
        assert program.end() == 1
        assert words(program.said)[2:] == ["error no_answer", "note unchanged", "note delete_entry"]
    else:
        program.child.send_signal(how)
        assert program.child.wait(60) in (1, -how)
    assert records() == {"users": {}, "state": {}}
    enroll(served)


def test_of_two_copies_the_first_one_enrolls(served):  # noqa: F811
    first, second = Program("enroll"), Program("enroll")
    phones = [phone_of(served, program.read()) for program in (first, second)]
    assert words(first.answer(phones[0].code()))[0] == "done enrolled"
    said = second.answer(phones[1].code())
    assert words(said) == ["error already_enrolled", "note unchanged", "note delete_entry"], said
    assert first.end() == 0 and second.end() == 1
    served.sshd()
    assert served.ssh("alice", phones[0].code(1)).ok and not served.ssh("alice", phones[1].code(1)).ok


@pytest.mark.parametrize("argv", [("status",), ("enroll",), ("test",), ("rename", "a", "b"), ()])
def test_without_totpd_there_is_a_word_for_it(served, argv):  # noqa: F811
    served.stop_totpd()
    said = ask(*argv, status=1)
    assert words(said) == ["error no_totpd"] and "not running" in said[0]["text"]


def test_a_program_does_every_change(served):  # noqa: F811
    phone, codes = enroll(served)
    assert status()["may"] == ["add", "replace", "rename", "recovery"]

    program = Program("add", "tablet")
    made, note, question = program.read()
    assert words([note, question]) == ["note two_codes", "ask new_code"]
    tablet = phone_of(served, [made])
    assert words(program.answer(tablet.code())) == ["ask own_code"]
    assert words(program.answer(codes[0])) == ["done token-added", "note next_code"]
    assert program.end() == 0
    assert [token["label"] for token in status()["tokens"]] == ["phone", "tablet"]

    assert words(ask("rename", "tablet", "watch", answers=[codes[1]])) == ["done token-renamed"]
    assert "remove" in status()["may"]
    assert words(ask("remove", "watch", answers=[codes[2]])) == ["done token-removed"]

    program = Program("replace")
    newer = phone_of(served, program.read())
    assert words(program.answer(newer.code())) == ["ask own_code"]
    assert words(program.answer(codes[3])) == ["done token-replaced", "note next_code"]
    assert program.end() == 0

    done, new = ask("recovery", answers=[codes[4]])
    assert done["id"] == "recovery-codes-made" and len(new["codes"]) == 10
    assert words(ask("test", answers=[new["codes"][0]])) == ["done recovery_code"]
    assert words(ask("test", answers=[newer.code(1)])) == ["done code"]
    now = status()
    assert (now["recovery_codes"], now["recovery_codes_left"], len(now["tokens"])) == (10, 9, 1)

    served.sshd()
    assert not served.ssh("alice", phone.code(1)).ok and not served.ssh("alice", codes[5]).ok
    assert served.ssh("alice", new["codes"][1]).ok


def test_each_refusal_has_its_word(served):  # noqa: F811
    assert words(ask("rename", "a", "b", status=1)) == ["error not_enrolled"]
    _, codes = enroll(served)
    for argv, word in ((("enroll",), "already_enrolled"), (("add", "phone"), "name_taken"),
                       (("rename", "x", "y"), "no_token"), (("remove", "x"), "no_token"),
                       (("remove", "phone"), "only_token"), (("delete",), "required"),
                       (("replace", "x"), "no_token"), (("status", "--user", "bob"), "not_root")):
        said = ask(*argv, status=1)
        assert words(said) == [f"error {word}"], argv
    said = ask("rename", "phone", "x", answers=["0000-0000-0000", "what?", "what?"], status=1)
    assert words(said) == ["error not_a_code", "note unchanged"]
    assert words(ask("test", answers=[codes[0]])) == ["done recovery_code"]
    program = Program("test")
    program.read()
    assert words(program.answer(codes[0])) == ["error spent_recovery_code", "ask own_code"]
    assert program.end() == 1 and words(program.said)[-1] == "error no_answer"
    run("totpctl", "suspend", "alice")
    served.policy(help="Call 4711.", **STRONG)
    said = ask("test", status=1)
    assert words(said) == ["error disabled", "note help"] and said[1]["text"] == "Call 4711."


def test_a_user_whom_only_an_administrator_can_enroll_reads_so(served):  # noqa: F811
    for settings, word in (({"enroll": ""}, "needs_invitation"), ({"enroll": "login"}, "login_enrolls")):
        served.policy(**settings, **STRONG)
        served.totpd()
        now = status()
        assert (now["enrolled"], now["may_enroll"], now["may"]) == (False, False, [])
        assert now["login_enrolls"] == (word == "login_enrolls")
        assert words(ask("enroll", status=1)) == [f"error {word}"]


def test_wrong_usage_after_the_option_is_an_object(served):  # noqa: F811
    done = subprocess.run([*AS_ALICE, "totp-enroll", "add", "--json", "a\"b"], text=True,
                          capture_output=True, check=False)
    said = json.loads(done.stdout)
    assert (done.returncode, said["id"], done.stderr) == (2, "usage", "") and "quotes" in said["text"]


def test_a_hardware_token_is_added_by_its_secret(served):  # noqa: F811
    _, codes = enroll(served)
    program = Program("add", "fob", "--secret", "-", "--hotp")
    made, question = program.answer(FOB)
    assert (made["type"], made["svg"], made["counter"], question["id"]) == ("hotp", None, 0, "new_code")
    assert words(program.answer("755224")) == ["ask own_code"]
    assert words(program.answer(codes[0])) == ["done token-added", "note next_code"]
    assert program.end() == 0


def test_objects_that_nobody_can_read_change_nothing(served):  # noqa: F811
    """A full disk: the secret cannot be shown."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*AS_ALICE, "totp-enroll", "enroll", "--json"], stdout=full, text=True,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1 and "cannot write to standard output" in done.stderr, done
    assert records() == {"users": {}, "state": {}}


def test_status_has_the_members_of_the_manual(served):  # noqa: F811
    def documented():
        with open(MANUAL, encoding="utf-8") as file:
            table = file.read().partition("Members of _status_")[2].partition("Members of")[0]
        return {name for row in re.findall(r"^\|  (.*)$", table, re.M)
                for name in re.findall(r"_(\S+)_", row)}

    enroll(served)
    served.sshd()
    served.ssh("alice", served.phones[0].wrong())
    now = status()
    assert {*now, *(f"tokens[].{name}" for name in now["tokens"][0])} - {"event", "user"} == documented()
    assert now["enrolled"] and now["recovery_codes_left"] == 10
    assert now["tokens"][0]["label"] == "phone" and now["tokens"][0]["last_used"] == 0
    assert now["failures"] == 1 and now["last_failure_source"] == "127.0.0.1"
    assert now["since"] <= now["last_failure"] <= time.time()
    served.policy(enforce="2099-01-01", **STRONG)
    served.totpd()
    now = status()
    assert (now["required"], now["required_from"], now["exempt"]) == (False, "2099-01-01", False)
    served.policy(exempt="alice", **STRONG)
    served.totpd()
    now = status()
    assert (now["required"], now["required_from"], now["exempt"]) == (False, None, True)


def test_root_removes_a_token_for_a_program(served):  # noqa: F811
    run("totp-enroll", "--user", "alice", "--no-confirm", "--json")
    run("totp-enroll", "--user", "alice", "--add", "tablet", "--no-confirm", "--json")
    said = json.loads(run("totp-enroll", "--user", "alice", "--remove", "tablet", "--json"))
    assert (said["event"], said["user"], said["id"]) == ("done", "alice", "token-removed")
