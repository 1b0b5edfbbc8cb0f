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
    """The names in the paragraph about --json of a subcommand that prints a document."""
    entries = re.findall(rf"^\*{command}\* (?:\S.*--json.*)\n((?:\t.*\n|\n)+)", page(name), re.M)
    text, *_ = re.findall(r"^\t+\*--json\*:? ?(.*?)(?:\n\n|\Z)", "\n".join(entries), re.M | re.S)
    return set(re.findall(r"\*(\w+)\*", text))


def table(text):
    """From the tables of a section of the manual: member -> type of its value."""
    text = text.partition("\n# ")[0]
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
    documented = table(page("totpctl.8").partition("An object of *list*")[2])
    assert {"user", "tokens[].label", "throttles[].source"} < documented.keys()
    entries = json.loads(people.run("list", "--json").stdout)
    for path, value in members(entries):
        assert fits(value, documented[path]), (path, value)
    assert {path for path, _ in members(entries)} == documented.keys()
    bad, = (entry for entry in entries if entry["error"])
    assert list(bad) == list(documented)[:3]


@pytest.mark.parametrize("command, words", [
    ("invite", ("invite", "--json")),
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


# ---- streams


EVENTS = {"user": None, "temporary_code": {"code", "uses", "until"}, "recovery_codes": {"codes"},
          "option": {"name", "value", "default", "file", "line"},
          **dict.fromkeys(("error", "warning", "note", "done"), {"id", "text"})}


def words_of(manual):
    """The words that a manual lists for `id`."""
    rows = page(manual).partition(":< *Words*\n")[2].partition("\n\n")[0]
    return set(re.findall(r"(?<!\w)_([a-z][a-z_-]+)_(?!\w)", rows))


def stream(ran):
    """The objects of a stream; nothing else was printed."""
    assert ran.stderr == "", ran
    objects = [json.loads(line) for line in ran.stdout.splitlines()]
    documented = table(page("totpctl.8").partition("An object of *list*")[2])
    for one in objects:
        members = EVENTS[one["event"]] or {name for name in documented if "." not in name} - {"user"}
        if one.get("error"):
            members = {"status", "error"}
        assert list(one)[:2] == ["event", "user"] and one.keys() - {"event", "user"} == members, one
        assert one.get("id", "failed") in words_of("totpctl.8"), one
    return objects


def told(objects):
    return [(one["event"], one["user"], one.get("id")) for one in objects]


@pytest.mark.parametrize("words, expected", [
    (("unlock",), ["done unlocked", "done unchanged"]),
    (("suspend",), ["done disabled", "done unchanged"]),
    (("resume",), ["done unchanged", "done unchanged"]),
    (("forget",), ["done forgotten", "done unchanged"]),
    (("temporary-code", "--uses", "2"), ["temporary_code", "temporary_code"]),
    (("temporary-code", "--revoke"), ["done bypass-revoked", "error no_temporary_code"]),
    (("invite",), ["error already_enrolled", "error already_enrolled"]),
    (("uninvite",), ["error not_invited", "error not_invited"]),
    (("delete", "--yes"), ["done revoked", "error not_enrolled"]),
    (("show",), ["user", "user"]),
], ids=lambda value: " ".join(value))
def test_a_stream_has_an_object_for_each_user_and_continues_after_an_error(people, words, expected):
    ran = people.run(*words, "--json", KNOWN, UNKNOWN, KNOWN)
    objects = [one for one in stream(ran) if one["event"] != "note"]
    refused = "no_account" if words[0] != "uninvite" else "not_invited"
    assert told(objects) == [(event, user, word or None) for user, text in (
        (KNOWN, expected[0]), (UNKNOWN, f"error {refused}"), (KNOWN, expected[1]))
        for event, _, word in [text.partition(" ")]]
    assert ran.returncode == 1


def test_a_stream_has_the_sentences_of_the_terminal(people):
    for words in ("suspend", KNOWN), ("resume", KNOWN), ("show", "sys"), ("invite", KNOWN):
        program, = stream(people.run(words[0], "--json", words[1]))
        people.run("resume" if words[0] == "suspend" else "suspend", KNOWN)
        person = people.run(*words)
        assert f"{program['text']}\n" in (person.stdout, person.stderr.replace("totpctl: ", ""))


def test_show_prints_what_list_prints_of_the_user(people):
    shown, bad = stream(people.run("show", "--json", KNOWN, "games"))
    of_list = {entry["user"]: entry for entry in json.loads(people.run("list", "--json").stdout)}
    del shown["event"]
    assert shown == of_list[KNOWN] and bad["error"] == of_list["games"]["error"]


def test_new_recovery_codes_are_an_object(people):
    one, = stream(people.run("recovery", "--json", KNOWN))
    assert len(one["codes"]) == 10 and all(re.fullmatch(r"\w{4}-\w{4}-\w{4}", code)
                                           for code in one["codes"])
    note, = stream(people.run("recovery", "--json", "--save", people.directory / "codes", KNOWN))
    assert note["id"] == "recovery_file"


def test_an_invitation_that_is_of_no_use_has_a_warning(people):
    people.policy("enroll =")
    assert told(stream(people.run("invite", "--json", "sys"))) == [
        ("done", "sys", "invited"), ("warning", "sys", "not_used")]
    assert told(stream(people.run("uninvite", "--json", "sys"))) == [("done", "sys", "uninvited")]


def test_the_policy_has_each_option_with_its_line(host):
    host.policy("# a comment", "window = 2", "", 'prompt = "Code? "')
    options = {one["name"]: one for one in stream(host.run("policy", "--json"))}
    keys = re.findall(r"^\*(\w+)\* =", page("pam_totp.conf.5"), re.M)
    assert sorted(options) == sorted(keys)
    lines = host.conf.read_text().splitlines()
    for name, one in options.items():
        if one["line"]:
            assert lines[one["line"] - 1] == f"{name} = {one['value']}" and one["file"] == str(host.conf)
        else:
            assert one["value"] == one["default"] and one["file"] is None
    assert options["prompt"]["value"] == '"Code? "' and options["window"]["default"] == "1"
    assert f"window = 2  ({host.conf}:5)\n" in host.done("policy")
    assert "digits = 6  (default)\n" in host.done("policy")
    again = host.directory / "again"
    again.write_text("".join(f"{name} = {one['value']}\n" for name, one in options.items()))
    host.done("check", again)


def test_every_mistake_of_a_policy_is_an_object(host):
    host.policy("window = 99", "frobnicate = 1")
    for words in ("policy", "--json"), ("show", "--json", KNOWN):
        ran = host.run(*words)
        assert [(one["id"], f"{host.conf}:{line}:" in one["text"])
                for line, one in enumerate(stream(ran), 4)] == [("policy", True)] * 2
        assert ran.returncode == 1


def test_without_root_a_stream_has_a_word_for_it(people):
    people.directory.chmod(0o755)
    for words in ("show", KNOWN), ("delete", "--yes", KNOWN), ("temporary-code", KNOWN):
        ran = people.run(*words, "--json", preexec_fn=as_nobody)
        assert told(stream(ran)) == [("error", None, "not_root")] and ran.returncode == 1


def test_wrong_usage_after_the_option_is_an_object(people):
    for words in ("show", "--json"), ("delete", "--json", KNOWN), ("unlock", "--json", "--frob", KNOWN), \
            ("temporary-code", "--json", "--revoke", "--uses", "2", KNOWN):
        ran = people.run(*words)
        assert [one["id"] for one in stream(ran)] == ["usage"] and ran.returncode == 2


def test_a_name_in_a_stream_is_always_utf_8(people):
    odd = b"a\xffb\ndone"
    ran = subprocess.run([TOTPCTL, "--conf", people.conf, "unlock", "--json", odd, "ä"],
                         capture_output=True, check=False, timeout=HANGS)
    first, second = (json.loads(line) for line in ran.stdout.decode("utf-8", "strict").splitlines())
    assert (first["user"], second["user"]) == ("a\ufffdb\ndone", "ä")


def test_every_word_of_the_tools_is_in_their_manual():
    sources = {"ctl": set(), "enroll": set(), "common": set()}
    word = r'(?:(?:tool_say|tool_ask|self_denied)\(|\bid = )[^"]*"([a-z_-]+)"(?:\s*:\s*"([a-z_-]+)")?'
    for path in (PAGES.parent / "lib/login/confirm.c", *(PAGES.parent / "enroll-tool").glob("*/*.c")):
        directory = "enroll" if path.name == "confirm.c" else path.parent.name
        for found in re.findall(word, path.read_text()):
            sources.get(directory, set()).update(one for one in found if one)
    sources["enroll"] -= {"not_confirmed"}  # only root can leave the code out, and reads text
    assert sources["ctl"] - words_of("totpctl.8") == set()
    assert sources["enroll"] - words_of("totp-enroll.1") == set()
    assert sources["common"] - words_of("totpctl.8") - words_of("totp-enroll.1") == set()


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("invite", "--json"),
                                   ("key", "list", "--json"), ("report", "--json"),
                                   ("show", "--json", KNOWN), ("suspend", "--json", KNOWN),
                                   ("policy", "--json")], ids=" ".join)
def test_output_that_cannot_be_written_is_an_error(people, words):
    """A full disk gets a message; a reader that left, as head does, only the exit status."""
    reader, closed = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, open(closed, "wb") as pipe:
        for output, messages in (full, 1), (pipe, 0):
            ran = subprocess.run([TOTPCTL, "--conf", people.conf, *words], stdout=output,
                                 stderr=subprocess.PIPE, text=True, timeout=HANGS)
            assert ran.returncode == 1, ran
            assert ran.stderr.count("cannot write to standard output") == messages, ran
