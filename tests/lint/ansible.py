# SPDX-License-Identifier: BSD-2-Clause
"""
The role and the playbook of packaging/ansible: Ansible can read them, and yamllint finds nothing.
Skipped without both. tests/prove/test_ansible.py runs the role.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import tree

WHERE = tree.TOP / "packaging" / "ansible"
RULES = "{extends: default, rules: {line-length: {max: 200}, comments-indentation: disable}}"


def main():
    programs = [shutil.which(name) for name in ("ansible-playbook", "yamllint")]
    if None in programs:
        print("ansible-playbook or yamllint is missing")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ, HOME=home, ANSIBLE_ROLES_PATH=str(WHERE),
                           ANSIBLE_LOCAL_TEMP=home, ANSIBLE_NOCOLOR="1", LC_ALL="C.UTF-8")
        for command in ([programs[0], "--syntax-check", "-i", "servers,", WHERE / "playbook.yml"],
                        [programs[1], "--strict", "-d", RULES, WHERE]):
            subprocess.run(command, env=environment, check=True)


main()
