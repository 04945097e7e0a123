"""OpenAI's own client for Node against /api/ai/v1, the whole product behind a real server.

Needs node and the packages (`npm install` in this folder); skipped with a reason where they are missing.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from lib.contract import Json, JsonObject
from lib.embedding import numbers_of
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Act, fails, with_inserted
from tests.scripted.vectors import scripted_vector
from tests.support.served import Served, served

HERE: Final = Path(__file__).parent
NODE: Final = shutil.which("node")
PACKAGES: Final = ("openai6", "openai7")
ECHO: Final = "echo: Hello"

pytestmark = [
    pytest.mark.skipif(
        NODE is None or not (HERE / "node_modules" / "openai7").is_dir(),
        reason="needs node and `npm install` in tests/e2e/openai_node",
    ),
    pytest.mark.parametrize("package", PACKAGES),
]


async def play(product: Served, package: str, *scenarios: str) -> list[JsonObject]:
    """What the client made of each scenario."""
    process = await asyncio.create_subprocess_exec(
        *(NODE or "node", str(HERE / "client.mjs"), package, product.base_url, product.key, *scenarios),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


async def test_answers_in_one_piece_and_streamed(package: str) -> None:
    async with served() as product:
        whole, streamed = await play(product, package, "json", "stream")
    assert (whole["text"], whole["model"]) == (ECHO, "openai/gpt-4o")
    assert (streamed["text"], streamed["finish"]) == (ECHO, "stop")
    assert whole["total"] == streamed["total"]


async def test_a_conversation_with_a_tool_over_three_turns(package: str) -> None:
    async with served() as product:
        calls = (Tool("call_1", "weather", ('{"city":', '"Bonn"}')),)
        product.site.provider.script("gpt-4o", [says(tools=calls, finish="tool_calls"), says("Rain."), says("Yes.")])
        [talk] = await play(product, package, "tools")
    assert talk == {"calls": [["call_1", '{"city":"Bonn"}']], "texts": ["Rain.", "Yes."]}


async def test_parallel_tool_calls_whole_and_streamed(package: str) -> None:
    calls = (Tool("c1", "weather", ('{"city":"Bonn"}',)), Tool("c2", "weather", ('{"city":', '"Ulm"}')))
    step = speaks(Saying(tools=calls, finish="tool_calls"))
    async with served() as product:
        product.site.provider.script("gpt-4o", [step, step])
        [found] = await play(product, package, "parallel")
    assert found["whole"] == found["streamed"] == [["c1", '{"city":"Bonn"}'], ["c2", '{"city":"Ulm"}']]


async def test_pictures_and_structured_output(package: str) -> None:
    async with served() as product:
        product.site.provider.script("gpt-4o", [says("A cat."), says('{"name":', '"Bonn"}')])
        picture, structured = await play(product, package, "image", "structured")
        first, second = product.site.provider.requests
    assert (picture["text"], structured["parsed"]) == ("A cat.", {"name": "Bonn"})
    assert "image_url" in json.dumps(first.body["messages"])
    assert "json_schema" in json.dumps(second.body["response_format"])


def kinds(errors: JsonObject) -> dict[str, Json]:
    return {name: error["kind"] for name, error in errors.items() if isinstance(error, dict)}


async def test_errors_are_of_the_right_class(package: str) -> None:
    async with served(RETRY_MAX_ATTEMPTS="1") as product:
        product.site.provider.script("gpt-4o", [fails(500)])
        [errors] = await play(product, package, "errors")
    async with served(TIER_LIMITS="master=1/0") as product:
        [limited] = await play(product, package, "limited")
    async with served(TIER_DAILY_BUDGETS_USD="master=0.000001") as product:
        [spent] = await play(product, package, "spent")
    assert kinds(errors) == {
        "unknown": "NotFoundError",
        "wrong": "BadRequestError",
        "stranger": "AuthenticationError",
        "forbidden": "PermissionDeniedError",
        "upstream": "InternalServerError",
    }
    assert (limited["kind"], limited["code"]) == ("RateLimitError", "rate_limit_exceeded")
    assert (spent["kind"], spent["status"], spent["code"]) == ("APIError", 402, "budget_exceeded")


async def test_a_stream_that_breaks_raises_and_keeps_the_text_so_far(package: str) -> None:
    async with served() as product:
        product.site.provider.script("gpt-4o", [says("half an", " answer", finish=None)])
        [broken] = await play(product, package, "broken")
    assert broken["text"] == "half an answer"
    assert isinstance(error := broken["error"], dict)
    assert error["kind"] == "APIError"


async def test_an_abort_ends_the_call_of_the_provider(package: str) -> None:
    async with served() as product:
        provider = product.site.provider
        provider.script("gpt-4o", [with_inserted(says("one", "two"), 2, Act.HOLD)])
        [left] = await play(product, package, "abort")
        await provider.until(lambda p: p.hang_ups == 1)
    assert left["text"] == "one"


async def test_embeddings_and_models(package: str) -> None:
    expected = [numbers_of(scripted_vector(text, 8)) for text in ("one", "two")]
    async with served() as product:
        embeddings, models = await play(product, package, "embeddings", "models")
    assert embeddings == {"usual": expected, "numbers": expected}
    assert isinstance(ids := models["ids"], list)
    assert {"auto", "openai/gpt-4o"} <= {str(name) for name in ids}
    assert isinstance(missing := models["missing"], dict)
    assert (models["one"], missing["kind"]) == ("openai/gpt-4o", "NotFoundError")
