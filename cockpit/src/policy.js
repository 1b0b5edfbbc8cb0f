/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy as totpctl reads it. */
import { element } from "./element.js";
import * as tool from "./tool.js";
import { alert, card, table } from "./widget.js";

const _ = cockpit.gettext;

/* A path breaks after its directories. */
function path(text) {
	return text.split(/(?<=\/)/).flatMap(part => [part, element("wbr")]);
}

export async function show(place) {
	const objects = await tool.objects("policy");
	const options = objects.filter(one => one.event === "option");
	const errors = objects.filter(one => one.event === "error");
	const set = one => one.file ? element("span", {}, ...path(`${one.file}:${one.line}`)) : _("Default");

	place.replaceChildren(...errors.map(one => alert("danger", one.text)),
		card(_("Policy"),
			element("p", {}, _("An argument of a PAM line overrides an option for that service.")),
			table(_("Policy"), [_("Option"), _("Value"), _("Set by"), _("Default")], options.map(one =>
				[element("code", {}, one.name), one.value, set(one), one.default]))));
}
