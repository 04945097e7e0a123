"""Who may call what: a row for each endpoint, a column for each kind of credential, a status in each cell.

`docs/access.md` shows the same table, written by `python -m scripts.access_table`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson
from jwt import PyJWS

from lib.contract import Json, JsonObject
from tests.support.clock import START
from tests.support.stripe import event, signature

if TYPE_CHECKING:
    from tests.support.guarded_site import GuardedSite

ORIGIN: Final = "https://gateway.example"
QUEUE_KEY: Final = "sig_a_signing_key_of_the_queue_that_is_long"
BEGIN: Final = "<!-- matrix:begin -->"
END: Final = "<!-- matrix:end -->"


class Who(StrEnum):
    """Kinds of credentials. The users of KEY and TOKEN are the same one, who made what a row is about."""

    NOBODY = "none"
    ANONYMOUS = "none, anonymous on"
    STRANGER = "unknown token"
    OTHER_SCHEME = "not Bearer"
    EXPIRED_KEY = "expired key"
    REVOKED_KEY = "revoked key"
    EXPIRED_TOKEN = "expired JWT"
    ANOTHER = "another user's key"
    KEY = "user's key"
    TOKEN = "user's JWT"
    SERVICE = "service"
    ADMIN = "admin"
    CRON = "cron"
    SIGNED = "signature"


Statuses: TypeAlias = Mapping[Who, int]
BAD: Final = (
    *(Who.NOBODY, Who.STRANGER, Who.OTHER_SCHEME, Who.EXPIRED_KEY, Who.REVOKED_KEY, Who.EXPIRED_TOKEN),
    *(Who.CRON, Who.SIGNED),
)
USERS: Final = (Who.ANONYMOUS, Who.ANOTHER, Who.KEY, Who.TOKEN)
TRUSTED: Final = (Who.SERVICE, Who.ADMIN)


def anyone(status: int = 200) -> Statuses:
    """Open."""
    return dict.fromkeys(Who, status)


def callers(status: int = 200, *, another: int | None = None) -> Statuses:
    """All who may chat. `another` is what those get who ask for what is not theirs."""
    return {
        **dict.fromkeys(BAD, 401),
        **dict.fromkeys((*USERS, *TRUSTED), status),
        **dict.fromkeys((Who.ANONYMOUS, Who.ANOTHER), status if another is None else another),
    }


def themselves() -> Statuses:
    """The user whom it is about, and the operator."""
    return {**callers(another=403), Who.ANONYMOUS: 401}


def operator(status: int = 200) -> Statuses:
    """The admin token alone."""
    return {**dict.fromkeys(Who, 401), Who.SERVICE: 403, Who.ADMIN: status}


def signed(status: int = 200) -> Statuses:
    """A service that signs what it sends, and nobody else."""
    return {**dict.fromkeys(Who, 401), Who.SIGNED: status}


@dataclass(frozen=True)
class Row:
    """One endpoint. `path` is as the route has it; `asked` an example of it."""

    method: str
    path: str
    statuses: Statuses
    body: Mapping[str, Json] | bytes = field(default_factory=dict[str, Json])
    asked: str = ""
    about: Callable[[GuardedSite], Awaitable[str]] | None = None
    """Makes something of the user's; what it gives takes the place of `{id}` in `asked` and in the body."""
    sign: Callable[[bytes], Mapping[str, str]] | None = None

    @property
    def name(self) -> str:
        """`POST /api/…`."""
        return f"{self.method} {self.path}"

    def request(self, made: str) -> tuple[str, bytes]:
        """Path and body."""
        body = self.body if isinstance(self.body, bytes) else orjson.dumps(dict(self.body)) if self.body else b""
        return (self.asked or self.path).replace("{id}", made), body.replace(b"{id}", made.encode())


def _stripe(body: bytes) -> Mapping[str, str]:
    return {"stripe-signature": signature(body)}


def _queue(body: bytes) -> Mapping[str, str]:
    claims = {
        "iss": "Upstash",
        "sub": f"{ORIGIN}/api/ai/hooks/queue",
        "nbf": int(START) - 60,
        "exp": int(START) + 600,
        "body": urlsafe_b64encode(sha256(body).digest()).decode(),
    }
    return {"upstash-signature": PyJWS().encode(orjson.dumps(claims), QUEUE_KEY, "HS256")}


async def _answer(site: GuardedSite) -> str:
    return await site.answer()


async def _batch(site: GuardedSite) -> str:
    return await site.batch()


async def _api_key(site: GuardedSite) -> str:
    return await site.api_key()


HELLO: Final[list[Json]] = [{"role": "user", "content": "hello"}]
CHAT: Final[JsonObject] = {"model": "gpt-4o", "messages": HELLO}
MESSAGE: Final[JsonObject] = {"model": "claude-haiku-5-5", "messages": HELLO}
VECTOR: Final[JsonObject] = {"model": "text-embedding-3-small", "input": "hello"}
V1: Final = "/api/ai/v1"
V2: Final = "/api/ai/v2"
KEYS: Final = "/api/ai/admin/keys"
OF_USERS: Final = "/api/ai/users"

