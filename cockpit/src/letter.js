/* SPDX-License-Identifier: BSD-2-Clause */
/* The letter that gives a person a new secret: printed from here, and kept nowhere. */
import { element } from "./element.js";
import { actions, button } from "./widget.js";

const _ = cockpit.gettext;

/* text: the letter as totpctl prints it, a page without scripts */
export function show(user, text) {
	const frame = element("iframe", { class: "letter", sandbox: "allow-same-origin allow-modals",
					  title: cockpit.format(_("Letter for $0"), user), srcdoc: text });

	return element("section", { class: "parts" },
		element("p", {}, _("Print this letter and hand it out. It is shown only now, and anybody who reads it has the codes.")),
		frame, actions(button(_("Print"), () => frame.contentWindow.print())));
}
