# SPDX-License-Identifier: BSD-2-Clause
"""JSON output has the members that the manual names, and no others."""

import datetime
import json
import pathlib

import pytest

from host import *  # noqa: F403

PAGES = pathlib.Path(__file__).parents[2] / "man"
TOTP_ENROLL = pathlib.Path(TOTPCTL).with_name("totp-enroll")


def page(name):
    return (PAGES / f"{name}.scd").read_text()


def said_of(command, name="totpctl.8"):
    """The names in the paragraph about --json of a subcommand."""
    entry = re.search(rf"^\*{command}\* (?:\S.*--json.*)\n((?:\t.*\n|\n)+)", page(name), re.M)[1]
    text = re.search(r"^\t+\*--json\*:? ?(.*?)(?:\n\n|\Z)", entry, re.M | re.S)[1]
    return set(re.findall(r"\*(\w+)\*", text))


def table(text):
    """From a table of the manual: member -> type of its value."""
    rows = re.findall(r"^\|  (.*)\n:  (.*)$", text, re.M)
    return {member: value for names, value in rows for member in re.findall(r"_(\S+)_", names)}


def members(value, path=""):
    """The members of all objects in it, each with its path and value."""
    if isinstance(value, list):
        for one in value:
            yield from members(one, f"{path}[]" if path else "")
    elif isinstance(value, dict):
        for name, one in value.items():
            here = f"{path}.{name}" if path else name
            yield here, one
            yield from members(one, here)


def names(text):
    """The names of members, without those of their inner objects."""
    return {path.rsplit(".", 1)[-1] for path, _ in members(json.loads(text))}


KINDS = {"text": str, "number": int, "true or false": bool, "array": list, "object": dict}


def fits(value, what):
    what = what.split(":")[0]
    if value is None:
        return "null" in what
    if what.startswith("time"):
        return datetime.datetime.fromisoformat(value).tzinfo is not None
    kind = next(kind for word, kind in KINDS.items() if what.startswith(word))
    return type(value) is kind


@pytest.fixture
def people(host):
    """One user with everything, one with a counter, one whose record cannot be read."""
    host.enroll(KNOWN)
    host.done("import", "csv", "-", stdin=f"bin,{OTHER_SECRET},SHA256,8,hotp:7\ngames,{SECRET}\n")
    host.done("recovery", KNOWN)
    host.done("temporary-code", KNOWN)
    host.attempt(KNOWN, wrong_code())
    host.attempt(KNOWN, fresh_code())
    host.state_file("games").unlink()
    return host


def test_a_list_has_the_members_of_the_manual_and_their_kinds(people):
    documented = table(page("totpctl.8"))
    assert {"user", "tokens[].label", "throttles[].source"} < documented.keys()
    entries = json.loads(people.run("list", "--json").stdout)
    for path, value in members(entries):
        assert fits(value, documented[path]), (path, value)
    assert {path for path, _ in members(entries)} == documented.keys()
    bad, = (entry for entry in entries if entry["error"])
    assert list(bad) == list(documented)[:3]


@pytest.mark.parametrize("command, words", [
    ("invite", ("invite", "--json")),
    ("temporary-code", ("temporary-code", "--json", KNOWN)),
    ("doctor", ("doctor", "--json")),
    ("report", ("report", "--json")),
    ("enroll", ("enroll", "--json", "--letters", "{directory}/letters", "sys")),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_subcommand_prints_what_the_manual_names(people, command, words):
    people.policy("enroll = login", "enroll_until = 2026-01-01", "exempt = @daemon")
    people.done("invite", "sync")
    people.keyring.chmod(0o640 if command == "doctor" else 0o600)  # so that doctor reports something
    ran = people.run(*(word.format(directory=people.directory) for word in words))
    assert names(ran.stdout) == said_of(command)


def test_a_list_of_keys_and_a_dry_run_print_what_the_manual_names(people):
    documented = said_of("key list", "totpctl-key.8")
    assert names(people.done("key", "list", "--json")) == documented
    text = re.search(r"^\*--json\*\n(.*?)^\*--", page("totpctl-import.8"), re.M | re.S)[1]
    documented = set(re.findall(r"\*(\w+)\*", text))
    assert names(people.done("import", "csv", "--dry-run", "--json", "-",
                             stdin=f"sys,{SECRET}\n")) == documented


def test_an_enrollment_prints_what_the_manual_names(host):
    documented = table(page("totp-enroll.1").partition("Members of _secret_")[2].partition("The words")[0])
    found = set()
    for more in ("--label", "x"), ("--hotp", "--force"):
        ran = subprocess.run([TOTP_ENROLL, "--conf", host.conf, "--user", KNOWN, "--no-confirm",
                              "--json", *more], capture_output=True, text=True, check=True)
        made = json.loads(ran.stdout)
        assert list(made)[:2] == ["event", "user"] and made["event"] == "secret"
        for name in made.keys() - {"event", "user"}:
            assert fits(made[name], documented[name]), (name, made[name])
        found |= made.keys()
    assert found - {"event", "user"} == documented.keys()


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("invite", "--json"),
                                   ("key", "list", "--json"), ("report", "--json")], ids=" ".join)
def test_output_that_cannot_be_written_is_an_error(people, words):
    """A full disk gets a message; a reader that left, as head does, only the exit status."""
    reader, closed = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, open(closed, "wb") as pipe:
        for output, messages in (full, 1), (pipe, 0):
            ran = subprocess.run([TOTPCTL, "--conf", people.conf, *words], stdout=output,
                                 stderr=subprocess.PIPE, text=True, timeout=60)
            assert ran.returncode == 1, ran
            assert ran.stderr.count("cannot write to standard output") == messages, ran
