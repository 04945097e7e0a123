"""Which providers can embed with the model that was asked for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from lib.catalog.models_embedding import EMBEDDINGS, EmbeddingRow, embedding_named
from lib.catalog.providers import DEMO
from lib.catalog.rows import ModelRow
from lib.contract import Grant
from lib.embedding import EmbeddingRequest
from lib.errors import InvalidRequest, NoModelAvailable, NoProviderConfigured, NotFound, PermissionDenied


@dataclass(frozen=True, slots=True)
class Chosen:
    """The model, the providers to ask in order, and the size of its vectors."""

    row: EmbeddingRow
    chain: tuple[ModelRow, ...]
    dimensions: int

    @property
    def name(self) -> str:
        """Whose vectors they are: the model's id, wherever it is asked, or the demo's."""
        first = self.chain[0]
        return first.id if first.provider == DEMO else self.row.id


def choose(
    request: EmbeddingRequest,
    grant: Grant,
    providers: Collection[str],
    rows: tuple[EmbeddingRow, ...] = EMBEDDINGS,
) -> Chosen:
    """Find who computes the request's vectors. While no provider has a key the demo stands in for every model.

    Raises NotFound for an unknown model, PermissionDenied for one that `grant` does not hold, InvalidRequest for
    inputs or dimensions that the model does not take, NoModelAvailable where no provider that offers it can be asked.
    """
    row = embedding_named(request.model, rows)
    if row is None:
        known = ", ".join(row.id for row in rows)
        message = f"there is no embedding model of that name; known are {known}"
        raise NotFound(message, param="model", code="model_not_found")
    if not grant.may_use(row.id):
        raise PermissionDenied("this API key may not use that model", param="model", code="model_not_allowed")
    _check_shape(request, row)
    return Chosen(row, _chain(request, row, providers, rows), request.dimensions or row.dimensions)


def _check_shape(request: EmbeddingRequest, row: EmbeddingRow) -> None:
    asked = request.dimensions
    if asked is not None and asked != row.dimensions and not (row.shortens and asked < row.dimensions):
        most = f"at most {row.dimensions}" if row.shortens else f"{row.dimensions}"
        raise InvalidRequest(f"{row.id} gives {most} dimensions", param="dimensions")
    if not row.takes_tokens and not all(isinstance(text, str) for text in request.inputs):
        raise InvalidRequest(f"{row.id} takes text, not tokens", param="input")


def _chain(
    request: EmbeddingRequest, row: EmbeddingRow, providers: Collection[str], rows: tuple[EmbeddingRow, ...]
) -> tuple[ModelRow, ...]:
    if not providers:
        raise NoProviderConfigured("no provider has a key; set one, such as OPENAI_API_KEY")
    everywhere = (row.model, *row.elsewhere)
    if all(provider == DEMO for provider in providers):
        return _demos(rows)
    allowed = frozenset(providers).intersection(request.only or providers)
    chain = [model for model in everywhere if model.provider in allowed]
    if not chain:
        names = " or ".join(model.provider for model in everywhere)
        raise NoModelAvailable(f"{row.id} is to be had from {names}, which cannot be asked here", param="model")
    return tuple(sorted(chain, key=partial(_place, request.order)))


def _demos(rows: Iterable[EmbeddingRow]) -> tuple[ModelRow, ...]:
    return tuple(demo.model for demo in rows if demo.model.provider == DEMO)


def _place(preferred: Sequence[str], model: ModelRow) -> int:
    return preferred.index(model.provider) if model.provider in preferred else len(preferred)
