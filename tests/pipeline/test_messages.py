"""Anthropic's surface through the whole product: what comes back, what providers are sent, and every kind of error."""

from __future__ import annotations

from typing import Final

import pytest

from lib.contract import Json, JsonObject
from tests.scripted.sayings import Saying, says, speaks
from tests.scripted.steps import Act, fails, interrupted
from tests.support.asgi_client import Response, json_object, post, request
from tests.support.conversations import data_of, streamed_message
from tests.support.deployment import SERVICE, Instance, deployed

PATH: Final = "/api/ai/v1/messages"
CLAUDE: Final = "claude-sonnet-5-5"
QUESTION: Final = "What is a lease?"
MARK: Final[JsonObject] = {"type": "ephemeral"}


async def ask(here: Instance, /, **fields: Json) -> Response:
    return await ask_with({}, here, **fields)


async def ask_with(headers: dict[str, str], here: Instance, /, **fields: Json) -> Response:
    document: JsonObject = {"model": CLAUDE, "max_tokens": 100, "messages": [{"role": "user", "content": QUESTION}]}
    named = {"x_api_key": SERVICE, "anthropic_version": "2023-06-01", **headers}
    return await post(here.app("v1"), {**document, **fields}, PATH, **named)


def said(response: Response) -> Json:
    """The text of the answer."""
    content = response.json()["content"]
    assert isinstance(content, list)
    return [block["text"] for block in content if isinstance(block, dict)]


@pytest.mark.parametrize("model", [CLAUDE, "anthropic/claude-haiku-5-5", "gpt-4o", "gemini-3.8-flash"])
async def test_any_model_answers_in_anthropics_shape(model: str) -> None:
    async with deployed() as site:
        response = await ask(site.instance(), model=model)
        assert (response.status, said(response)) == (200, [f"echo: {QUESTION}"])
        answer = response.json()
        assert (answer["type"], answer["role"], answer["stop_reason"]) == ("message", "assistant", "end_turn")
        assert answer["id"] == f"msg_{response.headers['request-id']}"
        assert response.headers["request-id"] == response.headers["x-request-id"]


async def test_the_same_question_comes_from_the_cache() -> None:
    async with deployed() as site:
        here = site.instance()
        first, again = await ask(here), await ask(here)
        assert (first.headers["x-cache"], again.headers["x-cache"]) == ("MISS", "HIT (exact)")
        assert said(again) == said(first)


