"""Everything that is held about one user, item by item, each with its kind and as readable as it gets."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from lib.access.key_record import decode as key_in
from lib.ai.kept_stream import DamagedStream, opened_lines
from lib.ai.observability.log import DAY_SECONDS, UsageLog, logged_days, records_in
from lib.ai.observability.requests import detailed
from lib.ai.observability.shown import Timed, described
from lib.ai.observability.totals import Totals
from lib.ai.observability.views import Views
from lib.ai.privacy.places import Places, in_parts
from lib.contract import Json, JsonObject
from lib.json_text import parse
from lib.kv.batch_job import BatchHead
from lib.kv.keys import day_of
from lib.kv.replies import Reply
from lib.kv.seal import Seal

TEXTS_AT_ONCE: Final = 20
KINDS: Final = MappingProxyType(
    {
        "c1": "answer",
        "n1": "nearAnswer",
        "nt": "nearMismatch",
        "d1": "result",
        "v1": "vector",
        "bq": "batchRequests",
        "ti": "knownTier",
    }
)
"""What a text is, by the letters in its key's name."""
_CLEAR: Final = frozenset({"vector", "knownTier", "nearMismatch"})
"""What is never sealed."""
_ACCOUNT: Final = ("budgetsAndLimits", "tier", "subscriptions", "windows")
"""In the order of `Places.account`."""


class Export:
    """Raises StoreError, also on the way."""

    def __init__(self, places: Places, log: UsageLog) -> None:
        self._places = places
        self._log = log
        self._views = Views(places.store, places.keys)

    async def export_user_data(self, user_id: str) -> AsyncGenerator[JsonObject, None]:
        """The items. The first says whose they are."""
        person, now = self._places.keys.person(user_id), self._places.clock.now()
        texts = await self._places.texts(person)
        mine = await self._places.vault.of(person)
        yield {"type": "about", "user": user_id, "knownAs": person, "exportedAt": _time(now)}
        async for item in self._usage(person):
            yield item
        streams = [name for name in await self._places.streams(person) if ":ss:" in name]
        async for item in self._kept([*texts, *streams], mine):
            yield item
        async for item in self._batches(person, mine):
            yield item
        for item in (*await self._account(person), *await self._api_keys(person), *await self._votes(person)):
            yield item

    async def _usage(self, person: str) -> AsyncGenerator[JsonObject, None]:
        keys, shard = self._places.keys, self._places.keys.shard(person)
        days = logged_days(self._places.clock.now(), self._log.retention)
        await self._log.roll_up_days(days, [shard])
        months = self._months()
        totals = await self._views.wholes([keys.user_month(person, month) for month in months])
        for month, whole in zip(months, totals, strict=True):
            if whole != Totals():
                yield {"type": "usageTotals", "month": f"{month[:4]}-{month[4:]}", **described(Timed(whole))}
        for day in days:
            async for item in self._day(keys.log(day, shard), person):
                yield item

    async def _day(self, log: str, person: str) -> AsyncGenerator[JsonObject, None]:
        async for lines in self._places.lines(log, person):
            for record in records_in(list(lines.values())):
                yield {"type": "usageRecord", "kind": record.kind, **detailed(record)}

    def _months(self) -> list[str]:
        now, days = self._places.clock.now(), self._log.retention.totals_days
        return sorted({day_of(now - back * DAY_SECONDS)[:6] for back in range(days + 1)})

    async def _kept(self, names: Sequence[str], mine: Seal | None) -> AsyncGenerator[JsonObject, None]:
        for part in in_parts(names, TEXTS_AT_ONCE):
            replies = await self._places.all(("MGET", *part), *(("PTTL", name) for name in part))
            texts = replies[0] if isinstance(replies[0], list) else []
            for name, text, left in zip(part, texts, replies[1:], strict=False):
                if isinstance(text, str) and (clear := self._clear(name, text, mine)) is not None:
                    yield {"type": self._kind(name), "secondsLeft": _seconds(left), "content": contents(clear)}

    def _clear(self, name: str, text: str, mine: Seal | None) -> str | None:
        """A text as it was before it was sealed; None where it does not open for anybody any more."""
        kind = self._kind(name)
        if kind in _CLEAR:
            return text
        return opened(kind, name, text, [mine, self._places.vault.shared] if mine else [])

    def _kind(self, name: str) -> str:
        prefix = self._places.keys.deletions.removesuffix("dp")
        return KINDS.get(name.removeprefix(prefix).partition(":")[0], "stream")

    async def _batches(self, person: str, mine: Seal | None) -> AsyncGenerator[JsonObject, None]:
        for head in await self._places.batches(person):
            yield {"type": "batch", "id": head.job, "items": head.total, "createdAt": _time(head.created_at)}
            async for item in self._results(head, mine):
                yield item

    async def _results(self, head: BatchHead, mine: Seal | None) -> AsyncGenerator[JsonObject, None]:
        for part in in_parts(self._places.results_of(head), TEXTS_AT_ONCE):
            reply = await self._places.store.run("MGET", *part)
            for name, text in zip(part, reply if isinstance(reply, list) else [], strict=False):
                clear = mine.open(name, text) if mine and isinstance(text, str) else None
                if clear is not None:
                    yield {"type": "batchResult", "batch": head.job, "content": contents(clear)}

    async def _account(self, person: str) -> list[JsonObject]:
        reply = await self._places.store.run("MGET", *self._places.account(person))
        texts = reply if isinstance(reply, list) else []
        named = zip(_ACCOUNT, texts, strict=False)
        items: list[JsonObject] = [
            {"type": kind, "content": contents(text)} for kind, text in named if isinstance(text, str)
        ]
        own = (await self._places.budgets.read()).get(f"user:{person}")
        return [*items, {"type": "ownBudget", "content": list(own.rows)}] if own else items

    async def _api_keys(self, person: str) -> list[JsonObject]:
        keys = await self._places.api_keys(person)
        items: list[JsonObject] = []
        for text in await self._places.all(*(("GET", self._places.keys.api_key(each.id)) for each in keys)):
            if record := key_in(text) if isinstance(text, str) else None:
                item: JsonObject = {"type": "apiKey", "id": record.id, "name": record.terms.name}
                times: JsonObject = {"createdAt": _time(record.created_at), "lastUsedAt": _perhaps(record.used_at)}
                ended: JsonObject = {"revokedAt": _perhaps(record.revoked_at), "tags": list(record.terms.tags)}
                items.append({**item, **times, **ended})
        return items

    async def _votes(self, person: str) -> list[JsonObject]:
        replies = await self._places.all(*(("HGETALL", name) for name in self._places.votes(person)))
        items: list[JsonObject] = []
        for reply in replies:
            pairs = zip(reply[::2], reply[1::2], strict=True) if isinstance(reply, list) else ()
            for request_id, vote in pairs:
                rating, wrong, rest = str(vote).split(" ", 2)
                told = contents(rest)
                more: Mapping[str, Json] = told if isinstance(told, dict) else {}
                items.append(
                    {
                        "type": "vote",
                        "request": str(request_id),
                        "rating": rating,
                        "wrong": wrong.startswith("1"),
                        **more,
                    }
                )
        return items


