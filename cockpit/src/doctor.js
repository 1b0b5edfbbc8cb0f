/* SPDX-License-Identifier: BSD-2-Clause */
/* What `totpctl doctor` finds, with the commands that fix it. The page runs none of them. */
import { element } from "./element.js";
import * as tool from "./tool.js";
import { actions, alert, attempt, button, card, copier } from "./widget.js";

const _ = cockpit.gettext;

function finding(one) {
	return card(one.services.length > 0 ? one.services.join(", ") : _("This host"),
		alert(one.severity === "critical" ? "danger" : "warning", tool.whole(one.what)),
		element("p", { class: "lines" }, tool.whole(one.why)),
		one.repair && element("pre", { tabindex: "0", "aria-label": _("What fixes it") }, one.repair),
		one.repair && actions(copier(_("Copy"), one.repair)));
}

export async function show(place) {
	const findings = await tool.document("doctor");

	place.replaceChildren(
		findings.length === 0 ? alert("success", _("Doctor has found nothing wrong.")) :
			element("p", {}, cockpit.format(cockpit.ngettext("$0 finding. Read why it matters before you run a command.",
				"$0 findings. Read why they matter before you run a command.", findings.length),
				findings.length)),
		...findings.map(finding), actions(button(_("Check again"), () => attempt(place, () => show(place)))));
}
