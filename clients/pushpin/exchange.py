"""HTTP clients, an origin server and a publisher, with pushpin between them: exchange.py DIRECTORY."""

import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import zmq

directory = sys.argv[1]
TIMEOUT = 30


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, headers=()):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/hold/"):
            _, _, mode, channel = self.path.split("/")
            self.answer(b"[held]\n", [("Grip-Hold", mode), ("Grip-Channel", channel), ("Grip-Timeout", "60")])
        elif self.path == "/large":
            self.answer(bytes(range(256)) * 4000)
        else:
            self.answer(self.path.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(hashlib.sha256(body).hexdigest().encode())

    def log_message(self, *arguments):
        pass


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def write_configuration(http_port, push_port, sub_port, push_http_port, command_port, origin_port):
    for name in ("run", "log"):
        os.makedirs(f"{directory}/{name}", exist_ok=True)
    with open(f"{directory}/routes", "w") as file:
        file.write(f"* 127.0.0.1:{origin_port}\n")
    with open(f"{directory}/pushpin.conf", "w") as file:
        file.write(
            f"""
[global]
include={{libdir}}/internal.conf
rundir={directory}/run
ipc_prefix=p-
port_offset=0
[runner]
services=condure,zurl,pushpin-proxy,pushpin-handler
http_port=127.0.0.1:{http_port}
logdir={directory}/log
log_level=2
client_buffer_size=8192
client_maxconn=1000
condure_bin={directory}/condure
zurl_bin={directory}/zurl
[proxy]
routesfile={directory}/routes
zurl_out_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-in
zurl_out_stream_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-in-stream
zurl_in_specs=ipc://{{rundir}}/{{ipc_prefix}}zurl-out
sig_key=changeme
updates_check=off
[handler]
push_in_spec=tcp://127.0.0.1:{push_port}
push_in_sub_specs=tcp://127.0.0.1:{sub_port}
push_in_sub_connect=false
push_in_http_addr=127.0.0.1
push_in_http_port={push_http_port}
push_in_http_max_headers_size=10000
push_in_http_max_body_size=1000000
stats_spec=ipc://{{rundir}}/{{ipc_prefix}}stats
command_spec=tcp://127.0.0.1:{command_port}
message_rate=2500
message_hwm=25000
message_wait=5000
id_cache_ttl=60
connection_subscription_max=20
subscription_linger=60
stats_format=tnetstring
"""
        )


ports = free_ports(5)
http_port, push_port, sub_port, push_http_port, _ = ports
origin = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
threading.Thread(target=origin.serve_forever, daemon=True).start()
write_configuration(*ports, origin.server_port)

context = zmq.Context()
push = context.socket(zmq.PUSH)
push.linger = 0
push.connect(f"tcp://127.0.0.1:{push_port}")
publisher = context.socket(zmq.PUB)
publisher.linger = 0
publisher.connect(f"tcp://127.0.0.1:{sub_port}")


def item(channel, **formats):
    return b"J" + json.dumps({"channel": channel, "formats": formats}).encode()


def connect(timeout=TIMEOUT):
    return http.client.HTTPConnection("127.0.0.1", http_port, timeout=timeout)


def get(path, timeout=TIMEOUT):
    connection = connect(timeout)
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.status == 200, response.status
    return response.read()


def request():
    for number in range(50):
        assert get(f"/request/{number}") == f"/request/{number}".encode()


def requests_at_once():
    failures = []

    def several(thread):
        try:
            for number in range(20):
                assert get(f"/{thread}/{number}") == f"/{thread}/{number}".encode()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=several, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def response_of_1_mb():
    assert get("/large") == bytes(range(256)) * 4000


def post_of_1_mb():
    body = os.urandom(1_000_000)
    connection = connect()
    connection.request("POST", "/post", body)
    response = connection.getresponse()
    assert response.status == 200, response.status
    assert response.read().decode() == hashlib.sha256(body).hexdigest()


def long_poll():
    answers = []
    thread = threading.Thread(target=lambda: answers.append(get("/hold/response/poll")))
    thread.start()
    # Nothing says when the request is held: published until it is answered.
    end = time.monotonic() + TIMEOUT
    while not answers and time.monotonic() < end:
        push.send(item("poll", **{"http-response": {"body": "news\n"}}))
        thread.join(0.2)
    assert answers == [b"news\n"], answers


def stream(channel, publish):
    connection = connect()
    connection.request("GET", f"/hold/stream/{channel}")
    response = connection.getresponse()
    assert response.readline() == b"[held]\n"
    publish("first")
    while response.readline() != b"first\n":
        pass
    for number in range(200):
        publish(str(number))
    # The first may have been published several times.
    line = response.readline()
    while line == b"first\n":
        line = response.readline()
    for number in range(200):
        assert line == f"{number}\n".encode(), (number, line)
        if number < 199:
            line = response.readline()
    connection.close()


def stream_by_push():
    stream("pushed", lambda text: push.send(item("pushed", **{"http-stream": {"content": text + "\n"}})))


def stream_by_publish():
    # The subscription travels from pushpin to the publisher, and nothing says when it is there.
    stopped = threading.Event()

    def publish(text):
        message = item("published", **{"http-stream": {"content": text + "\n"}})
        publisher.send_multipart([b"published", message])
        if text == "first":
            for _ in range(20):
                time.sleep(0.1)
                publisher.send_multipart([b"published", message])

    stream("published", publish)


output = open(f"{directory}/output", "w")
pushpin = subprocess.Popen(
    [os.environ["first"], "/usr/bin/pushpin", f"--config={directory}/pushpin.conf"],
    stdout=output,
    stderr=subprocess.STDOUT,
)
end = time.monotonic() + TIMEOUT
while True:
    # One that comes while its processes still connect to each other has no answer: clients/README.md.
    try:
        get("/ready", timeout=1)
        print("ok starts")
        break
    except (OSError, AssertionError):
        if time.monotonic() > end or pushpin.poll() is not None:
            print("not ok starts")
            break
        time.sleep(0.1)

for exchange in (
    request,
    requests_at_once,
    response_of_1_mb,
    post_of_1_mb,
    long_poll,
    stream_by_push,
    stream_by_publish,
):
    try:
        exchange()
        print("ok", exchange.__name__, flush=True)
    except Exception:
        print("not ok", exchange.__name__, flush=True)
        traceback.print_exc()

pushpin.terminate()
try:
    pushpin.wait(TIMEOUT)
    print("ok ends")
except subprocess.TimeoutExpired:
    print("not ok ends")
