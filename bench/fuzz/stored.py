"""Fuzz targets for the cache: the canonical text of prompts, and stored answers read back."""

from __future__ import annotations

from typing import Final

from bench.fuzz.finding import Broken, require
from bench.fuzz.grammar import Source, written
from lib.ai.observability.record import decode as read_record
from lib.ai.observability.record import encode as write_record
from lib.ai.observability.totals import additions
from lib.ai.router.reading import read
from lib.ai.verdicts import error_from
from lib.answer import Answer, Choice, FinishReason, ToolCall, Usage
from lib.contract import ChatRequest
from lib.kv.cache import (
    EntryMeta,
    answer_from_json,
    answer_to_json,
    canonical,
    decode,
    encode,
    read_eligible,
    ttl_for,
)
from lib.kv.keys import Keys
from lib.web.errors import error_headers

_REASONS: Final = tuple(FinishReason)
_DAY: Final = 86_400
KEYS: Final = Keys("aig", "")
NARROW_DIGITS: Final = {0xFF10 + digit: str(digit) for digit in range(10)}


def canonical_text(data: bytes) -> None:
    """The canonical text of a prompt says something where the prompt does, keeps its numbers and code, and is bounded.

    It need not be its own canonical text: "Who recorded Thank You" is a title by its capitals, which are then folded.
    """
    prompt = Source(data).prompt()
    once = canonical(prompt)
    require(bool(once) == bool(prompt.strip()), "a prompt lost all its text")
    require(len(once) <= 3 * len(prompt), "the canonical text outgrew its prompt")
    require(canonical(f"  {prompt}\n") == once, "blanks around a prompt matter")
    require(_digits(_narrow(prompt)) == _digits(_narrow(once)), "a digit was lost")
    code = f"`{prompt.replace('`', '')}`"
    require(code in canonical(f"explain {code} briefly"), "quoted code was changed")
    request = ChatRequest(model="m", messages=({"role": "user", "content": prompt},))
    require(0 < ttl_for(prompt, prompt, request).seconds <= 7 * _DAY, "a lifetime out of bounds")
    read_eligible(request)
    read(request)


def entry(data: bytes) -> None:
    """Any text is an entry or a miss, and every answer comes back from the store as it went in."""
    source = Source(data)
    if source.below(2):
        _round_trip(_answer(source), source)
    else:
        found = decode(source.take(source.left).decode("utf-8", "surrogateescape"))
        if found is not None:
            again = decode(encode(found.answer, found.meta))
            require(again is not None and again.answer == found.answer, "an entry that was read is not written back")
            found.age(1_790_000_000.0)


def books(data: bytes) -> None:
    """Whatever stands in the store, usage records are added up, and an original's error is one that can be sent."""
    source = Source(data)
    text = written(source.fields(), source).decode() if source.below(4) else source.take(64).decode("utf-8", "replace")
    record = read_record(text)
    if record is not None:
        additions([record], KEYS)
        again = read_record(write_record(record))
        require(again is not None and read_record(write_record(again)) == again, "a usage record changes in the store")
    error = error_from(text)
    require(400 <= error.status < 600, "an error is none")
    error_headers(error, "req")


def _narrow(text: str) -> str:
    return text.translate(NARROW_DIGITS)


def _digits(text: str) -> list[str]:
    return [character for character in text if character in "0123456789"]


def _round_trip(answer: Answer, source: Source) -> None:
    meta = EntryMeta(at=float(source.below(256)) + 0.125, kind="general", why=source.text(), seconds=source.below(256))
    text = encode(answer, meta)
    found = decode(text)
    if found is None:
        raise Broken("an answer that was stored is not read back")
    require(found.answer == answer, "an answer changes in the store")
    require(found.meta == meta, "what is known of an answer changes in the store")
    require("\n" not in text.partition("\n")[2], "an entry is more than two lines")
    require(answer_from_json(answer_to_json(answer)) == answer, "an answer changes as JSON")


def _answer(source: Source) -> Answer:
    return Answer(
        choices=tuple(_choice(source) for _ in range(1 + source.below(3))),
        model=source.text(),
        provider=source.text(),
        served_model=source.text(),
        usage=Usage(input_tokens=source.below(256), output_tokens=source.below(256), estimated=source.below(2) == 1),
        cost_micro_usd=source.below(256) << source.below(40),
        price_known=source.below(2) == 1,
        created_at=source.below(256) / 8,
    )


def _choice(source: Source) -> Choice:
    calls = (ToolCall(source.text(), source.text(), source.text()) for _ in range(source.below(3)))
    return Choice(
        text=source.prompt() if source.below(4) == 0 else source.text(),
        reasoning=source.text(),
        refusal=source.text(),
        tool_calls=tuple(calls),
        finish_reason=source.one_of(_REASONS),
        logprobs=source.json(),
    )
