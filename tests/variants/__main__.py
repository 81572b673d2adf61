"""Run one variant by hand: `python -m tests.variants VARIANT [--port PORT]`, or `--list` them."""

import argparse
import contextlib
import threading

from .catalogue import CATALOGUE, named
from .server import serve


def main() -> None:
    """Serve the variant named on the command line until Ctrl-C; with `--list`, print all variants instead."""
    parser = argparse.ArgumentParser(prog="python -m tests.variants", description=__doc__)
    parser.add_argument("variant", nargs="?", metavar="VARIANT", help="a name that --list shows")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (default: a free one)")
    parser.add_argument("--list", action="store_true", help="list kind, expectation, name and rule, then stop")
    options = parser.parse_args()
    if options.list:
        for variant in CATALOGUE:
            doubt = f"  (debatable: {variant.doubt})" if variant.doubt else ""
            print(f"{variant.kind:<13} {variant.expect:<8} {variant.name:<44} {variant.rule_hint}{doubt}")
        return
    if options.variant is None:
        parser.error("name a VARIANT, or pass --list")
    try:
        variant = named(options.variant)
    except LookupError as unknown:
        parser.error(str(unknown))
    with serve(variant, port=options.port) as server, contextlib.suppress(KeyboardInterrupt):
        print(
            f"BCTRL_BASE_URL={server.url} BCTRL_API_KEY={server.api_key} BCTRL_SPACE_ID={server.space_id}",
            flush=True,
        )
        threading.Event().wait()


if __name__ == "__main__":
    main()
