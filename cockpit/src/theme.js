/* SPDX-License-Identifier: BSD-2-Clause */
/* Dark or light, as Cockpit's menu says; "auto" is what the browser prefers. */
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function apply() {
	const style = localStorage.getItem("shell:style") || "auto";

	document.documentElement.classList.toggle("pf-v6-theme-dark",
		style === "dark" || (style === "auto" && dark.matches));
}

export function follow() {
	window.addEventListener("storage", event => event.key === "shell:style" && apply());
	window.addEventListener("cockpit-style", apply);
	dark.addEventListener("change", apply);
	apply();
}