ROWS: Final = (
    Row("POST", f"{V2}/chat", callers(), CHAT),
    Row("GET", f"{V2}/chat/…", callers(204), asked=f"{V2}/chat/chat-1/stream"),
    Row("DELETE", f"{V2}/chat/…", callers(204), asked=f"{V2}/chat/chat-1/stream"),
    Row("POST", f"{V2}/batch", callers(), {"requests": [CHAT]}),
    Row("GET", f"{V2}/batch/…", callers(another=404), asked=f"{V2}/batch/{{id}}", about=_batch),
    Row("DELETE", f"{V2}/batch/…", callers(another=404), asked=f"{V2}/batch/{{id}}", about=_batch),
    Row("POST", f"{V1}/chat/completions", callers(), CHAT),
    Row("POST", f"{V1}/embeddings", callers(), VECTOR),
    Row("GET", f"{V1}/models/…", callers(), asked=f"{V1}/models/gpt-4o"),
    Row("POST", f"{V1}/messages", callers(), MESSAGE | {"max_tokens": 9}),
    Row("POST", f"{V1}/messages/count_tokens", callers(), MESSAGE),
    Row("POST", "/api/chat", callers(), CHAT),
    Row("POST", "/api/ai/route", callers(), CHAT),
    Row("POST", "/api/ai/feedback", callers(another=404), {"requestId": "{id}", "rating": "up"}, about=_answer),
    Row("GET", "/api/ai/health", anyone()),
    Row("GET", "/api/ai/openapi.json", anyone()),
    Row("GET", "/api/ai/test-rate-limit", callers()),
    Row("GET", "/api/ai/test-cache", callers()),
    Row("GET", "/api/ai/stats", {**callers(), Who.ANONYMOUS: 401}),
    Row("GET", f"{OF_USERS}/*/data", themselves(), asked=f"{OF_USERS}/ann/data"),
    Row("DELETE", f"{OF_USERS}/*/data", themselves(), asked=f"{OF_USERS}/ann/data"),
    Row("GET", f"{OF_USERS}/*/usage", themselves(), asked=f"{OF_USERS}/ann/usage"),
    Row("GET", KEYS, operator()),
    Row("POST", KEYS, operator(201), {"userId": "cid"}),
    Row("GET", f"{KEYS}/*", operator(), asked=f"{KEYS}/{{id}}", about=_api_key),
    Row("PATCH", f"{KEYS}/*", operator(), {"name": "x"}, asked=f"{KEYS}/{{id}}", about=_api_key),
    Row("DELETE", f"{KEYS}/*", operator(), asked=f"{KEYS}/{{id}}", about=_api_key),
    Row("POST", f"{KEYS}/*/rotate", operator(), asked=f"{KEYS}/{{id}}/rotate", about=_api_key),
    Row("GET", "/api/ai/admin/metrics", operator()),
    Row("GET", "/api/ai/admin/requests", operator()),
    Row("GET", "/api/ai/admin/budgets", operator()),
    Row("PUT", "/api/ai/admin/budgets", operator(), {"scope": "deployment"}),
    Row("GET", "/api/ai/admin/alerts", operator()),
    Row("POST", "/api/ai/admin/alerts", operator()),
    Row("GET", "/api/ai/admin/experiments", operator()),
    Row("PUT", "/api/ai/admin/experiments", operator(409)),
    Row("DELETE", "/api/ai/admin/experiments", operator(409)),
    Row("GET", "/api/ai/admin/rollout", operator()),
    Row("PUT", "/api/ai/admin/rollout", operator(), {"percent": 5}),
    Row("GET", "/api/ai/cron", {**dict.fromkeys(Who, 401), Who.CRON: 200}),
    Row("POST", "/api/ai/hooks/queue", signed(), {"job": "batch_0"}, sign=_queue),
    Row("POST", "/api/ai/hooks/stripe", signed(), event(), sign=_stripe),
)
UNKNOWN: Final = (
    "/api",
    "/api/ai",
    "/api/ai/nothing",
    "/api/ai/v1",
    "/api/ai/v1/nothing",
    "/api/ai/v3/chat",
    "/api/ai/admin",
    "/api/ai/admin/nothing",
    "/api/ai/admin/keys/a/b/c",
    "/api/ai/hooks",
    "/api/ai/hooks/nothing",
    "/api/ai/v2/chat/../../admin/keys",
    "/api/ai/stats/x",
    "/api/ai/users",
    "/api/ai/users/ann",
    "/api/ai/users/ann/nothing",
    "/api/ai/health/x",
)
"""Addresses at which there is nothing, whoever asks."""


def table(rows: tuple[Row, ...] = ROWS) -> str:
    """The matrix in Markdown."""
    lines = [f"| endpoint | {' | '.join(Who)} |", f"|---|{'---|' * len(Who)}"]
    for row in rows:
        shown = row.path.replace("/*", "/{id}")
        cells = [str(row.statuses[who]) if who is not Who.SIGNED or row.sign else "–" for who in Who]
        lines.append(f"| `{row.method} {shown}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def with_table(document: str) -> str:
    """The document with the matrix between its marks. Raises ValueError where a mark is missing."""
    marked = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not marked.search(document):
        raise ValueError(f"the document needs {BEGIN} and {END}")
    return marked.sub(lambda _: f"{BEGIN}\n{table()}\n{END}", document)
