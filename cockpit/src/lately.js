/* SPDX-License-Identifier: BSD-2-Clause */
/* What the log says about a user, the newest first. */
import { element } from "./element.js";
import * as tool from "./tool.js";
import * as when from "./when.js";
import { alert, card, table } from "./widget.js";

const _ = cockpit.gettext;
const SHOWN = 20;

/* A line that a user of this host could have written gets a question mark, as in a terminal. */
function row(one) {
	return [`${when.time(one.time)}${one.sure ? "" : " ?"}`, one.service || "", one.source || "",
		[one.outcome, one.reason].filter(word => word).join(", "), one.detail || one.token || ""];
}

async function content(user) {
	try {
		const lines = (await tool.document("log", "--", user)).slice(-SHOWN).reverse();

		if (lines.length === 0)
			return [element("p", {}, _("The log has nothing about this person."))];
		return [table(_("Recent activity"), [_("Time"), _("Service"), _("Source"), _("Outcome"), _("Detail")],
			lines.map(row)),
		lines.some(one => !one.sure) &&
			element("p", {}, _("A line with a question mark could have been written by a user of this host."))];
	} catch (error) {
		return [alert("info", tool.sentence(error))];
	}
}

export async function show(user) {
	return card(_("Recent activity"), ...(await content(user)));
}
