/* SPDX-License-Identifier: BSD-2-Clause */
/* A new secret: the picture to scan, and the same as text. */
import { element } from "./element.js";
import { actions, copier } from "./widget.js";

const _ = cockpit.gettext;

/* What an app has to be told if it is not what all apps assume. */
function settings(secret) {
	if (secret.type === "hotp")
		return _("The codes depend on a counter.");
	if (secret.algorithm === "SHA1" && secret.digits === 6 && secret.period === 30)
		return null;
	return cockpit.format(_("$0, $1 digits, a new code every $2 seconds"), secret.algorithm,
		secret.digits, secret.period);
}

/* secret: totp-enroll's object. A hardware token has its secret already: nothing is shown. */
export function show(secret) {
	const detail = settings(secret);

	if (!secret.svg)
		return [];
	return [
		element("p", {}, _("Scan the picture with an authenticator app on your phone, such as Aegis, FreeOTP or Google Authenticator. Then type the code that the app shows.")),
		element("div", { class: "secret" },
			element("img", { class: "picture", alt: _("QR code that holds the secret"),
					 src: `data:image/svg+xml,${encodeURIComponent(secret.svg)}` }),
			element("div", { class: "parts" },
				element("p", {}, _("Or type this key into the app:"), " ",
					element("code", { class: "key" },
						secret.secret.match(/.{1,4}/g).map(group => element("span", {}, group)))),
				detail && element("p", {}, detail),
				actions(copier(_("Copy the key"), secret.secret)))),
	];
}
