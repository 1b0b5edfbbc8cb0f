/* SPDX-License-Identifier: BSD-2-Clause */
/* The page "Two-factor login": its frame, and which part of it the address names. */
import "./index.css";
import * as doctor from "./doctor.js";
import { element } from "./element.js";
import * as people from "./people.js";
import * as person from "./person.js";
import * as policy from "./policy.js";
import * as self from "./self.js";
import * as theme from "./theme.js";
import * as tool from "./tool.js";
import { attempt, waiting } from "./widget.js";

const _ = cockpit.gettext;

/* The first word of the address, its name, and the function that shows it. */
const OWN = ["", _("My devices"), self.show];
const PEOPLE = ["people", _("People"), (place, user) => user ? person.show(place, user) : people.show(place)];
const HOST = [["doctor", _("Doctor"), doctor.show], ["policy", _("Policy"), policy.show]];

let own = [OWN];
const tabs = element("div");
const place = element("div", { class: "parts" });

function tab([word, name], current) {
	return element("li", { class: `pf-v6-c-tabs__item ${word === current ? "pf-m-current" : ""}` },
		element("a", { class: "pf-v6-c-tabs__link", href: `#/${word}`,
			       "aria-current": word === current ? "page" : null },
			element("span", { class: "pf-v6-c-tabs__item-text" }, name)));
}

function show_tabs(parts, current) {
	tabs.replaceChildren(tool.admin.allowed || tool.is_help_desk() ?
		element("nav", { class: "pf-v6-c-tabs", "aria-label": _("Parts") },
			element("ul", { class: "pf-v6-c-tabs__list" }, parts.map(part => tab(part, current)))) : "");
}

/* Show the part that the address names. One that is left before it is read shows nothing any more. */
async function show() {
	const [word = "", ...rest] = cockpit.location.path;
	const parts = [...own, PEOPLE, ...(tool.is_help_desk() ? [] : HOST)];
	const part = parts.find(one => one[0] === word) || parts[0];
	const content = element("div", { class: "parts" }, waiting());

	show_tabs(parts, part[0]);
	place.replaceChildren(content);
	await attempt(content, () => part[2](content, ...rest));
}

async function is_root() {
	try {
		return (await cockpit.user()).id === 0;
	} catch {
		return false; // the session has ended: the part that is shown says so
	}
}

async function begin() {
	theme.follow();
	document.documentElement.lang = (cockpit.language || "en").replace("_", "-");
	document.title = _("Two-factor login");
	document.body.replaceChildren(element("main", {},
		element("h1", { class: "pf-v6-c-title pf-m-2xl" }, _("Two-factor login")), tabs, place));
	if (await is_root())
		own = []; // totp-enroll has no enrollment of root's own
	cockpit.addEventListener("locationchanged", show);
	tool.admin.addEventListener("changed", show);
	show();
	if (await tool.find_help_desk())
		show();
}

begin();
