"""Sends one order and reads what comes back, in each of the three forms."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from bench.soak.traffic import SERVICE_TOKEN, Order
from lib.contract import Json, JsonObject

PATH: Final = "/api/ai/v2/chat"
PATIENCE: Final = 120.0
"""Seconds after which the soak itself gives a request up, which is a violation."""


@dataclass
class Outcome:
    """What became of one order."""

    order: Order
    sent_at: float
    first_at: float | None = None
    """When the status line came."""
    ended_at: float = 0.0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    text: str = ""
    finish: str = ""
    error: str = ""
    """The words of the error, where there was one."""
    code: str = ""
    whole: bool = False
    """The response came to its proper end: a JSON body, or a stream's end mark after a finish."""
    broke: str = ""
    """How the connection failed, where it did."""
    left: bool = False
    """The client hung up, as ordered."""

    @property
    def succeeded(self) -> bool:
        """A whole answer was given as such."""
        return self.status == 200 and self.whole and not self.error


async def exchange(session: aiohttp.ClientSession, url: str, order: Order) -> Outcome:
    """Send the order, wait for the end, or leave as ordered."""
    await asyncio.sleep(order.wait)
    outcome = Outcome(order, time.time())
    patience = PATIENCE if order.leaves_after is None else order.leaves_after
    try:
        async with asyncio.timeout(patience):
            await _ask(session, url, outcome)
    except TimeoutError:
        if order.leaves_after is None:
            outcome.broke = "no end within two minutes"
        else:
            outcome.left = True
    except (aiohttp.ClientError, ConnectionError) as error:
        outcome.broke = f"{type(error).__name__}: {error}"
    outcome.ended_at = time.time()
    return outcome


async def _ask(session: aiohttp.ClientSession, url: str, outcome: Outcome) -> None:
    order = outcome.order
    headers = {"content-type": "application/json", **order.headers}
    if order.kind != "anonymous":
        headers |= {"authorization": f"Bearer {SERVICE_TOKEN}", "x-user-id": order.user, "x-user-tier": order.tier}
    async with session.post(url + PATH, data=order.body, headers=headers) as response:
        outcome.first_at = time.time()
        outcome.status = response.status
        outcome.headers = {name.lower(): value for name, value in response.headers.items()}
        if response.content_type == "text/event-stream":
            async for event in _events(response.content):
                _read_event(outcome, event)
        else:
            _read_document(outcome, await response.read())


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[str]:
    async for line in content:
        if line.startswith(b"data: "):
            yield line[6:].decode().strip()


def _read_document(outcome: Outcome, body: bytes) -> None:
    given: Json = json.loads(body)
    document = given if isinstance(given, dict) else {}
    outcome.whole = True
    if not _read_error(outcome, document):
        outcome.text, outcome.finish = _text(document, "content"), _text(document, "finishReason")


def _read_error(outcome: Outcome, document: JsonObject) -> bool:
    error = document.get("error")
    if not isinstance(error, dict):
        return False
    outcome.error, outcome.code = _text(error, "message") or "error", _text(error, "code")
    return True


def _read_event(outcome: Outcome, data: str) -> None:
    if data == "[DONE]":
        outcome.whole = bool(outcome.finish)
        return
    given: Json = json.loads(data)
    event = given if isinstance(given, dict) else {}
    if "choices" in event:
        _read_chunk(outcome, event)
    elif not _read_error(outcome, event):
        _read_part(outcome, event)


def _read_chunk(outcome: Outcome, chunk: JsonObject) -> None:
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            delta = choice.get("delta")
            outcome.text += _text(delta, "content") if isinstance(delta, dict) else ""
            outcome.finish = _text(choice, "finish_reason") or outcome.finish


def _read_part(outcome: Outcome, part: JsonObject) -> None:
    kind = part.get("type")
    if kind == "text-delta":
        outcome.text += _text(part, "delta")
    elif kind == "finish":
        outcome.finish = _text(part, "finishReason") or "stop"
    elif kind == "error":
        outcome.error = _text(part, "errorText") or "error"


def _text(value: JsonObject, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
