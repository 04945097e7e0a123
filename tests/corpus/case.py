"""One hostile request and what has to come of it; the corpus is made of rows of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

CANARY: Final = "canary-9f27c1"
"""Stands somewhere in every bad body; no answer may hold it."""
CHAT: Final = "/api/ai/v2/chat"
STATS: Final = "/api/ai/stats"
JSON: Final[Mapping[str, str]] = {"content-type": "application/json"}
LIST: Final[list[object]] = []
OBJECT: Final[dict[str, object]] = {}
HELLO: Final[Mapping[str, object]] = {"role": "user", "content": CANARY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A request that must be refused with `status`; `param` is the field the answer has to name, None for none."""

    name: str
    body: bytes | tuple[bytes, ...] = b""
    """Several pieces arrive one after the other, without a length."""
    param: str | None = None
    status: int = 400
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    method: str = "POST"
    path: str = CHAT
    query: str = ""
    token: str | None = "service"
    """Whose token is sent: `service`, `admin`, None for none."""
    counted: bool = False
    """Whether it was understood before it was refused, and so counts as a refused request in the usage log."""

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """The body as it arrives."""
        return self.body if isinstance(self.body, tuple) else (self.body,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A chat that is valid, or might be: it gets an answer or a 4xx, never a 5xx."""

    name: str
    document: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)


def chat(**fields: object) -> bytes:
    """A chat body with a harmless message, unless `messages` says otherwise."""
    return orjson.dumps({"messages": [HELLO], **fields})


def numbered(cases: Iterable[Bad]) -> Iterator[Bad]:
    """The cases, those that share a name told apart by a number."""
    seen: Counter[str] = Counter()
    for case in cases:
        seen[case.name] += 1
        yield case if seen[case.name] == 1 else replace(case, name=f"{case.name}-{seen[case.name]}")


def chat_raw(name: str, value: bytes) -> bytes:
    """The same with one field whose value is written as it is, also where that is no JSON."""
    return b'{"messages":%b,%b:%b}' % (orjson.dumps([HELLO]), orjson.dumps(name), value)
