"""Exchanges messages within Python, and between rsyslog and Python; prints which libzmq each has."""
import os, socket, subprocess, tempfile, time
import zmq


def library(process):
    with open(f"/proc/{process}/maps") as maps:
        return " ".join(sorted({os.path.basename(line.split()[-1]) for line in maps if "libzmq.so" in line}))


context = zmq.Context()
server, client = context.socket(zmq.REP), context.socket(zmq.REQ)
client.connect("tcp://127.0.0.1:%d" % server.bind_to_random_port("tcp://127.0.0.1"))
client.send(b"ping")
assert server.recv() == b"ping"
print("python3-zmq", library("self"))

place = tempfile.mkdtemp()
with open(f"{place}/conf", "w") as configuration:
    configuration.write(f"""
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{place}/log")
module(load="omczmq")
action(type="omczmq" endpoints="@ipc://{place}/out" socktype="PUSH")
""")
rsyslog = subprocess.Popen(["rsyslogd", "-n", "-f", f"{place}/conf", "-i", f"{place}/pid"])
try:
    log, pull = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), context.socket(zmq.PULL)
    pull.rcvtimeo = 10_000
    pull.connect(f"ipc://{place}/out")
    for _ in range(1000):
        try:
            log.sendto(b"<14>test: hello", f"{place}/log")
            break
        except OSError:
            time.sleep(0.01)
    assert b"hello" in pull.recv()
    print("rsyslog", library(rsyslog.pid))
finally:
    rsyslog.terminate()
    rsyslog.wait()
context.destroy(linger=0)
