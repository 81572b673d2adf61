"""A server of List Runtimes that is independent of the kit, and variants of it: conforming ones, and ones with a fault.

`serve(variant)` runs one `Variant` of the `CATALOGUE` on a loopback port. Nothing here imports the kit.
"""

from .catalogue import CATALOGUE, named
from .server import Server, serve
from .variant import Expect, Kind, Variant

__all__ = ["CATALOGUE", "Expect", "Kind", "Server", "Variant", "named", "serve"]
