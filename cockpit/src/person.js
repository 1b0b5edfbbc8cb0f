/* SPDX-License-Identifier: BSD-2-Clause */
/* One user, as administrators and the help desk see and help them. */
import * as codes from "./codes.js";
import * as dialog from "./dialog.js";
import { element } from "./element.js";
import * as lately from "./lately.js";
import * as letter from "./letter.js";
import { standing } from "./standing.js";
import * as tool from "./tool.js";
import * as when from "./when.js";
import { actions, alert, attempt, button, card, copier, field, hold, submit, table,
	 waiting } from "./widget.js";

const _ = cockpit.gettext;
const KINDS = { error: "danger", warning: "warning", note: "info", done: "success" };

/* What an object of totpctl looks like. */
function shown(one) {
	switch (one.event) {
	case "temporary_code":
		return element("section", { class: "parts" },
			element("p", {}, cockpit.format(cockpit.ngettext(
				"The temporary code of $0, until $1, for one login. It is shown only now:",
				"The temporary code of $0, until $1, for $2 logins. It is shown only now:", one.uses),
				one.user, when.time(one.until), one.uses)),
			element("p", { class: "big" }, element("code", {}, one.code)),
			actions(copier(_("Copy the code"), one.code)));
	case "recovery_codes":
		return codes.show(one.user, one.codes);
	default:
		return alert(KINDS[one.event] || "info", one.text);
	}
}

class Person {
	constructor(place, user) {
		this.place = place;
		this.user = user;
	}

	/* Ask in a dialog, then run it, and show what comes of it there. `fields` give the options. */
	dialog(title, { text = "", fields = [], danger = false, run }) {
		const answer = element("div", { class: "parts", role: "status" });
		const close = button(_("Cancel"), () => box.close(), "link");
		const form = element("form", { class: "parts", onsubmit: async event => {
			event.preventDefault();
			answer.replaceChildren(waiting());
			hold(form, true);
			const { done, objects } = await run();
			hold(form, false);
			answer.replaceChildren(...objects);
			if (done) {
				form.replaceChildren(actions(button(_("Close"), () => box.close(), "primary")));
				form.querySelector("button").focus();
			}
		} }, text && element("p", {}, text), ...fields.map(one => one.group),
		actions(danger ? button(title, () => {}, "danger", { type: "submit" }) : submit(title), close));
		const box = dialog.open(cockpit.format("$0: $1", title, this.user),
			() => attempt(this.place, () => this.show()), answer, form);

		(fields[0]?.input || close).focus();
	}

	async run(subcommand, options) {
		try {
			const taken = await tool.objects(subcommand, options, [this.user]);

			return { done: !taken.some(one => one.event === "error"), objects: taken.map(shown) };
		} catch (error) {
			return { done: false, objects: [alert("danger", tool.sentence(error))] };
		}
	}

	action(title, subcommand, { options = () => [], ...what } = {}) {
		return button(title, () => this.dialog(title,
			{ run: () => this.run(subcommand, options()), ...what }), what.danger ? "danger" : "secondary");
	}

	async write_letter() {
		try {
			return { done: true, objects: [letter.show(this.user, await tool.letter(this.user))] };
		} catch (error) {
			return { done: false, objects: [alert("danger", tool.sentence(error))] };
		}
	}

	temporary() {
		const length = field(_("Valid for, such as 1h or 2d"), { value: "1h", required: true });
		const uses = field(_("Number of logins"), { type: "number", min: 1, max: 100, value: 1, required: true });

		return this.action(_("Temporary code"), "temporary-code", {
			text: _("First make sure that it is this person who asks. The code replaces a code of the phone."),
			fields: [length, uses],
			options: () => ["--for", length.input.value, "--uses", uses.input.value] });
	}

	invite() {
		const length = field(_("Valid for, such as 3d"), { value: "3d", required: true });

		return this.action(_("Invite"), "invite", {
			text: _("An invitation allows the person to enroll once, although the last date has passed."),
			fields: [length], options: () => ["--for", length.input.value] });
	}

