#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""terminal.py WAY COMMAND...: runs the command on a terminal of its own and ends it by WAY.

WAY is a key ("q"), "ctrl-c", "resize-q" (a smaller window first), "stop-q" (Ctrl-Z and SIGCONT first), "hangup", or the
name of a signal ("TERM"). Prints what came to the terminal; exit status 1 if the command did not draw or end within some
seconds, ended with another status than 0, or left the terminal in another state than it was.
"""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

SECONDS = 15
seen = b""


def die(what):
    sys.stdout.buffer.write(seen)
    print(f"\nFAILED: {what}")
    sys.exit(1)


def read_until(fd, what, since=0):
    """Reads until the bytes were seen behind `since`."""
    global seen
    end = time.monotonic() + SECONDS
    while what not in seen[since:]:
        if time.monotonic() > end:
            die(f"{what!r} did not come within {SECONDS} s")
        if select.select([fd], [], [], 0.1)[0]:
            seen += os.read(fd, 65536)


def wait_for(pid, fd, options, wanted):
    global seen
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        got, status = os.waitpid(pid, options | os.WNOHANG)
        if got and wanted(status):
            return status
        if got:
            die(f"wait status {status:#x}")
        try:
            if select.select([fd], [], [], 0.02)[0]:
                seen += os.read(fd, 65536)
        except OSError:
            time.sleep(0.02)  # the command has closed its end
    die(f"it did not end or stop within {SECONDS} s")


def main():
    global seen
    way, command = sys.argv[1], sys.argv[2:]
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    before = termios.tcgetattr(slave)
    pid = os.fork()
    if not pid:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        os.execvp(command[0], command)
    read_until(master, b"UTC, last")
    if termios.tcgetattr(slave) == before:
        die("the terminal still echoes")
    if way == "resize-q":
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 40, 0, 0))
        os.kill(pid, signal.SIGWINCH)
        at = len(seen)
        read_until(master, b"UTC, last", at)
        read_until(master, b"UTC, last", seen.index(b"UTC, last", at) + 1)
        os.write(master, b"q")
    elif way == "stop-q":
        os.write(master, b"\x1a")
        wait_for(pid, master, os.WUNTRACED, os.WIFSTOPPED)
        if termios.tcgetattr(slave) != before:
            die("the terminal is not given back while it is stopped")
        at = len(seen)
        os.kill(pid, signal.SIGCONT)
        read_until(master, b"UTC, last", at)
        os.write(master, b"q")
    elif way == "ctrl-c":
        os.write(master, b"\x03")
    elif way == "hangup":
        os.kill(pid, signal.SIGHUP)
    elif len(way) == 1:
        os.write(master, way.encode())
    else:
        os.kill(pid, getattr(signal, "SIG" + way))
    status = wait_for(pid, master, 0, lambda s: os.WIFEXITED(s) and os.WEXITSTATUS(s) == 0)
    while select.select([master], [], [], 0.2)[0]:
        try:
            seen += os.read(master, 65536)
        except OSError:
            break
    if termios.tcgetattr(slave) != before:
        die("the terminal is not as it was")
    for begin, end, what in ((b"\x1b[?1049h", b"\x1b[?1049l", "screen"), (b"\x1b[?25l", b"\x1b[?25h", "cursor")):
        if seen.count(begin) == 0 or seen.rfind(end) < seen.rfind(begin):
            die(f"the {what} is not given back")
    sys.stdout.buffer.write(seen)
    return status


sys.exit(main())
