"""No pattern of the product takes more than linear time, and what is given to them is bounded."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

import pytest

import lib
from lib.ai.router.sample import HEAD_CHARACTERS, TAIL_CHARACTERS, Sample
from lib.kv.cache import canonical
from lib.kv.cache.canonical import LONGEST
from tests.support.regex_work import complaints, longest_bounded

ROOT: Final = Path(lib.__file__).parent
TEXTS: Final = {file: file.read_text(encoding="utf-8") for file in ROOT.rglob("*.py")}
LONGEST_RUN: Final = 300
"""How often a bounded repeat may read a character again."""
EXCUSED: Final = {
    "lib.kv.cache.canonical._PAYLOAD": "a URL's run ends in vain only where it holds no other URL: none is read twice",
    "lib.kv.cache.near.words._TOKEN": "each turn reads one character, in one way only, and is never undone",
}
"""What the check cannot see."""
MAKERS: Final = {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
MAKING_FUNCTIONS: Final = {
    "kv/cache/ttl_given.py:_pattern",
    "kv/cache/ttl_rules.py:_words",
    "kv/lua/__init__.py:script",
}
"""One makes patterns of nothing but literals, one those of rows; the last only ever sees texts of ours."""


def patterns() -> dict[str, re.Pattern[str]]:
    """Every compiled pattern that a module of the product holds, by the module that made it."""
    found: dict[str, re.Pattern[str]] = {}
    for module in pkgutil.walk_packages(lib.__path__, "lib."):
        source = Path(str(importlib.import_module(module.name).__file__)).read_text(encoding="utf-8")
        for name, value in vars(importlib.import_module(module.name)).items():
            if re.search(rf"^{name}\b[^\n]*=", source, re.MULTILINE):  # not imported
                found |= dict(within(value, f"{module.name}.{name}", 0))
    return found


def within(value: object, where: str, depth: int) -> Iterator[tuple[str, re.Pattern[str]]]:
    if isinstance(value, re.Pattern):
        yield where, cast("re.Pattern[str]", value)
    elif depth < 5:
        for name, inner in parts(value):
            yield from within(inner, f"{where}{name}", depth + 1)


def parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, (tuple, list, frozenset, set)):
        for at, inner in enumerate(cast("tuple[object, ...]", value)):
            yield f"[{at}]", inner
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, object]", value).items():
            yield f"[{key!r}]", inner
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield f".{field.name}", getattr(value, field.name, None)


def is_anchored(where: str) -> bool:
    """Whether a pattern with a name of its own is only ever matched at one place."""
    name = where.rpartition(".")[2]
    uses = {use for text in TEXTS.values() for use in re.findall(rf"\b{re.escape(name)}\.(\w+)\(", text)}
    return bool(uses) and uses <= {"match", "fullmatch"}


PATTERNS: Final = patterns()


def test_the_patterns_of_every_family_are_found() -> None:
    assert len(PATTERNS) >= 30
    for family in (
        "canonical._PAYLOAD",
        "ttl_rules.PROMPT_RULES",
        "ttl_rules.ANSWER_RULES",
        "shape_rows.SHAPES",
        "failures._KEY",
    ):
        assert any(family in where for where in PATTERNS), family


def test_patterns_are_made_once_and_nowhere_but_where_this_check_finds_them() -> None:
    strays: list[str] = []
    for file, text in TEXTS.items():
        for outer in ast.parse(text).body:
            in_a_function = isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            for node in ast.walk(outer):
                match node:
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=attr)) if attr in MAKERS:
                        if in_a_function or attr != "compile":
                            strays.append(f"{file.relative_to(ROOT)}:{getattr(outer, 'name', '')}")
                    case _:
                        pass
    assert set(strays) <= MAKING_FUNCTIONS


@pytest.mark.parametrize("where", sorted(PATTERNS))
def test_a_pattern_takes_linear_time(where: str) -> None:
    found = complaints(PATTERNS[where], anchored=is_anchored(where))
    assert bool(found) == (where in EXCUSED), found
    assert longest_bounded(PATTERNS[where]) <= LONGEST_RUN


@pytest.mark.parametrize(
    "slow",
    [
        *(r"(a+)+b", r"(?:ab*)*c", r"(?:a|ab)*c", r"(\d+|x+)*y", r"a*a*b", r"a*b?a*c", r"\s*\n\s*x", r".*=.*", r"x.*y"),
        *(
            r"\w+\(",
            r"\s+$",
            r"a+(?=a*b)",
            r"[ab]+c[bc]+d|\d+z",
            r"(?:x\w*)?\d+y",
            r"(?i)É\w*!",
            r"\b[\w ]+x",
            r"价\w*!",
            r"\s*+\n",
        ),
    ],
)
def test_the_check_sees_a_slow_pattern(slow: str) -> None:
    assert complaints(re.compile(slow), anchored=False)


@pytest.mark.parametrize(
    "fast",
    [
        *(
            r"\bdef \w+\(",
            r"`[^`]*(?:`|\Z)",
            r"[^\W_]+(?:['’]|#)?",
            r"\bmycel\w+\b",
            r"(?m)^[^\n]*x",
            r"a{1,40}b",
            r"x[^x]*",
        ),
        *(r"\A\s*x", r"\b\w+\s", r"(?s)x\s*+(?:y|.*\Z)", r"[a-z]{3,20}itis", r"(?s)```.*?(?:```|\Z)"),
    ],
)
def test_the_check_passes_a_fast_one(fast: str) -> None:
    assert complaints(re.compile(fast), anchored=False) == []


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_the_router_reads_both_ends_of_a_long_prompt_and_no_more(size: int) -> None:
    assert len(Sample.of("a" * size).text) == HEAD_CHARACTERS + TAIL_CHARACTERS + 1


@pytest.mark.parametrize("size", [LONGEST + 1, 1_000_000])
def test_a_long_prompt_is_compared_as_it_is(size: int) -> None:
    prompt = "Please " * size
    assert canonical(prompt) == prompt.strip()
