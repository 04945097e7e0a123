"""Vectors kept in the KV, one key per text, so that each text is paid for once a day.

What one request reads and writes is bounded: of a long list of texts only the first ones take part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lib.ai.embeddings.work import Work
from lib.embedding import BYTES_PER_NUMBER, as_base64, from_base64
from lib.errors import StoreError
from lib.kv.keys import Keys
from lib.kv.replies import Command, Reply


@dataclass(frozen=True, slots=True)
class VectorCacheRules:
    """How vectors are kept."""

    seconds: int = 86_400
    """0 keeps none."""
    bytes_per_request: int = 262_144
    shared: bool = False
    """One cache for all users, instead of one each."""


@dataclass(frozen=True, slots=True)
class VectorCache:
    """Makes commands; others send them."""

    keys: Keys
    rules: VectorCacheRules

    def read_command(self, work: Work) -> Command | None:
        """The read of those that take part, or None where the cache is not to be read."""
        digests = self._taking_part(work)
        if not digests or not work.job.request.read_cache:
            return None
        return ("MGET", *(self.keys.vector(digest) for digest in digests))

    def covers(self, work: Work) -> bool:
        """Whether all of the request's vectors can come from the cache, once somebody has computed them."""
        return work.job.request.read_cache and len(self._taking_part(work)) == len(work.texts)

    def found(self, work: Work, reply: Reply | StoreError) -> Mapping[str, bytes]:
        """The vectors in the reply to `read_command`; a damaged one counts as not there."""
        digests = self._taking_part(work)
        if not isinstance(reply, list) or len(reply) != len(digests):
            return {}
        read = ((digest, self._vector(text, work)) for digest, text in zip(digests, reply, strict=True))
        return {digest: vector for digest, vector in read if vector}

    def write_commands(self, work: Work) -> list[Command]:
        """The writes that keep what was computed."""
        if not work.job.request.write_cache:
            return []
        new = [d for d in self._taking_part(work) if d in work.vectors and d not in work.cached]
        seconds = self.rules.seconds
        return [("SET", self.keys.vector(digest), as_base64(work.vectors[digest]), "EX", seconds) for digest in new]

    def _taking_part(self, work: Work) -> Sequence[str]:
        if not self.rules.seconds:
            return ()
        size = len(as_base64(bytes(work.chosen.dimensions * BYTES_PER_NUMBER)))
        return tuple(work.texts)[: self.rules.bytes_per_request // size]

    @staticmethod
    def _vector(text: Reply, work: Work) -> bytes:
        if not isinstance(text, str):
            return b""
        try:
            vector = from_base64(text)
        except ValueError:
            return b""
        return vector if len(vector) == work.chosen.dimensions * BYTES_PER_NUMBER else b""
