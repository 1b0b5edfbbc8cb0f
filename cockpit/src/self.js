/* SPDX-License-Identifier: BSD-2-Clause */
/* What the person who is logged in has enrolled, and what the person can change. */
import { change } from "./change.js";
import { element } from "./element.js";
import * as tool from "./tool.js";
import * as when from "./when.js";
import { actions, alert, button, card, table } from "./widget.js";

const _ = cockpit.gettext;
const FOREVER = 4294967295;

/* [kind of alert, sentence] */
function summary(status) {
	if (status.enrolled && status.disabled)
		return ["danger", _("Your administrator has suspended your enrollment: every code is denied.")];
	if (status.enrolled && status.pending)
		return ["warning", _("Your phone is not confirmed yet: test one code of it.")];
	if (status.enrolled && status.exempt)
		return ["info", _("The policy exempts you: a login asks for no code, although you have a phone enrolled.")];
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

class Self {
	constructor(place) {
		this.place = place;
	}

	button(text, what, kind = "secondary", attributes = {}) {
		return button(text, async () => {
			await change({ words: [], title: text, ...what });
			await this.show();
			this.focus(attributes["aria-label"] || text);
		}, kind, attributes);
	}

	/* A button that opened a dialog was replaced: the keyboard goes on where it was, or at the first. */
	focus(name) {
		const buttons = [...this.place.querySelectorAll("button")];

		(buttons.find(one => (one.getAttribute("aria-label") || one.textContent) === name) ||
			buttons[0])?.focus();
	}

	token(token, may) {
		const named = text => ({ "aria-label": `${text}: ${token.label}` });

		return [token.label, when.date(token.added), when.time(token.last_used), actions(
			may("replace") && this.button(_("Replace"), { subcommand: "replace", words: [token.label] },
				"link", named(_("Replace"))),
			may("rename") && this.button(_("Rename"), { subcommand: "rename", words: [token.label],
				question: _("New name"), value: token.label }, "link", named(_("Rename"))),
			may("remove") && this.button(_("Remove"), { subcommand: "remove", words: [token.label] },
				"link", named(_("Remove"))))];
	}

	devices(status, may) {
		return card(_("Your devices"),
			table(_("Your devices"), [_("Name"), _("Added"), _("Last used"), _("Change")],
				status.tokens.map(token => this.token(token, may))),
			actions(
				may("add") && this.button(_("Add a device"), { subcommand: "add",
					question: _("Name of the device, such as \"tablet\"") }),
				!status.disabled && this.button(_("Test a code"), { subcommand: "test" }),
				may("delete") && this.button(_("Remove everything"), { subcommand: "delete" }, "danger")));
	}

	recovery(status, may) {
		const left = status.recovery_codes_left;

		return card(_("Recovery codes"),
			element("p", {}, status.recovery_codes === 0 ? _("You have no recovery codes.") :
				cockpit.format(_("$0 of $1 recovery codes are left. Each replaces a code for one login when the phone is not at hand."),
					left, status.recovery_codes)),
			may("recovery") && actions(this.button(_("Make new recovery codes"),
				{ subcommand: "recovery" }, left <= 2 ? "primary" : "secondary")));
	}

	lately(status) {
		const { failures, wait_seconds: wait } = status;

		return card(_("Recent activity"), element("ul", { class: "plain" },
			element("li", {}, cockpit.format(_("Last login with a code: $0"), when.time(status.last_login))),
			element("li", {}, failures === 0 ? _("No wrong codes since then.") : cockpit.format(
				cockpit.ngettext("$0 wrong code since then, on $1, from $2.",
					"$0 wrong codes since then, the last one on $1, from $2.", failures),
				failures, when.time(status.last_failure), status.last_failure_source)),
			wait > 0 && element("li", {}, wait === FOREVER ?
				_("Too many wrong codes: no code is accepted until your administrator unlocks you.") :
				cockpit.format(_("Too many wrong codes: the next one is checked in $0."),
					when.duration(wait)))));
	}

	absence(status) {
		if (status.may_enroll)
			return actions(this.button(_("Set up your phone"), { subcommand: "enroll" }, "primary"));
		if (status.login_enrolls)
			return element("p", {}, _("To enroll a phone, log in again, by ssh or at the console."));
		return element("p", {}, _("Only your administrator can enroll one: ask for an invitation."));
	}

	content(status) {
		const may = change => status.may.includes(change);
		const help = status.help && element("p", { class: "lines" }, status.help);

		return [alert(...summary(status)),
			...(status.enrolled ?
				[this.devices(status, may), this.recovery(status, may), this.lately(status)] :
				[this.absence(status)]), help];
	}

	async show() {
		let content;

		try {
			content = this.content(await tool.status());
		} catch (error) {
			content = [alert("danger", tool.sentence(error)),
				actions(button(_("Try again"), () => this.show()))];
		}
		this.place.replaceChildren(...content.filter(one => one));
	}
}

export function show(place) {
	return new Self(place).show();
}
