"""Settings of embeddings."""

from __future__ import annotations

from lib.settings.variables import Group, whole


class Embeddings(Group):
    """Keeping vectors."""

    cache_seconds: int = whole(
        "EMBEDDING_CACHE_SECONDS", 86_400, "Lifetime of a text's vector in the store; 0 keeps none"
    )
