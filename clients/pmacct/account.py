"""Has pmacctd count packets of the loopback: account.py DIRECTORY."""

import os
import signal
import socket
import subprocess
import sys
import time

directory = sys.argv[1]
PACKETS, FLOWS = 2000, 40
TIMEOUT = 60

receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 0))
port = receiver.getsockname()[1]
with open(f"{directory}/pmacctd.conf", "w") as file:
    file.write(
        f"""
daemonize: false
pcap_interface: lo
pcap_filter: udp and dst port {port}
aggregate: src_port
plugins: print[out]
plugin_pipe_zmq: true
plugin_pipe_zmq_profile: micro
plugin_buffer_size: 512
print_refresh_time: 1
print_output: csv
print_output_file: {directory}/out.csv
print_output_file_append: true
"""
    )
process = subprocess.Popen(["pmacctd", "-f", f"{directory}/pmacctd.conf"], stdin=subprocess.DEVNULL)


def flow():
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind(("127.0.0.1", 0))
    sender.connect(("127.0.0.1", port))
    return sender


def counted():
    """Packets and bytes by source port."""
    counts = {}
    try:
        with open(f"{directory}/out.csv") as file:
            for fields in (line.strip().split(",") for line in file):
                if fields[0].isdigit() and len(fields) == 3:
                    packets, size = counts.get(int(fields[0]), (0, 0))
                    counts[int(fields[0])] = packets + int(fields[1]), size + int(fields[2])
    except FileNotFoundError:
        pass
    return counts


def wait_until(condition):
    end = time.monotonic() + TIMEOUT
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)


# The plugin's subscription is on its way when the core begins: what comes before is lost.
first = flow()


def begun():
    first.send(bytes(72))
    return counted()


wait_until(begun)
flows = [flow() for _ in range(FLOWS)]
ports = {each.getsockname()[1] for each in flows}
for number in range(PACKETS):
    flows[number % FLOWS].send(bytes(72))
    time.sleep(0.0005)
# The core passes on what it has when more comes.
wait_until(lambda: begun() and sum(counted().get(each, (0, 0))[0] for each in ports) == PACKETS)
counts = [counted().get(each, (0, 0)) for each in ports]
right = counts == [(PACKETS // FLOWS, 100 * PACKETS // FLOWS)] * FLOWS
print("ok" if right else "not ok", "packets and bytes of each flow", "" if right else sorted(counts))
process.send_signal(signal.SIGINT)
try:
    process.wait(20)
    print("ok ends")
except subprocess.TimeoutExpired:
    print("not ok ends")
    os.kill(process.pid, signal.SIGKILL)
