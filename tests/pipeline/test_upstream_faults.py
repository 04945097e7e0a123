"""Every fault of the list, on both wires and every surface, through the whole product: what the caller is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from lib.ai.observability.record import ABOUT_OTHERS, decode
from lib.contract import JsonObject
from lib.kv.keys import day_of
from tests.scripted.fault_rows import FAULTS
from tests.scripted.faults import ANTHROPIC, OPENAI, Fault, Outcome
from tests.scripted.sayings import Saying, speaks
from tests.support.asgi_client import Response
from tests.support.deployment import Deployment, Instance, deployed
from tests.support.surfaces import Shown, Surface, shown

WORDS: Final = tuple(f"{word} " for word in ("Grüße", "世界", "naïve", "🚀", "one", "two", "three", "four", "five") * 3)
MEANT: Final = Saying(("Answer: ", *WORDS, "end."))
SECOND: Final = Saying(("Another model's words, ", "in another order: ", *reversed(WORDS), "end."))
TRIES: Final = 2
CHAIN: Final = 3
SILENT: Final = frozenset({"hang-before-headers", "hang-after-headers", "slow-first-token"})
MODELS: Final = {OPENAI: "gpt-4o", ANTHROPIC: "claude-sonnet-5-5"}
SECONDS: Final = {OPENAI: "claude-sonnet-5-5", ANTHROPIC: "gpt-4o"}
"""The fallback of each: of the other class, so that each class has its own patience."""
THIRD: Final = "gemini-3.1-pro-preview"
CLASSES: Final = {OPENAI: "", ANTHROPIC: "REASONING_"}
"""Of the settings that bound the wait for a wire's model."""
TINY: Final = "0.25"


def impatient(wire: str, fault: str) -> dict[str, str]:
    """No patience with the silences of a wire's model; the other answers in its own time."""
    if fault in SILENT:
        return {f"{CLASSES[wire]}{name}_TIMEOUT_SECONDS": TINY for name in ("FIRST_TOKEN", "WHOLE_ANSWER")}
    return {f"{CLASSES[wire]}IDLE_TIMEOUT_SECONDS": TINY} if fault == "stall" else {}


def text_of(saying: Saying) -> str:
    return "".join(saying.pieces)


@dataclass(frozen=True)
class Case:
    """One fault on one wire, seen on one surface."""

    fault: Fault
    wire: str
    surface: Surface

    @property
    def model(self) -> str:
        return MODELS[self.wire]

    @property
    def outcome(self) -> Outcome:
        expected = self.fault.expected(stream=self.surface.streams)
        assert expected is not None
        return expected

    @property
    def meant(self) -> str:
        return text_of(self.fault.saying(MEANT))

    @property
    def befallen(self) -> int:
        """Calls that the model fails."""
        return 1 if self.fault.once or self.outcome is Outcome.BROKEN else self.fault.tries

    def __str__(self) -> str:
        return f"{self.fault.name}-{self.wire}-{self.surface.value.replace(' ', '-')}"


def cases(*outcomes: Outcome) -> list[Case]:
    everywhere = (Case(f, wire, surface) for f in FAULTS for wire in sorted(f.wires) for surface in Surface)
    return [case for case in everywhere if case.fault.expected(stream=case.surface.streams) in outcomes]


@dataclass
class Stage:
    """A deployment with two instances, and a fault in front of them. The second instance is patient."""

    site: Deployment
    here: Instance
    there: Instance
    case: Case

    def befall(self, *models: str, times: int) -> None:
        step = self.case.fault.step(MEANT, self.site.clock.now())
        for model in models:
            self.site.provider.script(model, [step] * times)

    async def ask(self) -> tuple[Response, Shown]:
        return await self._ask(self.here)

    async def ask_again(self) -> tuple[Response, Shown]:
        return await self._ask(self.there)

    async def _ask(self, instance: Instance) -> tuple[Response, Shown]:
        question: JsonObject = {"role": "user", "content": "What is it?"}
        others: JsonObject = {"models": [SECONDS[self.case.wire], THIRD]}
        surface = self.case.surface
        document: JsonObject = {"model": self.case.model, "messages": [question], "gateway": others}
        response = await instance.chat(surface.asking(document), **surface.headers)
        seen = shown(surface, response.status, response.body)
        assert response.complete
        assert seen.readable
        assert seen.marked == (seen.succeeded and surface.streams), "an end mark says success, and nothing else does"
        return response, seen

    @property
    def asked(self) -> list[str]:
        """The models that were called, in order."""
        return [request.model for request in self.site.provider.requests]

    async def booked(self) -> int:
        """Usage records of requests, of the one user there is."""
        keys = self.here.gateway.keys
        log = keys.log(day_of(self.site.clock.now()), keys.shard(keys.person("u1")))
        lines = await self.here.gateway.store.run("LRANGE", log, 0, -1)
        assert isinstance(lines, list)
        records = [decode(line) for line in lines if isinstance(line, str)]
        return sum(1 for record in records if record and record.kind not in ABOUT_OTHERS)


@asynccontextmanager
async def stage(case: Case, *wires: str) -> AsyncGenerator[Stage]:
    """The case's stage; the models of `wires`, or else its own, are not waited for."""
    async with deployed(2.5, RETRY_MAX_ATTEMPTS=str(TRIES)) as site:
        there = site.instance()
        for wire in wires or (case.wire,):
            site.env.update(impatient(wire, case.fault.name))
        yield Stage(site, site.instance(), there, case)


