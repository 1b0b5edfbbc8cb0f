"""What a developer reads when one of these tests fails."""

import pathlib
import subprocess
import sys

FAILING = """
def test_texts():
    assert "one line\\ntwo lines" == "one line\\nthree lines"

def test_members():
    assert {"enrolled": 1} == {"enrolled": 2}
"""


def test_a_failed_comparison_shows_both_sides(tmp_path):
    folder = pathlib.Path(__file__).parent
    (tmp_path / "conftest.py").write_text((folder / "conftest.py").read_text())
    (tmp_path / "test_failing.py").write_text(FAILING)
    ran = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p",
                          "no:terminal", "--rootdir", tmp_path, tmp_path / "test_failing.py"],
                         capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1, ran.stderr
    for shown in "not ok 1", "- three lines", "+ two lines", "not ok 2", "{'enrolled': 2}":
        assert shown in ran.stdout, ran.stdout
    assert "verbose" not in ran.stdout
