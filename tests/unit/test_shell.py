"""The frame around the routes of one function, and the small JSON routes."""

from __future__ import annotations

import pytest

from lib.errors import NotFound
from lib.web.asgi import AsgiMessage, Call
from lib.web.endpoint import EndpointRules
from lib.web.json_route import JsonEndpoint, Reply
from lib.web.shell import Route, Shell
from tests.support.asgi_client import Exchange, request


def new_id() -> str:
    return "req-1"


async def echo(call: Call) -> Reply:
    if call.path.endswith("missing"):
        raise NotFound("There is no such thing.")
    return Reply({"path": call.path, "query": dict(call.query())}, headers=((b"x-extra", b"1"),))


ECHO = JsonEndpoint(echo, new_id, EndpointRules())
SHELL = Shell((Route("/api/ai/health", ECHO), Route("/api/ai/v1", ECHO, below=True)), new_id)


@pytest.mark.parametrize("path", ["/api/ai/health", "/api/ai/health/", "/api/ai/v1", "/api/ai/v1/chat/completions"])
async def test_a_route_takes_its_path_and_where_it_says_so_what_is_below(path: str) -> None:
    response = await request(SHELL, "GET", path)
    assert response.status == 200
    assert response.json()["path"] == path


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/things/a", 200),
        ("/things/a/", 200),
        ("/things/a/undo", 200),
        ("/things", 404),
        ("/things/", 404),
        ("/things//undo", 404),
        ("/things/a/b", 404),
        ("/things/a/undo/b", 404),
    ],
)
async def test_a_star_stands_for_one_segment_and_never_for_none(path: str, status: int) -> None:
    shell = Shell((Route("/things/*", ECHO), Route("/things/*/undo", ECHO)), new_id)
    assert (await request(shell, "GET", path)).status == status


@pytest.mark.parametrize("path", ["/", "/api/ai/health/x", "/api/ai/healthy", "/api/ai/v10", "/favicon.ico"])
async def test_any_other_path_is_a_404_in_the_error_shape(path: str) -> None:
    response = await request(SHELL, "GET", path)
    assert response.status == 404
    assert response.json()["request_id"] == "req-1"


async def test_head_answers_as_get_does_without_the_body() -> None:
    for path, status in (("/api/ai/health", 200), ("/nowhere", 404)):
        head = await request(SHELL, "HEAD", path)
        get = await request(SHELL, "GET", path)
        assert (head.status, head.body, head.complete) == (status, b"", True)
        if status == 200:
            assert head.headers["content-length"] == str(len(get.body))


async def test_a_document_is_cached_by_nobody_and_carries_its_own_headers() -> None:
    response = await request(SHELL, "GET", "/api/ai/health")
    assert response.headers["cache-control"] == "no-store"
    assert (response.headers["x-request-id"], response.headers["x-extra"]) == ("req-1", "1")


async def test_a_route_raises_what_it_cannot_answer() -> None:
    response = await request(SHELL, "GET", "/api/ai/v1/missing")
    assert response.status == 404


async def test_the_query_is_read_and_an_absurd_one_is_a_bad_request() -> None:
    asked = await Exchange(SHELL, "GET", "/api/ai/health", query="a=1&b=&a=2").run()
    assert asked.json()["query"] == {"a": "2", "b": ""}
    assert (await Exchange(SHELL, "GET", "/api/ai/health", query="a" * 9_000).run()).status == 400


async def test_a_method_that_a_document_does_not_take_is_refused() -> None:
    response = await request(SHELL, "POST", "/api/ai/health")
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_the_server_is_told_when_the_app_is_up_and_everything_is_closed_when_it_goes_down() -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    asked = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    told: list[str] = []

    async def receive() -> AsgiMessage:
        return dict(next(asked))

    async def send(message: AsgiMessage) -> None:
        told.append(str(message["type"]))

    await Shell((), new_id, close)({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert closed == ["closed"]


async def test_an_app_that_holds_nothing_closes_nothing() -> None:
    asked = iter(["lifespan.startup", "some.extension", "lifespan.shutdown"])
    told: list[str] = []

    async def receive() -> AsgiMessage:
        return {"type": next(asked)}

    async def send(message: AsgiMessage) -> None:
        told.append(str(message["type"]))

    await SHELL({"type": "lifespan"}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_websocket_is_refused() -> None:
    told: list[AsgiMessage] = []

    async def receive() -> AsgiMessage:
        return {"type": "websocket.connect"}

    async def send(message: AsgiMessage) -> None:
        told.append(message)

    await SHELL({"type": "websocket", "path": "/"}, receive, send)
    assert told == [{"type": "websocket.close", "code": 1000}]
