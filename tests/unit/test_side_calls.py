"""Calls to third parties: what is sent, what comes back, and what never gets through."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx
import pytest
import respx

from lib.errors import SideCallFailed
from lib.side_calls import SideCalls

URL = "https://queue.example/v2/publish?token=hush"


@pytest.fixture
async def calls() -> AsyncGenerator[SideCalls]:
    made = SideCalls(longest_answer=1_000)
    yield made
    await made.aclose()


async def send(calls: SideCalls, url: str = URL) -> int:
    return (await calls.send("GET", url, headers={"authorization": "Bearer hush"})).status


@respx.mock
async def test_status_headers_and_body_come_back_whatever_the_status(calls: SideCalls) -> None:
    respx.post(URL).respond(503, headers={"Retry-After": "7"}, content=b"busy")
    answer = await calls.send("POST", URL, headers={"x-one": "1"}, content=b"{}")
    assert (answer.status, answer.headers["retry-after"], answer.body) == (503, "7", b"busy")
    sent = respx.calls.last.request
    assert (sent.headers["x-one"], sent.headers["accept-encoding"], sent.content) == ("1", "identity", b"{}")


@respx.mock
async def test_redirects_are_not_followed(calls: SideCalls) -> None:
    respx.get(URL).respond(302, headers={"location": "https://elsewhere.example/"})
    assert await send(calls) == 302


@respx.mock
@pytest.mark.parametrize(
    "trouble",
    [httpx.ConnectError("no"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("odd"), OSError("gone")],
)
async def test_trouble_on_the_wire_is_one_error_that_names_the_host_alone(calls: SideCalls, trouble: Exception) -> None:
    respx.get(URL).mock(side_effect=trouble)
    with pytest.raises(SideCallFailed) as failed:
        await send(calls)
    assert "queue.example" in str(failed.value)
    assert "hush" not in str(failed.value)


@respx.mock
@pytest.mark.parametrize("response", [httpx.Response(200, content=b"x" * 1_001), httpx.Response(200, content=b"")])
async def test_an_answer_beyond_the_bound_or_compressed_is_refused(calls: SideCalls, response: httpx.Response) -> None:
    if not response.content:
        response.headers["content-encoding"] = "gzip"
    respx.get(URL).mock(return_value=response)
    with pytest.raises(SideCallFailed):
        await send(calls)


@pytest.mark.parametrize("url", ["nonsense", "https://[", "ftp://queue.example/", "https://queue.example:99999/"])
async def test_an_impossible_address_is_the_same_error(calls: SideCalls, url: str) -> None:
    with pytest.raises(SideCallFailed):
        await send(calls, url)


async def test_an_impossible_header_is_the_same_error(calls: SideCalls) -> None:
    with pytest.raises(SideCallFailed):
        await calls.send("GET", "https://127.0.0.1:1/", headers={"x-one": "a\nb"})
