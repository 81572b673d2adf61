"""Runs a command line of Python in a fork of the server whose socket is the first argument.

It imports only modules that are compiled in or small, because each run pays for them.
"""

import os
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SOL_SOCKET, socket
from array import array
from marshal import dumps

# pathlib takes longer to import than all others.
folder = os.getcwd()  # noqa: PTH109
server, _, name = sys.argv[1].rpartition("/")
# The path of a socket may have 107 bytes, which the path of a temporary folder may exceed.
os.chdir(server)
caller = socket(AF_UNIX)
caller.connect(name)
os.chdir(folder)
caller.sendmsg([b"!"], [(SOL_SOCKET, SCM_RIGHTS, array("i", [0, 1, 2]))])
request = dumps((folder, dict(os.environ), tuple(sys.argv[2:])))
caller.sendall(len(request).to_bytes(8, "big") + request)
# The fork that ends sends its exit code.
os._exit(caller.recv(1)[0])
