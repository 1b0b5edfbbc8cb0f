# SPDX-License-Identifier: BSD-2-Clause
"""totpctl metrics: the numbers are right, and in the format that Prometheus reads."""

import json
import shutil

import pytest

from host import *  # noqa: F403

PROMTOOL = pathlib.Path(__file__).parents[2] / "build/root/usr/bin/promtool"
LINE = re.compile(r'pam_totp_([a-z_]+)(?:\{((?:[a-z]+="[\w.-]+",?)+)\})? (\d+)')


def parse(text):
    """(name, labels...) -> number; each metric has its help and type before it."""
    found, types, helped = {}, {}, set()
    for line in text.splitlines():
        word = line.split(" ")
        if line.startswith("# HELP pam_totp_"):
            helped.add(word[2][9:])
        elif line.startswith("# TYPE pam_totp_"):
            assert word[2][9:] not in types and word[3] in ("gauge", "counter")
            types[word[2][9:]] = word[3]
        else:
            name, labels, number = LINE.fullmatch(line).groups()
            assert name in types and name in helped
            assert (types[name] == "counter") == name.endswith("_total")
            key = (name, *re.findall(r'"([^"]+)"', labels or ""))
            assert key not in found
            found[key] = int(number)
    return found


def numbers(host):
    return parse(host.run("metrics").stdout)


@pytest.fixture
def counted(host):
    """A host on which metrics ran once, so that decisions are counted."""
    (host.directory / "run").mkdir(exist_ok=True)
    numbers(host)
    return host


def test_records_are_counted_by_status_and_people_by_enrollment(host):
    host.policy("enforce = optional", "required_for = daemon, bin, games, sync")
    for user in KNOWN, "bin", "games":
        host.enroll(user)
    host.done("temporary-code", KNOWN)
    host.done("suspend", "bin")
    host.state_file("games").unlink()
    before = time.time()
    assert host.attempt("daemon", fresh_code()).startswith("allow")
    found = numbers(host)
    statuses = {key[1]: number for key, number in found.items() if key[0] == "records" and number}
    assert statuses == {"bypass": 1, "disabled": 1, "unreadable": 1}
    assert found["temporary_codes",] == 1
    assert [found["recent_users", span] for span in ("1d", "7d", "30d", "90d")] == [1] * 4
    assert abs(found["last_login_timestamp_seconds",] - before) < 3600
    assert found["people", "missing"] == 1, "sync"
    assert (found["keys",], found["store_up",]) == (1, 1)
    assert 0 < found["store_free_bytes",] <= found["store_size_bytes",]
    assert found["findings", "critical"] + found["findings", "warning"] > 0


def test_they_hold_no_name_and_no_key(counted):
    counted.policy("enforce = optional", "required_for = daemon, bin")
    for user in KNOWN, "bin":
        counted.enroll(user)
    text = counted.run("metrics").stdout
    names = {line.split(":")[0] for file in ("/etc/passwd", "/etc/group")
             for line in pathlib.Path(file).read_text().splitlines()}
    words = {word for key in parse(text) for word in key[1:]}
    assert {KNOWN, "bin"} <= names and not words & names
    assert not [word for word in counted.keyring.read_text().split() if word in text]


def test_a_store_that_cannot_be_read_is_a_number(host):
    host.keyring.unlink()
    shutil.rmtree(host.store)
    found = numbers(host)
    assert found["store_up",] == 0 and found["keys",] == 0 and ("records", "ok") not in found


def test_promtool_finds_no_fault(counted):
    if not PROMTOOL.exists():
        pytest.skip("there is no promtool: scripts/install-deps test")
    checked = subprocess.run([PROMTOOL, "check", "metrics"], input=counted.run("metrics").stdout,
                             capture_output=True, text=True, timeout=HANGS)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_file_is_replaced_whole_and_all_can_read_it(counted):
    path = counted.directory / "pam_totp.prom"
    path.write_text("old")
    counted.done("metrics", "--output", path)
    assert parse(path.read_text())["store_up",] == 1
    assert path.stat().st_mode & 0o777 == 0o644
    assert [name for name in os.listdir(counted.directory) if "prom" in name] == ["pam_totp.prom"]


EXAMPLES = pathlib.Path(__file__).parents[2] / "conf/monitoring"


def expressions():
    """What the dashboard and the rules ask Prometheus for."""
    panels = json.loads((EXAMPLES / "grafana.json").read_text())["panels"]
    rules = re.findall(r"^ +expr: (.*)$", (EXAMPLES / "pam_totp.rules.yml").read_text(), re.M)
    return rules + [target["expr"] for panel in panels for target in panel["targets"]]


def test_dashboard_and_rules_use_numbers_that_there_are(counted):
    found = numbers(counted)
    assert len(expressions()) > 15
    for one in expressions():
        for name, labels in re.findall(r"pam_totp_(\w+)(?:\{([^}]*)\})?", one):
            words = re.findall(r'(?:status|severity|enrollment)="(\w+)"', labels)
            assert any(key[0] == name and set(words) <= set(key) for key in found), one


def test_promtool_accepts_the_rules_and_they_alert_when_they_must(tmp_path):
    if not PROMTOOL.exists():
        pytest.skip("there is no promtool: scripts/install-deps test")
    shutil.copy(EXAMPLES / "pam_totp.rules.yml", tmp_path)
    shutil.copy(pathlib.Path(__file__).with_name("rules-test.yml"), tmp_path)
    for words in ("check", "rules", "pam_totp.rules.yml"), ("test", "rules", "rules-test.yml"):
        ran = subprocess.run([PROMTOOL, *words], capture_output=True, text=True, cwd=tmp_path,
                             timeout=HANGS)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_decision_of_the_log_has_a_number(counted):
    """Of the table in pam_totp(8), all but those that no login has."""
    text = (pathlib.Path(__file__).parents[2] / "man/pam_totp.8.scd").read_text()
    rows = re.findall(r"^\|  (\w+)\n:  (\w+)\n", text, re.M)
    found = {key[1:] for key in numbers(counted) if key[0] == "decisions_total"}
    assert set(rows) - {("debug", "required"), ("debug", "no_publickey"), ("error", "any")} \
        == found - {("other", "other")}


def test_decisions_are_counted_in_files_that_only_their_owner_can_write(counted):
    directory = counted.directory / "run" / "decisions-2"
    path = directory / "deny.wrong_code"
    assert directory.stat().st_mode & 0o777 == 0o710
    assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size == 0
    path.write_bytes(bytes(7))
    assert numbers(counted)["decisions_total", "deny", "wrong_code"] == 7
    for spoil in (path.unlink, lambda: (path.unlink(), os.mkfifo(path)),
                  lambda: (path.unlink(), path.symlink_to("/etc/passwd")),
                  lambda: (shutil.rmtree(directory), directory.write_text("no directory")),
                  lambda: (shutil.rmtree(directory), directory.symlink_to("/tmp"))):
        spoil()
        assert numbers(counted)["decisions_total", "deny", "wrong_code"] == 0
        assert path.is_file() and path.stat().st_size == 0 and not path.is_symlink()
        assert not directory.is_symlink()


def test_only_root_can_read_them(host):
    assert "only root can" in host.run("metrics", user="nobody", conf=False).stderr
