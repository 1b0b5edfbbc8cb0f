/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of PatternFly that the page has. */
import { element } from "./element.js";
import * as tool from "./tool.js";

const _ = cockpit.gettext;

/* A form that has been sent waits for the answer, and is not sent again. */
export function hold(form, held) {
	form.querySelectorAll("button[type=submit]").forEach(one => { one.disabled = held; });
}

/* kind: primary, secondary, link, danger */
export function button(text, action, kind = "secondary", attributes = {}) {
	return element("button", { type: "button", class: `pf-v6-c-button pf-m-${kind}`,
				   onclick: action, ...attributes },
		element("span", { class: "pf-v6-c-button__text" }, text));
}

export function submit(text) {
	return button(text, () => {}, "primary", { type: "submit" });
}

/* A button that copies `text`, where the browser allows that. */
export function copier(name, text) {
	const copy = button(name, async () => {
		await navigator.clipboard.writeText(text);
		copy.firstChild.textContent = _("Copied");
	}, "secondary");

	return navigator.clipboard ? copy : "";
}

const ALERTS = {
	danger: ["!", _("Error:")],
	warning: ["!", _("Warning:")],
	success: ["✓", _("Done:")],
	info: ["i", _("Note:")],
};

/* kind: danger, warning, success, info. Beginnings that a screen reader needs are not shown. */
export function alert(kind, text, ...children) {
	const [sign, word] = ALERTS[kind];

	return element("div", { class: `pf-v6-c-alert pf-m-inline pf-m-${kind}` },
		element("div", { class: "pf-v6-c-alert__icon sign", "aria-hidden": "true" }, sign),
		element("p", { class: "pf-v6-c-alert__title lines" },
			element("span", { class: "pf-v6-screen-reader" }, `${word} `), text),
		children.length > 0 &&
			element("div", { class: "pf-v6-c-alert__description" }, ...children));
}

/* Do it; if that fails, `place` says why. */
export async function attempt(place, action) {
	try {
		await action();
	} catch (error) {
		place.replaceChildren(alert("danger", tool.sentence(error)));
	}
}

export function card(title, ...children) {
	return element("section", { class: "pf-v6-c-card" },
		element("div", { class: "pf-v6-c-card__title" },
			element("h2", { class: "pf-v6-c-card__title-text" }, title)),
		element("div", { class: "pf-v6-c-card__body" }, ...children));
}

/* color: green, orange, red, blue, grey */
export function label(text, color) {
	return element("span", { class: `pf-v6-c-label pf-m-${color}` },
		element("span", { class: "pf-v6-c-label__content" },
			element("span", { class: "pf-v6-c-label__text" }, text)));
}

export function actions(...children) {
	return element("div", { class: "actions" }, ...children);
}

/* A label and its input, which `attributes` describes. */
export function field(text, attributes) {
	const input = element("input", { type: "text", autocomplete: "off", spellcheck: "false",
					 ...attributes });

	return { input, group: element("label", { class: "field" },
		element("span", { class: "pf-v6-c-form__label-text" }, text),
		element("span", { class: "pf-v6-c-form-control" }, input)) };
}

/* heads: texts; rows: arrays of texts and elements. The first cell names its row. */
export function table(caption, heads, rows) {
	const cell = (content, at) => element(at ? "td" : "th",
		{ class: at ? "pf-v6-c-table__td" : "pf-v6-c-table__th", role: at ? "cell" : "rowheader",
		  scope: at ? null : "row", "data-label": heads[at] }, content);

	return element("table", { class: "pf-v6-c-table pf-m-grid-md pf-m-compact", role: "table",
				  "aria-label": caption },
		element("thead", { class: "pf-v6-c-table__thead", role: "rowgroup" },
			element("tr", { class: "pf-v6-c-table__tr", role: "row" },
				heads.map(head => element(head ? "th" : "td",
					{ class: "pf-v6-c-table__th", role: head ? "columnheader" : "cell",
					  scope: head ? "col" : null }, head)))),
		element("tbody", { class: "pf-v6-c-table__tbody", role: "rowgroup" },
			rows.map(cells => element("tr", { class: "pf-v6-c-table__tr", role: "row" },
				cells.map(cell)))));
}

/* While something is being read. */
export function waiting() {
	return element("p", { class: "waiting", role: "status" }, _("One moment…"));
}
