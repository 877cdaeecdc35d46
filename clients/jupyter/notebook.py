"""What a notebook does with its kernel, over tcp or ipc: notebook.py tcp|ipc."""

import os
import signal
import sys
import time
import traceback

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

transport = sys.argv[1]
TIMEOUT = 60


def wait_until(condition, what):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def execute(client, code, **arguments):
    """The reply and what the cell printed."""
    # The kernel declines what comes while it still ends a cell that failed.
    while True:
        content, output = execute_once(client, code, **arguments)
        if content["status"] != "aborted":
            return content, output


def execute_once(client, code, **arguments):
    output = []

    def hook(message):
        if message["msg_type"] == "stream":
            output.append(message["content"]["text"])
        elif message["msg_type"] == "execute_result":
            output.append(message["content"]["data"]["text/plain"])

    reply = client.execute_interactive(code, output_hook=hook, timeout=TIMEOUT, **arguments)
    return reply["content"], "".join(output)


def cells(manager, client):
    for number in range(20):
        content, output = execute(client, f"{number} * {number}")
        assert content["status"] == "ok" and output == str(number * number), output


def an_error(manager, client):
    content, _ = execute(client, "1 / 0")
    assert content["status"] == "error" and content["ename"] == "ZeroDivisionError"


def output_of_5_mb(manager, client):
    content, output = execute(client, "for i in range(5): print('x' * 999_999)")
    assert content["status"] == "ok"
    assert len(output) == 5_000_000, len(output)


def interrupt(manager, client):
    client.execute("import time\nprint('begun', flush=True)\ntime.sleep(100)")
    while True:
        message = client.get_iopub_msg(timeout=TIMEOUT)
        if message["msg_type"] == "stream" and "begun" in message["content"]["text"]:
            break
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=TIMEOUT)
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    cells(manager, client)


def standard_input(manager, client):
    content, output = execute(
        client,
        "print(input('name? ')[::-1])",
        allow_stdin=True,
        stdin_hook=lambda message: client.input("jupyter"),
    )
    assert content["status"] == "ok" and "retypuj" in output, output


def completion(manager, client):
    client.execute("a_long_name = 1", reply=True, timeout=TIMEOUT)
    reply = client.complete("a_long_n", reply=True, timeout=TIMEOUT)
    assert "a_long_name" in reply["content"]["matches"]


def two_clients(manager, client):
    # With an identity of its own: the kernel's sockets give a routing id to whoever comes last.
    other = BlockingKernelClient()
    other.load_connection_info(manager.get_connection_info(session=False))
    other.start_channels()
    other.wait_for_ready(timeout=TIMEOUT)
    assert execute(other, "6 * 7")[1] == "42"
    other.stop_channels()


def heartbeat_under_sigstop(manager, client):
    wait_until(client.hb_channel.is_beating, "no heartbeat")
    pid = manager.provisioner.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: not client.hb_channel.is_beating(), "a stopped kernel beats")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(client.hb_channel.is_beating, "no heartbeat after SIGCONT")
    cells(manager, client)


def restarts(manager, client):
    for _ in range(3):
        execute(client, "kept = 1")
        manager.restart_kernel(now=False)
        client.wait_for_ready(timeout=TIMEOUT)
        content, _ = execute(client, "kept")
        assert content["ename"] == "NameError"
    cells(manager, client)


def shutdown(manager, client):
    pid = manager.provisioner.pid
    client.stop_channels()
    manager.shutdown_kernel(now=False)
    assert not manager.is_alive()
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the kernel is there")


os.makedirs(os.environ["JUPYTER_RUNTIME_DIR"], exist_ok=True)
manager = KernelManager(transport=transport)
manager.kernel_spec.argv.insert(0, os.environ["second"])
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=TIMEOUT)
for exchange in (
    cells,
    an_error,
    output_of_5_mb,
    interrupt,
    standard_input,
    completion,
    two_clients,
    heartbeat_under_sigstop,
    restarts,
    shutdown,
):
    try:
        exchange(manager, client)
        print("ok", transport, exchange.__name__, flush=True)
    except BaseException:
        print("not ok", transport, exchange.__name__, flush=True)
        traceback.print_exc()
        sys.stderr.flush()
        break