@pytest.mark.parametrize("case", cases(Outcome.ANSWER), ids=str)
async def test_an_oddity_that_harms_nothing_is_no_fault(case: Case) -> None:
    async with stage(case) as on:
        on.befall(case.model, times=1)
        response, seen = await on.ask()
        assert (response.status, seen.text, seen.outcomes) == (200, case.meant, ["ok"])
        assert seen.finish == case.fault.saying(MEANT).finish
        assert on.asked == [case.model]
        assert await on.booked() == 1
        on.site.clock.turn(6)
        _, again = await on.ask_again()
        kept = seen.finish == "stop" and case.fault.name != "refusal"
        assert len(on.asked) == (1 if kept else 2), "a whole answer is kept, a filtered, refused or short one is not"
        assert again.text == case.meant if kept else again.text.startswith("echo")


@pytest.mark.parametrize("case", cases(Outcome.RETRIED), ids=str)
async def test_a_fault_that_passes_is_tried_again(case: Case) -> None:
    async with stage(case) as on:
        on.befall(case.model, times=1)
        on.site.provider.script(case.model, [speaks(MEANT)])
        response, seen = await on.ask()
        (kind,) = case.fault.kinds
        assert (response.status, seen.text, seen.outcomes) == (200, text_of(MEANT), [kind, "ok"])
        assert on.asked == [case.model] * 2
        assert await on.booked() == 1


@pytest.mark.parametrize(
    ("name", "least"), [("rate-limit-seconds", 1.0), ("rate-limit-date", 2.0), ("rate-limit-ms", 1.2)]
)
@pytest.mark.parametrize("wire", [OPENAI, ANTHROPIC])
async def test_a_wait_that_is_asked_for_is_kept(name: str, least: float, wire: str) -> None:
    fault = next(f for f in FAULTS if f.name == name)
    async with stage(Case(fault, wire, Surface.JSON)) as on:
        on.befall(on.case.model, times=1)
        await on.ask()
        assert [s for s in on.site.clock.slept if s >= least - 1e-6 and s <= least * 1.2]


@pytest.mark.parametrize("case", cases(Outcome.FALLBACK), ids=str)
async def test_a_model_that_fails_is_replaced_and_the_answer_says_so(case: Case) -> None:
    async with stage(case) as on:
        on.befall(case.model, times=case.befallen)
        on.site.provider.script(SECONDS[case.wire], [speaks(SECOND)])
        response, seen = await on.ask()
        assert (response.status, seen.text, seen.finish) == (200, text_of(SECOND), "stop")
        assert seen.model.endswith(f"/{SECONDS[case.wire]}")
        assert response.headers["x-ai-model"] == seen.model
        assert seen.outcomes[-1] == "ok"
        assert len(seen.outcomes) == case.befallen + 1
        assert set(seen.outcomes[:-1]) <= case.fault.kinds
        assert on.asked == [*[case.model] * case.befallen, SECONDS[case.wire]]
        assert max(on.site.clock.slept, default=0.0) < 30, "an absurd Retry-After is not waited for"
        assert await on.booked() == 1
        on.site.clock.turn(6)
        again, second = await on.ask_again()
        assert again.headers["x-cache"] == "MISS", "another model's answer is not kept under this one's name"
        assert second.text == "echo: What is it?"


@pytest.mark.parametrize("case", [c for c in cases(Outcome.FALLBACK) if c.surface is not Surface.UI], ids=str)
async def test_when_every_model_fails_the_error_is_clear_and_nothing_is_kept(case: Case) -> None:
    async with stage(case, OPENAI, ANTHROPIC) as on:
        on.befall("*", times=case.befallen * CHAIN)
        response, seen = await on.ask()
        assert seen.error is not None
        assert response.status in (400, 429, 502, 503, 504)
        assert not seen.text
        assert seen.error["code"] in ("upstream_failed", "upstream_rate_limited", "context_length_exceeded")
        assert (response.status == 400) == (case.fault.name == "context-length")
        assert (response.status == 504) == (case.fault.kinds == {"timeout"})
        assert len(on.asked) <= TRIES * CHAIN
        assert len(set(on.asked)) == CHAIN
        assert await on.booked() == 1
        again, second = await on.ask_again()
        assert (again.status, again.headers["x-cache"]) == (200, "MISS")
        assert second.text == "echo: What is it?"


@pytest.mark.parametrize("case", cases(Outcome.REFUSED), ids=str)
async def test_the_callers_own_mistake_is_not_hidden_behind_another_model(case: Case) -> None:
    async with stage(case) as on:
        on.befall(case.model, times=1)
        response, seen = await on.ask()
        assert response.status == 400
        assert seen.error is not None
        assert seen.error["message"] == "temperature is too hot"
        assert on.asked == [case.model]
        assert await on.booked() == 1
        _, second = await on.ask_again()
        assert second.text == "echo: What is it?"


@pytest.mark.parametrize("case", cases(Outcome.BROKEN), ids=str)
async def test_a_stream_that_breaks_ends_in_an_error_after_what_was_sent(case: Case) -> None:
    async with stage(case) as on:
        on.befall(case.model, times=1)
        response, seen = await on.ask()
        assert response.status == 200
        assert seen.error is not None
        assert seen.finish is None
        assert seen.text
        assert case.meant.startswith(seen.text), "nothing but the model's own words"
        assert any(kind in str(seen.error["message"]) for kind in case.fault.kinds)
        assert on.asked == [case.model]
        assert await on.booked() == 1
        again, second = await on.ask_again()
        assert again.headers["x-cache"] == "MISS"
        assert second.text == "echo: What is it?"
