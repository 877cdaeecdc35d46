"""Looks which libzmq the processes of a run have mapped, and ends those that are left.

watch.py RUN-ID OUR-LIBRARY library-path|preload

The processes of a run have CHECK_CLIENTS=RUN-ID/ours or RUN-ID/libzmq in their environment.
When SIGTERM comes, prints a line for each library that was seen:
    seen: SIDE has PATH in N processes      wrong: SIDE has PATH in N processes
"""

import os
import signal
import sys
import time

run_id, ours, how = sys.argv[1:]
mark = b"CHECK_CLIENTS=" + run_id.encode() + b"/"
seen = {}  # (side, path): processes
ended = False


def marked():
    """The processes of the run: (pid, side)."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                environ = file.read()
        except OSError:
            continue
        at = environ.find(mark)
        if at >= 0:
            yield int(pid), environ[at + len(mark) :].split(b"\0", 1)[0].decode()


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
