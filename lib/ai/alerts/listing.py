"""Asking every configured provider which models it offers: unbilled, bounded in time, by cron."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from lib.ai.alerts.desk import AlertDesk
from lib.ai.alerts.health_watch import Place
from lib.ai.alerts.retirement import Listed, read_listing, retirement_alert, vanished
from lib.ai.providers.anthropic import VERSION
from lib.catalog.rows import ModelRow, Protocol, ProviderRow
from lib.contract import Json, JsonObject
from lib.errors import SideCallFailed
from lib.side_calls import SideCalls

SECONDS: Final = 8.0
LISTED_SECONDS: Final = 40 * 86_400


@dataclass(frozen=True, slots=True)
class Offered:
    """A provider, the models of it that the catalogue knows, and the key to ask it with."""

    provider: ProviderRow
    models: tuple[ModelRow, ...]
    key: str = field(repr=False)


class RetirementWatch:
    """Asked as often as one likes: everything is told once."""

    def __init__(self, desk: AlertDesk, calls: SideCalls, place: Place, offers: Sequence[Offered]) -> None:
        self._desk = desk
        self._calls = calls
        self._place = place
        self._offers = [offer for offer in offers if offer.provider.protocol is not Protocol.DEMO]

    async def run(self) -> JsonObject:
        """Models near their date, and models that have vanished. Raises StoreError."""
        today = datetime.fromtimestamp(self._place.clock.now(), UTC).date()
        rows = [model for offer in self._offers for model in offer.models]
        near = [alert for row in rows if (alert := retirement_alert(row, today))]
        raised = await self._desk.raise_alerts(near)
        listings = await asyncio.gather(*(self._listing(offer) for offer in self._offers))
        seen: JsonObject = {}
        for offer, listing in zip(self._offers, listings, strict=True):
            seen[offer.provider.id] = listing if isinstance(listing, str) else await self._compare(offer, listing)
        return {"raised": len(raised), "providers": seen}

    async def _compare(self, offer: Offered, listed: Listed) -> Json:
        """What a listing says of the catalogue's models; vanished ones are told."""
        store, key = self._place.store, self._place.keys.models_listed(offer.provider.id)
        known = await store.run("GET", key)
        before = frozenset(known.split("\n")) if isinstance(known, str) else frozenset[str]()
        raised = await self._desk.raise_alerts(vanished(offer.models, before, listed))
        there = sorted(model.id for model in offer.models if listed.has(model.wire_name))
        if listed.whole and there:
            await store.run("SET", key, "\n".join(there), "EX", LISTED_SECONDS)
        missing: list[Json] = [model.id for model in offer.models if model.id not in there] if listed.whole else []
        return {"listed": len(there), "notListed": missing, "raised": len(raised)}

    async def _listing(self, offer: Offered) -> Listed | str:
        """What it offers, or why that is not known."""
        url, headers = f"{offer.provider.base_url}/models", _headers(offer)
        if offer.provider.protocol is Protocol.ANTHROPIC:
            url += "?limit=1000"
        try:
            answer = await self._calls.send("GET", url, headers=headers, seconds=SECONDS)
        except SideCallFailed as error:
            return str(error)
        if answer.status != 200:
            return f"it answered {answer.status}"
        return read_listing(answer.body) or "it did not answer with a list of models"


def _headers(offer: Offered) -> Mapping[str, str]:
    if offer.provider.protocol is Protocol.ANTHROPIC:
        return {"x-api-key": offer.key, "anthropic-version": VERSION}
    return {"authorization": f"Bearer {offer.key}"} if offer.key else {}
