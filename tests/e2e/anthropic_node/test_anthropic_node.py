"""Anthropic's own client for Node against /api/ai/v1/messages, the whole product behind a real server.

Needs node and the package (`npm install` in this folder); skipped with a reason where they are missing.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from lib.contract import JsonObject
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Act, fails, interrupted, with_inserted
from tests.support.served import Served, served
from tests.support.valid_conversation import check_anthropic

HERE: Final = Path(__file__).parent
NODE: Final = shutil.which("node")
MODEL: Final = "claude-sonnet-5-5"
BONN: Final = Tool("toolu_1", "weather", ('{"city":', '"Bonn"}'))
ROME: Final = Tool("toolu_2", "weather", ('{"city":"Rome"}',))

pytestmark = pytest.mark.skipif(
    NODE is None or not (HERE / "node_modules" / "@anthropic-ai").is_dir(),
    reason="needs node and `npm install` in tests/e2e/anthropic_node",
)


async def play(product: Served, *scenarios: str) -> list[JsonObject]:
    """What the client made of each scenario."""
    process = await asyncio.create_subprocess_exec(
        *(NODE or "node", str(HERE / "client.mjs"), f"{product.url}/api/ai", product.key, *scenarios),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


async def test_answers_in_one_piece_and_streamed() -> None:
    async with served() as product:
        whole, streamed = await play(product, "json", "stream")
    assert whole == {"text": "echo: Hello", "model": f"anthropic/{MODEL}", "reason": "end_turn", "id": True}
    assert (streamed["text"], streamed["whole"], streamed["reason"]) == ("echo: Hello", "echo: Hello", "end_turn")


@pytest.mark.parametrize("scenario", ["tools", "streamedTools"])
async def test_three_turns_with_parallel_calls_and_thoughts(scenario: str) -> None:
    first = Saying(("Let me look.",), ("Two.",), (BONN, ROME), "tool_calls")
    async with served() as product:
        product.site.provider.script(MODEL, [speaks(first), says("Sunny."), says("Mild.")])
        [talk] = await play(product, scenario)
        for received in product.site.provider.requests:
            check_anthropic(received.body)
        sent = json.dumps(product.site.provider.requests[-1].body["messages"])
    assert talk["calls"] == [["toolu_1", {"city": "Bonn"}], ["toolu_2", {"city": "Rome"}]]
    assert talk["texts"] == ["Let me look.", "Sunny.", "Mild."]
    assert '"signature": "c2ln"' in sent


async def test_a_picture() -> None:
    async with served() as product:
        product.site.provider.script(MODEL, [says("A cat.")])
        [seen] = await play(product, "image")
        sent = json.dumps(product.site.provider.requests[0].body["messages"])
    assert seen == {"text": "A cat."}
    assert '"media_type": "image/png"' in sent


async def test_errors_are_the_clients_own() -> None:
    async with served() as product:
        for model in (MODEL, "gpt-4o", "gemini-3.1-pro-preview"):
            product.site.provider.script(model, [fails(500)] * 3)
        [errors] = await play(product, "errors")
    assert errors == {
        "field": {"kind": "BadRequestError", "status": 400, "type": "invalid_request_error"},
        "model": {"kind": "NotFoundError", "status": 404, "type": "not_found_error"},
        "key": {"kind": "AuthenticationError", "status": 401, "type": "authentication_error"},
        "upstream": {"kind": "InternalServerError", "status": 502, "type": "api_error"},
    }


async def test_a_stream_that_breaks_off_is_an_error() -> None:
    async with served() as product:
        product.site.provider.script(MODEL, [interrupted(says("One, ", "two, ", "three."), 5, Act.RESET)])
        [broken] = await play(product, "broken")
    assert broken["text"] == "One, two, "
    assert broken["error"] is not None


async def test_an_abort_ends_the_providers_work() -> None:
    async with served() as product:
        product.site.provider.script(MODEL, [with_inserted(says("One, ", "two."), 4, Act.HOLD)])
        [aborted] = await play(product, "abort")
        await product.site.provider.until(lambda provider: provider.hang_ups == 1)
    assert aborted["aborted"] is True
    assert aborted["error"] == {"kind": "APIUserAbortError", "status": None, "type": None}
