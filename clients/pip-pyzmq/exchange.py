"""Two processes of pyzmq: exchange.py runs all exchanges; exchange.py NAME... is the peer of one."""

import asyncio
import hashlib
import os
import subprocess
import sys
import tempfile
import traceback

import numpy
import zmq
import zmq.asyncio
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import recv_monitor_message

TIMEOUT = 30_000


def a_context():
    context = zmq.Context()
    context.setsockopt(zmq.LINGER, 5000)
    context.setsockopt(zmq.RCVTIMEO, TIMEOUT)
    context.setsockopt(zmq.SNDTIMEO, TIMEOUT)
    return context


class Peer:
    """A process on the other library, whose function is peer_NAME."""

    def __init__(self, name, *arguments):
        self.process = subprocess.Popen([os.environ["second"], sys.executable, __file__, name, *map(str, arguments)])

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
        status = self.process.wait(TIMEOUT / 1000)
        assert kind or status == 0, f"the peer ended with {status}"


def bound(context, kind, transport="tcp"):
    bound_socket = context.socket(kind)
    bound_socket.bind("tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{tempfile.mkdtemp()}/endpoint")
    return bound_socket, bound_socket.last_endpoint.decode()


# Each exchange is a function, with that of its peer below.


def request_reply(transport="tcp"):
    with a_context() as context:
        server, endpoint = bound(context, zmq.REP, transport)
        with Peer("request_reply", endpoint):
            for number in range(1000):
                assert server.recv() == b"%d" % number
                server.send_multipart([b"reply", b"%d" % number])
        server.close()


def peer_request_reply(endpoint):
    with a_context() as context, context.socket(zmq.REQ) as client:
        client.connect(endpoint)
        for number in range(1000):
            client.send(b"%d" % number)
            assert client.recv_multipart() == [b"reply", b"%d" % number]


def request_reply_ipc():
    request_reply("ipc")


def publish_subscribe():
    with a_context() as context:
        context.setsockopt(zmq.SNDHWM, 0)
        publisher, endpoint = bound(context, zmq.XPUB)
        with Peer("publish_subscribe", endpoint):
            assert publisher.recv() == b"\x01topic"
            for number in range(10_000):
                publisher.send_multipart([b"topic" if number % 2 else b"other", b"%d" % number])
            assert publisher.recv() == b"\x00topic"
        publisher.close()


def peer_publish_subscribe(endpoint):
    with a_context() as context, context.socket(zmq.SUB) as subscriber:
        subscriber.rcvhwm = 0
        subscriber.connect(endpoint)
        subscriber.subscribe(b"topic")
        for number in range(1, 10_000, 2):
            assert subscriber.recv_multipart() == [b"topic", b"%d" % number]
        subscriber.unsubscribe(b"topic")


def one_mb():
    with a_context() as context:
        server, endpoint = bound(context, zmq.REP)
        with Peer("one_mb", endpoint):
            for number in range(20):
                frame = server.recv(copy=False)
                assert len(frame.bytes) == 1_000_000 + number
                server.send(hashlib.sha256(frame.buffer).digest())
        server.close()


def peer_one_mb(endpoint):
    with a_context() as context, context.socket(zmq.REQ) as client:
        client.connect(endpoint)
        for number in range(20):
            body = os.urandom(1_000_000 + number)
            client.send(body)
            assert client.recv() == hashlib.sha256(body).digest()


def curve():
    public, secret = zmq.curve_keypair()
    with a_context() as context:
        server = context.socket(zmq.PULL)
        server.curve_server = True
        server.curve_secretkey = secret
        server.bind("tcp://127.0.0.1:*")
        with Peer("curve", server.last_endpoint.decode(), public.decode()):
            for number in range(1000):
                assert server.recv() == b"%d" % number
        server.close()


def peer_curve(endpoint, server_public):
    with a_context() as context, context.socket(zmq.PUSH) as client:
        client.curve_publickey, client.curve_secretkey = zmq.curve_keypair()
        client.curve_serverkey = server_public.encode()
        client.connect(endpoint)
        for number in range(1000):
            client.send(b"%d" % number)


def zap():
    """PLAIN with an authenticator: the wrong password is refused, the right one has its user id."""
    # The authenticator's sockets wait for as long as it takes.
    with zmq.Context() as context:
        authenticator = ThreadAuthenticator(context)
        authenticator.start()
        authenticator.configure_plain(domain="domain", passwords={"user": "right"})
        server = context.socket(zmq.PULL)
        server.rcvtimeo = TIMEOUT
        server.zap_domain = b"domain"
        server.plain_server = True
        server.bind("tcp://127.0.0.1:*")
        with Peer("zap", server.last_endpoint.decode()):
            frame = server.recv(copy=False)
            assert frame.bytes == b"right" and frame.get("User-Id") == "user", frame.bytes
        server.close()
        authenticator.stop()


