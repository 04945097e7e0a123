r"""The text of a kept stream: one line per event, a letter for its kind and JSON; the first is about the stream itself.

    h{"v":1,"note":…}\n o{…report…}\n d{"t":"Hel"}\n d{"t":"lo"}\n f{"answer":{…},"report":{…}}\n

`s` and `x{…error…}` are the other ends, `r{…report…}` voids what came before. Reading is strict: a line that is not
ours is damage, never an event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import orjson

from lib.ai.verdicts import error_from, error_text
from lib.answer import Answer, Attempt, CacheKind, Delta, Done, Event, Opened, Report, Restarted, ToolCallDelta
from lib.contract import Json, JsonObject
from lib.errors import GatewayError, Stopped
from lib.json_text import parse
from lib.kv.cache.entry import answer_from_json, answer_to_json
from lib.kv.seal import Seal

VERSION: Final = 1
STOPPED: Final = "The answer was stopped."
BROKEN_OFF: Final = "The answer broke off: whoever was writing it is gone."


class DamagedStream(ValueError):
    """Text that nobody here has written."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A stream that ended in an error."""

    error: GatewayError


Kept: TypeAlias = Event | Failure


def head_line(note: str) -> str:
    """The first line."""
    return f"h{orjson.dumps({'v': VERSION, 'note': note}).decode()}\n"


def note_of(line: str) -> str:
    """The note in a first line. Raises DamagedStream."""
    match _fields(line[1:]) if line.startswith("h") else None:
        case {"v": 1, "note": str(note)}:
            return note
        case _:
            raise DamagedStream("no head")


def lines_of(events: Sequence[Kept]) -> str:
    """The lines of events; pieces of text that follow each other share one."""
    return "".join(f"{_letter(event)}{orjson.dumps(_json(event)).decode()}\n" for event in _joined(events))


def sealed_lines(seal: Seal, name: str, first: int, text: str) -> str:
    """Lines as they are kept under a name, of which the first is number `first` there."""
    lines = enumerate(text.split("\n")[:-1], first)
    return "".join(f"{seal.seal(f'{name} {number}', line)}\n" for number, line in lines)


def opened_lines(seal: Seal, name: str, first: int, lines: Sequence[str]) -> list[str]:
    """The lines again. Raises DamagedStream."""
    opened = [seal.open(f"{name} {number}", line) for number, line in enumerate(lines, first)]
    if None in opened:
        raise DamagedStream("a line that does not open")
    return [line for line in opened if line is not None]


def event_of(line: str) -> Kept:
    """The event of a line (without its break). Raises DamagedStream.

    An answer comes without the texts that its deltas have brought.
    """
    fields = _fields(line[1:])
    try:
        match line[:1]:
            case "d":
                return _delta(fields)
            case "o":
                return Opened(_report(fields))
            case "r":
                return Restarted(_report(fields))
            case "f":
                return Done(answer_from_json(fields.get("answer")), _report(_object(fields.get("report"))))
            case "s":
                return Failure(Stopped(STOPPED))
            case "x":
                return Failure(error_from(line[1:]))
            case _:
                raise DamagedStream("a line of no kind")
    except (ValueError, TypeError) as error:
        raise DamagedStream("a line with other fields") from error


def _joined(events: Iterable[Kept]) -> Iterator[Kept]:
    held: Delta | None = None
    for event in events:
        if held is not None and isinstance(event, Delta) and (both := _both(held, event)) is not None:
            held = both
            continue
        if held is not None:
            yield held
        held = event if isinstance(event, Delta) else None
        if held is None:
            yield event
    if held is not None:
        yield held


def _both(first: Delta, second: Delta) -> Delta | None:
    """Two pieces of the same text or reasoning as one."""
    if first.choice == second.choice:
        if first == Delta(text=first.text, choice=first.choice) and second == replace(first, text=second.text):
            return replace(first, text=first.text + second.text)
        thinks = Delta(reasoning=first.reasoning, choice=first.choice)
        if first == thinks and second == replace(first, reasoning=second.reasoning):
            return replace(first, reasoning=first.reasoning + second.reasoning)
    return None


def _letter(event: Kept) -> str:
    match event:
        case Delta():
            return "d"
        case Opened():
            return "o"
        case Restarted():
            return "r"
        case Done():
            return "f"
        case Failure(Stopped()):
            return "s"
        case Failure():
            return "x"


