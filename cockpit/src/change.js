/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A dialog about one run of totp-enroll: what it prints, and answers to its questions. Without an
 * answer nothing is changed, so closing the dialog, the tab or the browser leaves everything as it was.
 */
import * as codes from "./codes.js";
import * as dialog from "./dialog.js";
import { element } from "./element.js";
import * as secret from "./secret.js";
import * as tool from "./tool.js";
import { actions, alert, button, field, hold, submit } from "./widget.js";

const _ = cockpit.gettext;
const KINDS = { error: "danger", warning: "warning", note: "info", done: "success" };

class Change {
	/* what: title, subcommand, words; question: the label of a last word that the person types */
	constructor(what, close) {
		this.what = what;
		this.messages = element("div", { class: "parts", role: "status" });
		this.shown = element("div", { class: "parts" });
		this.form = element("div", {});
		this.box = dialog.open(what.title, () => {
			this.process?.close("terminated");
			close();
		}, this.shown, this.messages, this.form);
		if (what.question)
			this.ask(what.question, what.value || "", text => this.run([text]));
		else
			this.run([]);
	}

	run(words) {
		this.asked = this.done = this.failed = false;
		this.form.replaceChildren();
		this.process = tool.enroll(this.what.subcommand, [...this.what.words, ...words],
			one => this.take(one));
		this.process.then(() => this.end(null), error => this.end(error));
	}

	say(kind, text) {
		this.messages.append(alert(kind, text));
	}

	/* A form with one field. */
	ask(text, value, answer, attributes = {}) {
		const { input, group } = field(text, { value, required: true, ...attributes });
		const form = element("form", { class: "parts", onsubmit: event => {
			event.preventDefault();
			this.messages.replaceChildren();
			hold(form, true);
			answer(input.value);
		} }, group, actions(submit(_("Continue")), this.closer(_("Cancel"), "link")));

		this.form.replaceChildren(form);
		input.focus();
		input.select();
	}

	closer(text, kind) {
		return button(text, () => this.box.close(), kind);
	}

	take(one) {
		switch (one.event) {
		case "secret":
			this.shown.replaceChildren(...secret.show(one));
			break;
		case "ask":
			this.asked = true;
			this.failed = false;
			if (one.id !== "new_code")
				this.shown.replaceChildren(); // it is on the phone
			this.ask(one.text.replace(/: *$/, ""), "", text => this.process.input(`${text}\n`, true),
				{ autocomplete: "one-time-code" });
			break;
		case "recovery_codes":
			this.box.held = true;
			this.shown.replaceChildren(codes.show(one.user, one.codes));
			break;
		default:
			if (one.event === "done") {
				this.done = true;
				this.shown.replaceChildren();
			}
			this.failed = this.failed || one.event === "error";
			this.say(KINDS[one.event] || "info", one.text);
		}
	}

	end(error) {
		this.process = null;
		if (error && !this.failed && error.problem !== "cancelled")
			this.say("danger", tool.sentence(error));
		if (!this.done)
			this.shown.replaceChildren();
		if (!this.done && this.what.question && !this.asked && this.form.isConnected) {
			this.ask(this.what.question, this.what.value || "", text => this.run([text]));
			return;
		}
		const last = this.closer(this.box.held ? _("I have saved the codes") : _("Close"), "primary");

		this.form.replaceChildren(actions(last));
		last.focus();
	}
}

/* Resolves when the dialog is closed. */
export function change(what) {
	return new Promise(resolve => new Change(what, resolve));
}