async def test_the_stream_holds_what_the_answer_in_one_piece_does() -> None:
    async with deployed() as site:
        here, saying = site.instance(), Saying(("One, ", "two."), ("Hm.",))
        site.provider.script(CLAUDE, [speaks(saying), speaks(saying)])
        headers = {"cache_control": "no-store"}
        whole = (await ask_with(headers, here)).json()
        response = await ask_with(headers, here, stream=True)
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        streamed = streamed_message(map(json_object, data_of(response.body)))
        for message in (whole, streamed):
            assert isinstance(message["content"], list)
            thought, text = message["content"]
            assert thought == {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
            assert isinstance(text, dict)
            assert text["text"] == "One, two."
        assert isinstance(whole["usage"], dict)
        assert isinstance(streamed["usage"], dict)
        assert streamed["usage"].items() <= whole["usage"].items()


async def test_a_stored_answer_still_has_its_thoughts() -> None:
    async with deployed() as site:
        here = site.instance()
        site.provider.script(CLAUDE, [speaks(Saying(("Yes.",), ("Hm.",)))])
        first, again = await ask(here), await ask(here)
        streamed = await ask(here, stream=True)
        assert (again.headers["x-cache"], streamed.headers["x-cache"]) == ("HIT (exact)", "HIT (exact)")
        assert again.json()["content"] == first.json()["content"]
        content = streamed_message(map(json_object, data_of(streamed.body)))["content"]
        assert isinstance(content, list)
        assert content[0] == {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}


async def test_what_anthropic_alone_understands_reaches_it_and_nobody_else() -> None:
    marked: JsonObject = {"type": "text", "text": "Be brief.", "cache_control": MARK}
    fields: JsonObject = {"thinking": {"type": "adaptive"}, "metadata": {"user_id": "u7"}, "system": [marked]}
    async with deployed() as site:
        here = site.instance()
        await ask(here, **fields)
        to_gpt = await ask(here, model="gpt-4o", **fields)
        claude, gpt = (received.body for received in site.provider.requests)
        assert (claude["thinking"], claude["metadata"]) == (fields["thinking"], fields["metadata"])
        assert claude["system"] == [marked]
        assert set(gpt) == {"model", "messages", "max_tokens"}
        assert to_gpt.headers["x-ai-dropped-params"] == "metadata, thinking"


async def test_prompts_that_differ_in_what_anthropic_alone_understands_are_not_the_same() -> None:
    async with deployed() as site:
        here = site.instance()
        await ask(here)
        other = await ask(here, output_config={"effort": "high"})
        assert other.headers["x-cache"] == "MISS"


async def test_the_gateway_marks_the_prompt_where_it_is_asked_to() -> None:
    turns: list[Json] = [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Two?"},
    ]
    async with deployed() as site:
        await ask(site.instance(), messages=turns, system="Be brief.", gateway={"caching": "auto"})
        body = site.provider.requests[0].body
        assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
        assert str(body["messages"]).count("cache_control") == 1
        await ask(site.instance(), model="gpt-4o", messages=turns, gateway={"caching": "auto"})
        assert "cache_control" not in str(site.provider.requests[1].body)


async def test_who_the_service_speaks_for_is_named_as_anthropic_does() -> None:
    async with deployed() as site:
        here = site.instance()
        await ask(here, metadata={"user_id": "u7"})
        other = await ask(here, metadata={"user_id": "u8"})
        assert other.headers["x-cache"] == "MISS"


@pytest.mark.parametrize(
    ("status", "kind", "fields"),
    [
        (400, "invalid_request_error", {"max_tokens": None}),
        (404, "not_found_error", {"model": "nothing-of-ours"}),
    ],
)
async def test_a_wrong_request_is_an_error_in_anthropics_shape(status: int, kind: str, fields: dict[str, Json]) -> None:
    async with deployed() as site:
        response = await ask(site.instance(), **fields)
        body = response.json()
        assert (response.status, body["type"]) == (status, "error")
        assert isinstance(body["error"], dict)
        assert body["error"]["type"] == kind
        assert body["request_id"] == response.headers["request-id"]


async def test_no_credential_is_no_entry() -> None:
    async with deployed() as site:
        response = await ask_with({"x_api_key": "wrong"}, site.instance())
        assert (response.status, response.json()["type"]) == (401, "error")
        counted = await post(site.instance().app("v1"), {}, f"{PATH}/count_tokens", x_api_key="wrong")
        assert (counted.status, counted.json()["type"]) == (401, "error")


async def test_a_method_that_is_not_there_is_refused_in_anthropics_shape() -> None:
    async with deployed() as site:
        response = await request(site.instance().app("v1"), "GET", PATH)
        assert (response.status, response.json()["type"]) == (405, "error")


async def test_a_stream_that_breaks_off_ends_in_an_error_event() -> None:
    async with deployed() as site:
        site.provider.script(CLAUDE, [interrupted(says("One, ", "two, ", "three."), 5, Act.RESET)])
        response = await ask(site.instance(), stream=True)
        *_, last = response.body.rstrip(b"\n").split(b"\n\n")
        assert last.startswith(b"event: error\n")
        assert b"message_stop" not in response.body


async def test_providers_that_fail_are_an_error_a_client_may_retry() -> None:
    async with deployed() as site:
        for model in (CLAUDE, "gpt-4o", "gemini-3.1-pro-preview"):
            site.provider.script(model, [fails(503)] * 3)
        response = await ask(site.instance())
        body = response.json()
        assert isinstance(body["error"], dict)
        assert (response.status, body["error"]["type"]) == (503, "overloaded_error")


async def test_tokens_are_counted_without_asking_a_model() -> None:
    async with deployed() as site:
        document: JsonObject = {"messages": [{"role": "user", "content": "x" * 400}], "model": CLAUDE}
        headers = {"x_api_key": SERVICE}
        response = await post(site.instance().app("v1"), document, f"{PATH}/count_tokens", **headers)
        assert (response.status, response.json()) == (200, {"input_tokens": 104, "estimated": True})
        assert site.provider.requests == []
