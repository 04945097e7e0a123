"""The judge of the fault table: it finds each thing that must not happen, and calls nothing else by that name."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

import pytest

from bench.faults.meant import answer, prompt, text_of
from bench.faults.provider import FaultyModels
from bench.faults.table import Cell, summary, table
from bench.faults.verdict import Asked, Got, Verdict, verdict
from lib.contract import JsonObject
from tests.scripted.fault_rows import FAULTS, named
from tests.scripted.faults import OPENAI
from tests.scripted.sayings import Saying
from tests.scripted.steps import Received

PATIENCE: Final = 8.0
MODEL: Final = "first"


def asked(fault: str, *, stream: bool = False) -> Asked:
    row = named(fault)
    return Asked(row, MODEL, OPENAI, stream, prompt(row, "n1"))


def completion(text: str, finish: str | None = "stop") -> Got:
    body = {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": finish}]}
    return Got(200, json.dumps(body).encode(), complete=True)


def chunk(delta: JsonObject, finish: str | None = None) -> JsonObject:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def stream(*pieces: str, finish: str | None = "stop", end: str = "[DONE]") -> Got:
    chunks = [chunk({"content": piece}) for piece in pieces]
    if finish:
        chunks.append(chunk({}, finish))
    body = "".join(f"data: {data}\n\n" for data in (*map(json.dumps, chunks), end) if data)
    return Got(200, body.encode(), complete=True)


def error(status: int, message: str = "no") -> Got:
    return Got(status, json.dumps({"error": {"message": message}}).encode(), complete=True)


def said(by: str, question: Asked) -> str:
    return text_of(answer(by, question.question))


ONCE, WHOLE, BROKEN = asked("unavailable-once"), asked("truncated-json"), asked("ended-early", stream=True)
MISTAKE, FILTERED, FINE = asked("bad-parameter"), asked("content-filter"), asked("plain-text")
NO_FINISH = asked("done-without-finish", stream=True)
TOOL = asked("truncated-arguments", stream=True)


@pytest.mark.parametrize(
    ("question", "got", "expected"),
    [
        (ONCE, completion(said(MODEL, ONCE)), Verdict.RIGHT),
        (ONCE, completion(said("second", ONCE)), Verdict.FALLBACK),
        (ONCE, error(503), Verdict.OWN),
        (WHOLE, error(502), Verdict.ERROR),
        (WHOLE, completion(said("second", WHOLE)), Verdict.FALLBACK),
        (WHOLE, completion(said(MODEL, WHOLE)[:40]), Verdict.WRONG),
        (WHOLE, completion(""), Verdict.WRONG),
        (WHOLE, completion(said("second", ONCE)), Verdict.WRONG),
        (WHOLE, Got(200, b"<html>", complete=True), Verdict.WRONG),
        (WHOLE, error(200), Verdict.WRONG),
        (WHOLE, Got(500, b"Internal Server Error", complete=True), Verdict.OWN),
        (WHOLE, replace(error(502), seconds=8.1), Verdict.WAITED),
        (WHOLE, Got(), Verdict.SILENCE),
        (BROKEN, stream(said(MODEL, BROKEN)[:40]), Verdict.TRUNCATED),
        (BROKEN, stream(said(MODEL, BROKEN)[:40], finish=None), Verdict.TRUNCATED),
        (BROKEN, stream(said(MODEL, BROKEN)[:40], finish=None, end=""), Verdict.TRUNCATED),
        (BROKEN, stream(said(MODEL, BROKEN)[:40], said("second", BROKEN)), Verdict.WRONG),
        (BROKEN, stream(said(MODEL, BROKEN)[:40], finish=None, end='{"error": {"message": "cut"}}'), Verdict.ERROR),
        (BROKEN, replace(stream(said(MODEL, BROKEN)[:40], finish=None, end=""), complete=False), Verdict.ERROR),
        (BROKEN, stream(said("second", BROKEN)), Verdict.FALLBACK),
        (NO_FINISH, stream(said(MODEL, NO_FINISH)), Verdict.TRUNCATED),
        (MISTAKE, error(400), Verdict.ERROR),
        (MISTAKE, error(502), Verdict.HIDDEN),
        (MISTAKE, completion(said("second", MISTAKE)), Verdict.HIDDEN),
        (FILTERED, completion(said(MODEL, FILTERED), "content_filter"), Verdict.RIGHT),
        (FILTERED, completion(said(MODEL, FILTERED)), Verdict.TRUNCATED),
        (FINE, error(502), Verdict.OWN),
        (TOOL, stream(said(MODEL, TOOL), finish="tool_calls"), Verdict.WRONG),
    ],
)
def test_what_came_back_is_called_by_its_name(question: Asked, got: Got, expected: Verdict) -> None:
    assert verdict(question, got, PATIENCE) is expected


def received(model: str, question: str, **headers: str) -> Received:
    messages: JsonObject = {"model": model, "messages": [{"role": "user", "content": question}]}
    return Received("/v1/chat/completions", headers, messages)


def status_of(models: FaultyModels, request: Received) -> int:
    return models(request).status


def test_a_prompt_befalls_the_model_that_is_asked_first_and_no_other() -> None:
    models, question = FaultyModels(lambda: 0.0), prompt(named("server-error"), "n1")
    statuses = [status_of(models, received(model, question)) for model in ("first", "first", "second", "first")]
    assert statuses == [500, 500, 200, 500]
    assert models.calls(question) == 4


def test_a_fault_that_passes_befalls_one_request() -> None:
    models, question = FaultyModels(lambda: 0.0), prompt(named("unavailable-once"), "n1")
    assert [status_of(models, received("first", question)) for _ in range(3)] == [503, 200, 200]


def test_a_model_or_a_header_can_call_for_a_fault_as_well() -> None:
    models = FaultyModels(lambda: 0.0)
    assert status_of(models, received("fault-overloaded", "Hello?")) == 529
    assert status_of(models, received("any", "Hello?", **{"x-fault": "forbidden"})) == 403
    assert status_of(models, received("fault-unheard-of", "Hello?")) == 400


def test_every_fault_has_a_name_of_its_own_and_a_form_it_exists_in() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) >= 28
    assert all(fault.whole or fault.stream for fault in FAULTS)


def test_the_meant_text_differs_by_model_and_question() -> None:
    texts = {text_of(answer(model, question)) for model in ("a", "b") for question in ("x", "y")}
    assert len(texts) == 4
    assert all(isinstance(fault.saying(answer("a", "x")), Saying) for fault in FAULTS)


def test_the_table_shouts_what_must_not_happen_and_the_summary_counts_it() -> None:
    cells = [Cell(WHOLE, Verdict.WRONG, 0.1, 3), Cell(BROKEN, Verdict.ERROR, 2.5, 1), Cell(ONCE, Verdict.RIGHT, 1.0, 2)]
    page = table(cells)
    assert "| **WRONG ANSWER AS SUCCESS** (3×) | – |" in page
    assert "| – | honest error (1×) |" in page
    line = summary(cells)
    assert "1 right answer, 0 fallback answers, 1 honest error" in line
    assert "1 × WRONG ANSWER AS SUCCESS" in line
    assert line.endswith("Longest wait 2.5 s (ended-early).")
