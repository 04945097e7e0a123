"""Event streams as the pipeline yields them, made up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace

from lib.answer import Answer, Choice, Delta, Done, Event, FinishReason, Opened, Report, ToolCall, Usage

MODEL = "openai/gpt-4o"
REPORT = Report(
    request_id="req-1",
    model_requested="auto",
    model_used=MODEL,
    provider="openai",
    cost_micro_usd=1_234,
    latency_ms=87,
)
USAGE = Usage(input_tokens=12, output_tokens=7, cached_input_tokens=4, reasoning_tokens=2)


def answer_of(*choices: Choice) -> Answer:
    return Answer(
        choices=choices,
        model=MODEL,
        provider="openai",
        served_model="gpt-4o-2024-08-06",
        usage=USAGE,
        cost_micro_usd=1_234,
    )


def done_of(*choices: Choice) -> Done:
    return Done(answer_of(*choices), REPORT)


def text_events(*words: str, report: Report = REPORT) -> list[Event]:
    """An answer of one choice in as many deltas as words."""
    deltas = [Delta(text=word) for word in words]
    return [Opened(report), *deltas, Done(answer_of(Choice(text="".join(words))), report)]


def tool_events(deltas: Iterable[Delta], *calls: ToolCall, text: str = "") -> list[Event]:
    """An answer that calls tools."""
    choice = Choice(text=text, tool_calls=calls, finish_reason=FinishReason.TOOL_CALLS)
    return [Opened(REPORT), *deltas, Done(answer_of(choice), REPORT)]


def with_report(events: list[Event], report: Report) -> list[Event]:
    """The same events under another report."""
    return [event if isinstance(event, Delta) else replace(event, report=report) for event in events]


async def stream(events: Iterable[Event | Exception]) -> AsyncGenerator[Event, None]:
    """The events as an async generator; an exception among them is raised."""
    for event in events:
        if isinstance(event, Exception):
            raise event
        yield event
