"""One instance's process: the whole product on a port of its own, and a path that tells how many tasks it has."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Final

import orjson
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.soak.child import commands, say
from dev.server import HOST, ROOT, bound, server_of, stop
from dev.site import functions, site
from dev.vercel_config import VercelConfig

TASKS: Final = "/__tasks"


def telling_tasks(app: ASGIApp) -> ASGIApp:
    """The app, and how many tasks the loop has."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != TASKS:
            await app(scope, receive, send)
            return
        body = orjson.dumps({"tasks": len(asyncio.all_tasks())})
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


async def serve(port: int) -> None:
    """Serve until stdin ends; then open streams have a few seconds left."""
    product = site(functions(ROOT), VercelConfig.read(ROOT / "vercel.json"), ROOT / "public")
    server = server_of(telling_tasks(product))
    with bound(port) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        say(f"http://{HOST}:{listener.getsockname()[1]}")
        await until_stdin_ends(server)
        await serving


async def until_stdin_ends(server: uvicorn.Server) -> None:
    """Ask the server to stop when nobody is there to tell it anything."""
    async for _ in commands():
        """Nothing is ever told."""
    stop(server)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    asyncio.run(serve(int(sys.argv[1])))
