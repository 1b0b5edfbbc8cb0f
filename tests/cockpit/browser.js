/* SPDX-License-Identifier: BSD-2-Clause */
/* browser.js [PROFILE]: Chromium for browser.py, which says what each line of standard input and
 * output is. Without PROFILE, open() gives a new profile in memory. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.env.BROWSER_MODULES + "/");
const { chromium } = require("playwright-core");
const AsyncFunction = (async () => {}).constructor;
const launch = { executablePath: "/usr/bin/chromium", timeout: 120000,
                 args: ["--no-sandbox", "--disable-gpu"] };
const usual = { locale: "en-US", viewport: { width: 1100, height: 800 },
                permissions: ["clipboard-read", "clipboard-write"] };
const profile = process.argv[2];
const browser = profile ? null : await chromium.launch(launch);

// What the bodies of browser.py see: the tab, and the page in its frame.
const state = {
    axe: readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"),
    async open(options) {
        await this.context?.close();
        this.context = profile ? await chromium.launchPersistentContext(profile, { ...launch, ...usual, ...options })
            : await browser.newContext({ ...usual, ...options });
        this.context.setDefaultTimeout(120000);
        this.urls = [];
        this.said = [];
        this.context.on("request", one => this.urls.push(one.url()));
        this.context.on("console", one => this.said.push(one.text()));
        this.context.on("weberror", one => this.said.push(`error: ${one.error()}`));
        this.context.on("dialog", one => one.dismiss());
        this.page = this.context.pages()[0] || await this.context.newPage();
    },
    view(name) {
        return name === "page" ? this.page.frameLocator("iframe[name='cockpit1:localhost/pam-totp']") : this.page;
    },
    frame() {
        return this.page.frame({ name: "cockpit1:localhost/pam-totp" });
    },
};

for await (const line of createInterface({ input: process.stdin })) {
    const { body, given } = JSON.parse(line);
    try {
        const value = await new AsyncFunction("state", "given", body)(state, given);
        console.log(JSON.stringify({ value: value ?? null }));
    } catch (error) {
        console.log(JSON.stringify({ error: String(error) }));
    }
}
await state.context?.close();
await browser?.close();
