"""Where to mark a prompt for Anthropic's cache: what comes before a mark is kept and read back by later requests. Pure.

Three of the four marks that Anthropic allows: after the tools, after the system text, and after the last turn that
stays as it is. The newest turn is left out, so that a question asked once is not billed as a cache write.
"""

from __future__ import annotations

from typing import Final

from lib.ai.providers.values import list_of, object_of
from lib.contract import Json, JsonObject

MARK: Final[JsonObject] = {"type": "ephemeral"}
_MARKABLE: Final = frozenset({"text", "image", "document", "tool_use", "tool_result"})
"""Thoughts are kept with what surrounds them and cannot be marked."""


def mark(body: JsonObject) -> None:
    """Set the marks in a request's body. A caller who has set one himself knows better: nothing is added."""
    turns = [object_of(turn) for turn in list_of(body.get("messages"))]
    contents = [list_of(turn.get("content")) for turn in turns]
    tools, system = list_of(body.get("tools")), list_of(body.get("system"))
    if "cache_control" in body or any(_is_marked(part) for parts in (tools, system, *contents) for part in parts):
        return
    _mark_last(tools)
    _mark_last(system)
    if len(contents) > 1:
        _mark_last(contents[-2], _MARKABLE)


def _is_marked(part: Json) -> bool:
    return "cache_control" in object_of(part)


def _mark_last(parts: list[Json], kinds: frozenset[str] | None = None) -> None:
    for position in range(len(parts) - 1, -1, -1):
        part = object_of(parts[position])
        if kinds is None or part.get("type") in kinds:
            parts[position] = {**part, "cache_control": MARK}
            return
