"""The local server: the deployment's functions and pages on one loopback port, with a store that needs no account."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from dev import kv
from dev.environment import local_environment
from dev.site import functions, site
from dev.vercel_config import VercelConfig
from lib.catalog.providers import DEMO
from lib.errors import SettingsError
from lib.kv.client import KvEndpoint
from lib.settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent
HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 3000
GRACE_SECONDS: Final = 3
"""How long open streams may go on after Ctrl-C; a second Ctrl-C ends them at once."""
EXAMPLE: Final = {"messages": [{"role": "user", "content": "What is a circuit breaker?"}]}


class Server(uvicorn.Server):
    """A uvicorn that leaves signals to `run`: two of them share this process."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Captures none."""
        yield


def run(shell: Mapping[str, str]) -> int:
    """Serve until SIGINT or SIGTERM; 1 when the port is taken or a setting is wrong."""
    env = local_environment(ROOT, shell)
    port = int(env.get("PORT") or DEFAULT_PORT)
    try:
        listener = bound(port)
    except OSError as error:
        print(f"Port {port} cannot be used ({error.strerror}). Choose another: PORT=3001 make dev", file=sys.stderr)
        return 1
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(serve(listener, env))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def serve(listener: socket.socket, env: dict[str, str]) -> None:
    """Start the store unless one is configured, then the functions, and stop both on a signal."""
    env.setdefault("GATEWAY_ADMIN_TOKEN", secrets.token_urlsafe(16))
    async with store(env) as described:
        os.environ.update(env)  # the functions read their settings when they are imported
        app = site(functions(ROOT), VercelConfig.read(ROOT / "vercel.json"), ROOT / "public")
        server = server_of(app)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop, server)
        print(greeting(f"http://{HOST}:{listener.getsockname()[1]}", described, env), flush=True)
        await server.serve(sockets=[listener])


@asynccontextmanager
async def store(env: dict[str, str]) -> AsyncGenerator[str]:
    """A store for the run, described in words. The embedded one is served over HTTP and named in `env`."""
    if KvEndpoint.from_env(env) is not None:
        yield "as configured"
        return
    token = secrets.token_urlsafe(16)
    backend = env.get("KV_BACKEND")
    try:
        app = kv.create(token=token, backend=backend)
    except ValueError as error:
        raise SettingsError(f"KV_BACKEND: {error}") from error
    with bound(0) as listener:
        env["UPSTASH_REDIS_REST_URL"] = f"http://{HOST}:{listener.getsockname()[1]}"
        env["UPSTASH_REDIS_REST_TOKEN"] = token
        server = server_of(app)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"{backend} over REST" if backend else "embedded, forgotten at the end"
        finally:
            stop(server)
            await task


def server_of(app: ASGIApp) -> Server:
    """A quiet uvicorn for an app; its socket is handed to `serve`."""
    return Server(
        uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=GRACE_SECONDS, server_header=False)
    )


def bound(port: int) -> socket.socket:
    """A loopback socket: connections made before its server runs wait in the backlog."""
    # Named as TCP, since asyncio switches Nagle off only then; with it on, answers come 40 ms late.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def stop(server: uvicorn.Server) -> None:
    """Ask politely; asked twice, insist."""
    server.force_exit = server.should_exit
    server.should_exit = True


def greeting(url: str, described: str, env: Mapping[str, str]) -> str:
    """What a developer needs to go on: where, which store, which providers, and a line to try."""
    settings = Settings.from_env(env)
    named = [name for name in settings.provider_keys(settings.catalog()) if name != DEMO]
    answers = (
        f"from {', '.join(named)}" if named else "from the demo provider, since no provider has a key (see README)"
    )
    return "\n".join(
        (
            f"AI Orchestrator on {url}",
            f"  store      {described}",
            f"  answers    {answers}",
            f"  dashboard  {url}/dashboard#token={env['GATEWAY_ADMIN_TOKEN']}",
            "",
            f"curl {url}/api/ai/v2/chat -H 'content-type: application/json' -d '{json.dumps(EXAMPLE)}'",
            "",
        )
    )
