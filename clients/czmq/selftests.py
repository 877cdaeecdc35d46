"""Calls the functions z..._test of libczmq: selftests.py DIRECTORY (where the runs wait for each other)."""

import ctypes
import fcntl
import os
import subprocess
import sys

TESTS = """
zactor zarmour zauth zbeacon zcert zcertstore zchunk zclock zconfig zdigest zdir zdir_patch zfile zframe zgossip zhash
zhashx ziflist zlist zlistx zloop zmonitor zmsg zpoller zproxy zrex zsock zsock_option zstr zsys zuuid
""".split()

if len(sys.argv) > 2:
    # Standard output may be a pipe, and the tests end without exit(3) when they fail.
    getattr(ctypes.CDLL("libczmq.so.4"), sys.argv[2] + "_test")(ctypes.c_bool(False))
    sys.exit()

# The beacons stay on this machine.
environment = dict(os.environ, ZSYS_INTERFACE="lo")
for name in TESTS:
    # Some have fixed ports.
    with open(os.path.join(sys.argv[1], f"{name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            status = subprocess.run([sys.executable, *sys.argv, name], env=environment, timeout=60).returncode
        except subprocess.TimeoutExpired:
            status = "too long"
    print("ok" if status == 0 else "not ok", f"{name}_test", "" if status == 0 else status, flush=True)
