"""AI SDK's own chat, versions 5 to 7, against two processes of the product: all that `useChat` does, resuming included.

Needs node and the packages (`npm install` in this folder); skipped with a reason where they are missing.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from lib.contract import Json, JsonObject
from tests.scripted.provider import ScriptedProvider
from tests.scripted.sayings import Saying, Tool, says, speaks
from tests.scripted.steps import Act, Step, fails, interrupted, with_inserted
from tests.support.deployment import SERVICE
from tests.support.processes import site

HERE: Final = Path(__file__).parent
NODE: Final = shutil.which("node")
PACKAGES: Final = ("ai5", "ai6", "ai7")

pytestmark = pytest.mark.skipif(
    NODE is None or not (HERE / "node_modules" / "ai7").is_dir(),
    reason="needs node and `npm install` in tests/e2e/aisdk",
)

ANSWER: Final = ("A lease ", "ends by ", "itself ☃.")
WHOLE: Final = "".join(ANSWER)
WEATHER: Final = Tool("call_1", "weather", ('{"city":', '"Bonn"}'))
LONGEST: Final = 60.0
"""Seconds after which a scenario that does not end has failed."""


@dataclass(frozen=True)
class Scenario:
    """What the provider does in it, and when it goes on from a silence."""

    name: str
    steps: tuple[Step, ...] = ()
    release_at: str = ""
    """What the client says it is at when the provider is to go on."""
    expects_hang_up: bool = False


HELD: Final = with_inserted(says(*ANSWER), 2, Act.HOLD)
SCENARIOS: Final = (
    Scenario("text", (says(*ANSWER),)),
    Scenario("reasoning", (speaks(Saying(ANSWER, reasoning=("Let me ", "think."))),)),
    Scenario("image", (says("A pixel."),)),
    Scenario("tool", (says("Let me see. ", tools=(WEATHER,), finish="tool_calls"), says("It is 9 °C."))),
    Scenario("conversation"),
    Scenario("regenerate", (says("first"), says("second"))),
    Scenario("refused", (fails(429),)),
    Scenario("broken", (interrupted(says(*ANSWER), 3, Act.RESET),)),
    Scenario("restarted", (interrupted(says(*ANSWER), 3, Act.RESET),)),
    Scenario("stop", (HELD,), expects_hang_up=True),
    Scenario("stopByName", (HELD,), expects_hang_up=True),
    Scenario("resume", (HELD,), release_at="resuming"),
    Scenario("reload", (HELD,), release_at="showing"),
    Scenario("nothing"),
)


@dataclass
class Played:
    """How one scenario ended: what the client told, and what the provider was asked meanwhile."""

    told: JsonObject
    asked: list[JsonObject] = field(default_factory=list[JsonObject])

    @property
    def messages(self) -> list[JsonObject]:
        messages = self.told["messages"]
        assert isinstance(messages, list)
        return [message for message in messages if isinstance(message, dict)]

    def parts(self, kind: str, at: int = -1) -> list[JsonObject]:
        """Parts of one type of a message."""
        parts = self.messages[at]["parts"]
        assert isinstance(parts, list)
        return [part for part in parts if isinstance(part, dict) and part["type"] == kind]

    def text(self, at: int = -1) -> str:
        return "".join(str(part["text"]) for part in self.parts("text", at))

    @property
    def state(self) -> tuple[Json, Json]:
        return self.told["status"], self.told["error"]

    @property
    def end(self) -> JsonObject:
        """What onFinish was told last."""
        ends = self.told["ends"]
        assert isinstance(ends, list)
        last = ends[-1]
        assert isinstance(last, dict)
        return last


class Client:
    """A node process that plays scenarios."""

    def __init__(self, process: asyncio.subprocess.Process, provider: ScriptedProvider) -> None:
        self._process = process
        self._provider = provider

    async def play(self, scenario: Scenario) -> Played:
        """One scenario from its beginning to its end."""
        provider = self._provider
        asked, hang_ups = len(provider.requests), provider.hang_ups
        provider.script("gpt-4o", scenario.steps)
        await self._say(scenario.name)
        while "scenario" not in (told := await self._hear()):
            if told["at"] == scenario.release_at:
                await provider.until(lambda p: p.stalled > 0)
                provider.release()
        if scenario.expects_hang_up:
            await provider.until(lambda p: p.hang_ups > hang_ups)
        return Played(told, [request.body for request in provider.requests[asked:]])

    async def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def _hear(self) -> JsonObject:
        assert self._process.stdout is not None
        async with asyncio.timeout(LONGEST):
            line = await self._process.stdout.readline()
        heard: Json = json.loads(line)
        assert isinstance(heard, dict)
        return heard


@asynccontextmanager
async def client(package: str, urls: tuple[str, str], provider: ScriptedProvider) -> AsyncGenerator[Client]:
    """A client of one version, ended with the block."""
    paths = [f"{url}/api/ai/v2/chat" for url in urls]
    process = await asyncio.create_subprocess_exec(
        *(NODE or "node", str(HERE / "chats.mjs"), package, *paths, SERVICE),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    try:
        yield Client(process, provider)
    finally:
        process.kill()
        await process.communicate()


Matrix: TypeAlias = dict[tuple[str, str], Played]
"""What was played, by version and scenario."""


async def play_all() -> Matrix:
    """Every scenario with every version, by both names."""
    played: Matrix = {}
    async with site(RETRY_MAX_ATTEMPTS="1", BREAKER_FAILURES="1000") as place:
        here, there = await asyncio.gather(place.process(), place.process())
        for package in PACKAGES:
            async with client(package, (here.url, there.url), place.provider) as chats:
                for scenario in SCENARIOS:
                    played[package, scenario.name] = await chats.play(scenario)
    return played


@pytest.fixture(scope="module")
def played() -> Matrix:
    """All of them once: the processes take longer to start than the chats to run."""
    return asyncio.run(play_all())


@pytest.fixture(params=PACKAGES)
def version(request: pytest.FixtureRequest) -> str:
    """One major version of the client."""
    return str(request.param)


def test_text_arrives_with_its_metadata(played: Matrix, version: str) -> None:
    chat = played[version, "text"]
    assert (chat.state, chat.text()) == (("ready", None), WHOLE)
    assert chat.end["finishReason"] == "stop"
    metadata = chat.messages[-1]["metadata"]
    assert isinstance(metadata, dict)
    assert (metadata["modelUsed"], metadata["cached"]) == ("openai/gpt-4o", False)
    assert isinstance(metadata["cost"], float)
    assert chat.messages[-1]["id"] == f"msg-{metadata['requestId']}"


def test_reasoning_is_a_part_of_its_own(played: Matrix, version: str) -> None:
    chat = played[version, "reasoning"]
    assert [part["text"] for part in chat.parts("reasoning")] == ["Let me think."]
    assert chat.text() == WHOLE


def test_an_attached_image_reaches_the_provider_as_it_is(played: Matrix, version: str) -> None:
    [body] = played[version, "image"].asked
    assert "data:image/png;base64,iVBORw0" in json.dumps(body["messages"])
    assert played[version, "image"].text() == "A pixel."


def test_a_tool_call_is_carried_out_by_the_page_and_its_result_is_answered(played: Matrix, version: str) -> None:
    chat = played[version, "tool"]
    assert [(part["state"], part["input"], part["output"]) for part in chat.parts("tool-weather")] == [
        ("output-available", {"city": "Bonn"}, {"celsius": 9})
    ]
    assert [message["role"] for message in chat.messages] == ["user", "assistant"]
    assert chat.text() == "Let me see. It is 9 °C."
    again = chat.asked[1]["messages"]
    assert isinstance(again, list)
    assert [message["role"] for message in again if isinstance(message, dict)] == ["user", "assistant", "tool"]
    assert again[-1] == {"role": "tool", "tool_call_id": "call_1", "content": '{"celsius":9}'}


def test_a_conversation_is_sent_whole_with_every_turn(played: Matrix, version: str) -> None:
    chat = played[version, "conversation"]
    assert [chat.text(at) for at in (1, 3, 5)] == ["echo: one", "echo: two", "echo: three"]
    last = chat.asked[-1]["messages"]
    assert isinstance(last, list)
    assert [message["content"] for message in last if isinstance(message, dict)] == [
        *("one", "echo: one", "two", "echo: two", "three")
    ]


def test_regenerating_asks_the_model_anew(played: Matrix, version: str) -> None:
    chat = played[version, "regenerate"]
    assert len(chat.asked) == 2
    assert [message["role"] for message in chat.messages] == ["user", "assistant"]
    assert chat.text() == "second"


def test_a_refusal_is_an_error_before_any_message(played: Matrix, version: str) -> None:
    chat = played[version, "refused"]
    assert chat.told["status"] == "error"
    assert "upstream_rate_limited" in str(chat.told["error"])
    assert [message["role"] for message in chat.messages] == ["user"]


def test_a_stream_that_breaks_off_is_an_error_and_keeps_its_text(played: Matrix, version: str) -> None:
    chat = played[version, "broken"]
    assert chat.told["status"] == "error"
    assert "broke off" in str(chat.told["error"])
    assert chat.text() == "A lease ends by "
    assert chat.end["isError"] is True


def test_a_restart_is_told_by_a_data_part(played: Matrix, version: str) -> None:
    chat = played[version, "restarted"]
    assert isinstance(data := chat.told["data"], list)
    assert [part["type"] for part in data if isinstance(part, dict)] == ["data-restart"]
    assert "echo: What is a lease" in chat.text()


def test_stopping_ends_the_providers_call_where_nobody_can_come_back(played: Matrix, version: str) -> None:
    chat = played[version, "stop"]  # that the call ended was awaited
    assert (chat.state, chat.text()) == (("ready", None), "A lease ")
    assert chat.end["isAbort"] is True


def test_stopping_by_name_ends_a_call_that_could_be_come_back_to(played: Matrix, version: str) -> None:
    chat = played[version, "stopByName"]  # that the call ended was awaited
    assert (chat.told["deleted"], chat.text()) == (204, "A lease ")


def test_a_page_that_lost_its_connection_comes_back_through_another_instance(played: Matrix, version: str) -> None:
    chat = played[version, "resume"]
    assert chat.told["lost"] == {"status": "error", "text": "A lease "}
    assert chat.state == ("ready", None)
    assert len(chat.asked) == 1
    assert [message["role"] for message in chat.messages] == ["user", "assistant"]
    texts = [part["text"] for part in chat.parts("text")]
    # Version 5 cannot take back what it had, unless it has asked before there was anything to come back to.
    assert texts == [WHOLE] or (version == "ai5" and texts == ["A lease ", WHOLE])


def test_a_page_that_was_reloaded_sees_the_whole_answer(played: Matrix, version: str) -> None:
    chat = played[version, "reload"]
    assert (chat.state, chat.text()) == (("ready", None), WHOLE)
    assert [message["role"] for message in chat.messages] == ["user", "assistant"]
    assert len(chat.asked) == 1
    metadata = chat.messages[-1]["metadata"]
    assert isinstance(metadata, dict)
    assert (metadata["modelUsed"], metadata["cached"]) == ("openai/gpt-4o", False)


def test_where_there_is_nothing_to_come_back_to_nothing_happens(played: Matrix, version: str) -> None:
    assert (played[version, "nothing"].state, played[version, "nothing"].messages) == (("ready", None), [])
