"""Runs a Python command line in a fork of the server whose socket is the first argument.

It imports only built-in or small modules, because they delay every run.
"""

import os
import sys
from _signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, getsignal, signal  # type: ignore[import-not-found]
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket
from array import array
from marshal import dumps

SIGNALS = (SIGHUP, SIGINT, SIGTERM)

# Importing pathlib takes longer than importing all the modules above.
folder = os.getcwd()  # noqa: PTH109
server, _, name = sys.argv[1].rpartition("/")
# The path of a socket is limited to 107 bytes, and that of a temporary folder may be longer.
os.chdir(server)
caller = socket(AF_UNIX)
caller.connect(name)
os.chdir(folder)
caller.sendmsg([b"!"], [(SOL_SOCKET, SCM_RIGHTS, array("i", [0, 1, 2]))])
ignored = tuple(number for number in SIGNALS if getsignal(number) == SIG_IGN)
request = dumps((folder, dict(os.environ), ignored, tuple(sys.argv[2:])))
caller.sendall(len(request).to_bytes(8, "big") + request)
fork = int.from_bytes(caller.recv(8), "big")
for number in SIGNALS:
    if number not in ignored:
        signal(number, lambda number, frame: os.kill(fork, number))
caller.send(b"!")
# The handler of a signal that arrives just before a blocking call runs after that call.
caller.settimeout(0.5)
while True:
    try:
        # The server sends the exit code of the fork, or nothing if it kills the fork because it ends.
        os._exit((caller.recv(1) or b"\x89")[0])
    except TimeoutError:
        continue
