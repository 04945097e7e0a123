"""Regular expressions as a small tree, read from the standard library's own parser, for tests to reason about.

Sets of characters are kept as members of a finite sample: ASCII and a few of other scripts, which stand for the rest.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

OTHERS: Final = "\x85\xa0áéñßıſǅ\u0301γжשع٣अก你，。！？：、“”„«»‘’「」『』あㄱ가\u2028\u3000\ufeffﬁ１\U0001f600"
SAMPLE: Final = frozenset([*map(chr, range(128)), *OTHERS])
_CATEGORIES: Final = {
    f"CATEGORY_{name}": frozenset(filter(re.compile(escape).match, SAMPLE))
    for name, escape in (
        ("DIGIT", r"\d"),
        ("NOT_DIGIT", r"\D"),
        ("SPACE", r"\s"),
        ("NOT_SPACE", r"\S"),
        ("WORD", r"\w"),
        ("NOT_WORD", r"\W"),
    )
}
WORD: Final = _CATEGORIES["CATEGORY_WORD"]
Set: TypeAlias = frozenset[str]


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set."""

    members: Set


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of them."""

    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same again and again; `most` is None where nothing bounds it."""

    inner: Node
    least: int
    most: int | None
    gives_back: bool
    """False for a possessive one."""


@dataclass(frozen=True, slots=True)
class Look:
    """What has to follow, or not; nothing is consumed."""

    inner: Node


@dataclass(frozen=True, slots=True)
class At:
    """A place: `boundary`, `start`, `line`, `end` or another."""

    place: str


Node: TypeAlias = Chars | Seq | Alt | Repeat | Look | At

_PLACES: Final = {
    "AT_BOUNDARY": "boundary",
    "AT_BEGINNING": "start",
    "AT_BEGINNING_STRING": "start",
    "AT_END": "end",
    "AT_END_STRING": "end",
}


def tree(pattern: re.Pattern[str]) -> Seq:
    """The pattern as a tree. Raises NotImplementedError for syntax that the product does not use."""
    parser = importlib.import_module("re._parser")
    parse: Callable[[str, int], Iterable[object]] = parser.parse
    return _seq(parse(pattern.pattern, pattern.flags), pattern.flags)


def _seq(items: object, flags: int) -> Seq:
    return Seq(tuple(_node(item, flags) for item in cast("Iterable[object]", items)))


def _node(item: object, flags: int) -> Node:
    operation, argument = cast("tuple[object, object]", item)
    members = _members(repr(operation), argument, flags)
    if members is not None:
        return Chars(members)
    name, fields = repr(operation), cast("Sequence[object]", argument)
    if name == "BRANCH":
        return Alt(tuple(_seq(option, flags) for option in cast("Iterable[object]", fields[1])))
    if name == "SUBPATTERN":
        return _seq(fields[3], flags)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most = cast("tuple[int, int]", fields[:2])
        bound = None if repr(most) == "MAXREPEAT" else most
        return Repeat(_plain(_seq(fields[2], flags)), least, bound, name != "POSSESSIVE_REPEAT")
    if name in ("ASSERT", "ASSERT_NOT"):
        return Look(_seq(fields[1], flags))
    if name == "AT":
        line = repr(argument) == "AT_BEGINNING" and flags & re.MULTILINE
        return At("line" if line else _PLACES.get(repr(argument), "other"))
    raise NotImplementedError(name)


def _members(operation: str, argument: object, flags: int) -> Set | None:
    """What a node of one character takes; None for any other node."""
    match operation, argument:
        case "LITERAL", int(code):
            return _cased([chr(code)], flags)
        case "NOT_LITERAL", int(code):
            return SAMPLE - _cased([chr(code)], flags)
        case "ANY", _:
            return SAMPLE if flags & re.DOTALL else SAMPLE - {"\n"}
        case "IN", _:
            return _set(argument, flags)
        case _:
            return None


def _plain(node: Seq) -> Node:
    return node.items[0] if len(node.items) == 1 else node


def _cased(characters: Iterable[str], flags: int) -> Set:
    both = set(characters)
    if flags & re.IGNORECASE:
        both |= {changed for one in both for changed in (one.lower(), one.upper()) if len(changed) == 1}
    return frozenset(map(_sampled, both))


def _sampled(character: str) -> str:
    """The character, or one of the sample that is a letter, a blank or a mark as it is."""
    if character in SAMPLE:
        return character
    if re.match(r"\w", character):
        return "你"
    return "\u3000" if character.isspace() else "。"


def _set(members: object, flags: int) -> Set:
    found: set[str] = set()
    negated = False
    for operation, argument in cast("Iterable[tuple[object, object]]", members):
        match repr(operation), argument:
            case "NEGATE", _:
                negated = True
            case "LITERAL", int(code):
                found.add(chr(code))
            case "RANGE", (int(low), int(high)):
                found |= {one for one in SAMPLE if low <= ord(one) <= high} | {chr(low), chr(high)}
            case "CATEGORY", category:
                found |= _CATEGORIES[repr(category)]
            case name, _:
                raise NotImplementedError(name)
    cased = _cased(found, flags)
    return SAMPLE - cased if negated else cased
