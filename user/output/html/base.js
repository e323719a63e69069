/* SPDX-License-Identifier: BSD-2-Clause */
/* What everything else is made of: elements, and numbers as kflight writes them. Text gets into the page only as text. */
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function byId(id) {
	return document.getElementById(id);
}

/* Attributes by name; "on..." is a listener, null and false are left out. Children are nodes or text. */
function fill(node, attributes, children) {
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on"))
			node.addEventListener(name.slice(2), value);
		else if (value !== null && value !== undefined && value !== false)
			node.setAttribute(name, value === true ? "" : String(value));
	}
	node.append(...children.filter((child) => child !== null && child !== undefined));
	return node;
}

function el(tag, attributes = {}, ...children) {
	return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
	return fill(document.createElementNS(SVG, tag), attributes, children);
}

/* No line breaks between a number and its unit. */
function whole(text) {
	return text.replace(/(\d) (%|ns|us|ms|s|m|h)(?![\w])/g, "$1\u00a0$2");
}

/* What is between `backticks` is something to type. */
function prose(text) {
	return text.split("`").map((piece, i) => i % 2 ? el("code", {}, piece) : whole(piece));
}

const UNITS = [["ns", 1], ["us", 1e3], ["ms", 1e6], ["s", 1e9], ["m", 6e10], ["h", 3.6e12]];

/* "11.4 ms", "830 us": three digits, as in the sentences. */
function duration(ns) {
	if (ns < 0)
		return "-" + duration(-ns);
	for (const [name, worth] of UNITS) {
		for (let decimals = worth === 1 ? 0 : 2; decimals >= 0; decimals--) {
			const text = (ns / worth).toFixed(decimals);

			if (text.replace(".", "").length <= 3 || (name === "h" && !decimals))
				return `${text} ${name}`;
		}
	}
	return "";
}

function signed(ns) {
	return (ns > 0 ? "+" : "") + duration(ns);
}

function count(n) {
	return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/* "1 gap", "1,234 gaps" */
function counted(n, one, many = one + "s") {
	return `${count(n)} ${n === 1 ? one : many}`;
}

/* With one decimal below ten, or always so many. */
function percent(part, all, decimals = null) {
	const value = all ? 100 * part / all : 0;

	if (part && value < 0.1)
		return "<0.1 %";
	return `${value.toFixed(decimals !== null ? decimals : value < 9.95 && part ? 1 : 0)} %`;
}

function clamp(value, low, high) {
	return Math.min(Math.max(value, low), high);
}

/* Calls once per frame, however often it is asked for. */
function perFrame(action) {
	let asked = false;

	return () => {
		if (asked)
			return;
		asked = true;
		requestAnimationFrame(() => {
			asked = false;
			action();
		});
	};
}

const tip = {
	show(event, lines) {
		const box = byId("tip");

		box.replaceChildren(...lines.map((line, i) => el("div", { class: i ? null : "tip-title" }, line)));
		box.hidden = false;
		const { width, height } = box.getBoundingClientRect();
		const below = event.clientY + 18 + height < innerHeight;

		box.style.left = `${clamp(event.clientX + 14, 4, Math.max(innerWidth - width - 4, 4))}px`;
		box.style.top = `${below ? event.clientY + 18 : Math.max(event.clientY - height - 12, 4)}px`;
	},
	hide() {
		byId("tip").hidden = true;
	},
};
