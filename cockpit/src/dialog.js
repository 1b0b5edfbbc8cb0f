/* SPDX-License-Identifier: BSD-2-Clause */
/* A dialog on top of the page. The browser keeps the focus in it, and closes it by Escape. */
import { element } from "./element.js";

/* Open one with `children`; `close` is called when it is closed, however that happens. While
 * `box.held` is true Escape does not close it. */
export function open(title, close, ...children) {
	const heading = element("h1", { class: "pf-v6-c-modal-box__title", id: "dialog-title", tabindex: "-1" },
		title);
	const box = element("dialog", { class: "pf-v6-c-modal-box", "aria-labelledby": "dialog-title" },
		element("header", { class: "pf-v6-c-modal-box__header" }, heading),
		element("div", { class: "pf-v6-c-modal-box__body parts" }, ...children));

	box.addEventListener("cancel", event => box.held && event.preventDefault());
	box.addEventListener("close", () => {
		box.remove();
		close();
	});
	document.body.append(box);
	box.showModal();
	heading.focus();
	return box;
}
