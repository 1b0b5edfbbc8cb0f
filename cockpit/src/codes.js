/* SPDX-License-Identifier: BSD-2-Clause */
/* Recovery codes, which are shown only once: to print or to save. Nothing else keeps them. */
import { element } from "./element.js";
import { actions, button } from "./widget.js";

const _ = cockpit.gettext;

/* The host's name, as the browser or Cockpit reached it. */
function host() {
	return cockpit.transport.host === "localhost" ? window.location.hostname : cockpit.transport.host;
}

function print(title, codes) {
	const paper = element("section", { class: "paper" }, element("h1", {}, title),
		element("p", {}, _("Each replaces a code for one login. Keep this paper away from the phone.")),
		element("ul", {}, codes.map(code => element("li", {}, element("code", {}, code)))));

	document.body.append(paper);
	window.print();
	paper.remove();
}

function save(title, codes) {
	const file = new Blob([`${title}\n\n${codes.join("\n")}\n`], { type: "text/plain" });
	const link = element("a", { href: URL.createObjectURL(file), download: "recovery-codes.txt" });

	link.click();
	URL.revokeObjectURL(link.href);
}

export function show(user, codes) {
	const title = cockpit.format(_("Recovery codes of $0 on $1"), user, host());

	return element("section", { class: "parts", "aria-label": title },
		element("p", {}, _("Each of these recovery codes replaces a code for one login when the phone is not at hand. They are shown only now: print or save them, and keep them away from the phone.")),
		element("ul", { class: "codes" }, codes.map(code => element("li", {}, element("code", {}, code)))),
		actions(button(_("Print"), () => print(title, codes)),
			button(_("Save"), () => save(title, codes))));
}
