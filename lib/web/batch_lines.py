"""A batch's answer: one document per item, and the lines or events that tell of its progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import orjson

from lib.answer import Done
from lib.contract import JsonObject
from lib.errors import GatewayError
from lib.kv.batch_job import CANCELLED, DONE, BatchHead, BatchState
from lib.web.asgi import RawHeader
from lib.web.batch_body import EVENTS, NDJSON, id_of
from lib.web.encode_json import encode_json
from lib.web.encoders import DONE as LAST_EVENT
from lib.web.encoders import SSE_HEADERS, usd
from lib.web.errors import error_object

HINT: Final = 'Time was up. Post what is unfinished again, or with "mode": "durable".'
LINES_HEADERS: Final[tuple[RawHeader, ...]] = (
    (b"content-type", b"application/x-ndjson; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


def item_document(index: int, item_id: str | None, outcome: Done | GatewayError | None) -> JsonObject:
    """An item's result: `answer` is that of /api/ai/v2/chat, `error` OpenAI's; None: it did not get its turn."""
    document: JsonObject = {"index": index, "id": item_id}
    if outcome is None:
        return {**document, "status": "unfinished"}
    if isinstance(outcome, GatewayError):
        return {**document, "status": "failed", "error": {**error_object(outcome), "status": outcome.status}}
    answer: JsonObject = orjson.loads(encode_json(outcome))
    return {**document, "status": "done", "answer": answer}


def write_result(index: int, text: str, outcome: Done | GatewayError) -> str:
    """The result of a stored item, as it is stored and handed out: a line of JSON."""
    return orjson.dumps(item_document(index, id_of(text), outcome)).decode()


@dataclass(slots=True)
class Tally:
    """How far a batch has come."""

    total: int
    done: int = 0
    failed: int = 0
    cost_micro_usd: int = 0

    def count(self, outcome: Done | GatewayError) -> None:
        """One more has ended."""
        if isinstance(outcome, Done):
            self.done += 1
            self.cost_micro_usd += outcome.report.cost_micro_usd
        else:
            self.failed += 1

    def progress(self, kind: str, document: JsonObject) -> JsonObject:
        """A line of the kind `item` or `progress`. `done` counts those that failed too."""
        counts: JsonObject = {"type": kind, "done": self.done + self.failed, "total": self.total, "failed": self.failed}
        return {**counts, "costSoFar": usd(self.cost_micro_usd), **document}

    def summary(self) -> JsonObject:
        """What ends an answer."""
        unfinished = self.total - self.done - self.failed
        document: JsonObject = {
            "done": self.done + self.failed,
            "total": self.total,
            "failed": self.failed,
            "unfinished": unfinished,
            "cost": usd(self.cost_micro_usd),
        }
        return {**document, "hint": HINT} if unfinished else document


@dataclass(frozen=True, slots=True)
class Lines:
    """JSON documents one by one, in either of two media types."""

    media_type: str

    @property
    def headers(self) -> tuple[RawHeader, ...]:
        """Of the response."""
        return SSE_HEADERS if self.media_type == EVENTS else LINES_HEADERS

    def line(self, document: JsonObject) -> bytes:
        """One of them."""
        text = orjson.dumps(document)
        return b"data: " + text + b"\n\n" if self.media_type == EVENTS else text + b"\n"

    def end(self) -> bytes:
        """After the last."""
        return LAST_EVENT if self.media_type == EVENTS else b""

    def failed(self, error: GatewayError) -> bytes:
        """What ends an answer that breaks off."""
        return self.line({"type": "error", "error": error_object(error)}) + self.end()


JSON_LINES: Final = Lines(NDJSON)


def job_document(head: BatchHead, state: BatchState) -> JsonObject:
    """How a durable job stands. Times are seconds since the epoch."""
    words = {DONE: "completed", CANCELLED: "cancelled"}
    ended = state.done + state.failed
    return {
        "id": head.job,
        "status": words.get(state.status, "running" if state.taken else "queued"),
        "total": head.total,
        "done": ended,
        "failed": state.failed,
        "running": state.leased,
        "pending": head.total - ended - state.leased,
        "firstUnfinished": state.first_open,
        "cost": usd(state.cost_micro_usd),
        "createdAt": int(head.created_at),
        "expiresAt": int(head.expires_at),
        "pausedUntil": int(state.paused_until) if state.paused_until > state.touched_at else None,
        "results": f"/api/ai/v2/batch/{head.job}/results",
    }
