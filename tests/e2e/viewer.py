#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""viewer.py TRACE VICTIM CULPRIT [SCREENSHOT.png]: does the browser show the gap?

Serves TRACE with `go tool trace`, opens its pages in headless Chromium and looks at what the trace viewer has on its
rows, by processor and by thread: the gap of VICTIM (a name) that CULPRIT had most of is told in words where VICTIM runs
again, VICTIM has no slice within it, and CULPRIT has. /usertasks has to have it as a task.

The environment variables GO, GOTOOLCHAIN and CHROMIUM choose the programs.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from browser import FRAMES, PATIENCE_S, Browser


def serve(trace, log):
    """Starts the viewer's server; returns it and its address."""
    process = subprocess.Popen([os.environ.get("GO", "go"), "tool", "trace", "-http=127.0.0.1:0", trace],
                               env={**os.environ, "BROWSER": "/bin/true"}, stdout=log, stderr=log,
                               start_new_session=True)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with open(log.name, encoding="utf-8", errors="replace") as text:
            said = text.read()
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        if address:
            return process, address.group(0)
        if process.poll() is not None:
            raise SystemExit(f"viewer: go tool trace ended: {said}")
        time.sleep(0.1)
    raise SystemExit(f"viewer: go tool trace does not serve: {said}")


VIEWER = "const viewer = document.getElementById('trace-viewer');"

# Everything on the rows: slices and instants with their row, name, start and length in ms.
SLICES = "(() => {" + VIEWER + """
    const all = [];
    for (const p of Object.values(viewer.model.processes))
        for (const t of Object.values(p.threads)) {
            for (const s of t.sliceGroup.slices)
                all.push([`${p.name} ${t.name}`, s.title, s.start, s.duration]);
        }
    return all;
})()"""


def check(what, holds):
    if not holds:
        raise SystemExit(f"viewer: FAILED: {what}")
    print(f"viewer: {what}")


def look_at_rows(browser, address, view, victim, culprit):
    """Where the gap is that the culprit had most of, in ms of the page."""
    browser.open(f"{address}/trace?view={view}",
                 "(v => v.model && Object.keys(v.model.processes).length && v.trackView)"
                 "(document.getElementById('trace-viewer'))")
    slices = browser.evaluate(SLICES)
    # Slices carry the goroutine in both views, with a label behind it where the thread had another name before.
    own, other = (re.compile(rf"G\d+ {re.escape(name)}( \(.*\))?$") for name in (victim, culprit))
    runs = [s for s in slices if own.match(s[1])]
    check(f"{view}: {len(runs)} slices of {victim}", len(runs) >= 2)
    logs = [s for s in slices if f"[gap] {victim}/" in s[1]]
    told = max(logs, key=lambda s: blamed_ms(s[1], culprit), default=None)
    check(f"{view}: the gap in words: {told[1] if told else 'none'}", told and blamed_ms(told[1], culprit) > 0)
    length = duration_ms(re.search(rf"waited ({DURATION})", told[1]).group(1))
    end = min((s[2] for s in runs), key=lambda at: abs(at - told[2]))
    check(f"{view}: {victim} runs when its gap has ended", abs(end - told[2]) < 0.01)
    start = end - length
    check(f"{view}: and not before", not any(s[2] < end - 0.02 and s[2] + s[3] > start + 0.02 for s in runs))
    busy = sum(min(s[2] + s[3], end) - max(s[2], start) for s in slices
               if other.match(s[1]) and s[2] < end and s[2] + s[3] > start)
    blamed = blamed_ms(told[1], culprit)
    check(f"{view}: {culprit} runs for {busy:.3f} ms of it, {blamed} ms are said", busy > 0.98 * blamed)
    return start, end


DURATION = r"[\d.]+ (?:ns|us|ms|s)\b"


def duration_ms(text):
    number, unit = text.split()
    return float(number) * {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3}[unit]


def blamed_ms(sentence, culprit):
    """What a sentence says that the culprit had of the gap."""
    return sum(duration_ms(d) for d in re.findall(rf"({DURATION}) {re.escape(culprit)}/\d", sentence))


def zoom(browser, start, end):
    """Shows the gap with some time around it, selects its log, and puts away what covers it."""
    margin = (end - start) / 4
    browser.evaluate(f"""(() => {{ {VIEWER}
        for (const name of ['tr-ui-b-info-bar-group', 'tr-ui-b-mouse-mode-selector'])
            Array.from(document.querySelectorAll(name)).forEach(e => e.remove());
        for (const p of Object.values(viewer.model.processes))
            for (const t of Object.values(p.threads))
                for (const s of t.sliceGroup.slices)
                    if (s.title.startsWith('[gap]') && Math.abs(s.start - {end}) < 0.01)
                        viewer.brushingStateController.changeSelectionFromTimeline(new tr.model.EventSet([s]));
    }})()""")
    browser.evaluate(FRAMES)  # the viewer first zooms to everything, once
    browser.evaluate(f"""(() => {{ {VIEWER}
        const view = viewer.trackView.viewport, transform = view.currentDisplayTransform.clone();
        transform.xSetWorldBounds({start - margin}, {end + margin}, view.modelTrackContainer.canvas.clientWidth);
        view.setDisplayTransformImmediately(transform);
    }})()""")


def look_at_tasks(address, victim):
    with urllib.request.urlopen(f"{address}/usertasks") as page:
        tasks = page.read().decode()
    check(f"usertasks: 'gap: {victim}' is there", f"gap: {victim}" in tasks)
    with urllib.request.urlopen(f"{address}/usertask?type=" + urllib.parse.quote(f"gap: {victim}")) as page:
        task = page.read().decode()
    check("usertask: the sentence is there", re.search(rf"{re.escape(victim)}/\d+ .*waited", task))


def main():
    if len(sys.argv) not in (4, 5):
        raise SystemExit(__doc__.split("\n\n", maxsplit=1)[0])
    trace, victim, culprit = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "w", encoding="utf-8") as log:
        server, address = serve(trace, log)
        browser = None
        try:
            browser = Browser(f"{folder}/profile")
            look_at_tasks(address, victim)
            look_at_rows(browser, address, "thread", victim, culprit)
            start, end = look_at_rows(browser, address, "proc", victim, culprit)
            if len(sys.argv) == 5:
                zoom(browser, start, end)
                browser.screenshot(sys.argv[4])
        finally:
            if browser:
                browser.close()
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


main()
