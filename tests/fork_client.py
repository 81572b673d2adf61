"""Runs a command line of Python in a fork of the server whose socket is the first argument.

It imports only modules that are compiled in or small, because each run pays for them.
"""

import os
import sys
from _signal import SIG_IGN, SIGHUP, SIGINT, SIGTERM, getsignal, signal  # type: ignore[import-not-found]
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket
from array import array
from marshal import dumps

SIGNALS = (SIGHUP, SIGINT, SIGTERM)

# pathlib takes longer to import than all others.
folder = os.getcwd()  # noqa: PTH109
server, _, name = sys.argv[1].rpartition("/")
# The path of a socket may have 107 bytes, which the path of a temporary folder may exceed.
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
# The fork that ends sends its exit code.
os._exit(caller.recv(1)[0])
