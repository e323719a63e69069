#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""browser.py: headless Chromium, for tests that look at pages.

Only Python's own modules; Chromium is spoken to through its debugging pipe (file descriptors 3 and 4, JSON messages that
end in NUL). The environment variable CHROMIUM chooses the program. What Chromium tells unasked is in `events`.
"""
import base64
import json
import os
import subprocess
import time

PATIENCE_S = 90
FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"


class Browser:
    def __init__(self, profile):
        to_child, self.write = os.pipe()
        self.read, from_child = os.pipe()
        program = os.environ.get("CHROMIUM", "chromium")
        # Our ends may be 3 or 4 themselves: go through numbers that are surely free.
        spare_in, spare_out = os.dup2(to_child, 50), os.dup2(from_child, 51)
        self.process = subprocess.Popen(
            ["bash", "-c", 'exec 3<&50 4>&51 50<&- 51>&-; exec "$0" "$@"', program, "--headless", "--no-sandbox",
             "--disable-gpu", "--remote-debugging-pipe", "--window-size=1600,700", f"--user-data-dir={profile}"],
            pass_fds=(spare_in, spare_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for fd in (to_child, from_child, spare_in, spare_out):
            os.close(fd)
        self.buffer = b""
        self.events = []
        self.last_id = 0
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def receive(self):
        while b"\0" not in self.buffer:
            data = os.read(self.read, 1 << 20)
            if not data:
                raise SystemExit("browser: it went away")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if "method" in answer:
                self.events.append(answer)
            if answer.get("id") == self.last_id:
                if "error" in answer:
                    raise SystemExit(f"browser: {method}: {answer['error']['message']}")
                return answer["result"]

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"browser: page: {result['exceptionDetails']}")
        return result["result"].get("value")

    def open(self, url, ready):
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + PATIENCE_S
        while not self.evaluate(f"(() => {{ try {{ return !!({ready}); }} catch (e) {{ return false; }} }})()"):
            if time.monotonic() > deadline:
                raise SystemExit(f"browser: {url} was not ready within {PATIENCE_S} s")
            time.sleep(0.1)

    def screenshot(self, path):
        self.evaluate(FRAMES)
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self):
        os.close(self.write)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
