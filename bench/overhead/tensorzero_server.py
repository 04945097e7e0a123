"""Starts TensorZero's gateway from its Python package, run by the Python that has it: CONFIG_FILE VALKEY_URL.

The first line printed is the address it serves. Nothing of this project is imported.
"""

from __future__ import annotations

import importlib
import signal
import sys


def main() -> None:
    """Serve until ended."""
    start = vars(importlib.import_module("tensorzero"))["_start_http_gateway"]
    gateway = start(
        config_file=sys.argv[1],
        clickhouse_url=None,
        postgres_url=None,
        valkey_url=sys.argv[2] or None,
        async_setup=False,
    )
    print(gateway.base_url, flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
