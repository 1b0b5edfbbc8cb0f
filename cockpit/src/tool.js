/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of totp-enroll, as the person who is logged in, and of totpctl, with Cockpit's administrative
 * access. Both print JSON; answers to questions go to standard input, never into an argument.
 */

const _ = cockpit.gettext;

const PROBLEMS = {
	"not-found": _("This host does not have the tools of pam_totp: install the package totp-tools."),
	"access-denied": _("You need administrative access for this: turn it on at the top of the page."),
	"authentication-failed": _("You need administrative access for this: turn it on at the top of the page."),
	"disconnected": _("The session has ended: log in again."),
	"terminated": _("The session has ended: log in again."),
	"no-session": _("The session has ended: log in again."),
};

/* What went wrong with a run, as one sentence. */
export function sentence(error) {
	return PROBLEMS[error.problem] || error.message || String(error);
}

function parse(line) {
	try {
		return JSON.parse(line);
	} catch {
		return { event: "error", id: "text", text: line }; // of another version of the tool
	}
}

/* Run a tool and call `take` with each object as it is printed. The promise that is returned is also
 * the process: its input() answers, its close() ends it. */
function start(argv, take, options) {
	const process = cockpit.spawn(argv, { err: "message", ...options });
	let rest = "";

	process.stream(text => {
		const lines = (rest + text).split("\n");

		rest = lines.pop();
		lines.filter(line => line).map(parse).forEach(take);
	});
	return process;
}

/* What begins a text in lower case wherever it stands. */
const NAMES = ["etcd", "haproxy", "libpam", "sshd", "su", "sudo", "totpd"];

/* In a terminal a text follows the name of the tool or of a file; here it is a sentence of its own. */
export function whole(text) {
	const [word] = text.match(/^[a-z]+(?=[ ,])/) || [""];
	const begin = NAMES.includes(word) ? word : word.charAt(0).toUpperCase() + word.slice(1);

	return begin + text.slice(word.length) + (/[.:!?]$/.test(text) ? "" : ".");
}

/* totp-enroll, as the person who is logged in. A word that begins with "-" is no option. */
export function enroll(subcommand, words, take) {
	return start(["totp-enroll", subcommand, "--json", "--", ...words],
		one => take(["error", "warning"].includes(one.event) ? { ...one, text: whole(one.text) } : one), {});
}

/* The answer of `totp-enroll status`; throws its sentence. */
export async function status() {
	let answer = null, why = null;

	try {
		await enroll("status", [], one => {
			if (one.event === "status")
				answer = one;
			else if (one.event === "error")
				why = why || one;
		});
	} catch (error) {
		if (!why)
			throw error;
	}
	if (why)
		throw Object.assign(new Error(why.text), { id: why.id });
	return answer;
}

const ROOT = { superuser: "require" };

/* The document that a subcommand of totpctl prints, also if its exit status is not 0. */
export async function document(subcommand, ...words) {
	let text = "";

	try {
		await cockpit.spawn(["totpctl", subcommand, "--json", ...words], { err: "message", ...ROOT })
			.stream(part => { text += part; });
	} catch (error) {
		if (!text)
			throw error;
	}
	return JSON.parse(text);
}

/* Enroll a user, and return the letter that gives the secret. It counts from its first code on. */
export function letter(user) {
	return cockpit.spawn(["totpctl", "enroll", "--letters", "-", "--must-confirm", "--", user],
		{ err: "message", ...ROOT });
}

/* The objects that a subcommand prints about users. One of them says what went wrong, if anything
 * did. Users that begin with "-" are no options. */
export async function objects(subcommand, options = [], users = []) {
	const taken = [];

	try {
		await start(["totpctl", subcommand, "--json", ...options, ...(users.length ? ["--", ...users] : [])],
			one => taken.push(one), ROOT);
	} catch (error) {
		if (taken.length === 0)
			throw error;
	}
	return taken;
}
