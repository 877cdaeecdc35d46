"""Work for two engines: compute.py CONNECTION-FILE."""

import os
import sys
import time
import traceback

import ipyparallel

path = sys.argv[1]
end = time.monotonic() + 60
while not os.path.exists(path) and time.monotonic() < end:
    time.sleep(0.1)
client = ipyparallel.Client(path, timeout=60)
client.wait_for_engines(2, timeout=60)
everyone = client[:]


def every_engine():
    assert len(set(everyone.apply_sync(os.getpid))) == 2


def push_and_pull():
    everyone.push({"text": "x" * 1_000_000}, block=True)
    assert everyone.pull("text", block=True) == ["x" * 1_000_000] * 2


def scatter_and_gather():
    everyone.scatter("part", list(range(1000)), block=True)
    assert list(everyone.gather("part", block=True)) == list(range(1000))


def balanced_tasks():
    view = client.load_balanced_view()
    assert view.map_sync(lambda number: number * number, range(500)) == [number * number for number in range(500)]


def an_error():
    try:
        everyone.apply_sync(lambda: 1 / 0)
    except ipyparallel.error.CompositeError:
        return
    raise AssertionError("no error")


def printed_output():
    result = everyone.execute("print('printed')", block=True)
    result.wait_for_output(30)
    assert result.stdout == ["printed\n"] * 2, result.stdout


def shutdown():
    client.shutdown(hub=True, block=True)


for exchange in (every_engine, push_and_pull, scatter_and_gather, balanced_tasks, an_error, printed_output, shutdown):
    try:
        exchange()
        print("ok", exchange.__name__, flush=True)
    except Exception:
        print("not ok", exchange.__name__, flush=True)
        traceback.print_exc()
os._exit(0)
