"""Names of the keys in the KV: one namespace, user ids and addresses only as keyed hashes."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

LOG_SHARDS: Final = 16
"""Lists a day's usage log is spread over, by user."""


def day_of(now: float) -> str:
    """`20261124`: the UTC day of a time."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%d")


class Keys:
    """Builds every key. `secret` keeps the hashes from being guessed by trying user ids."""

    def __init__(self, namespace: str, secret: str) -> None:
        self._prefix = namespace + ":"
        self._secret = blake2b(secret.encode(), digest_size=32).digest()

    def person(self, identity: str) -> str:
        """The hash under which a user id or an address is known to the KV (20 hex digits)."""
        return blake2b(identity.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=10).hexdigest()

    def user_state(self, person: str) -> str:
        """Windows, lockouts, spend and holds of one user."""
        return f"{self._prefix}u1:{person}"

    def address_state(self, address: str) -> str:
        """Windows of one client address."""
        return f"{self._prefix}i1:{address}"

    def answer(self, digest: str) -> str:
        """A cached answer."""
        return f"{self._prefix}c1:{digest}"

    def duplicate(self, digest: str) -> str:
        """The claim on, or the result of, one distinct request."""
        return f"{self._prefix}d1:{digest}"

    def awaited(self, digest: str) -> str:
        """There while a duplicate waits for the request in flight."""
        return f"{self._prefix}dw:{digest}"

    def health(self, model: str) -> str:
        """Recent outcomes and the circuit of one model."""
        return f"{self._prefix}h1:{model}"

    def probe(self, model: str) -> str:
        """Held by whoever may send the one trial request to a half-open model."""
        return f"{self._prefix}hp:{model}"

    def shard(self, person: str) -> int:
        """The part of the usage log a user's records go to."""
        return int(person[:4], 16) % LOG_SHARDS

    def log(self, day: str, shard: int) -> str:
        """A list of usage records, one per request, in order of arrival."""
        return f"{self._prefix}ev:{day}:{shard}"

    def cursor(self, day: str, shard: int) -> str:
        """How many records of that list the totals already hold."""
        return f"{self._prefix}cu:{day}:{shard}"

    def sweep(self, shard: int) -> str:
        """How far that part of the log has been searched for requests that were never closed."""
        return f"{self._prefix}sw:{shard}"

    def booked_once(self, kind: str, request_id: str) -> str:
        """Set when a record of this kind has been added to the log outside of its request."""
        return f"{self._prefix}bo:{kind}:{request_id}"

    def user_month(self, person: str, month: str) -> str:
        """Totals of one user and month (`202611`)."""
        return f"{self._prefix}um:{person}:{month}"

    def model_day(self, model: str, day: str) -> str:
        """Totals of one model and day, by hour, with its latency histogram."""
        return f"{self._prefix}md:{model}:{day}"

    def model_month(self, model: str, month: str) -> str:
        """Totals of one model and month."""
        return f"{self._prefix}mm:{model}:{month}"

    @property
    def simple_prefix(self) -> str:
        """What the keys of simple windows begin with; the limiter adds `:` and the caller's hash."""
        return f"{self._prefix}w1"
