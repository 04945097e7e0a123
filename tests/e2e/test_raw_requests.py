"""Bytes on a socket that are hardly HTTP: nothing of it ends in a 5xx, and the server goes on answering."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

import pytest
import pytest_asyncio

from tests.corpus.case import CANARY, CHAT, chat
from tests.support.loopback_server import serve
from tests.support.sealed import sealed

BODY: Final = chat()
HEAD: Final = b"POST %b HTTP/1.1\r\nhost: a\r\nauthorization: Bearer service-token\r\n" % CHAT.encode()
LENGTH: Final = b"content-length: %d\r\n" % len(BODY)
MEGABYTES: Final = b"10000\r\n" + b" " * 0x10000 + b"\r\n"


def chunked(*chunks: bytes) -> bytes:
    return HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"".join(chunks)


RAW: Final[tuple[tuple[str, bytes], ...]] = (
    ("nothing-but-line-breaks", b"\r\n" * 100),
    ("garbage", bytes(range(256)) * 20),
    ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)),
    ("http-0.9", b"GET /\r\n\r\n"),
    ("http-2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("http-9.9", HEAD.replace(b"HTTP/1.1", b"HTTP/9.9") + LENGTH + b"\r\n" + BODY),
    ("length-negative", HEAD + b"content-length: -1\r\n\r\n" + BODY),
    ("length-hexadecimal", HEAD + b"content-length: 0x10\r\n\r\n" + BODY),
    ("length-absurd", HEAD + b"content-length: " + b"9" * 400 + b"\r\n\r\n" + BODY),
    ("length-of-a-terabyte", HEAD + b"content-length: 1099511627776\r\n\r\n" + BODY),
    ("length-of-5-mb", HEAD + b"content-length: 5000000\r\n\r\n" + BODY),
    ("length-twice", HEAD + LENGTH + b"content-length: 1\r\n\r\n" + BODY),
    ("length-and-chunked", HEAD + LENGTH + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n"),
    ("coding-unknown", HEAD + b"transfer-encoding: gzip\r\n\r\n" + BODY),
    ("coding-spoiled", HEAD + b"transfer-encoding: xchunked\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("chunk-size-garbage", chunked(b"zz\r\n", BODY)),
    ("chunk-size-negative", chunked(b"-1\r\n", BODY)),
    ("chunk-size-absurd", chunked(b"f" * 40 + b"\r\n", BODY)),
    ("chunk-extension-long", chunked(b"1;" + b"x" * 100_000 + b"\r\n{\r\n0\r\n\r\n")),
    ("chunks-of-5-mb", chunked(*[MEGABYTES] * 80, b"0\r\n\r\n")),
    ("chunks-of-a-byte", chunked(*[b"1\r\n \r\n"] * 5_000, b"0\r\n\r\n")),
    (
        "trailers",
        chunked(b"%x\r\n" % len(BODY), BODY, b"\r\n0\r\nauthorization: Bearer x\r\ncontent-length: 9\r\n\r\n"),
    ),
    ("header-folded", HEAD + LENGTH + b"idempotency-key: a\r\n b\r\n\r\n" + BODY),
    ("header-with-nul", HEAD + LENGTH + b"idempotency-key: a\0b\r\n\r\n" + BODY),
    ("header-with-cr", HEAD + LENGTH + b"idempotency-key: a\rset-cookie: b\r\n\r\n" + BODY),
    ("header-with-lf", HEAD + LENGTH + b"idempotency-key: a\nset-cookie: b\r\n\r\n" + BODY),
    ("header-not-ascii", HEAD + LENGTH + b"idempotency-key: \xff\xfe\r\n\r\n" + BODY),
    ("header-without-name", HEAD + LENGTH + b": a\r\n\r\n" + BODY),
    ("header-without-colon", HEAD + LENGTH + b"nonsense\r\n\r\n" + BODY),
    ("header-of-1-mb", HEAD + LENGTH + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n" + BODY),
    ("headers-10000", HEAD + LENGTH + b"".join(b"x%d: y\r\n" % n for n in range(10_000)) + b"\r\n" + BODY),
    ("address-absolute", HEAD.replace(b"POST /", b"POST http://evil.example/") + LENGTH + b"\r\n" + BODY),
    ("address-not-ascii", HEAD.replace(b"/chat", b"/ch\xc3\xa4t") + LENGTH + b"\r\n" + BODY),
    ("address-with-nul", HEAD.replace(b"/chat", b"/chat%00") + LENGTH + b"\r\n" + BODY),
    ("address-with-line-break", HEAD.replace(b"/chat", b"/chat%0d%0aset-cookie:%20a=b") + LENGTH + b"\r\n" + BODY),
    ("address-up", HEAD.replace(b"/chat", b"/..%2f..%2f..%2fetc%2fpasswd") + LENGTH + b"\r\n" + BODY),
    ("address-of-1-mb", HEAD.replace(b"/chat", b"/" + b"a" * 1_000_000) + LENGTH + b"\r\n" + BODY),
    ("connect", b"CONNECT 127.0.0.1:6379 HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("trace", b"TRACE / HTTP/1.1\r\nhost: a\r\nx: " + CANARY.encode() + b"\r\n\r\n"),
    ("upgrade-h2c", HEAD + LENGTH + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n" + BODY),
    (
        "websocket",
        b"GET %b HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n" % CHAT.encode() + b"\r\n",
    ),
    ("body-cut", HEAD + b"content-length: 5000\r\n\r\n" + BODY),
    ("redis", b"*1\r\n$8\r\nFLUSHALL\r\n"),
)


INCOMPLETE: Final = frozenset({"body-cut", "nothing-but-line-breaks"})
"""Of these the server waits for the rest."""


@pytest_asyncio.fixture
async def address() -> AsyncGenerator[tuple[str, int]]:
    async with serve(sealed().app_at(CHAT)) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        yield host, int(port)


async def answer_to(address: tuple[str, int], data: bytes, *, gives_up: bool = False) -> bytes:
    """What comes back first; nothing where the server closes. A client that `gives_up` says that nothing follows."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(data)
        await writer.drain()
        if gives_up:
            writer.write_eof()
        return await reader.read(65_536)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(("name", "data"), RAW, ids=[row[0] for row in RAW])
async def test_what_is_hardly_http_gets_a_4xx_or_a_closed_connection(
    name: str, data: bytes, address: tuple[str, int]
) -> None:
    async with asyncio.timeout(10):
        said = await answer_to(address, data, gives_up=name in INCOMPLETE)
    assert not said or said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 200")), said[:300]
    assert b"set-cookie" not in said.lower()
    assert CANARY.encode() not in said or b"200 OK" in said
    good = await answer_to(address, HEAD + LENGTH + b"\r\n" + BODY)
    assert good.startswith(b"HTTP/1.1 200 OK\r\n")
