"""GET /api/ai/v1/models: what this deployment can call and the caller may use, in OpenAI's shape with more about each.

`created` is 0: the catalogue holds no release dates, and OpenAI's clients want a number there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from urllib.parse import unquote

from lib.catalog import Catalog, ModelRow, PriceBook, PriceRow
from lib.catalog.models_embedding import EmbeddingRow, embedding_named
from lib.catalog.pricing import MILLION
from lib.clock import Clock
from lib.contract import Grant, Json, JsonObject
from lib.errors import InvalidRequest, NotFound
from lib.web.access import Access
from lib.web.asgi import Call
from lib.web.body import AUTOMATIC
from lib.web.json_route import Reply

_AUTOMATIC: Final[JsonObject] = {
    "id": AUTOMATIC,
    "object": "model",
    "created": 0,
    "owned_by": "gateway",
    "type": "chat",
}
"""The router's choice, which clients may name like a model."""


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """The models there are, and those who can be called."""

    catalog: Catalog
    embeddings: tuple[EmbeddingRow, ...]
    prices: PriceBook
    providers: frozenset[str]

    def listing(self, grant: Grant, now: float) -> list[Json]:
        """Every model that `grant` allows, the router's choice first."""
        rows = [row for row in self.catalog.models if self._is_offered(row, grant, now)]
        chat: list[Json] = [_AUTOMATIC] if rows else []
        chat += [self._chat_model(row, now) for row in rows]
        embeddings = [row for row in self.embeddings if self._embeds(row, grant)]
        return chat + [self._embedding_model(row, now) for row in embeddings]

    def entry(self, name: str, grant: Grant, now: float) -> JsonObject:
        """One model by id, bare or retired name. Raises NotFound (`model_not_found`), also for one not allowed."""
        if name.lower() == AUTOMATIC and any(self._is_offered(row, grant, now) for row in self.catalog.models):
            return _AUTOMATIC
        embedding = embedding_named(name, self.embeddings)
        if embedding is not None and self._embeds(embedding, grant):
            return self._embedding_model(embedding, now)
        try:
            row = self.catalog.resolve(name, _day(now)).model
        except InvalidRequest as error:
            raise NotFound(error.message, param="model", code=error.code) from None
        if not self._is_offered(row, grant, now):
            raise NotFound("This model cannot be called here.", param="model", code="model_not_found")
        return self._chat_model(row, now)

    def _is_offered(self, row: ModelRow, grant: Grant, now: float) -> bool:
        retired = row.retires is not None and row.retires <= _day(now)
        return row.provider in self.providers and not retired and grant.may_use(row.id)

    def _embeds(self, row: EmbeddingRow, grant: Grant) -> bool:
        reachable = any(model.provider in self.providers for model in (row.model, *row.elsewhere))
        return reachable and grant.may_use(row.id)

    def _chat_model(self, row: ModelRow, now: float) -> JsonObject:
        retires: JsonObject = {"retires": row.retires.isoformat()} if row.retires else {}
        return {
            **_named(row, "chat"),
            "context_length": row.context_window,
            "max_output_tokens": row.max_output,
            "capabilities": [*sorted(row.capabilities)],
            "pricing": _prices(self.prices.price_of(row, "", now)),
            **retires,
        }

    def _embedding_model(self, row: EmbeddingRow, now: float) -> JsonObject:
        return {
            **_named(row.model, "embedding"),
            "context_length": row.model.context_window,
            "dimensions": row.dimensions,
            "shortens": row.shortens,
            "pricing": _prices(self.prices.price_of(row.model, "", now)),
        }


class ModelsRoute:
    """The list at `path`, and one model below it; ids hold slashes, which may come encoded."""

    def __init__(self, path: str, access: Access, offer: ModelOffer, clock: Clock) -> None:
        self._path = path
        self._access = access
        self._offer = offer
        self._clock = clock

    async def __call__(self, call: Call) -> Reply:
        """Raises AuthenticationFailed, NotFound."""
        caller = await self._access.identify(call.headers, peer=call.peer)
        now = self._clock.now()
        name = unquote(call.path.removeprefix(self._path).strip("/"))
        if name:
            return Reply(self._offer.entry(name, caller.grant, now))
        return Reply({"object": "list", "data": self._offer.listing(caller.grant, now)})


def _named(row: ModelRow, kind: str) -> JsonObject:
    return {"id": row.id, "object": "model", "created": 0, "owned_by": row.provider, "type": kind}


def _day(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()


def _prices(price: PriceRow | None) -> JsonObject | None:
    """Dollars per million tokens; None where nobody knows them."""
    return None if price is None else dict(_rates(price))


def _rates(price: PriceRow) -> Iterator[tuple[str, Json]]:
    for name, rate in (("input", price.input), ("output", price.output), ("cached_input", price.cached_input)):
        if rate is not None:
            yield f"{name}_usd_per_million", rate.base / MILLION
