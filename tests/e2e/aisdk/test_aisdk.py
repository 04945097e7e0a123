"""The AI SDK's own transports, versions 5 to 7, read our UI message stream over real HTTP.

Needs node and the packages (`npm install` in this folder); skipped with a reason where they are missing.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from lib.clock import SystemClock
from lib.contract import Json, JsonObject
from lib.web.access import Access, AccessRules
from lib.web.chat_route import ChatEndpoint, ChatRules
from tests.support.loopback_server import serve
from tests.support.played_pipeline import PlayedPipeline

HERE: Final = Path(__file__).parent
NODE: Final = shutil.which("node")
PACKAGES: Final = ("ai5", "ai6", "ai7")

pytestmark = pytest.mark.skipif(
    NODE is None or not (HERE / "node_modules" / "ai7").is_dir(),
    reason="needs node and `npm install` in tests/e2e/aisdk",
)


async def read(package: str, *texts: str) -> list[JsonObject]:
    """What the package's reader made of one chat per text."""
    access = Access(AccessRules(allow_anonymous=True))
    app = ChatEndpoint(PlayedPipeline(), access, SystemClock(), lambda: "req-1", ChatRules())
    async with serve(app) as url:
        process = await asyncio.create_subprocess_exec(
            NODE or "node",
            str(HERE / "read_stream.mjs"),
            package,
            f"{url}/api/ai/v2/chat",
            *texts,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines()]


def parts_of(reading: JsonObject) -> list[Json]:
    message = reading["message"]
    assert isinstance(message, dict)
    parts = message["parts"]
    assert isinstance(parts, list)
    return parts


def texts_of(reading: JsonObject, kind: str) -> list[Json]:
    return [part["text"] for part in parts_of(reading) if isinstance(part, dict) and part["type"] == kind]


@pytest.mark.parametrize("package", PACKAGES)
async def test_text_reasoning_and_tool_calls_arrive_as_parts_of_one_message(package: str) -> None:
    plain, thought, tool = await read(package, "plain", "think", "tool")
    assert [reading["errors"] for reading in (plain, thought, tool)] == [[], [], []]
    assert texts_of(plain, "text") == ["Hello, wörld ☃"]
    assert texts_of(thought, "reasoning") == ["hm"]
    assert texts_of(thought, "text") == ["Yes."]
    call = parts_of(tool)[-1]
    assert isinstance(call, dict)
    assert (call["type"], call["state"], call["input"]) == ("tool-weather", "input-available", {"city": "Bonn"})


@pytest.mark.parametrize("package", PACKAGES)
async def test_the_message_carries_what_the_answer_cost_and_which_model_gave_it(package: str) -> None:
    [plain] = await read(package, "plain")
    message = plain["message"]
    assert isinstance(message, dict)
    metadata = message["metadata"]
    assert isinstance(metadata, dict)
    assert (message["id"], metadata["modelUsed"], metadata["cost"]) == ("msg-req-1", "openai/gpt-4o", 0.001234)


@pytest.mark.parametrize("package", PACKAGES)
async def test_a_stream_that_breaks_is_an_error_and_the_text_so_far_is_kept(package: str) -> None:
    [broken] = await read(package, "break")
    assert broken["errors"] == ["The model went away."]
    assert texts_of(broken, "text") == ["half an answer"]


@pytest.mark.parametrize("package", PACKAGES)
async def test_a_refusal_by_a_limit_is_an_error_before_any_message(package: str) -> None:
    [refused] = await read(package, "limit")
    assert refused["message"] is None
    assert isinstance(errors := refused["errors"], list)
    assert len(errors) == 1
