"""Upstash's REST protocol as functions of values: requests to commands, replies to JSON, what is not allowed.

Source: https://upstash.com/docs/redis/features/restapi
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import unquote_to_bytes

from dev.kv.backend import CommandError, RawCommand, Value
from lib.contract import Json, JsonObject

MAX_REQUEST_BYTES: Final = 10 * 1024 * 1024
UNSUPPORTED: Final = frozenset(
    b"WATCH UNWATCH DISCARD MULTI EXEC SELECT SUBSCRIBE PSUBSCRIBE SSUBSCRIBE MONITOR CONFIG DEBUG SHUTDOWN"
    b" BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP".split()
)
"""They need a connection of their own, or the server's operator."""
READS: Final = frozenset(
    b"GET MGET STRLEN GETRANGE EXISTS TTL PTTL EXPIRETIME PEXPIRETIME TYPE KEYS SCAN DBSIZE RANDOMKEY PING ECHO TIME"
    b" HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSTRLEN HSCAN LRANGE LLEN LINDEX LPOS"
    b" SMEMBERS SCARD SISMEMBER SMISMEMBER SRANDMEMBER SSCAN SINTER SUNION SDIFF"
    b" ZRANGE ZSCORE ZMSCORE ZCARD ZCOUNT ZRANK ZREVRANK ZREVRANGE ZRANGEBYSCORE ZSCAN"
    b" XRANGE XREVRANGE XLEN BITCOUNT BITPOS GETBIT BITFIELD_RO PFCOUNT EVAL_RO EVALSHA_RO".split()
)
"""What a read-only token may run."""


class Refused(Exception):
    """A request, or one command of it, that is not executed."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class RestRequest:
    """What of an HTTP request matters to the protocol; header names are in lower case."""

    method: str
    raw_path: bytes
    query: tuple[tuple[bytes, bytes], ...]
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def path(self) -> bytes:
        """The path without a trailing slash; `/` stays."""
        return self.raw_path.rstrip(b"/") or b"/"

    @property
    def token(self) -> bytes:
        """From the bearer header, else from `?_token=`."""
        scheme, _, token = self.headers.get(b"authorization", b"").partition(b" ")
        return token.strip() if scheme.lower() == b"bearer" else dict(self.query).get(b"_token", b"")

    @property
    def wants_base64(self) -> bool:
        """Whether text in the answer shall be encoded."""
        return self.headers.get(b"upstash-encoding", b"").lower() == b"base64"


def batch_in(body: bytes) -> list[RawCommand]:
    """The commands of /pipeline and /multi-exec. Raises Refused."""
    value = _json(body, "ERR failed to parse pipeline request")
    if not isinstance(value, list) or not value:
        raise Refused("ERR empty pipeline request" if value == [] else "ERR failed to parse pipeline request")
    return [_command(one, "ERR failed to parse pipeline request") for one in value]


def command_in(request: RestRequest) -> RawCommand:
    """The command of a JSON array posted to `/`, or of the path form `/SET/key/value?EX=60`. Raises Refused."""
    if request.path == b"/":
        return _command(_json(request.body, "ERR failed to parse command"), "ERR failed to parse command")
    arguments = [unquote_to_bytes(part) for part in request.raw_path[1:].split(b"/")]
    if request.body:
        arguments.append(request.body)
    for name, value in request.query:
        if name != b"_token":
            arguments += [name, value] if value else [name]
    return arguments


def check(command: RawCommand, *, read_only: bool) -> None:
    """Raises Refused for commands that REST does not offer, or not to a read-only token."""
    name = command[0].upper()
    shown = command[0].decode("utf-8", "replace")
    if name in UNSUPPORTED:
        raise Refused(f"ERR Command is not available: '{shown}'")
    if read_only and name not in READS:
        raise Refused(f"NOPERM this user has no permissions to run the '{shown.lower()}' command")


def cell(value: Value, *, as_base64: bool) -> JsonObject:
    """A reply as one object of the answer."""
    if isinstance(value, CommandError):
        return {"error": value.message}
    return {"result": _shown(value, as_base64=as_base64)}


def _shown(value: Value, *, as_base64: bool) -> Json:
    if isinstance(value, bytes):
        if as_base64 and value != b"OK":
            return base64.b64encode(value).decode()
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_shown(one, as_base64=as_base64) for one in value]
    if isinstance(value, CommandError):
        return value.message
    return value


def _json(body: bytes, otherwise: str) -> Json:
    try:
        value: Json = json.loads(body, parse_float=_WrittenNumber, parse_constant=_WrittenNumber)
    except ValueError:
        raise Refused(otherwise) from None
    return value


def _command(value: Json, otherwise: str) -> RawCommand:
    if not isinstance(value, list):
        raise Refused(otherwise)
    command = list(_arguments(value))
    if not command or not command[0]:
        raise Refused("ERR empty command")
    return command


def _arguments(values: Iterable[Json]) -> Iterable[bytes]:
    for value in values:
        if isinstance(value, _WrittenNumber):
            text = value.text
        else:
            text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        yield text.encode("utf-8", "surrogatepass")


class _WrittenNumber(float):
    """A number that knows how it was written: that text is what the server stores."""

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str
