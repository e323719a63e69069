#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A store that takes what is PUT: store.py FOLDER. Prints its port; the body goes to FOLDER/PATH, the headers to FOLDER/PATH.headers.

Paths that begin with /refuse are answered with 403. Enough of HTTP for curl and for the S3 clients (chunked bodies of
aws-chunked are stored as they come).
"""
import http.server
import os
import sys
import urllib.parse

folder = sys.argv[1]


class Store(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).lstrip("/")
        if self.headers.get("Expect", "").lower() == "100-continue":
            pass  # handle_expect_100 has answered
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        refused = path.startswith("refuse") or ".." in path
        if not refused:
            name = os.path.join(folder, path)
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name + ".headers", "w") as f:
                f.write(str(self.headers))
            with open(name + ".tmp", "wb") as f:
                f.write(body)
            os.rename(name + ".tmp", name)
        self.send_response(403 if refused else 200)
        self.send_header("ETag", '"0"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
print(server.server_address[1], flush=True)
server.serve_forever()
