#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Asks the flight recorder of this host for a snapshot when a request to a WSGI application was slow.

    from kflight_wsgi import Kflight
    application = Kflight(application, limit=0.2)

The snapshot holds the last seconds of scheduling of the whole host, with the trace and span id of the request, so that it can be
found from the trace. It is asked for in a thread of its own, and at most once per `every` seconds: a service that is slow all the
time is not made slower. Only the standard library is needed.
"""

import argparse
import http.client
import json
import logging
import socket
import threading
import time

log = logging.getLogger("kflight")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("kflight", timeout=30)  # the answer comes when the file is written
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Kflight:
    def __init__(self, application, limit=0.5, every=30.0, path="/run/kflight/control.sock"):
        self._application = application
        self._limit = limit
        self._every = every
        self._path = path
        self._lock = threading.Lock()
        self._next = 0.0

    def __call__(self, environ, start_response):
        return _Measured(self, environ, start_response)

    def finished(self, environ, took):
        if took <= self._limit or not self._may_ask():
            return
        reason = f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')} took {took * 1e3:.0f} ms"
        # WSGI has bytes as Latin-1
        reason = reason.encode("latin-1", "replace").decode("utf-8", "replace")
        ask = threading.Thread(target=self._ask, args=(reason, environ.get("HTTP_TRACEPARENT", "")), daemon=True)
        ask.start()

    def _may_ask(self):
        now = time.monotonic()
        with self._lock:
            if now < self._next:
                return False
            self._next = now + self._every
            return True

    def _ask(self, reason, traceparent):
        wish = {"reason": reason.encode()[:256].decode("utf-8", "ignore")}
        headers = {"Content-Type": "application/json"}
        if traceparent:
            headers["traceparent"] = traceparent  # the recorder takes trace and span id out of it
        connection = _UnixConnection(self._path)
        try:
            connection.request("POST", "/snapshot", json.dumps(wish), headers)
            answer = connection.getresponse()
            text = answer.read(4096).decode("utf-8", "replace").strip()
            log.warning("snapshot of %s: %d: %s", reason, answer.status, text)
        except (OSError, ValueError, http.client.HTTPException) as error:
            log.warning("no snapshot of %s: %s", reason, error)
        finally:
            connection.close()


class _Measured:
    """The application's answer; it is finished when the server closes it."""

    def __init__(self, kflight, environ, start_response):
        self._kflight = kflight
        self._environ = environ
        self._begin = time.monotonic()
        self._body = kflight._application(environ, start_response)

    def __iter__(self):
        return iter(self._body)

    def close(self):
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._kflight.finished(self._environ, time.monotonic() - self._begin)


def _slow_application(environ, start_response):
    slow = environ["PATH_INFO"] == "/slow"
    if slow:
        time.sleep(0.15)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"slow\n" if slow else b"fast\n"]


def main():
    """A server that is slow when asked for /slow."""
    from wsgiref.simple_server import make_server

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--socket", default="/run/kflight/control.sock", help="of the recorder")
    parser.add_argument("--limit", type=float, default=0.1, help="seconds: what takes longer is slow")
    parser.add_argument("--every", type=float, default=30, help="seconds: at most one snapshot in this time")
    o = parser.parse_args()
    logging.basicConfig()
    application = Kflight(_slow_application, o.limit, o.every, o.socket)
    with make_server("127.0.0.1", o.port, application) as server:
        print(f"listening at 127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
