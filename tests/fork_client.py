"""Runs a command line of Python in a fork of the server whose socket is the first argument.

It imports only modules that are compiled in or small, because each run pays for them.
"""

import os
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket
from array import array
from marshal import dumps

caller = socket(AF_UNIX)
caller.connect(sys.argv[1])
caller.sendmsg([b"!"], [(SOL_SOCKET, SCM_RIGHTS, array("i", [0, 1, 2]))])
# pathlib takes longer to import than all others.
request = dumps((os.getcwd(), dict(os.environ), tuple(sys.argv[2:])))  # noqa: PTH109
caller.sendall(len(request).to_bytes(8, "big") + request)
# The fork that ends sends its exit code.
os._exit(caller.recv(1)[0])
