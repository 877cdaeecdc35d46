"""A load of some seconds: load.py LOCUST USERS."""

import csv
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answered = 0

    def do_GET(self):
        Server.answered += 1
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


locust, users = sys.argv[1:]
server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = str(free.getsockname()[1])
common = [locust, "-f", users, "--skip-log-setup"]
master = subprocess.Popen(
    [os.environ["first"], *common, "--master", "--headless", "--expect-workers", "2", "-u", "10", "-r", "10", "-t", "8s"]
    + ["--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--csv", "result"]
    + ["--host", f"http://127.0.0.1:{server.server_port}"]
)
workers = [
    subprocess.Popen([os.environ["second"], *common, "--worker", "--master-host", "127.0.0.1", "--master-port", port])
    for _ in range(2)
]


def ends_well(process):
    try:
        return process.wait(60) == 0
    except subprocess.TimeoutExpired:
        return False


print("ok" if ends_well(master) else "not ok", "the master ends with status 0", flush=True)
print("ok" if all(ends_well(worker) for worker in workers) else "not ok", "the workers end with status 0", flush=True)
try:
    with open("result_stats.csv") as file:
        total = list(csv.DictReader(file))[-1]
    counted, failures = int(total["Request Count"]), int(total["Failure Count"])
except (OSError, IndexError) as error:
    print(error)
    counted, failures = 0, 1
os.system("cat result_stats.csv")
print(counted, "counted by the master,", Server.answered, "answered")
print("ok" if counted > 50 and failures == 0 else "not ok", "the workers' requests reach the master's statistics")
