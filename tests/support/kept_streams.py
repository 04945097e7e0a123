"""Chats as `useChat` sends them, streams that are cut, and coming back to them; time goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from lib.contract import JsonObject
from tests.scripted.sayings import says
from tests.scripted.steps import Act, Step, with_inserted
from tests.support.asgi_client import Exchange, Response, json_object, request
from tests.support.deployment import SERVICE, Deployment, Instance
from tests.support.ticks import next_tick

PATH = "/api/ai/v2/chat"
ANSWER = ("A lease ", "ends by ", "itself ☃.")
TURN = 0.05
LONGEST = 4_000
"""Turns of the clock after which what is awaited counts as never coming."""


def ui_chat(chat_id: str = "chat-1", text: str = "What is a lease?", **more: str | bool | JsonObject) -> JsonObject:
    """The body that AI SDK's transport posts."""
    question: JsonObject = {"id": "m1", "role": "user", "parts": [{"type": "text", "text": text}]}
    return {"id": chat_id, "messages": [question], "trigger": "submit-message", "model": "gpt-4o", **more}


def held_after_two_words(*words: str) -> Step:
    """An answer that stops after its first piece until the provider is released."""
    return with_inserted(says(*(words or ANSWER)), 2, Act.HOLD)


def user(name: str = "u1") -> dict[str, str]:
    """The headers of a request for a user."""
    return {"authorization": f"Bearer {SERVICE}", "x-user-id": name, "x-user-tier": "pro"}


@dataclass
class Streaming:
    """A request under way."""

    site: Deployment
    exchange: Exchange
    task: asyncio.Task[Response]

    @property
    def body(self) -> bytes:
        return self.exchange.response.body

    async def shows(self, text: str) -> None:
        """Return once the client has been sent this text."""
        await turning(self.site, lambda: text.encode() in self.body)

    async def ends(self) -> Response:
        """Return the response once the function is done with the request."""
        await turning(self.site, self.task.done)
        return self.task.result()

    async def hangs_up(self) -> None:
        """Let the client go, and the function notice."""
        self.exchange.hang_up()
        await ticks(40)


async def turning(site: Deployment, seen: Callable[[], bool]) -> None:
    """Let time go on slowly until `seen` holds."""
    for _ in range(LONGEST):
        if seen():
            return
        site.clock.turn(TURN)
        await ticks(8)
    raise AssertionError("what was awaited never came")


async def passes(site: Deployment, seconds: float) -> None:
    """Let so much time go by."""
    for _ in range(round(seconds / TURN)):
        site.clock.turn(TURN)
        await ticks(8)


async def ticks(count: int) -> None:
    for _ in range(count):
        await next_tick()


@asynccontextmanager
async def streaming(
    site: Deployment, here: Instance, document: JsonObject | None = None, name: str = "u1"
) -> AsyncGenerator[Streaming]:
    """A streamed chat, under way until it ends by itself or with the block."""
    exchange = Exchange(here.chat_app, path=PATH, headers=user(name), body=(orjson.dumps(document or ui_chat()),))
    async with _running(site, exchange) as under_way:
        yield under_way


@asynccontextmanager
async def resuming(
    site: Deployment, here: Instance, chat_id: str = "chat-1", name: str = "u1"
) -> AsyncGenerator[Streaming]:
    """The same chat come back to."""
    async with _running(site, Exchange(here.chat_app, "GET", f"{PATH}/{chat_id}/stream", user(name))) as under_way:
        yield under_way


@asynccontextmanager
async def _running(site: Deployment, exchange: Exchange) -> AsyncGenerator[Streaming]:
    task = asyncio.create_task(exchange.run())
    try:
        yield Streaming(site, exchange, task)
    finally:
        exchange.hang_up()
        site.provider.release()
        await turning(site, task.done)


async def resumed(site: Deployment, here: Instance, chat_id: str = "chat-1", name: str = "u1") -> Response:
    """All of a chat come back to."""
    async with resuming(site, here, chat_id, name) as under_way:
        return await under_way.ends()


async def stopped(here: Instance, chat_id: str = "chat-1", name: str = "u1") -> Response:
    """Ask that the answer be ended."""
    headers = {key.replace("-", "_"): value for key, value in user(name).items()}
    return await request(here.chat_app, "DELETE", f"{PATH}/{chat_id}/stream", **headers)


def parts_of(body: bytes) -> list[JsonObject]:
    """The parts of a UI stream, without its end mark and comments."""
    pieces = body.split(b"\n\n")
    return [json_object(piece.removeprefix(b"data: ")) for piece in pieces if piece.startswith(b"data: {")]


def text_of(body: bytes, kind: str = "text-delta") -> str:
    """The text that a UI stream shows."""
    return "".join(str(part["delta"]) for part in parts_of(body) if part["type"] == kind)


def kinds_of(body: bytes) -> list[str]:
    """The parts' types in their order."""
    return [str(part["type"]) for part in parts_of(body)]
