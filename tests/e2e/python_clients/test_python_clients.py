"""LangChain's ChatOpenAI and LiteLLM's functions against /api/ai/v1, the whole product behind a real server.

They live in an environment of their own (requirements.txt says how); skipped with a reason where it is missing.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Final

import pytest

from lib.contract import Json
from lib.embedding import numbers_of
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Act, with_inserted
from tests.scripted.vectors import scripted_vector
from tests.support.served import Served, served

HERE: Final = Path(__file__).parent
PYTHON: Final = HERE.parents[2] / ".cache" / "clients" / "bin" / "python"
QUIET: Final = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LANGSMITH_TRACING": "false"}
"""Neither asks the internet for anything."""

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="needs .cache/clients, see requirements.txt in this folder"),
    pytest.mark.parametrize("client", ["langchain_client", "litellm_client"]),
]


async def play(product: Served, client: str, *scenarios: str) -> list[Json]:
    """What the client made of each scenario."""
    process = await asyncio.create_subprocess_exec(
        *(str(PYTHON), str(HERE / f"{client}.py"), product.base_url, product.key, *scenarios),
        stdout=asyncio.subprocess.PIPE,
        env=QUIET,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in output.splitlines() if line.startswith((b"[", b"{", b'"'))]


async def test_answers_streams_pictures_structured_output_and_embeddings(client: str) -> None:
    expected = [numbers_of(scripted_vector(text, 8)) for text in ("one", "two")]
    async with served() as product:
        provider = product.site.provider
        whole, streamed = await play(product, client, "json", "stream")
        provider.script("gpt-4o", [says("A cat."), says('{"name":', '"Bonn"}')])
        picture, structured, vectors = await play(product, client, "image", "structured", "embeddings")
    assert whole == ["echo: Hello", "openai/gpt-4o", 15]
    assert streamed == ["echo: Hello", "stop", 15]
    assert (picture, structured, vectors) == ("A cat.", {"name": "Bonn"}, expected)


async def test_a_conversation_with_parallel_tools_over_three_turns(client: str) -> None:
    calls = (Tool("c1", "weather", ('{"city":"Bonn"}',)), Tool("c2", "weather", ('{"city":"Ulm"}',)))
    async with served() as product:
        steps = [speaks(Saying(tools=calls, finish="tool_calls")), says("Rain."), says("Yes.")]
        product.site.provider.script("gpt-4o", steps)
        [talk] = await play(product, client, "tools")
    assert talk == [[["c1", {"city": "Bonn"}], ["c2", {"city": "Ulm"}]], "Rain.", "Yes."]


async def test_errors_broken_streams_and_a_client_that_leaves(client: str) -> None:
    async with served() as product:
        provider = product.site.provider
        provider.script("gpt-4o", [says("half an", " answer", finish=None)])
        unknown, broken = await play(product, client, "unknown", "broken")
        provider.script("gpt-4o", [with_inserted(says("one", "two"), 2, Act.HOLD)])
        [left] = await play(product, client, "abort")
        await provider.until(lambda p: p.hang_ups == 1)
    expected = {
        "langchain_client": ["OpenAIModelNotFoundError", "APIError"],
        "litellm_client": ["NotFoundError", "MidStreamFallbackError"],
    }
    assert [unknown, broken] == expected[client]
    assert left == "one"