def peer_zap(endpoint):
    with a_context() as context:
        for password in ("wrong", "right"):
            client = context.socket(zmq.PUSH)
            client.plain_username, client.plain_password = b"user", password.encode()
            # PLAIN's ERROR is unknown to libzmq's clients when it is spelt as in the specification: clients/README.md.
            refusals = (zmq.EVENT_HANDSHAKE_FAILED_AUTH, zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
            events = client.get_monitor_socket(sum(refusals) | zmq.EVENT_HANDSHAKE_SUCCEEDED)
            client.connect(endpoint)
            event = recv_monitor_message(events)
            if password == "wrong":
                assert event["event"] in refusals, event
            else:
                assert event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED, event
                client.send(password.encode())
            client.disable_monitor()
            client.close(linger=0 if password == "wrong" else 5000)


def with_asyncio():
    async def serve():
        context = zmq.asyncio.Context()
        server = context.socket(zmq.ROUTER)
        server.bind("tcp://127.0.0.1:*")
        with Peer("with_asyncio", server.last_endpoint.decode()):
            for _ in range(1000):
                identity, body = await asyncio.wait_for(server.recv_multipart(), TIMEOUT / 1000)
                await server.send_multipart([identity, body[::-1]])
        context.destroy()

    asyncio.run(serve())


def peer_with_asyncio(endpoint):
    async def ask(context, number):
        with context.socket(zmq.DEALER) as client:
            client.connect(endpoint)
            for turn in range(100):
                body = b"%d %d" % (number, turn)
                await client.send(body)
                assert await asyncio.wait_for(client.recv(), TIMEOUT / 1000) == body[::-1]

    async def ten():
        context = zmq.asyncio.Context()
        await asyncio.gather(*(ask(context, number) for number in range(10)))
        context.term()

    asyncio.run(ten())


def numpy_without_copy():
    with a_context() as context:
        puller, endpoint = bound(context, zmq.PULL)
        with Peer("numpy_without_copy", endpoint):
            for number in range(100):
                array = numpy.frombuffer(puller.recv(copy=False), dtype=numpy.float64)
                assert array.shape == (20_000,) and (array == number).all(), number
        puller.close()


def peer_numpy_without_copy(endpoint):
    with a_context() as context, context.socket(zmq.PUSH) as pusher:
        pusher.connect(endpoint)
        trackers = [
            pusher.send(numpy.full(20_000, number, dtype=numpy.float64), copy=False, track=True)
            for number in range(100)
        ]
        for tracker in trackers:
            tracker.wait(TIMEOUT / 1000)


def fork():
    """The child of a fork has a context of its own; the parent's stays as it is."""
    with a_context() as context:
        puller, endpoint = bound(context, zmq.PULL)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                own = a_context()
                pusher = own.socket(zmq.PUSH)
                pusher.connect(endpoint)
                pusher.send(b"child")
                pusher.close()
                own.term()
                status = 0
            finally:
                os._exit(status)
        assert puller.recv() == b"child"
        assert os.waitpid(child, 0)[1] == 0
        with Peer("fork", endpoint):
            assert puller.recv() == b"peer"
        puller.close()


def peer_fork(endpoint):
    with a_context() as context, context.socket(zmq.PUSH) as pusher:
        pusher.connect(endpoint)
        pusher.send(b"peer")


def monitor():
    with a_context() as context:
        server, endpoint = bound(context, zmq.REP)
        events = server.get_monitor_socket()
        with Peer("monitor", endpoint):
            assert server.recv() == b"hello"
            server.send(b"hello")
        seen = []
        while not seen or seen[-1] != zmq.EVENT_DISCONNECTED:
            seen.append(recv_monitor_message(events)["event"])
        assert seen == [zmq.EVENT_ACCEPTED, zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_DISCONNECTED], seen
        server.disable_monitor()
        server.close()


def peer_monitor(endpoint):
    with a_context() as context, context.socket(zmq.REQ) as client:
        events = client.get_monitor_socket()
        client.connect(endpoint)
        client.send(b"hello")
        assert client.recv() == b"hello"
        seen = []
        while not seen or seen[-1] != zmq.EVENT_HANDSHAKE_SUCCEEDED:
            seen.append(recv_monitor_message(events)["event"])
        assert seen == [zmq.EVENT_CONNECT_DELAYED, zmq.EVENT_CONNECTED, zmq.EVENT_HANDSHAKE_SUCCEEDED], seen
        client.disable_monitor()


if len(sys.argv) > 1:
    globals()["peer_" + sys.argv[1]](*sys.argv[2:])
    sys.exit()

for exchange in (
    request_reply,
    request_reply_ipc,
    publish_subscribe,
    one_mb,
    curve,
    zap,
    with_asyncio,
    numpy_without_copy,
    fork,
    monitor,
):
    try:
        exchange()
        print("ok", exchange.__name__, flush=True)
    except BaseException:
        print("not ok", exchange.__name__, flush=True)
        traceback.print_exc()
