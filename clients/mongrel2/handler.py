"""A Mongrel2 with one handler, and HTTP clients: handler.py DIRECTORY."""

import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

import zmq

directory = sys.argv[1]
os.chdir(directory)
UUID = "f400bf85-4538-4f7a-8908-67e313d515c2"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


http_port, requests_port, answers_port = free_ports(3)
with open("mongrel2.conf", "w") as file:
    file.write(
        f"""
handler = Handler(send_spec='tcp://127.0.0.1:{requests_port}', send_ident='34f9ceee-cd52-4b7f-b197-88bf2f0ec378',
    recv_spec='tcp://127.0.0.1:{answers_port}', recv_ident='')
main = Server(uuid="{UUID}", access_log="/logs/access.log", error_log="/logs/error.log", chroot="./",
    default_host="localhost", name="test", pid_file="/run/mongrel2.pid", port={http_port}, bind_addr='127.0.0.1',
    hosts=[Host(name="localhost", routes={{'/': handler}})])
servers = [main]
settings = {{"limits.content_length": 2000000}}
"""
    )
subprocess.run(["m2sh", "load", "-config", "mongrel2.conf", "-db", "config.sqlite"], check=True)
# It goes to the background.
subprocess.run([os.environ["first"], "mongrel2", "config.sqlite", UUID], stdout=subprocess.DEVNULL, check=True)

context = zmq.Context()
requests = context.socket(zmq.PULL)
requests.connect(f"tcp://127.0.0.1:{requests_port}")
answers = context.socket(zmq.PUB)
answers.linger = 0
answers.connect(f"tcp://127.0.0.1:{answers_port}")


def netstring(data):
    length, rest = data.split(b":", 1)
    return rest[: int(length)], rest[int(length) + 1 :]


def serve():
    while True:
        server, client, path, rest = requests.recv().split(b" ", 3)
        _, rest = netstring(rest)
        body, _ = netstring(rest)
        text = hashlib.sha256(body).hexdigest().encode() if body else path
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)
        answers.send(b"%s %d:%s, %s" % (server, len(client), client, answer))


threading.Thread(target=serve, daemon=True).start()


def ask(method, path, body=None):
    connection = http.client.HTTPConnection("localhost", http_port, timeout=20)
    connection.request(method, path, body)
    response = connection.getresponse()
    assert response.status == 200, response.status
    return response.read()


def until_ready():
    # The answer is lost while the subscription to the handler's PUB is under way.
    end = time.monotonic() + 30
    while True:
        try:
            connection = http.client.HTTPConnection("localhost", http_port, timeout=1)
            connection.request("GET", "/ready")
            return connection.getresponse().read()
        except OSError:
            assert time.monotonic() < end, "not ready"
            time.sleep(0.1)


def request():
    for number in range(200):
        assert ask("GET", f"/request/{number}") == f"/request/{number}".encode()


def requests_at_once():
    failures = []

    def several(thread):
        try:
            for number in range(25):
                assert ask("GET", f"/{thread}/{number}") == f"/{thread}/{number}".encode()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=several, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def post_of_1_mb():
    body = os.urandom(1_000_000)
    assert ask("POST", "/post", body).decode() == hashlib.sha256(body).hexdigest()


def ends():
    with open("run/mongrel2.pid") as file:
        pid = int(file.read())
    # One signal more than it takes: it waits for connections that are open.
    for _ in range(2):
        os.kill(pid, signal.SIGINT)
        time.sleep(0.5)
    end = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < end, "still there"
        time.sleep(0.1)


for exchange in (until_ready, request, requests_at_once, post_of_1_mb, ends):
    try:
        exchange()
        print("ok", exchange.__name__, flush=True)
    except Exception:
        print("not ok", exchange.__name__, flush=True)
        traceback.print_exc()
os._exit(0)
