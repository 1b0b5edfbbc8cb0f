# SPDX-License-Identifier: BSD-2-Clause
"""
Chromium, and what a person does with it.

browser.js drives it: a line to it is an object with `body`, JavaScript, and `given`, what the body
works with; its answer is an object with the value, or with the error. Secrets stay in these pipes.
"""
import json
import os
import subprocess
import tempfile

from host import DIR, Phone, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "../../build/browser")
ADDRESS = "http://127.0.0.1:9090"
TITLE = "Two-factor login"


class Browser:
    """One tab of a browser. `shell` is Cockpit around the page, `page` the page in its frame."""

    def __init__(self, *profile):
        self.process = subprocess.Popen(
            ["/usr/bin/node", f"{HERE}/browser.js", *profile], text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"], "HOME": DIR, "LC_ALL": "C.UTF-8",
                                         "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",  # it would end with the bus
                                         "BROWSER_MODULES": MODULES})
        self.shell = View(self, "shell")
        self.page = View(self, "page")
        self.shown = set()  # secrets that it was shown

    def do(self, body, **given):
        self.process.stdin.write(json.dumps({"body": body, "given": given}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"{answer['error']}\n--- the tab:\n{self.sight()}"
        return answer["value"]

    def sight(self):
        """The text on the screen, for a test that failed; the picture is in build/."""
        body = """await state.page.screenshot({ path: given.path });
                  const texts = [];
                  for (const frame of state.page.frames())
                      texts.push(await frame.locator("body").innerText({ timeout: 2000 }).catch(String));
                  return texts.join("\\n--- frame:\\n")"""
        path = os.path.join(os.environ["HOST_BUILD"], "cockpit.failed.png")
        self.process.stdin.write(json.dumps({"body": body, "given": {"path": path}}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return answer.get("value") or answer["error"]

    def open(self, **options):
        """A new browser: no cookie, no history."""
        self.do("await state.open(given)", **options)

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)

    # ---- Cockpit

    def give_name(self, user, password):
        self.do("await state.page.goto(given.address)", address=f"{ADDRESS}/pam-totp")
        self.answer("#login-user-input", user)
        self.answer("#login-password-input", password)
        self.do("await state.page.locator('#login-button').click()")

    def answer(self, field, text):
        """A field of Cockpit's own page for logins, whose labels are not the same in each release."""
        self.do("await state.page.locator(given.field).fill(given.text)", field=field, text=text)

    def give_code(self, code):
        self.answer("#conversation-input", code)
        self.do("await state.page.locator('#login-button').click()")

    def login(self, user, password, code=None):
        self.give_name(user, password)
        if code:
            self.give_code(code)
        self.page.find("heading", TITLE)

    def logout(self):
        self.do("""await state.page.getByText("Session").first().click();
                   await state.page.locator("#logout").click();
                   await state.page.locator("#login-user-input").waitFor()""")

    def become_administrator(self, *answers):
        """The switch at the top of Cockpit, which passes on what sudo asks: its words, and the answer."""
        self.shell.click("button", "Limited access")
        for words, answer in answers:
            self.do("""const box = state.page.getByRole("dialog").filter({ hasText: given.words });
                       await box.locator("input[type=password]").fill(given.answer);
                       await box.getByRole("button", { name: "Authenticate" }).click()""",
                    words=words, answer=answer)
        self.shell.sees("Administrative access")

    # ---- what a person sees and does

    def narrow(self, width):
        """Whether all of the page fits into a window of this width without scrolling sideways."""
        return self.do("""
            const size = state.page.viewportSize();
            await state.page.setViewportSize({ width: given.width, height: 800 });
            const fits = await state.frame().evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth");
            await state.page.setViewportSize(size);
            return fits""", width=width)

    def faults(self):
        """What axe-core finds in the page."""
        return self.do("""
            await state.frame().evaluate(state.axe);
            const found = await state.frame().evaluate("axe.run({ resultTypes: ['violations'] })");
            return found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html}`))""")

    def color(self, scheme):
        self.do("await state.page.emulateMedia({ colorScheme: given.scheme })", scheme=scheme)

    def press(self, *keys):
        for key in keys:
            self.do("await state.page.keyboard.press(given.key)", key=key)

    def type(self, text):
        self.do("await state.page.keyboard.type(given.text)", text=text)

    def scan(self, take="return state.page.screenshot(given)"):
        """The account in a phone that scans the picture on the screen."""
        with tempfile.NamedTemporaryFile(dir=DIR, suffix=".png") as file:
            def read():
                self.do(take, path=file.name)
                done = subprocess.run(["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", file.name],
                                      capture_output=True, text=True, check=False, timeout=60)
                return done.stdout.strip()

            uri = wait_for(read, 60)
        assert uri.startswith("otpauth://totp/"), f"no picture\n{self.sight()}"
        phone = Phone(uri)
        self.shown.add(phone.secret)
        return phone

    # ---- what a browser keeps

    def kept(self):
        """Everything that it stores or asked the host for in addresses, as text."""
        return self.do("""
            const kept = [await state.context.storageState({ indexedDB: true }), state.urls, state.said];
            for (const page of state.context.pages())
                for (const frame of page.frames())
                    kept.push(frame.url(), await frame.evaluate(
                        "JSON.stringify([sessionStorage, localStorage, history.state, name])").catch(String));
            return JSON.stringify(kept)""")


class View:
    """Elements by role and name, as a screen reader finds them."""

    def __init__(self, browser, name):
        self.browser = browser
        self.name = name

    def do(self, body, **given):
        return self.browser.do("const view = state.view(given.view); " + body, view=self.name, **given)

    def find(self, role, name):
        """Wait until it is there."""
        self.do("await view.getByRole(given.role, { name: given.name }).first().waitFor()", role=role, name=name)

    def click(self, role, name, exact=False):
        self.do("await view.getByRole(given.role, { name: given.name, exact: given.exact }).first().click()",
                role=role, name=name, exact=exact)

    def fill(self, label, text):
        self.do("await view.getByLabel(given.label).first().fill(given.text)", label=label, text=text)

    def answer(self, label, text):
        """Fill a field, and send it."""
        self.do("""const field = view.getByLabel(given.label).first();
                   await field.fill(given.text);
                   await field.press("Enter")""", label=label, text=text)

    def sees(self, *texts):
        """Wait until each text is shown."""
        for text in texts:
            self.do("await view.getByText(given.text).locator('visible=true').first().waitFor()", text=text)

    def gone(self, role, name):
        self.do("await view.getByRole(given.role, { name: given.name }).first().waitFor({ state: 'detached' })",
                role=role, name=name)

    def texts(self, role):
        return self.do("return view.getByRole(given.role).allInnerTexts()", role=role)

    def has(self, role, name):
        return self.do("return view.getByRole(given.role, { name: given.name }).count()", role=role, name=name) > 0

    def text(self, selector="body"):
        return self.do("return view.locator(given.selector).first().innerText()", selector=selector)
