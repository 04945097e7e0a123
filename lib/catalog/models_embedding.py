"""Embedding models. Apart from the chat models, since nobody may be given another one than was asked for.

Vectors of two models cannot be compared, so a row's only fallbacks are the same model at other providers.
Figures are from the vendors' embedding guides; a new model is one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.catalog.rows import ModelRow

CAPABILITY: Final = frozenset({"embeddings"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRow:
    """One embedding model, wherever it is offered."""

    model: ModelRow
    """Where it is asked first; its id is the model's name. The context window bounds one input."""
    elsewhere: tuple[ModelRow, ...] = ()
    """The very same model at other providers."""
    dimensions: int
    """Of a vector, unless fewer are asked for."""
    shortens: bool = False
    """Whether fewer `dimensions` may be asked for."""
    takes_tokens: bool = False
    """Whether inputs may be lists of token numbers."""
    base64: bool = False
    """Whether vectors can be asked for in base64, a third of their size in digits."""
    inputs_per_call: int = 2_048

    @property
    def id(self) -> str:
        """The catalogue's name of the model."""
        return self.model.id


def _model(provider: str, wire_name: str, window: int, usd: tuple[float, float] | None = None) -> ModelRow:
    return ModelRow(
        id=f"{provider}/{wire_name}",
        provider=provider,
        wire_name=wire_name,
        context_window=window,
        max_output=0,
        capabilities=CAPABILITY,
        quality=3,
        speed=5,
        usd_per_million=usd,
    )


EMBEDDINGS: Final[tuple[EmbeddingRow, ...]] = (
    EmbeddingRow(
        model=_model("openai", "text-embedding-3-small", 8_192),
        elsewhere=(_model("vercel", "openai/text-embedding-3-small", 8_192),),
        dimensions=1_536,
        shortens=True,
        takes_tokens=True,
        base64=True,
    ),
    EmbeddingRow(
        model=_model("openai", "text-embedding-3-large", 8_192),
        elsewhere=(_model("vercel", "openai/text-embedding-3-large", 8_192),),
        dimensions=3_072,
        shortens=True,
        takes_tokens=True,
        base64=True,
    ),
    EmbeddingRow(
        model=_model("openai", "text-embedding-ada-002", 8_192),
        dimensions=1_536,
        takes_tokens=True,
        base64=True,
    ),
    EmbeddingRow(
        model=_model("google", "gemini-embedding-001", 2_048),
        elsewhere=(_model("vercel", "google/gemini-embedding-001", 2_048),),
        dimensions=3_072,
        shortens=True,
        inputs_per_call=100,
    ),
    EmbeddingRow(
        model=_model("google", "gemini-embedding-2", 8_192),
        dimensions=3_072,
        shortens=True,
        inputs_per_call=100,
    ),
    EmbeddingRow(model=_model("mistral", "mistral-embed", 8_192), dimensions=1_024, inputs_per_call=512),
    EmbeddingRow(model=_model("cohere", "embed-v4.0", 128_000), dimensions=1_536, inputs_per_call=96),
    EmbeddingRow(
        model=_model("demo", "embedding", 1_000_000, (0.0, 0.0)),
        dimensions=256,
        shortens=True,
        takes_tokens=True,
    ),
)

EMBEDDING_IDS: Final = tuple(model.id for row in EMBEDDINGS for model in (row.model, *row.elsewhere))


def embedding_named(name: str, rows: tuple[EmbeddingRow, ...] = EMBEDDINGS) -> EmbeddingRow | None:
    """The row that a name means: an id, here or elsewhere, or a bare name."""
    asked = name.strip().lower()
    for row in rows:
        models = (row.model, *row.elsewhere)
        if any(asked in (model.id.lower(), model.wire_name.lower()) for model in models):
            return row
    return None
