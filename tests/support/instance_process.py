"""One function as a process: `python -m tests.support.instance_process [name]` prints its URL and serves (`chat`)."""

from __future__ import annotations

import asyncio
import logging
import sys

from dev.server import HOST, bound, server_of
from lib.app import app_for


async def main() -> None:
    """Until it is killed, or stdin ends with the test that started it."""
    with bound(0) as listener:
        server = server_of(app_for(*(sys.argv[1:] or ["chat"])))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        sys.stdout.write(f"http://{HOST}:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        server.force_exit = server.should_exit = True
        await serving


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(main())
