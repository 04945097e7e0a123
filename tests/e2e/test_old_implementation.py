"""/api/chat in front of an old implementation, over real sockets on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from lib.contract import JsonObject
from tests.support.breakable_server import byte_server, closed_port, read_request, reset
from tests.support.deployment import ADMIN, ASK, SERVICE, Instance, deployed
from tests.support.loopback_server import serve
from tests.support.old_chat import OldChat, old_chat
from tests.support.ticks import next_tick

FRONTEND = {"content-type": "application/json", "authorization": "Bearer theirs", "cookie": "session=1"}
AS_USER = {"authorization": f"Bearer {SERVICE}", "x-user-id": "ünï"}


@dataclass
class Site:
    """The product on a socket, an HTTP client, and the instance behind it."""

    url: str
    http: aiohttp.ClientSession
    instance: Instance

    async def kinds(self) -> dict[str, int]:
        """What the old side's records of today count."""
        side = (await self.instance.gateway.stats.get_rollout_stats())["old"]
        assert isinstance(side, dict)
        counted = {name: side[name] for name in ("totalRequests", "errors", "hangups", "refused")}
        return {name: value for name, value in counted.items() if isinstance(value, int) and value}


@asynccontextmanager
async def in_front_of(url: str, **env: str) -> AsyncGenerator[Site]:
    """The product with `url` as its old implementation, answering nobody itself."""
    async with deployed(LEGACY_CHAT_URL=url, ROLLOUT_PERCENT="0", KV_TIMEOUT_SECONDS="60", **env) as site:
        instance = site.instance()
        async with serve(instance.app("rollout")) as base, aiohttp.ClientSession(auto_decompress=False) as http:
            yield Site(f"{base}/api/chat", http, instance)


@asynccontextmanager
async def rolled_out(**env: str) -> AsyncGenerator[tuple[Site, OldChat]]:
    """The same in front of an old implementation that answers."""
    async with old_chat() as old, in_front_of(old.url, **env) as site:
        yield site, old


async def test_what_is_no_chat_of_ours_reaches_the_old_implementation_byte_by_byte() -> None:
    body = b'{ "prompt":"\xc3\xbc", "messages": "none",\n "n": 1e400 }'
    async with rolled_out() as (site, old):
        async with site.http.post(f"{site.url}?a=1&b=x%26y", data=body, headers=AS_USER) as response:
            assert (response.status, await response.read()) == (200, b'{"text":"as ever"}')
            assert response.headers["x-rollout-arm"] == "old"
        async with site.http.get(site.url, params={"id": "7"}, headers=AS_USER) as response:
            assert response.status == 200
        posted, got = old.asked
        assert (posted.method, posted.path, posted.query, posted.body) == ("POST", "/old/chat", "a=1&b=x%26y", body)
        assert (got.method, got.query, got.body) == ("GET", "id=7", b"")


async def test_a_frontends_headers_are_handed_on_by_a_list_and_the_gateways_own_are_not() -> None:
    sent = FRONTEND | {
        "x-provider-key-openai": "sk-1", "x-user-id": "somebody", "x-session": "s1", "te": "trailers", "x-other": "1",
        "origin": "https://app.example.com",
    }  # fmt: skip
    del sent["authorization"]
    async with rolled_out(LEGACY_CHAT_HEADERS="X-Session, Host, Connection") as (site, old):
        async with site.http.post(site.url, data=orjson.dumps(ASK), headers=sent) as response:
            request_id = response.headers["x-request-id"]
        seen = dict(old.asked[0].headers)
        assert seen["cookie"] == "session=1"
        assert seen["x-session"] == "s1"
        assert seen["origin"] == "https://app.example.com"
        assert seen["x-forwarded-for"] == "127.0.0.1"
        assert seen["x-request-id"] == request_id
        assert seen["host"] == urlsplit(old.url).netloc
        assert not {"x-provider-key-openai", "x-user-id", "te", "x-other", "authorization"} & set(seen)


@pytest.mark.parametrize("token", [SERVICE, ADMIN])
async def test_a_token_of_ours_never_leaves(token: str) -> None:
    async with rolled_out() as (site, old):
        for headers in ({"authorization": f"Bearer {token}"}, {"x-api-key": token}):
            async with site.http.post(site.url, data=orjson.dumps(ASK), headers=headers) as response:
                assert response.status == 200
        assert all(token not in str(asked.headers) for asked in old.asked)


async def test_with_a_token_of_its_own_the_old_implementation_is_told_who_asks() -> None:
    async with rolled_out(LEGACY_CHAT_TOKEN="for-the-old-one") as (site, old):
        headers = {"authorization": f"Bearer {SERVICE}", "x-user-tier": "pro"}
        document: JsonObject = {**ASK, "userId": "ünï"}
        async with site.http.post(site.url, data=orjson.dumps(document), headers=headers) as response:
            assert response.status == 200
        seen = old.asked[0].headers
        assert seen["authorization"] == "Bearer for-the-old-one"
        assert (seen["x-user-id"].encode("latin-1").decode(), seen["x-user-tier"]) == ("ünï", "pro")