def _json(event: Kept) -> Json:
    match event:
        case Delta():
            return _delta_to_json(event)
        case Opened(report) | Restarted(report):
            return _report_to_json(report)
        case Done(answer, report):
            return {"answer": answer_to_json(_without_texts(answer)), "report": _report_to_json(report)}
        case Failure(error):
            return parse(error_text(error))


def _without_texts(answer: Answer) -> Answer:
    bare = (replace(c, text="", reasoning="", refusal="", logprobs=None, thoughts=()) for c in answer.choices)
    return replace(answer, choices=tuple(bare))


def _delta_to_json(delta: Delta) -> JsonObject:
    call = delta.tool_call
    fields: JsonObject = {
        "t": delta.text,
        "r": delta.reasoning,
        "n": delta.refusal,
        "c": [call.index, call.id, call.name, call.arguments, call.extra] if call else None,
        "l": delta.logprobs,
        "i": delta.choice,
        "b": delta.thought,
    }
    return {name: value for name, value in fields.items() if value}


def _delta(fields: JsonObject) -> Delta:
    match fields.get("c"):
        case None:
            call = None
        case [int(index), str(call_id), str(name), str(arguments), dict() | None as extra]:
            call = ToolCallDelta(index, call_id, name, arguments, extra)
        case _:
            raise DamagedStream("a tool call of another shape")
    thought = fields.get("b")
    return Delta(
        text=_text(fields, "t"),
        reasoning=_text(fields, "r"),
        refusal=_text(fields, "n"),
        tool_call=call,
        logprobs=fields.get("l"),
        choice=_count(fields, "i"),
        thought=_object(thought) if thought is not None else None,
    )


def _report_to_json(report: Report) -> JsonObject:
    """Without the state of limits, which is of its moment."""
    return {
        "id": report.request_id,
        "asked": report.model_requested,
        "used": report.model_used,
        "provider": report.provider,
        "cached": report.cached.value if report.cached else "",
        "status": report.cache_status,
        "age": report.age_seconds,
        "class": report.ttl_class,
        "cost": report.cost_micro_usd,
        "saved": report.saved_micro_usd,
        "ms": report.latency_ms,
        "first": report.first_token_ms,
        "tries": [[a.model, a.outcome, a.status, a.milliseconds, a.cost_micro_usd] for a in report.attempts],
        "degraded": list(report.degraded),
        "dropped": list(report.dropped_params),
        "health": report.health,
        "routing": report.routing,
    }


def _report(fields: JsonObject) -> Report:
    first, cached = fields.get("first"), _text(fields, "cached")
    return Report(
        request_id=_text(fields, "id"),
        model_requested=_text(fields, "asked"),
        model_used=_text(fields, "used"),
        provider=_text(fields, "provider"),
        cached=CacheKind(cached) if cached else None,
        cache_status=_text(fields, "status"),
        age_seconds=_count(fields, "age"),
        ttl_class=_text(fields, "class"),
        cost_micro_usd=_count(fields, "cost"),
        saved_micro_usd=_count(fields, "saved"),
        latency_ms=_count(fields, "ms"),
        first_token_ms=first if isinstance(first, int) else None,
        attempts=tuple(_attempt(each) for each in _list(fields, "tries")),
        degraded=tuple(str(part) for part in _list(fields, "degraded")),
        dropped_params=tuple(str(name) for name in _list(fields, "dropped")),
        health=_text(fields, "health"),
        routing=_object(fields.get("routing")),
    )


def _attempt(value: Json) -> Attempt:
    match value:
        case [str(model), str(outcome), int() | None as status, int(milliseconds), int(cost)]:
            return Attempt(model, outcome, status, milliseconds, cost)
        case _:
            raise DamagedStream("an attempt of another shape")


def _fields(text: str) -> JsonObject:
    try:
        return _object(parse(text))
    except ValueError as error:
        raise DamagedStream("no JSON") from error


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise DamagedStream("no object")
    return value


def _list(fields: JsonObject, name: str) -> list[Json]:
    found = fields.get(name, [])
    if not isinstance(found, list):
        raise DamagedStream(f"{name} is no list")
    return found


def _text(fields: JsonObject, name: str) -> str:
    found = fields.get(name, "")
    if not isinstance(found, str):
        raise DamagedStream(f"{name} is no text")
    return found


def _count(fields: JsonObject, name: str) -> int:
    found = fields.get(name, 0)
    if not isinstance(found, int):
        raise DamagedStream(f"{name} is no count")
    return found
