#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""report_page.py PAGE.html [NAME...]: does the browser show the report?

Opens PAGE (of `kflight report --html`) from its file in headless Chromium and uses it: pictures, cards, zoom, hover,
sorting, filter, pages, themes. Nothing may be on the console or asked of a network, names must stay text, and every text
must have the contrast that WCAG asks for. NAMEs are those of threads that must be on it, as they are to be read.

SHOTS=FOLDER also leaves report-light.png and report-dark.png there.
"""
import base64
import json
import os
import pathlib
import sys
import tempfile

from browser import FRAMES, Browser

WIDTH, HEIGHT = 1200, 1840


def check(what, holds):
    if not holds:
        raise SystemExit(f"page: FAILED: {what}")
    print(f"page: {what}")


class Page:
    def __init__(self, browser, path):
        self.browser = browser
        self.url = pathlib.Path(path).resolve().as_uri()
        for domain in ("Runtime", "Log", "Network", "Page"):
            browser.call(f"{domain}.enable")
        self.shape(WIDTH, HEIGHT)
        self.scheme("light")
        self.load()

    def load(self):
        self.browser.open("about:blank", "true")
        self.browser.open(self.url, "document.documentElement.dataset.ready !== undefined")
        # What is to be looked at has to be there at once.
        self.get("document.documentElement.style.scrollBehavior = 'auto'")
        self.settle()

    def shape(self, width, height):
        self.browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                          mobile=False)
        self.browser.call("Emulation.setScrollbarsHidden", hidden=True)

    def scheme(self, name):
        self.browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def get(self, expression):
        return self.browser.evaluate(expression)

    def settle(self):
        self.get(FRAMES)
        self.get(FRAMES)

    def click(self, selector):
        self.get(f"document.querySelector({json.dumps(selector)}).click()")
        self.settle()

    def mouse(self, kind, x, y, **more):
        self.browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def key(self, key):
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=key, **({"text": key} if len(key) == 1 else {}))
        self.settle()

    def shot(self, path):
        self.settle()
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.browser.call("Page.captureScreenshot", format="png")["data"]))


def complaints(browser, url):
    """What Chromium wrote on its console, and what it asked for besides the page."""
    found = []
    for event in browser.events:
        params = event["params"]
        if event["method"] in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            found.append(json.dumps(params)[:500])
        elif event["method"] == "Network.requestWillBeSent" and params["request"]["url"] not in (url, "about:blank"):
            found.append(f"request of {params['request']['url']}")
    return found


def look_at_verdict(page):
    data = page.get("JSON.parse(document.getElementById('data').textContent)")
    plain = "document.querySelector('h1').textContent.replace(/\\u00a0/g, ' ')"
    check(f"the verdict is the headline: {data['sentence'][:60]}...", page.get(plain) == data["sentence"])
    sections = page.get("[...document.querySelectorAll('section:not([hidden]) h2')].map(h => h.textContent)")
    check(f"sections: {', '.join(sections)}", {"Worst gaps", "What is incomplete", "Threads"} <= set(sections))
    wide = page.get("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    check("nothing sticks out to the right", wide <= 0)
    told = sum(not finding["again"] for finding in data["findings"] or [])
    shown = page.get("document.querySelectorAll('#findings .finding').length")
    check(f"{shown} findings at first, each of another wait ({told} there are)", shown == min(3, told))
    return data


def look_at_cards(page, n):
    check("the first card is open", page.get("document.querySelectorAll('.gap-head[aria-expanded=true]').length") == 1)
    shapes = page.get("document.querySelectorAll('.picture rect').length")
    check(f"its picture has {shapes} shapes", shapes > 5)
    check("and they can be seen", page.get("document.querySelector('.picture .wait').getBoundingClientRect().width") > 20)
    if n < 2:
        return
    page.click(".gap:nth-of-type(2) .gap-head")
    check("a click opens the second card", page.get("document.querySelectorAll('.gap-head[aria-expanded=true]').length") == 2)
    check("and draws its picture", page.get("document.querySelectorAll('.picture')[1].querySelectorAll('rect').length") > 3)
    page.click(".gap:nth-of-type(2) .gap-head")
    check("another click closes it", page.get("document.querySelector('.gap:nth-of-type(2) .gap-body').hidden"))


TICKS = "[...document.querySelectorAll('.picture .tick-text')].map(t => t.textContent).join(' ')"
BOX = "(({x, y, width, height}) => [x, y, width, height])(document.querySelector('%s').getBoundingClientRect())"


def look_closer(page):
    page.get("document.querySelector('.picture').scrollIntoView({block: 'center'})")
    page.settle()
    whole = page.get(TICKS)
    x, y, width, _ = page.get(BOX % ".picture")
    page.click(".tools button:nth-of-type(2)")
    nearer = page.get(TICKS)
    check(f"the button zooms: {whole[:30]}... to {nearer[:30]}...", nearer != whole)
    page.get("document.querySelector('.picture').focus()")
    page.key("0")
    check("key 0 shows all again", page.get(TICKS) == whole)
    page.key("+")
    check("key + zooms as the button does", page.get(TICKS) == nearer)
    page.key("ArrowRight")
    moved = page.get(TICKS)
    check("an arrow key moves", moved != nearer)
    page.key("0")
    page.mouse("mouseWheel", x + width / 2, y + 40, deltaX=0, deltaY=-300)
    page.settle()
    check("the wheel zooms in a picture that has the focus", page.get(TICKS) != whole)
    page.key("0")
    page.mouse("mousePressed", x + width * 0.4, y + 40, button="left", clickCount=1)
    page.mouse("mouseMoved", x + width * 0.5, y + 40, button="left", buttons=1)
    page.mouse("mouseReleased", x + width * 0.5, y + 40, button="left", clickCount=1)
    page.settle()
    check("so does a drag", page.get(TICKS) not in (whole, nearer))
    page.key("0")
    x, y, width, height = page.get(BOX % ".picture .wait")
    page.mouse("mouseMoved", x + width / 2, y + height / 2)
    page.settle()
    told = page.get("document.getElementById('tip').hidden ? '' : document.getElementById('tip').innerText")
    check(f"hovering tells: {told.splitlines()}", "waited for CPU" in told and "from 0 ns to" in told)
    page.mouse("mouseMoved", 5, 5)
    page.settle()
    check("and stops telling", page.get("document.getElementById('tip').hidden"))


def column(page, i):
    return page.get(f"[...document.querySelectorAll('#threads tbody tr')].map(r => r.cells[{i}].textContent)")


def nanoseconds(text):
    number, _, unit = text.partition(" ")
    return float(number) * {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9, "m": 6e10, "h": 3.6e12}[unit] if unit else 0


def look_at_tables(page):
    head = "#threads th:nth-of-type(2)"
    for order, reverse in (("descending", True), ("ascending", False)):
        page.click(f"{head} button")
        got = [nanoseconds(text) for text in column(page, 1)]
        check(f"threads sorted by running time, {order}: {got[0] / 1e6} ms first", got == sorted(got, reverse=reverse))
        check("said to those who cannot see it", page.get(f"document.querySelector('{head}').ariaSort") == order)


def look_at_filter(page, data):
    shown = "document.querySelectorAll('.gap').length"
    if data["shown"]["gaps"] > 20:
        own = page.get("!!document.getElementById('gap-own')")
        if own:
            page.click("#gap-own")
        first = page.get("document.querySelector('.gap').id")
        check(f"20 of {data['shown']['gaps']} gaps are on the first page", page.get(shown) == 20)
        page.click(".pager button:last-of-type")
        check("there is a second one", page.get("document.querySelector('.gap').id") != first)
    page.get("(box => { box.value = 'no such thread'; box.dispatchEvent(new Event('input')); })"
             "(document.getElementById('gap-search'))")
    check("a filter that nothing fits leaves nothing", page.get(shown) == 0)
    page.get("location.hash = '#gap-1'")
    page.settle()
    check("an address opens its gap", page.get("document.querySelector('#gap-1 .gap-head').ariaExpanded") == "true")


def look_at_names(page, names):
    strange = page.get("document.querySelectorAll('main img, main b, main script, main iframe').length")
    check("no name became an element", strange == 0 and page.get("document.scripts.length") == 2)
    text = page.get("document.body.textContent")
    for name in names:
        check(f"{name!r} is there as text", name in text)


# Texts and what is behind them, where the ratio of their luminances is below what WCAG 2 asks for (AA).
CONTRAST = """(() => {
    const rgb = (colour) => {
        const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const luminance = (colour) => {
        const [r, g, b] = rgb(colour).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (node) => {
        for (; node; node = node.parentElement)
            if (rgb(getComputedStyle(node).backgroundColor)[3] === 255)
                return getComputedStyle(node).backgroundColor;
        return 'white';
    };
    const poor = [];
    for (const node of document.querySelectorAll('body *:not(svg *):not(script)')) {
        const text = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
        if (!text || !node.checkVisibility() || node.disabled)
            continue;
        const style = getComputedStyle(node);
        const [a, b] = [luminance(style.color), luminance(ground(node))].sort((x, y) => y - x);
        const large = parseFloat(style.fontSize) >= 24;
        if ((a + 0.05) / (b + 0.05) < (large ? 3 : 4.5))
            poor.push(`${node.textContent.slice(0, 30)}: ${((a + 0.05) / (b + 0.05)).toFixed(2)}`);
    }
    return poor;
})()"""


def look_at_themes(page, shots):
    ground = "getComputedStyle(document.body).backgroundColor"
    page.load()
    seen = {}
    for scheme in ("light", "dark"):
        page.scheme(scheme)
        page.settle()
        seen[scheme] = page.get(ground)
        poor = page.get(CONTRAST)
        check(f"{scheme}: every text has contrast {poor if poor else ''}", not poor)
        if shots:
            page.shot(f"{shots}/report-{scheme}.png")
    check(f"dark differs from light: {seen}", seen["light"] != seen["dark"])
    page.click("#theme")
    check("the button chooses light in a dark browser", page.get(ground) == seen["light"])
    page.click("#theme")
    page.scheme("light")
    check("and dark in a light one", page.get(ground) == seen["dark"])
    page.click("#theme")


def look_at_narrow(page):
    page.shape(390, 800)
    page.load()
    wide = page.get("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    check(f"a telephone's width suffices ({wide})", wide <= 0)


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__.split("\n\n", maxsplit=1)[0])
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(f"{folder}/profile")
        try:
            page = Page(browser, sys.argv[1])
            data = look_at_verdict(page)
            look_at_names(page, sys.argv[2:])
            if data["n_gaps"]:
                look_at_cards(page, len(data["gaps"]))
                look_closer(page)
                look_at_filter(page, data)
            else:
                note = page.get("document.querySelector('#gaps .note').textContent")
                check(f"no gap: {note}", ("fits" in note) == bool(data["leaves_out"]))
            look_at_tables(page)
            look_at_themes(page, os.environ.get("SHOTS"))
            look_at_narrow(page)
            found = complaints(browser, page.url)
            check(f"no complaint, no request {found if found else ''}", not found)
        finally:
            browser.close()


main()
