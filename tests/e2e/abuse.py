#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Clients of the control socket that behave badly.

    abuse.py SOCKET MODE

many      1,000 requests at once, a tenth of them for snapshots: prints how often each status came; "none" is no answer
loris     200 that never finish their request, until standard input ends; prints a line when they are there
garbage   300 that send what is no request
huge      headers and bodies without end: prints the statuses
hangup    50 that ask for a snapshot and hang up
"""

import collections
import random
import resource
import select
import socket
import sys
import time


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(30)
    s.connect(path)
    return s


def request(method, target, body=b"", more=b""):
    return (
        b"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s"
        % (method, target, len(body), more, body)
    )


def status(s):
    answer = b""
    try:
        while part := s.recv(65536):
            answer += part
    except OSError:
        pass
    s.close()
    words = answer.split(None, 2)
    return words[1].decode() if len(words) > 1 and words[0].startswith(b"HTTP/1.") else "none"


def tell(counts):
    print(" ".join(f"{key}:{counts[key]}" for key in sorted(counts)))


def many(path):
    sockets = [connect(path) for _ in range(1000)]
    for i, s in enumerate(sockets):
        s.sendall(request(b"POST", b"/snapshot", b'{"reason":"many"}') if i % 10 == 0 else request(b"GET", b"/status"))
    tell(collections.Counter(status(s) for s in sockets))


def loris(path):
    sockets = []
    begun = False
    while True:
        for s in sockets[:]:
            try:
                s.send(b"X")
            except OSError:
                sockets.remove(s)
        while len(sockets) < 200:
            s = connect(path)
            s.send(b"POST /snapshot HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            sockets.append(s)
        if not begun:
            print("there", flush=True)
            begun = True
        if select.select([sys.stdin], [], [], 0.2)[0]:
            return


def garbage(path):
    dice = random.Random(4711)
    starts = [b"", b"GET ", b"POST /snapshot HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00\x01\x00", request(b"PUT", b"/triggers/"), b"\r\n" * 50]
    for i in range(300):
        s = connect(path)
        try:
            s.sendall(starts[i % len(starts)] + dice.randbytes(dice.randrange(1, 5000)))
            if i % 3:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        s.close()
    print("sent")


def huge(path):
    counts = collections.Counter()
    for sent in (
        request(b"GET", b"/status", more=b"X-Long: " + b"y" * 100000 + b"\r\n"),
        request(b"GET", b"/status", more=b"X: y\r\n" * 5000),
        request(b"GET", b"/" + b"z" * 100000),
        request(b"POST", b"/snapshot", b'{"reason":"' + b"r" * 4090 + b'"}'),
        request(b"POST", b"/snapshot", b"x" * 1000000),
        b"POST /snapshot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"1000\r\n" + b"c" * 4096 + b"\r\n") * 1000,
    ):
        s = connect(path)
        try:
            s.sendall(sent)
        except OSError:
            pass  # it has heard enough
        counts[status(s)] += 1
    tell(counts)


def hangup(path):
    for i in range(50):
        s = connect(path)
        s.sendall(request(b"POST", b"/snapshot", b'{"reason":"hang up"}'))
        time.sleep(0.001 * (i % 20))
        s.close()
    print("hung up")


def main():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    {f.__name__: f for f in (many, loris, garbage, huge, hangup)}[sys.argv[2]](sys.argv[1])


main()
