"""Two rsyslogd: what one reads from a UNIX socket goes to the other, which writes a file: forward.py DIRECTORY."""

import os
import socket
import subprocess
import sys
import time
import traceback

import zmq

directory = sys.argv[1]
TIMEOUT = 30
MESSAGES = 2000


def certificate(name):
    """As zcert_save writes them."""
    public, secret = (key.decode() for key in zmq.curve_keypair())
    lines = [f'public-key = "{public}"', f'secret-key = "{secret}"']
    for suffix, lines in (("", lines[:1]), ("_secret", lines)):
        with open(f"{directory}/{name}{suffix}", "w") as file:
            file.write("metadata\ncurve\n" + "".join(f"    {line}\n" for line in lines))
    return f"{directory}/{name}"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def start(name, configuration, side):
    path = f"{directory}/{name}.conf"
    with open(path, "w") as file:
        file.write(configuration)
    with open(f"{directory}/{name}.output", "w") as output:
        return subprocess.Popen(
            [os.environ[side], "/usr/sbin/rsyslogd", "-n", "-f", path, "-i", f"{directory}/{name}.pid"],
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def wait_until(condition, what):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def forward(name, kind_out, kind_in, security_out="", security_in="", endpoint=None):
    """MESSAGES lines from one to the other, in order."""
    endpoint = endpoint or f"tcp://127.0.0.1:{free_port()}"
    written, log_socket = f"{directory}/{name}.log", f"{directory}/{name}.sock"
    topics = 'topics=""' if kind_in == "SUB" else ""
    receiver = start(f"{name}-in", f"""
module(load="imczmq" {security_in})
template(name="line" type="string" string="%rawmsg%\\n")
ruleset(name="write") {{ action(type="omfile" file="{written}" template="line") }}
input(type="imczmq" endpoints="@{endpoint}" socktype="{kind_in}" ruleset="write" {topics})
""", "second")
    sender = start(f"{name}-out", f"""
module(load="imuxsock" SysSock.Use="off")
module(load="omczmq" {security_out})
input(type="imuxsock" Socket="{log_socket}" CreatePath="on" RateLimit.Interval="0")
template(name="text" type="string" string="%msg%")
action(type="omczmq" endpoints=">{endpoint}" socktype="{kind_out}" template="text")
""", "first")
    try:
        wait_until(lambda: os.path.exists(log_socket), "no socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.connect(log_socket)

            def received():
                try:
                    with open(written) as file:
                        return file.read().split("\n")[:-1]
                except FileNotFoundError:
                    return []

            # A subscription, or the first connection, takes a while.
            def arrives():
                log.send(b"<13>test: begin")
                time.sleep(0.1)
                return received()

            wait_until(arrives, "nothing arrives")
            for number in range(MESSAGES):
                log.send(b"<13>test: number %d" % number)
            wait_until(lambda: f"number {MESSAGES - 1}" in (received() or [""])[-1], "not all arrive")
            numbers = [line.split()[-1] for line in received() if "number" in line]
            assert numbers == [str(number) for number in range(MESSAGES)], len(numbers)
    finally:
        for process in (sender, receiver):
            process.terminate()
        # How the receiver ends is not judged: clients/README.md.
        for process in (sender, receiver):
            process.wait(TIMEOUT)


def curve():
    server, client = certificate("server"), certificate("client")
    return (
        f'authtype="CURVECLIENT" servercertpath="{server}" clientcertpath="{client}_secret"',
        f'authtype="CURVESERVER" authenticator="on" servercertpath="{server}_secret" clientcertpath="{directory}/allowed"',
    )


def push_pull():
    forward("push", "PUSH", "PULL")


def push_pull_ipc():
    forward("ipc", "PUSH", "PULL", endpoint=f"ipc://{directory}/endpoint")


def dealer_router():
    forward("dealer", "DEALER", "ROUTER")


def publish_subscribe():
    forward("publish", "PUB", "SUB")


def with_curve():
    out, into = curve()
    os.makedirs(f"{directory}/allowed", exist_ok=True)
    os.link(f"{directory}/client", f"{directory}/allowed/client")
    forward("curve", "PUSH", "PULL", out, into)


for exchange in (push_pull, push_pull_ipc, dealer_router, publish_subscribe, with_curve):
    try:
        exchange()
        print("ok", exchange.__name__, flush=True)
    except Exception:
        print("not ok", exchange.__name__, flush=True)
        traceback.print_exc()
for name in sorted(os.listdir(directory)):
    if name.endswith(".output"):
        with open(f"{directory}/{name}") as file:
            print(f"--- {name}\n{file.read()}")
