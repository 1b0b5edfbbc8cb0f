# SPDX-License-Identifier: BSD-2-Clause
"""A real polkitd on the private host's system bus."""
import os
import re
import shutil
import subprocess

from host import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = f"{HERE}/../../conf/helpdesk"
RULE = "/etc/polkit-1/rules.d/50-totp-helpdesk.rules"
ACTION = "org.pam-totp.helpdesk"
PKEXEC = "/usr/bin/pkexec"


class Polkit:
    def __init__(self):
        os.chmod(PKEXEC, 0o4755)
        shutil.rmtree(os.path.dirname(RULE), ignore_errors=True)
        os.makedirs(os.path.dirname(RULE))
        self.daemon = subprocess.Popen(["/usr/lib/polkit-1/polkitd", "--no-debug"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(f"{os.environ['HOST_BUILD']}/conf/{ACTION}.policy", encoding="utf-8") as file:
            action = re.sub(r'exec.path">.*?<', 'exec.path">/usr/sbin/totpctl<', file.read())
        with open(f"/usr/share/polkit-1/actions/{ACTION}.policy", "w", encoding="utf-8") as file:
            file.write(action)
        assert wait_for(lambda: subprocess.run(["pkaction", "--action-id", ACTION], check=False,
                                               capture_output=True).returncode == 0)

    def rule(self, name, user, authorized):
        """Install an example as the rule, or take it away, until polkitd has read it."""
        if os.path.exists(RULE):
            os.unlink(RULE)
        if name:
            shutil.copy(f"{EXAMPLES}/{name}", RULE)
        assert wait_for(lambda: self.allows(user) == authorized), f"{name}: {user}"

    @staticmethod
    def allows(user):
        asked = subprocess.run(["runuser", "-u", user, "--", "sh", "-c",
                                f"exec pkcheck --action-id {ACTION} --process $$"],
                               capture_output=True, check=False, timeout=60)
        return asked.returncode == 0

    def close(self):
        self.daemon.terminate()
        self.daemon.wait(60)
        shutil.rmtree(os.path.dirname(RULE))
