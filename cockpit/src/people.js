/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has enrolled and who has not, by group and by name. */
import { element } from "./element.js";
import { standing } from "./standing.js";
import * as tool from "./tool.js";
import * as when from "./when.js";
import { alert, card, field, table } from "./widget.js";

const _ = cockpit.gettext;
const SHOWN = 100; // names; a search finds the others

function bar(tally) {
	const share = cockpit.format(_("$0 of $1"), tally.enrolled, tally.people);

	return element("span", { class: "bar" },
		element("progress", { max: tally.people || 1, value: tally.enrolled, "aria-label": share }), share);
}

function groups(report) {
	const need = group => group.required ? _("a code is required") : group.exempt ? _("exempt") : "";

	return table(_("Groups"), [_("Group"), _("Enrolled"), _("Need a code and have none"), _("Policy")],
		report.groups.map(group => [group.group, bar(group), String(group.missing), need(group)]));
}

function summary(report) {
	return card(_("Enrollment"),
		element("p", {}, cockpit.format(_("$0 of $1 people have enrolled; $2 of them have logged in with a code."),
			report.enrolled, report.people, report.in_use)),
		report.missing > 0 && element("p", {}, cockpit.format(
			_("People who need a code, now or later, and have no phone enrolled: $0"), report.missing)),
		report.enforce && element("p", {}, cockpit.format(_("The policy: enforce = $0"), report.enforce)),
		report.partial && alert("info", _("A name service does not list everybody: accounts that are not enrolled may be missing here.")),
		report.groups.length > 0 && groups(report));
}

/* Everybody in the list and with a name in the report: name, a word for the standing, last login. */
function everybody(names, list) {
	const people = new Map(list.map(one => [one.user, one]));

	for (const word of ["missing", "invited", "not_confirmed", "never_logged_in", "refused"])
		for (const user of names[word] || [])
			if (!people.has(user))
				people.set(user, { user, status: word, tokens: [] });
	return [...people.values()].sort((one, other) => one.user.localeCompare(other.user));
}

function link(user) {
	return element("a", { href: `#/people/${encodeURIComponent(user)}` }, user);
}

function names(people, wanted) {
	const found = people.filter(one => `${one.user} ${standing(one.status).text}`.toLowerCase()
		.includes(wanted.toLowerCase()));

	return [
		found.length > 0 && table(_("People"),
			[_("Name"), _("Status"), _("Last login with a code"), _("Recovery codes left")],
			found.slice(0, SHOWN).map(one => [link(one.user), standing(one.status).label(),
				when.time(one.last_login), String(one.recovery_codes_left ?? "")])),
		found.length > SHOWN && element("p", {}, cockpit.format(_("And $0 more: search for a name."),
			found.length - SHOWN)),
		wanted && !people.some(one => one.user === wanted) &&
			element("p", {}, _("Another account of this host:"), " ", link(wanted)),
	].filter(one => one);
}

/* What the help desk has instead of the report. */
async function invited() {
	return (await tool.document("invite")).filter(one => one.status === "open").map(one => one.user);
}

export async function show(place) {
	const desk = tool.is_help_desk();
	const [more, list] = await Promise.all([desk ? invited() : tool.document("report"), tool.document("list")]);
	const people = everybody(desk ? { invited: more } : more.names, list);
	const found = element("div", { class: "parts" }, ...names(people, ""));
	const search = field(_("Search by name or status"), { type: "search",
		oninput: event => found.replaceChildren(...names(people, event.target.value.trim())) });

	place.replaceChildren(desk ? "" : summary(more), card(_("People"),
		desk && element("p", {}, _("Here are people who have enrolled or are invited. For anybody else, type the name of the account.")),
		search.group, found));
}
