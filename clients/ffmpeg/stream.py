"""A film from one ffmpeg to the other, and commands to a filter."""

import os
import socket
import subprocess
import traceback

import zmq

FFMPEG = ["ffmpeg", "-hide_banner", "-loglevel", "warning", "-nostdin"]
TEST = ["-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def protocol():
    endpoint = f"zmq:tcp://127.0.0.1:{free_port()}"
    publisher = subprocess.Popen(
        [os.environ["first"], *FFMPEG, *TEST, "-t", "60", "-c:v", "mpeg2video", "-g", "5", "-f", "mpegts", endpoint]
    )
    try:
        subscriber = subprocess.run(
            [os.environ["second"], *FFMPEG, "-i", endpoint, "-frames:v", "50", "-f", "framemd5", "-"],
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        frames = [line for line in subscriber.stdout.splitlines() if not line.startswith("#")]
        assert subscriber.returncode == 0 and len(frames) == 50, (subscriber.returncode, len(frames))
    finally:
        publisher.terminate()
        publisher.wait(20)


def commands_to_a_filter():
    port = free_port()
    process = subprocess.Popen(
        [os.environ["first"], *FFMPEG, *TEST, "-t", "60"]
        + ["-vf", rf"zmq=bind_address=tcp\\\://127.0.0.1\\\:{port},hue@named=h=0", "-f", "null", "-"]
    )
    with zmq.Context() as context, context.socket(zmq.REQ) as client:
        try:
            client.linger = 0
            client.rcvtimeo = 30000
            client.connect(f"tcp://127.0.0.1:{port}")
            for degrees in range(20):
                client.send_string(f"hue@named h {degrees}")
                answer = client.recv_string()
                assert answer.startswith("0 Success"), answer
            client.send_string("nobody h 1")
            assert not client.recv_string().startswith("0 ")
        finally:
            process.terminate()
            process.wait(20)


for exchange in (protocol, commands_to_a_filter):
    try:
        exchange()
        print("ok", exchange.__name__, flush=True)
    except Exception:
        print("not ok", exchange.__name__, flush=True)
        traceback.print_exc()
