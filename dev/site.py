"""The whole deployment as one ASGI app: every file under api/ at its Vercel path, rewrites, headers and public/."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

from starlette.datastructures import MutableHeaders
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dev.vercel_config import VercelConfig


def functions(root: Path) -> dict[str, ASGIApp]:
    """Path → app of each file under `root`/api, imported now; files starting with `_` or `.` are no functions."""
    found: dict[str, ASGIApp] = {}
    for file in sorted((root / "api").rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        if not any(part.startswith(("_", ".")) for part in parts):
            module = importlib.import_module(".".join(parts))
            found["/" + "/".join(parts)] = cast("ASGIApp", module.app)
    return found


def site(apps: Mapping[str, ASGIApp], config: VercelConfig, public: Path) -> ASGIApp:
    """One app that answers as the deployment would; its lifespan is that of every function."""
    pages = ExceptionMiddleware(StaticFiles(directory=public, html=True))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        app = apps.get(path.rstrip("/"))
        if app is None and (target := config.rewritten(path)) is not None:
            app = apps.get(target)
            scope = scope if app else {**scope, "path": target}
        await (app or pages)(scope, receive, _adding(dict(config.headers_for(path)), send))

    @asynccontextmanager
    async def lifespan(_app: ASGIApp) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for app in dict.fromkeys(apps.values()):
                await stack.enter_async_context(running(app))
            yield

    return Router(default=answer, lifespan=lifespan)


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncGenerator[None]:
    """The app's lifespan: started on entry, shut down on exit; an app that knows no lifespan is left alone.

    Raises:
        RuntimeError: the app said that it cannot start.
    """
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}

    async def run() -> None:
        await app(scope, to_app.get, from_app.put)

    task = asyncio.create_task(run())
    await to_app.put({"type": "lifespan.startup"})
    said = asyncio.create_task(from_app.get())
    await asyncio.wait({task, said}, return_when=asyncio.FIRST_COMPLETED)
    if said.done() and said.result()["type"] == "lifespan.startup.failed":
        raise RuntimeError(said.result().get("message") or "a function failed to start")
    try:
        yield
    finally:
        said.cancel()
        await to_app.put({"type": "lifespan.shutdown"})
        await asyncio.wait({task})
        task.exception()


def _adding(headers: Mapping[str, str], send: Send) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return adding if headers else send