def opened(kind: str, name: str, text: str, seals: Sequence[Seal]) -> str | None:
    """A text of this kind as it was before it was sealed with one of these; None where none opens it."""
    mark, _, entry = text.partition("\n") if kind == "result" else ("", "", text)
    for seal in seals:
        match kind:
            case "answer" | "nearAnswer":
                clear = seal.open_rest(name, text)
            case "result":
                clear = seal.open_rest(name, entry) if mark.startswith("D") else text
            case "stream":
                clear = _opened_stream(seal, name, text)
            case _:
                clear = seal.open(name, text)
        if clear is not None:
            return clear
    return None


def _opened_stream(seal: Seal, name: str, text: str) -> str | None:
    try:
        return "".join(f"{line}\n" for line in opened_lines(seal, name, 0, text.split("\n")[:-1]))
    except DamagedStream:
        return None


def contents(text: str) -> Json:
    """JSON as what it says, lines of it as a list, any other text as it is."""
    lines = [_value(line) for line in text.strip("\n").split("\n")]
    return lines[0] if len(lines) == 1 else list(lines)


def _value(line: str) -> Json:
    try:
        return parse(line)
    except ValueError:
        return line


def _seconds(left: Reply) -> Json:
    return left // 1000 if isinstance(left, int) and left > 0 else None


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _perhaps(at: float | None) -> Json:
    return None if at is None else _time(at)
