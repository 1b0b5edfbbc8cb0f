/* SPDX-License-Identifier: BSD-2-Clause */
/* Times and lengths of time as a person reads them. */
const _ = cockpit.gettext;

function language() {
	return (cockpit.language || "en").replace("_", "-");
}

/* when: seconds since 1970, or a text with date and time; 0 and null: never */
export function time(when) {
	if (!when)
		return _("never");
	return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" })
		.format(new Date(typeof when === "number" ? when * 1000 : when));
}

/* when: the same, or a date alone */
export function date(when) {
	if (!when)
		return _("never");
	return new Intl.DateTimeFormat(language(), { dateStyle: "medium" })
		.format(new Date(typeof when === "number" ? when * 1000 : when));
}

export function duration(seconds) {
	const [unit, count] = seconds < 120 ? ["second", seconds] :
		seconds < 7200 ? ["minute", Math.round(seconds / 60)] :
			["hour", Math.round(seconds / 3600)];

	return new Intl.NumberFormat(language(), { style: "unit", unit, unitDisplay: "long" })
		.format(count);
}
