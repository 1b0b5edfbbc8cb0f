/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy as totpctl reads it. */
import { element } from "./element.js";
import * as tool from "./tool.js";
import { alert, card, table } from "./widget.js";

const _ = cockpit.gettext;

export async function show(place) {
	const objects = await tool.objects("policy");
	const options = objects.filter(one => one.event === "option");
	const errors = objects.filter(one => one.event === "error");
	const set = one => one.file ? `${one.file}:${one.line}` : _("default");

	place.replaceChildren(...errors.map(one => alert("danger", one.text)),
		card(_("Policy"),
			element("p", {}, _("An argument of a PAM line overrides an option for that service.")),
			table(_("Policy"), [_("Option"), _("Value"), _("Set by"), _("Default")], options.map(one =>
				[element("code", {}, one.name), one.value, set(one), one.default]))));
}
