/* SPDX-License-Identifier: BSD-2-Clause */
/* What the person who is logged in has enrolled. */
import { element } from "./element.js";
import * as tool from "./tool.js";
import * as when from "./when.js";
import { alert, card, table } from "./widget.js";

const _ = cockpit.gettext;
const FOREVER = 4294967295;

/* [kind of alert, sentence] */
function summary(status) {
	if (status.enrolled && status.disabled)
		return ["danger", _("Your administrator has suspended your enrollment: every code is denied.")];
	if (status.enrolled && status.pending)
		return ["warning", _("Your phone is not confirmed yet: test one code of it.")];
	if (status.enrolled)
		return ["success", _("Your account is protected: a login asks for a code.")];
	if (status.required)
		return ["danger", _("A login needs a code, and you have no phone enrolled.")];
	if (status.required_from)
		return ["warning", cockpit.format(
			_("From $0 on a login needs a code, and you have no phone enrolled."),
			when.date(status.required_from))];
	return ["info", _("You have no phone enrolled here, and need none.")];
}

function devices(status) {
	return card(_("Your devices"), table(_("Your devices"),
		[_("Name"), _("Added"), _("Last used")],
		status.tokens.map(token => [token.label, when.date(token.added),
			when.time(token.last_used)])));
}

function content(status) {
	return [alert(...summary(status)), status.enrolled && devices(status)];
}

export async function show(place) {
	try {
		place.replaceChildren(...content(await tool.status()).filter(one => one));
	} catch (error) {
		place.replaceChildren(alert("danger", tool.sentence(error)));
	}
}
