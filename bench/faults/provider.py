"""`python -m bench.faults.provider --port 9101`: a provider full of faults, to stand behind any gateway.

It speaks OpenAI's wire (`POST /v1/chat/completions`) and Anthropic's (`POST /v1/messages`), whole and streamed, and
takes any key. A fault is called for by `[fault:NAME]` in the last user message, by a model named `fault-NAME`, or by a
header `x-fault: NAME`. By a message it befalls the first model that is asked it, again and again; whichever other model
is then asked answers well, so a gateway needs a fallback to any other name. `--list` prints the names.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from bench.faults.meant import MARK, answer
from lib.clock import Clock, SystemClock
from lib.messages import last_user_text
from tests.scripted.fault_rows import FAULTS, named
from tests.scripted.faults import Fault
from tests.scripted.provider import ScriptedProvider
from tests.scripted.sayings import speaks
from tests.scripted.steps import Received, Reply, fails

REMEMBERED: Final = 1_000
"""Prompts of which it is known who was asked first."""
PORT: Final = 9101


@dataclass(slots=True)
class Asked:
    """One prompt so far."""

    first: str
    """The model that was asked first."""
    calls: Counter[str] = field(default_factory=Counter[str])


class FaultyModels:
    """Answers every request, well or with the fault it calls for."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._asked: OrderedDict[str, Asked] = OrderedDict()

    def calls(self, question: str) -> int:
        """How often any model was asked a question."""
        asked = self._asked.get(question)
        return asked.calls.total() if asked else 0

    def __call__(self, request: Received) -> Reply:
        """A step for the scripted provider."""
        messages = request.body.get("messages")
        question = last_user_text([m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else [])
        asked = self._note(question, request.model)
        by_name = request.headers.get("x-fault") or request.model.partition("fault-")[2]
        found = MARK.search(question)
        name = by_name or (found["name"] if found else "")
        said = answer(request.model, question)
        if not name or not (by_name or asked.first == request.model):
            return speaks(said)(request)
        try:
            fault = named(name)
        except KeyError:
            return fails(400, "invalid_request_error", f"there is no fault named {name!r}")(request)
        if fault.once and asked.calls[request.model] > 1:
            return speaks(said)(request)
        return replace(fault.step(said, self._now())(request), hold_seconds=fault.silence)

    def _note(self, question: str, model: str) -> Asked:
        asked = self._asked.setdefault(question, Asked(model))
        asked.calls[model] += 1
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        return asked


def faulty_provider(models: FaultyModels, port: int = 0, clock: Clock | None = None) -> ScriptedProvider:
    """A provider on a port of this machine (0: any), whose silences last as long as their rows say."""
    return ScriptedProvider(port=port, clock=clock or SystemClock(), otherwise=models)


def listing(faults: Sequence[Fault] = FAULTS) -> str:
    """The names and what they mean, as lines."""
    return "\n".join(f"{fault.name:<22} {fault.what}" for fault in faults)


async def serve(port: int) -> None:
    """Answer until cancelled."""
    async with faulty_provider(FaultyModels(SystemClock().now), port) as provider:
        print(f"faults are served on {provider.base_url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults.provider", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--list", action="store_true", help="print the faults")
    given = parser.parse_args()
    if given.list:
        print(listing())
        return
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(given.port))


if __name__ == "__main__":
    main()
