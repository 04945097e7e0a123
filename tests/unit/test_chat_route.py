"""POST /api/ai/v2/chat from socket to socket, with a pipeline that plays events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from itertools import count

import orjson
import pytest

from lib.answer import Delta, Done, Event, Opened
from lib.contract import CallerKind, Job
from lib.errors import RateLimited, UpstreamFailed
from lib.web.access import Access, AccessRules
from lib.web.chat_route import ChatEndpoint, ChatRules
from lib.web.cors import Cors
from tests.support.asgi_client import Exchange, Response, post, request
from tests.support.clock import START, HandTurnedClock
from tests.support.events import REPORT, stream, text_events

HELLO = orjson.dumps({"messages": [{"role": "user", "content": "hi"}]})
HELLO_STREAMED = orjson.dumps({"messages": [{"role": "user", "content": "hi"}], "stream": True})
HELLO_UI = orjson.dumps({"messages": [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}]})
PATH = "/api/ai/v2/chat"


@dataclass
class Played:
    """A pipeline that plays events and notes what became of each run."""

    events: list[Event | Exception] = field(default_factory=lambda: [*text_events("Hel", "lo")])
    jobs: list[Job] = field(default_factory=list[Job])
    log: list[str] = field(default_factory=list[str])
    hold_after: int | None = None
    """Wait forever once this many events have been given."""
    trouble_settling: bool = False
    holding: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, job: Job) -> AsyncGenerator[Event, None]:
        self.jobs.append(job)
        given = 0
        try:
            async for event in stream(self.events):
                if given == self.hold_after:
                    self.holding.set()
                    await asyncio.Event().wait()
                given += 1
                yield event
            self.log.append("ran on after Done")
        finally:
            self.log.append("closed")

    async def settle(self, job: Job) -> None:
        self.log.append("settled")
        if self.trouble_settling:
            raise RuntimeError("cannot settle")


def endpoint(pipeline: Played, rules: ChatRules | None = None, clock: HandTurnedClock | None = None) -> ChatEndpoint:
    numbers = count(1)
    access = Access(AccessRules(service_token="secret", allow_anonymous=True))
    ids = (f"req-{number}" for number in numbers)
    return ChatEndpoint(pipeline, access, clock or HandTurnedClock(), lambda: next(ids), rules or ChatRules())


async def chat(pipeline: Played, body: bytes = HELLO, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await Exchange(endpoint(pipeline), "POST", PATH, named, (body,)).run()


async def test_an_answer_as_json_has_its_headers_and_is_settled_after_the_last_byte() -> None:
    pipeline = Played()
    response = await chat(pipeline)
    assert (response.status, response.complete) == (200, True)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["x-ai-cost-usd"] == "0.001234"
    assert response.json()["content"] == "Hello"
    assert pipeline.log == ["ran on after Done", "closed", "settled"]


async def test_a_stream_is_sent_piece_by_piece() -> None:
    pipeline = Played()
    response = await chat(pipeline, HELLO_STREAMED)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in response.headers
    assert len(response.chunks) == 4
    assert response.body.endswith(b"data: [DONE]\n\n")
    assert pipeline.log == ["ran on after Done", "closed", "settled"]


async def test_the_first_word_leaves_before_the_second_comes() -> None:
    pipeline = Played(hold_after=2)
    exchange = Exchange(endpoint(pipeline), "POST", PATH, {}, (HELLO_STREAMED,))
    running = asyncio.create_task(exchange.run())
    while len(exchange.response.chunks) < 2:
        await exchange.progress.wait()
        exchange.progress.clear()
    assert b'"Hel"' in exchange.response.chunks[1]
    exchange.hang_up()
    await running


async def test_ui_messages_are_answered_as_a_ui_stream() -> None:
    response = await chat(Played(), HELLO_UI)
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert b'"type":"finish"' in response.body


async def test_the_job_names_caller_time_and_deadline() -> None:
    pipeline = Played()
    await chat(pipeline, HELLO, authorization="Bearer secret", x_user_id="ann")
    [job] = pipeline.jobs
    assert (job.request_id, job.received_at, job.deadline) == ("req-1", START, START + 290)
    assert (job.caller.user_id, job.caller.kind) == ("ann", CallerKind.SERVICE)


async def test_the_platforms_end_of_the_invocation_bounds_the_deadline() -> None:
    pipeline = Played()
    rules = ChatRules(time_limit=lambda: START + 60, spare_seconds=5)
    await Exchange(endpoint(pipeline, rules), "POST", PATH, {}, (HELLO,)).run()
    assert pipeline.jobs[0].deadline == START + 55


async def test_a_refusal_before_the_first_event_is_an_http_error_in_any_protocol() -> None:
    limited = RateLimited("Slow down.", limit_name="free", limit=10, window_seconds=60, retry_after=3)
    for body in (HELLO, HELLO_STREAMED, HELLO_UI):
        pipeline = Played([limited])
        response = await chat(pipeline, body)
        assert (response.status, response.headers["retry-after"]) == (429, "3")
        assert response.headers["content-type"] == "application/json"
        assert pipeline.log == ["closed", "settled"]


@pytest.mark.parametrize(
    ("body", "ending"),
    [
        (HELLO_STREAMED, b'"code":"upstream_failed"},"request_id":"req-1"}\n\n'),
        (HELLO_UI, b'data: {"type":"error","errorText":"The model went away."}\n\ndata: [DONE]\n\n'),
    ],
)
async def test_a_stream_that_breaks_ends_in_its_protocols_error(body: bytes, ending: bytes) -> None:
    pipeline = Played([Opened(REPORT), Delta(text="half"), UpstreamFailed("The model went away.")])
    response = await chat(pipeline, body)
    assert (response.status, response.complete) == (200, True)
    assert response.body.endswith(ending)
    assert b'"finish"' not in response.body
    assert pipeline.log == ["closed", "settled"]


@pytest.mark.parametrize("events", [[], [Opened(REPORT)], [Opened(REPORT), Delta(text="half")]])
async def test_half_an_answer_is_never_a_success(events: list[Event | Exception]) -> None:
    assert (await chat(Played(events))).status == 500
    streamed = await chat(Played(events), HELLO_UI)
    assert streamed.status == 500 or b'"type":"error"' in streamed.body


@pytest.mark.parametrize("body", [HELLO, HELLO_STREAMED, HELLO_UI])
async def test_an_unexpected_error_is_a_500_with_the_request_id_and_its_traceback_is_logged(
    body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    response = await chat(Played([ZeroDivisionError("secret detail")]), body)
    assert response.status == 500
    error = response.json()
    assert error["request_id"] == "req-1"
    assert b"secret detail" not in response.body
    assert caplog.records[-1].exc_info is not None


async def test_an_unexpected_error_within_a_stream_still_ends_it_in_words() -> None:
    response = await chat(Played([Opened(REPORT), Delta(text="half"), ZeroDivisionError()]), HELLO_UI)
    assert response.body.endswith(b'"errorText":"Something went wrong on our side."}\n\ndata: [DONE]\n\n')
    assert response.complete


async def test_what_the_operator_should_know_is_logged_and_the_prompt_is_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "lib")
    await chat(Played([UpstreamFailed("No answer.", detail="openai: 500")]), HELLO.replace(b"hi", b"my-prompt"))
    assert "openai: 500" in caplog.text
    assert "my-prompt" not in caplog.text


@pytest.mark.parametrize("body", [HELLO, HELLO_STREAMED, HELLO_UI])
@pytest.mark.parametrize("given", [0, 1, 2])
async def test_a_client_that_hangs_up_ends_the_pipeline_and_is_settled(body: bytes, given: int) -> None:
    pipeline = Played(hold_after=given)
    exchange = Exchange(endpoint(pipeline), "POST", PATH, {}, (body,))
    running = asyncio.create_task(exchange.run())
    await pipeline.holding.wait()
    exchange.hang_up()
    await running
    assert pipeline.log == ["closed", "settled"]
    assert not exchange.response.complete


async def test_a_socket_that_breaks_while_sending_is_a_hang_up(caplog: pytest.LogCaptureFixture) -> None:
    pipeline = Played()
    await Exchange(endpoint(pipeline), "POST", PATH, {}, (HELLO_STREAMED,), broken_pipe=True).run()
    assert pipeline.log == ["closed", "settled"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_server_that_cancels_the_request_still_gets_it_settled() -> None:
    pipeline = Played(hold_after=1)
    running = asyncio.create_task(Exchange(endpoint(pipeline), "POST", PATH, {}, (HELLO_STREAMED,)).run())
    await pipeline.holding.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert pipeline.log == ["closed", "settled"]


async def test_trouble_while_settling_is_logged_and_changes_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    response = await chat(Played(trouble_settling=True))
    assert (response.status, response.complete) == (200, True)
    assert "cannot settle" in caplog.text


async def test_a_client_that_leaves_while_sending_its_body_is_nobodys_error() -> None:
    pipeline = Played()
    exchange = Exchange(endpoint(pipeline), "POST", PATH, {}, ())
    exchange.hang_up()
    response = await exchange.run()
    assert (response.status, pipeline.jobs) == (0, [])


async def test_a_silent_stream_is_kept_alive_by_comments() -> None:
    clock, pipeline = HandTurnedClock(), Played(hold_after=1)
    exchange = Exchange(endpoint(pipeline, ChatRules(keep_alive_seconds=15), clock), "POST", PATH, {}, (HELLO_UI,))
    running = asyncio.create_task(exchange.run())
    await pipeline.holding.wait()
    for _ in range(2):
        exchange.progress.clear()
        clock.turn(15)
        await exchange.progress.wait()
    exchange.hang_up()
    await running
    assert exchange.response.chunks[1:] == [b": keep-alive\n\n"] * 2


async def test_who_is_not_known_is_refused_before_the_body_is_read() -> None:
    response = await chat(Played(), b"not json", authorization="Bearer wrong")
    assert response.status == 401


async def test_a_bad_body_is_a_400_that_names_the_field() -> None:
    pipeline = Played()
    response = await chat(pipeline, b'{"messages": []}')
    assert response.status == 400
    assert response.json() == {
        "error": {
            "message": "There must be at least one.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "invalid_value",
        },
        "request_id": "req-1",
    }
    assert pipeline.jobs == []


async def test_a_body_in_pieces_is_read_whole_and_a_large_one_is_refused_early() -> None:
    pieces = Exchange(endpoint(Played()), "POST", PATH, {}, (HELLO[:9], HELLO[9:20], HELLO[20:]))
    assert (await pieces.run()).status == 200
    announced = Exchange(endpoint(Played()), "POST", PATH, {"content-length": "4500001"}, (b"{",))
    assert (await announced.run()).status == 413
    unannounced = Exchange(endpoint(Played()), "POST", PATH, {}, (b" " * 3_000_000, b" " * 3_000_000, b"{}"))
    assert (await unannounced.run()).status == 413
    assert unannounced.unread == [b"{}"]


async def test_a_compressed_body_is_refused() -> None:
    assert (await chat(Played(), HELLO, content_encoding="gzip")).status == 400


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "TRACE"])
async def test_other_methods_are_told_which_one_to_use(method: str) -> None:
    response = await request(endpoint(Played()), method, PATH)
    assert (response.status, response.headers["allow"]) == (405, "POST, OPTIONS")


async def test_a_preflight_is_answered_for_listed_origins_only() -> None:
    app = endpoint(Played(), ChatRules(cors=Cors(("https://app.example.com",))))
    allowed = await request(app, "OPTIONS", PATH, origin="https://app.example.com")
    assert allowed.status == 204
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
    assert allowed.headers["access-control-allow-methods"] == "POST"
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-origin" not in (await request(app, "OPTIONS", PATH)).headers
    other = await request(app, "OPTIONS", PATH, origin="https://evil.example.com")
    assert not [name for name in other.headers if name.startswith("access-control")]
    assert other.headers["vary"] == "Origin"


async def test_answers_and_errors_carry_the_origin_headers() -> None:
    app = endpoint(Played(), ChatRules(cors=Cors(("*",))))
    fine = await post(app, {"messages": [{"role": "user", "content": "hi"}]}, origin="https://a.example.com")
    wrong = await post(app, {}, origin="https://a.example.com")
    assert (fine.status, wrong.status) == (200, 400)
    for response in (fine, wrong):
        assert response.headers["access-control-allow-origin"] == "*"
        assert "x-cache" in response.headers["access-control-expose-headers"]


async def test_the_final_report_counts_for_a_json_answer() -> None:
    opened, *rest = text_events("x")
    done = rest[-1]
    assert isinstance(done, Done)
    events: list[Event | Exception] = [opened, *rest[:-1], replace(done, report=replace(REPORT, degraded=("kv",)))]
    assert (await chat(Played(events))).headers["x-ai-degraded"] == "kv"
