/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of `totpctl list` and `totpctl report` for how a user stands, as a person reads them. */
import * as widget from "./widget.js";

const _ = cockpit.gettext;
const WORDS = {
	ok: [_("enrolled"), "green"],
	bypass: [_("has a temporary code"), "blue"],
	pending: [_("not confirmed"), "orange"],
	throttled: [_("too many wrong codes"), "orange"],
	locked: [_("locked by wrong codes"), "red"],
	clock: [_("last code is from the future"), "red"],
	disabled: [_("suspended"), "red"],
	"other-uid": [_("account has another uid"), "red"],
	"no-account": [_("no such account"), "grey"],
	unreadable: [_("damaged"), "red"],
	missing: [_("needs a code, not enrolled"), "orange"],
	invited: [_("invited"), "blue"],
	not_enrolled: [_("not enrolled"), "grey"],
};

export function standing(word) {
	const [text, color] = WORDS[word] || [word, "grey"];

	return { text, label: () => widget.label(text, color) };
}
