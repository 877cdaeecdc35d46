"""The other side of a client in another language: peer.py COMMAND...

Runs the command with the endpoints of its sockets in the environment, and serves them until it ends:
    ECHO        a REP that sends back what comes
    CURVE_ECHO  the same with CURVE; CURVE_KEY is the server's public key, CLIENT_PUBLIC and
                CLIENT_SECRET are keys for who cannot make them
    PUBLISH     an XPUB that publishes "topic 0" to "topic 999" when somebody subscribes to "topic", and others between
    PULL        a PULL that wants "0" to "999"
"""

import os
import subprocess
import sys

import zmq

context = zmq.Context()
public, secret = zmq.curve_keypair()
curve_echo = context.socket(zmq.REP)
curve_echo.curve_server = True
curve_echo.curve_secretkey = secret
echo, publisher, puller = (context.socket(kind) for kind in (zmq.REP, zmq.XPUB, zmq.PULL))
publisher.sndhwm = 0
environment = dict(os.environ, CURVE_KEY=public.decode())
environment["CLIENT_PUBLIC"], environment["CLIENT_SECRET"] = (key.decode() for key in zmq.curve_keypair())
for name, socket in {"ECHO": echo, "CURVE_ECHO": curve_echo, "PUBLISH": publisher, "PULL": puller}.items():
    socket.linger = 0
    socket.bind("tcp://127.0.0.1:*")
    environment[name] = socket.last_endpoint.decode()

poller = zmq.Poller()
for socket in (echo, curve_echo, publisher, puller):
    poller.register(socket, zmq.POLLIN)
process = subprocess.Popen(sys.argv[1:], env=environment)
pulled = 0
ended = False
# What it pushed last may come when it has ended.
while not ended or poller.poll(1000):
    ended = process.poll() is not None
    for socket, _ in poller.poll(100):
        if socket in (echo, curve_echo):
            socket.send_multipart(socket.recv_multipart())
        elif socket is publisher:
            if socket.recv() == b"\x01topic":
                for number in range(1000):
                    socket.send(b"other %d" % number)
                    socket.send(b"topic %d" % number)
        elif socket.recv() == b"%d" % pulled:
            pulled += 1
print("ok" if process.returncode == 0 else "not ok", "ends with status 0")
print("ok" if pulled == 1000 else "not ok", "all that was pushed arrives")
context.destroy()
