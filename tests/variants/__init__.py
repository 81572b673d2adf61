"""An adversary for the kit: a server of List Runtimes that it did not grow up with, and what can be wrong.

`serve(variant)` runs one `Variant` of the `CATALOGUE` on a loopback port. Nothing here imports the kit.
"""

from .catalogue import CATALOGUE, named
from .server import Server, serve
from .variant import Expect, Kind, Variant

__all__ = ["CATALOGUE", "Expect", "Kind", "Server", "Variant", "named", "serve"]
