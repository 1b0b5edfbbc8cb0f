/* SPDX-License-Identifier: BSD-2-Clause */
/* Elements, made of values: no text from a tool is ever read as markup. */

/* element("a", {href: "#/", onclick: go}, "text", child): an attribute that is true has no value,
 * and one that is false, null or undefined is left out, as is such a child. */
export function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);

	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith("on"))
			made.addEventListener(key.slice(2), value);
		else if (value !== false && value !== null && value !== undefined)
			made.setAttribute(key, value === true ? "" : value);
	}
	made.append(...children.flat().filter(child => child || child === 0));
	return made;
}