	enrolled(one) {
		const desk = tool.is_help_desk();

		return card(_("Help"), actions(
			this.temporary(),
			one.bypass?.uses_left > 0 && this.action(_("Withdraw the temporary code"), "temporary-code",
				{ options: () => ["--revoke"] }),
			this.action(_("Unlock"), "unlock", {
				text: _("Wrong codes of all sources are forgotten. Used codes stay used.") }),
			!desk && this.action(_("New recovery codes"), "recovery", {
				text: _("The old recovery codes are then no longer valid.") }),
			one.disabled ? this.action(_("Resume"), "resume", {
				text: _("The codes of this person are accepted again.") }) :
				this.action(_("Suspend"), "suspend", { danger: true,
					text: _("Every code of this person is denied until you resume.") }),
			!desk && this.action(_("Delete"), "delete", { danger: true, options: () => ["--yes"],
				text: _("Everything that this person has enrolled is removed. It cannot be brought back.") })));
	}

	absent() {
		return card(_("Help"), actions(this.invite(),
			!tool.is_help_desk() && this.action(_("Enroll by letter"), "", { run: () => this.write_letter(),
				text: _("The letter has a new secret, which takes effect with its first correct code.") }),
			this.action(_("Withdraw the invitation"), "uninvite")));
	}

	facts(one) {
		return [
			element("p", {}, standing(one.status).label()),
			element("ul", { class: "plain" },
				element("li", {}, cockpit.format(_("Enrolled: $0"), when.time(one.enrolled))),
				element("li", {}, cockpit.format(_("Last login with a code: $0"), when.time(one.last_login))),
				element("li", {}, cockpit.format(_("Wrong codes since then: $0"), one.failures)),
				element("li", {}, cockpit.format(_("Recovery codes left: $0 of $1"),
					one.recovery_codes_left, one.recovery_codes)),
				one.bypass?.uses_left > 0 && element("li", {}, cockpit.format(
					_("Temporary code: $0 of $1 logins left, until $2"), one.bypass.uses_left,
					one.bypass.uses, when.time(one.bypass.until)))),
			table(_("Devices"), [_("Name"), _("Added"), _("Last used")], one.tokens.map(token =>
				[token.label, when.date(token.added), when.time(token.last_used)])),
			this.throttles(one.throttles.filter(throttle => throttle.locked || throttle.failed_tries > 0)),
		].filter(part => part);
	}

	throttles(waiting) {
		const classes = { network: _("unknown addresses"), console: _("consoles"), terminal: _("terminals"),
				  user: _("programs of users"), all: _("unknown sources") };
		const wait = one => one.locked ? _("until you unlock") :
			one.wait_seconds > 0 ? when.duration(one.wait_seconds) : _("none");

		return waiting.length > 0 && table(_("Wrong codes"), [_("Source"), _("Wrong codes"), _("Wait")],
			waiting.map(one => [one.source || classes[one.others] || one.others,
				String(one.failed_tries), wait(one)]));
	}

	content(objects) {
		const one = objects.find(object => object.event === "user");
		const why = objects.find(object => object.event === "error");

		if (one && !one.error)
			return [card(this.user, ...this.facts(one)), this.enrolled(one)];
		if (one)
			return [card(this.user, alert("danger", one.error)), this.enrolled({})];
		return [card(this.user, alert(why?.id === "not_enrolled" ? "info" : "danger", why?.text || "")),
			why?.id === "not_enrolled" && this.absent()];
	}

	async show() {
		const objects = await tool.objects("show", [], [this.user]);
		const log = element("div");

		this.place.replaceChildren(element("p", {}, element("a", { href: "#/people" }, _("All people"))),
			...this.content(objects).filter(one => one), log);
		if (!tool.is_help_desk())
			log.replaceWith(await lately.show(this.user));
	}
}

export function show(place, user) {
	return new Person(place, user).show();
}