async def test_a_response_comes_as_it_was_but_for_what_belongs_to_its_connection() -> None:
    async with rolled_out(CORS_ORIGINS="https://app.example.com") as (site, old):
        old.status = 418
        old.headers |= {
            "x-conversation": "c1", "cache-control": "private", "set-cookie": "a=1", "access-control-allow-origin": "*",
            "x-hop": "1", "connection": "x-hop", "location": "/elsewhere",
        }  # fmt: skip
        headers = AS_USER | {"origin": "https://app.example.com"}
        async with site.http.post(site.url, data=orjson.dumps(ASK), headers=headers) as response:
            assert (response.status, await response.read()) == (418, b'{"text":"as ever"}')
            shown = response.headers
            assert (shown["x-conversation"], shown["cache-control"]) == ("c1", "private")
            assert shown.getall("access-control-allow-origin") == ["https://app.example.com"]
            assert not {"set-cookie", "x-hop"} & {name.lower() for name in shown}
            assert "x-rollout-arm" in shown["access-control-expose-headers"]
        assert await site.kinds() == {"totalRequests": 1, "refused": 1}


async def test_a_redirect_is_shown_and_not_followed() -> None:
    async with rolled_out() as (site, old):
        old.status = 307
        old.headers["location"] = old.url
        async with site.http.post(site.url, data=b"{}", headers=AS_USER, allow_redirects=False) as response:
            assert response.status == 307
        assert len(old.asked) == 1


async def test_a_slow_stream_arrives_piece_by_piece_as_it_is_sent() -> None:
    async with rolled_out() as (site, old):
        old.headers = {"content-type": "text/event-stream", "x-vercel-ai-ui-message-stream": "v1"}
        old.pieces = tuple(f"data: {n}\n\n".encode() for n in range(4))
        old.held = True
        async with site.http.post(site.url, data=orjson.dumps(ASK), headers=AS_USER) as response:
            assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
            for n, piece in enumerate(old.pieces):
                assert await response.content.readany() == piece
                assert old.sent == n + 1  # the next one has not even been sent
                old.release()
            assert await response.content.read() == b""
        assert await site.kinds() == {"totalRequests": 1}


async def test_a_client_that_hangs_up_ends_the_old_implementations_work() -> None:
    async with rolled_out() as (site, old):
        old.held, old.pieces = True, (b"a", b"b")
        response = await site.http.post(site.url, data=orjson.dumps(ASK), headers=AS_USER)
        assert await response.content.readany() == b"a"
        response.close()
        await old.until(lambda o: o.hang_ups == 1)
        await booked(site)
        assert await site.kinds() == {"totalRequests": 1, "hangups": 1}


async def booked(site: Site) -> None:
    """Return once a record is in the log: it is written after the response."""
    async with asyncio.timeout(20):
        while not await site.kinds():
            await next_tick()


async def answer(site: Site) -> tuple[int, str]:
    async with asyncio.timeout(20), site.http.post(site.url, data=orjson.dumps(ASK), headers=AS_USER) as response:
        document = orjson.loads(await response.read())
        assert response.headers["x-rollout-arm"] == "old"
        return response.status, document["error"]["code"]


async def test_nobody_there_is_a_502() -> None:
    async with in_front_of(f"http://127.0.0.1:{closed_port()}/chat") as site:
        assert await answer(site) == (502, "upstream_failed")
        await booked(site)
        assert await site.kinds() == {"totalRequests": 1, "errors": 1}


async def test_a_reset_before_the_answer_is_a_502_and_is_not_sent_twice() -> None:
    posts: list[bytes] = []

    async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        posts.append((await read_request(reader))[1])
        reset(writer)

    async with byte_server(resets) as url, in_front_of(url) as site:
        assert await answer(site) == (502, "upstream_failed")
        assert posts == [orjson.dumps(ASK)]


async def test_silence_is_a_504_within_the_requests_time() -> None:
    async def says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with byte_server(says_nothing) as url, in_front_of(url, REQUEST_TIMEOUT_SECONDS="0.2") as site:
        assert await answer(site) == (504, "upstream_failed")
        await booked(site)
        assert await site.kinds() == {"totalRequests": 1, "errors": 1}


@pytest.mark.parametrize("framing", [b"content-length: 100", b"transfer-encoding: chunked"])
async def test_a_response_that_breaks_off_is_cut_and_counted_as_an_error(framing: bytes) -> None:
    piece = b"half" if framing.startswith(b"content") else b"4\r\nhalf\r\n"

    async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (framing, piece))
        await writer.drain()

    async with byte_server(breaks_off) as url, in_front_of(url) as site:
        async with site.http.post(site.url, data=orjson.dumps(ASK), headers=AS_USER) as response:
            assert response.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        await booked(site)
        assert await site.kinds() == {"totalRequests": 1, "errors": 1}


async def test_a_response_compressed_against_our_wish_is_a_502() -> None:
    async def compresses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd")
        await writer.drain()

    async with byte_server(compresses) as url, in_front_of(url) as site:
        assert await answer(site) == (502, "upstream_failed")


async def test_the_old_implementation_is_never_another_address_than_the_configured_one() -> None:
    async with rolled_out() as (site, old):
        for path in ("//elsewhere.test/chat", "/../admin", "/%2e%2e/admin"):
            url = site.url.replace("/api/chat", "")
            async with site.http.post(f"{url}{path}", data=b"{}", headers=AS_USER) as response:
                assert response.status == 404
        headers = AS_USER | {"host": "elsewhere.test", "x-forwarded-host": "elsewhere.test"}
        async with site.http.post(site.url, data=b"{}", headers=headers) as response:
            assert response.status == 200
        assert [asked.path for asked in old.asked] == ["/old/chat"]
        assert "elsewhere.test" not in str(old.asked[0].headers)
