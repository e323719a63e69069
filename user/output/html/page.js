/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts the page together: the verdict first, what is incomplete last. */

const SEVERITIES = ["INFO", "WARN", "ERROR"];
const SEVERITY_WORDS = { INFO: ["note", "notes"], WARN: ["warning", "warnings"], ERROR: ["error", "errors"] };

function badge(severity) {
	return el("span", { class: `badge ${severity.toLowerCase()}` }, SEVERITY_WORDS[severity][0]);
}

function countsOf(findings) {
	return [...SEVERITIES].reverse().map((severity) => {
		const n = findings.filter((finding) => finding.severity === severity).length;

		return n ? el("span", { class: `badge ${severity.toLowerCase()}` }, counted(n, ...SEVERITY_WORDS[severity])) : null;
	});
}

function showVerdict(data) {
	const figure = (value, name) => el("div", {}, el("dt", {}, name), el("dd", { class: "number" }, value));
	const worst = data.gaps[0];
	const counts = data.findings ? countsOf(data.findings) : [];
	const at = data.trigger === null ? 0 : data.trigger;

	byId("verdict").append(el("h1", {}, whole(data.sentence)),
		data.findings && !data.findings.length ? el("p", {}, "No rule found anything.") : el("p", { class: "badges" }, ...counts),
		el("dl", { class: "figures" }, figure(count(data.n_gaps), data.n_gaps === 1 ? "gap" : "gaps"),
			figure(duration(data.gaps_ns), "waited in all"), figure(worst ? duration(worst.wait) : "–", "longest gap"),
			figure(duration(data.length), "window"), figure(count(data.cpus), data.cpus === 1 ? "CPU" : "CPUs"),
			figure(count(data.n_threads), "threads")),
		el("p", { class: "muted" }, `${dateText(data)} ${clockText(data, at)} UTC on ${data.host}, Linux ${data.kernel}`),
		...data.circumstances.map((line) => el("p", { class: "muted" }, whole(line))));
	byId("subject").textContent = [data.host, dateText(data), clockText(data, at).slice(0, 8)].filter((text) => text).join(" · ");
	document.title = `kflight: ${data.sentence}`;
}

function findingNode(finding, data, reveal) {
	const gap = gapOf(finding, data);
	const more = [finding.where && `While in ${finding.where}.`, finding.detail].filter((text) => text).join(" ");
	const times = finding.count > 1 ? `${count(finding.count)} times, ${duration(finding.total)} in all` : "";

	return el("li", { class: `finding ${finding.severity.toLowerCase()}` },
		el("p", { class: "finding-head" }, badge(finding.severity), el("strong", {}, finding.rule),
			el("span", { class: "muted" }, times), gap ? el("button", { type: "button", class: "quiet",
				onclick: () => reveal(gap) }, `Show gap ${count(gap.index + 1)}`) : null),
		el("p", {}, whole(finding.message)), more ? el("p", { class: "muted" }, whole(more)) : null,
		el("p", { class: "suggestion" }, ...prose(finding.suggestion)));
}

const FINDINGS_AT_FIRST = 3;

function showFindings(data, reveal) {
	if (!data.findings || !data.findings.length)
		return;
	/* First those that say something new. */
	const sorted = [...data.findings].sort((a, b) => a.again - b.again || b.own - a.own);
	const n_first = Math.min(FINDINGS_AT_FIRST, sorted.filter((finding) => !finding.again).length);
	const nodes = sorted.map((finding) => findingNode(finding, data, reveal));
	const list = el("ol", { class: "findings" }, ...nodes.slice(0, n_first));
	const left = data.n_findings - data.findings.length;
	const more = el("button", { type: "button", class: "quiet more", hidden: nodes.length <= n_first, onclick: () => {
		list.append(...nodes.slice(n_first));
		more.hidden = true;
	} }, `Show ${count(nodes.length - n_first)} more`);

	section("findings", "Findings", left ? `${count(data.findings.length)} of ${count(data.n_findings)}: the worst of each rule.` : "", list, more);
}

/* Lines that are indented by two blanks per step. */
function storyNode(text) {
	return el("div", { class: "story" }, ...text.split("\n").map((line) => {
		const depth = Math.floor(/^ */.exec(line)[0].length / 2);

		return el("p", { class: `depth-${Math.min(depth, 9)}` }, whole(line.trimStart()));
	}));
}

function showStories(data) {
	if (data.stories.length)
		section("story", "Why it took so long", "", ...data.stories.map(storyNode));
}

/* What the recording lost, and what this page leaves out. */
function showMissing(data) {
	const left = [];

	if (data.n_gaps > data.shown.gaps)
		left.push(`Of ${count(data.n_gaps)} gaps, ${selectionText(data, data.shown.gaps)} are on this page.`);
	if (data.shown.gaps > data.shown.pictures)
		left.push(`Of the gaps, ${selectionText(data, data.shown.pictures)} have a picture.`);
	if (data.shown.gaps > data.shown.sentences)
		left.push(`Of the gaps, ${selectionText(data, data.shown.sentences)} have their whole sentence.`);
	if (data.n_culprits > data.culprits.length)
		left.push(`Of ${count(data.n_culprits)} culprits, only the ${count(data.culprits.length)} worst have a row.`);
	byId("missing").append(el("h2", { id: "missing-title" }, "What is incomplete"),
		data.missing.length ? el("ul", {}, ...data.missing.map((line) => el("li", {}, whole(line))))
			: el("p", {}, "Nothing is known to be missing from the recording."));
	if (left.length)
		byId("missing").append(el("h3", {}, "Left out of this page"), el("ul", {}, ...left.map((line) => el("li", {}, whole(line)))));
}

/* A browser may refuse storage to a local file: then the choice lasts as long as the page. */
const memory = {
	get() {
		try {
			return localStorage.getItem("kflight-theme");
		} catch {
			return null;
		}
	},
	set(theme) {
		try {
			localStorage.setItem("kflight-theme", theme);
		} catch {
			/* not kept */
		}
	},
};

function listenToTheme() {
	const themes = ["auto", "light", "dark"];
	const button = byId("theme");
	const choose = (theme) => {
		document.documentElement.dataset.theme = theme;
		button.textContent = `Theme: ${theme}`;
	};

	choose(themes.includes(memory.get()) ? memory.get() : "auto");
	button.addEventListener("click", () => {
		const next = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];

		choose(next);
		memory.set(next);
	});
}

/* FILE.html#gap-12 opens that gap. */
function followAddress(data, reveal) {
	const number = /^#gap-(\d+)$/.exec(location.hash);
	const gap = number && data.gaps[Number(number[1]) - 1];

	if (gap)
		reveal(gap);
}

function main() {
	listenToTheme();
	const data = readData();

	showVerdict(data);
	const list = showGaps(data);
	const reveal = (gap) => list.reveal(gap);

	showStories(data);
	showFindings(data, reveal);
	showMap(data, reveal);
	showCulprits(data);
	showThreads(data, (name) => list.filter(name));
	showRules(data);
	showMissing(data);
	followAddress(data, reveal);
	addEventListener("hashchange", () => followAddress(data, reveal));
	document.documentElement.dataset.ready = "";
}

main();
