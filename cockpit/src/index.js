/* SPDX-License-Identifier: BSD-2-Clause */
/* The page "Two-factor login": its frame, and which part of it the address names. */
import "./index.css";
import { element } from "./element.js";
import * as self from "./self.js";
import * as theme from "./theme.js";
import { waiting } from "./widget.js";

const _ = cockpit.gettext;

function begin() {
	const place = element("div", { class: "parts" }, waiting());

	theme.follow();
	document.documentElement.lang = (cockpit.language || "en").replace("_", "-");
	document.title = _("Two-factor login");
	document.body.replaceChildren(element("main", {},
		element("h1", { class: "pf-v6-c-title pf-m-2xl" }, _("Two-factor login")), place));
	self.show(place);
}

begin();
