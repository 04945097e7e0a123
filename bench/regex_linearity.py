"""How the time of every pattern and text rule grows from 10 kB to 1 MB: `python -m bench.regex_linearity`.

`growth` is the time at 1 MB over that at 10 kB, divided by the sizes' ratio: about 1 is linear, about 100 quadratic.
The texts are made to be slow, and the slowest is shown; patterns are tried bare, without the bounds that the product
puts on what it gives them. Exits 1 when something grows faster than linearly.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, cast

import orjson

import lib
from lib.ai.providers.failures import masked
from lib.ai.router.reading import read
from lib.contract import ChatRequest
from lib.kv.cache import cache_key, canonical, read_eligible, ttl_for
from lib.kv.cache.canonical import LONGEST
from lib.messages import estimate_tokens
from lib.web.body import parse_chat

SIZES: Final = (10_000, 100_000, 1_000_000)
FASTER_THAN_LINEAR: Final = 3.0
"""Growth beyond this is no noise."""
MOST_WHOLE: Final = 3
"""Texts that are tried at 1 MB: so many of the slowest, and of those that grow fastest."""
SHORTEST: Final = 0.000_5
"""Seconds; what takes less at 1 MB is noise."""
ANCHORED: Final = frozenset({"LEAD", "TITLE", "COMPLETE_QUESTION", "_DATA_URL", "DAY", "MONTH"})
"""Patterns that are only ever matched at one place (tests/unit/test_regexes.py sees to that)."""
PIECES: Final = (
    *("a", "é", "名", " ", "\n", "\t", '"', "'", "`", "“", "{[", "|", ",", ".", "!", "?", "$", "1", "-", "=", ";", ":"),
    *(
        " '" + "b" * 299,
        "```",
        "https://",
        "https://.",
        ": ",
        "hi, ",
        "please ",
        "thanks ",
        "hello \n",
        "\nthank",
        "tell me ",
    ),
    *("did ", "did a ", "how many ", "who is ", "has a ", "2026 ", "5 ", "mycel", "as of", "def ", "def a", "SELECT "),
    *(
        "SELECT a",
        "a|",
        "a,",
        "a\t",
        "$a",
        "1+",
        "aaaitis",
        "-> ",
        "translat",
        "what is ",
        "e\u0301",
        "👩\u200d",
        "Aa ",
    ),
    *("sk-", "Bearer ", "AIza", "-123", "data:a/b", "kill mysel ", "самоу", "谢谢", "ａ", "don't ", "AIDS "),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that reads a text."""

    name: str
    run: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds by size for the text that grew worst."""

    name: str
    piece: str
    milliseconds: tuple[float, ...]

    @property
    def growth(self) -> float:
        """1 is linear."""
        first, last = self.milliseconds[0], self.milliseconds[-1]
        if last < SHORTEST * 1_000:
            return 0.0
        return last / max(first, SHORTEST * 10) / (SIZES[-1] / SIZES[0])

    def row(self) -> str:
        """As a line of the table."""
        times = "".join(f"{figure:>12.3f}" for figure in self.milliseconds)
        return f"{self.name[-46:]:<48}{times}{self.growth:>9.2f}  {self.piece[:16]!r}"


def main() -> int:
    """Print the table."""
    head = "".join(f"{size // 1_000:>9,} kB" for size in SIZES)
    print(f"{'milliseconds':<48}{head}{'growth':>9}  slowest text, repeated")
    rows: list[Measured] = []
    for subject in (*rules(), *patterns()):
        rows.append(worst(subject))
        print(rows[-1].row(), flush=True)
    bounded = max((timed(rules()[0], piece, (LONGEST,))[0], piece) for piece in PIECES)
    print(f"canonical text of the longest prompt that is folded ({LONGEST:,}): {bounded[0]:.2f} ms, {bounded[1]!r}")
    slow = [row.name for row in rows if row.growth > FASTER_THAN_LINEAR]
    print(f"{len(rows)} subjects, {len(PIECES)} texts each; growing faster than linearly: {', '.join(slow) or 'none'}")
    return int(bool(slow))


def rules() -> Sequence[Subject]:
    """The product's own functions, bounds included."""
    return (
        Subject("canonical", canonical),
        Subject("cache key", lambda text: cache_key(chat(text), tenant="t", model="m")),
        Subject("lifetime of a prompt and its answer", lambda text: ttl_for(text, text, chat(text))),
        Subject("may the cache be read (crisis words)", lambda text: read_eligible(chat(text))),
        Subject("routing: class, complexity, field, needs", lambda text: read(chat(text))),
        Subject("provider's message, masked", masked),
        Subject("estimate of tokens", estimate_tokens),
        Subject("chat body", lambda text: parse_chat(orjson.dumps({"messages": [message(text)]}), {})),
    )


def patterns() -> Iterator[Subject]:
    """Every compiled pattern of the product, searched for in all of the text."""
    seen: set[int] = set()
    for module in pkgutil.walk_packages(lib.__path__, "lib."):
        for name, value in vars(importlib.import_module(module.name)).items():
            for where, pattern in within(value, f"{module.name}.{name}"):
                if id(pattern) not in seen:
                    seen.add(id(pattern))
                    yield Subject(where, pattern.match if name in ANCHORED else searching(pattern))


def searching(pattern: re.Pattern[str]) -> Callable[[str], object]:
    """Finds all matches."""
    return lambda text: sum(1 for _ in pattern.finditer(text))


def within(value: object, where: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Patterns in a constant: itself, or in rows."""
    if isinstance(value, re.Pattern):
        yield where, cast("re.Pattern[str]", value)
    elif isinstance(value, tuple):
        for at, inner in enumerate(cast("tuple[object, ...]", value)):
            yield from within(inner, f"{where}[{at}]")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from within(getattr(value, field.name, None), where)


def worst(subject: Subject) -> Measured:
    """The measurement with the fastest growth, or else the slowest. Only texts that did worst at 100 kB go to 1 MB."""
    tried = {piece: timed(subject, piece, SIZES[:2]) for piece in PIECES}
    slowest = sorted(PIECES, key=lambda piece: -tried[piece][1])[:MOST_WHOLE]
    growing = sorted(PIECES, key=lambda piece: -tried[piece][1] / max(tried[piece][0], SHORTEST * 100))[:MOST_WHOLE]
    measured = [
        Measured(subject.name, piece, (*tried[piece], *timed(subject, piece, SIZES[2:])))
        for piece in dict.fromkeys((*slowest, *growing))
    ]
    return max(measured, key=lambda one: (one.growth > FASTER_THAN_LINEAR, one.milliseconds[-1]))


def timed(subject: Subject, piece: str, sizes: Sequence[int]) -> tuple[float, ...]:
    """Milliseconds of CPU time for each size, so that a busy machine matters little."""
    figures: list[float] = []
    for size in sizes:
        text = (piece * (size // len(piece) + 1))[: size - 1] + "\0"
        gc.collect(0)
        started = time.thread_time()
        subject.run(text)
        figures.append((time.thread_time() - started) * 1_000)
    return tuple(figures)


def chat(text: str) -> ChatRequest:
    """A chat of one prompt."""
    return ChatRequest(model="m", messages=(message(text),))


def message(text: str) -> dict[str, str]:
    """A user's message."""
    return {"role": "user", "content": text}


if __name__ == "__main__":
    raise SystemExit(main())
