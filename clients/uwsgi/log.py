"""Receives the log of a uWSGI, of which each request is a line."""

import http.client
import os
import signal
import socket
import subprocess

import zmq

with socket.create_server(("127.0.0.1", 0)) as server:
    port = server.getsockname()[1]
context = zmq.Context()
log = context.socket(zmq.PULL)
log.rcvtimeo = 30000
log.bind("tcp://127.0.0.1:*")
process = subprocess.Popen(
    [os.environ["first"], "uwsgi-core", "--plugins", "logzmq", "--logger", f"zeromq:{log.last_endpoint.decode()}"]
    + ["--master", "--http-socket", f"127.0.0.1:{port}", "--die-on-term"],
)


def wait_for(text):
    while text not in log.recv():
        pass
    return True


print("ok" if wait_for(b"Starting uWSGI") else "not ok", "the start is logged", flush=True)
wait_for(b"spawned uWSGI worker")
for number in range(100):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/")
    # No language is loaded: it ends the connection, and logs why.
    try:
        connection.getresponse()
    except http.client.RemoteDisconnected:
        pass
    wait_for(b"unavailable modifier requested")
print("ok each request is logged", flush=True)
process.send_signal(signal.SIGTERM)
print("ok" if process.wait(30) == 0 else "not ok", "ends with status 0")
context.destroy(linger=0)
