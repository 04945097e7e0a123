"""A pipeline that plays made-up events, chosen by the last message's text; for checks of the web layer alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from lib.answer import Choice, Delta, Event, Opened, ToolCall, ToolCallDelta
from lib.contract import Job
from lib.errors import RateLimited, UpstreamFailed
from lib.messages import last_user_text
from tests.support.events import REPORT, done_of, stream, text_events, tool_events

CALL = ToolCall("c1", "weather", '{"city":"Bonn"}')


def events_for(text: str) -> Sequence[Event | Exception]:
    """`think`, `tool`, `break` and `limit` play what they say; anything else is a plain answer."""
    if text == "think":
        return [Opened(REPORT), Delta(reasoning="hm"), Delta(text="Yes."), done_of(Choice(text="Yes.", reasoning="hm"))]
    if text == "tool":
        pieces = (
            Delta(text="Let me see."),
            Delta(tool_call=ToolCallDelta(0, "c1", "weather")),
            Delta(tool_call=ToolCallDelta(0, arguments=CALL.arguments)),
        )
        return tool_events(pieces, CALL, text="Let me see.")
    if text == "break":
        return [*text_events("half ", "an answer")[:-1], UpstreamFailed("The model went away.")]
    if text == "limit":
        return [RateLimited("Slow down.", limit_name="free", limit=10, window_seconds=60, retry_after=41)]
    return text_events("Hel", "lo, ", "wörld ☃")


class PlayedPipeline:
    """Plays what the request's last message asks for."""

    async def run(self, job: Job) -> AsyncGenerator[Event, None]:
        async for event in stream(events_for(last_user_text(job.request.messages))):
            yield event

    async def settle(self, job: Job) -> None:
        """There is nothing to settle."""
