"""Looks which libzmq the processes of a run have mapped, and ends those that are left.

watch.py RUN-ID STARTED OUR-LIBRARY library-path|preload

The processes of a run are those in the file STARTED, each with its side, ours or libzmq; those that have
CHECK_CLIENTS=RUN-ID/SIDE in their environment; and the children of both.
When SIGTERM comes, prints a line for each library that was seen:
    seen: SIDE has PATH in N processes      wrong: SIDE has PATH in N processes
"""

import os
import signal
import sys
import time

run_id, started, ours, how = sys.argv[1:]
mark = b"CHECK_CLIENTS=" + run_id.encode() + b"/"
seen = {}  # (side, path): processes
began = {}  # when the processes of STARTED began, None for those that ended before they were seen
ended = False


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def marked():
    """The processes of the run: (pid, side)."""
    sides = {}
    noted = {int(pid): side for pid, side in (line.split() for line in read(started).decode().splitlines())}
    parents = {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        # The name, in parentheses, may have blanks.
        fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        # One that has ended and was not waited for has nothing mapped.
        if len(fields) < 2 or fields[0] == b"Z":
            continue
        parents[pid] = int(fields[1])
        # Its number may be another process's by now: that one began later.
        if pid in noted and began.setdefault(pid, fields[19]) == fields[19]:
            sides[pid] = noted[pid]
        environ = read(f"/proc/{pid}/environ")
        at = environ.find(mark)
        if at >= 0:
            sides.setdefault(pid, environ[at + len(mark) :].split(b"\0", 1)[0].decode())
    for pid in noted:
        began.setdefault(pid, None)
    for pid in parents:
        ancestor = pid
        while ancestor and ancestor not in sides:
            ancestor = parents.get(ancestor, 0)
        if ancestor:
            yield pid, sides[ancestor]


def libraries(pid):
    try:
        with open(f"/proc/{pid}/maps") as file:
            paths = {line.rstrip("\n").split(None, 5)[5] for line in file if "/" in line}
    except OSError:
        return set()
    return {path for path in paths if path == ours or "libzmq" in os.path.basename(path)}


def look():
    for pid, side in marked():
        for path in libraries(pid):
            seen.setdefault((side, path), set()).add(pid)


def end(*_):
    global ended
    ended = True


signal.signal(signal.SIGTERM, end)
while not ended:
    look()
    time.sleep(0.1)

for attempt in range(50):
    left = [pid for pid, _ in marked()]
    for pid in left:
        try:
            os.kill(pid, signal.SIGTERM if attempt < 20 else signal.SIGKILL)
        except ProcessLookupError:
            pass
    if not left:
        break
    time.sleep(0.1)

for (side, path), pids in sorted(seen.items()):
    # A wheel's own libzmq is there as well, behind the preloaded one.
    if (path == ours) == (side == "ours"):
        print(f"seen: {side} has {path} in {len(pids)} processes")
    elif side == "libzmq" or how != "preload":
        print(f"wrong: {side} has {path} in {len(pids)} processes")
