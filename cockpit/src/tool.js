/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of totp-enroll, as the person who is logged in, and of totpctl: with Cockpit's administrative
 * access, or without it, by a member of the help desk, with pkexec. Both print JSON; answers to
 * questions go to standard input, never into an argument.
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
function start(argv, options, take) {
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
	return start(["totp-enroll", subcommand, "--json", "--", ...words], {},
		one => take(["error", "warning"].includes(one.event) ? { ...one, text: whole(one.text) } : one));
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

export const admin = cockpit.permission({ admin: true });

let member = false;

/* Ask polkit whether the person may run `totpctl helpdesk` without being asked for anything: nobody
 * could answer. It logs nothing about those who may not. */
export async function find_help_desk() {
	try {
		await cockpit.script("exec pkcheck --action-id org.pam-totp.helpdesk --process $$", [],
			{ err: "message" });
		member = true;
	} catch {
		member = false; // polkit denies it, or is not there
	}
	return member;
}

/* Without administrative access, a member of the help desk has those subcommands that it has. */
export function is_help_desk() {
	return member && !admin.allowed;
}

/* What runs totpctl as root. */
function totpctl(words) {
	return is_help_desk() ? [["pkexec", "--disable-internal-agent", "totpctl", "helpdesk", ...words], {}] :
		[["totpctl", ...words], { superuser: "require" }];
}

/* Why totpctl was not run, or did nothing; pkexec has two exit statuses of its own. */
function failure(error) {
	if (is_help_desk() && error.problem === "not-found")
		return new Error(_("The help desk needs pkexec on this host: install the package pkexec."));
	if (is_help_desk() && [126, 127].includes(error.exit_status))
		return new Error(_("polkit does not allow you to help others on this host: ask your administrator."));
	return error;
}

/* The document that a subcommand of totpctl prints, also if its exit status is not 0. */
export async function document(subcommand, ...words) {
	const [argv, options] = totpctl([subcommand, "--json", ...words]);
	let text = "";

	try {
		await cockpit.spawn(argv, { err: "message", ...options }).stream(part => { text += part; });
	} catch (error) {
		if (!text)
			throw failure(error);
	}
	return JSON.parse(text);
}

/* Enroll a user, and return the letter that gives the secret. It counts from its first code on. */
export function letter(user) {
	const [argv, options] = totpctl(["enroll", "--letters", "-", "--must-confirm", "--", user]);

	return cockpit.spawn(argv, { err: "message", ...options });
}

/* The objects that a subcommand prints about users. One of them says what went wrong, if anything
 * did. Users that begin with "-" are no options. */
export async function objects(subcommand, options = [], users = []) {
	const taken = [];

	try {
		await start(...totpctl([subcommand, "--json", ...options, ...(users.length ? ["--", ...users] : [])]),
			one => taken.push(one));
	} catch (error) {
		if (taken.length === 0)
			throw failure(error);
	}
	return taken;
}
