"""What is stored of an API key, and what may become of it: pure values, written as JSON.

A secret that was replaced stays valid until its overlap ends; a revoked key never comes back.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from lib.contract import Json, JsonObject
from lib.errors import Conflict
from lib.json_text import parse

KEPT_AFTER_END_SECONDS: Final = 30 * 86_400
"""How long a revoked or expired key can still be looked up."""
UNUSED_SECONDS: Final = 400 * 86_400
"""A key without an expiry is forgotten when it has not been used or changed for so long."""
MOST_SECRETS: Final = 5
"""Of one key that are valid at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerms:
    """What a key allows: all of it can be changed later."""

    name: str = ""
    tier: str = ""
    """Empty for the tier that its user has."""
    daily_budget_micro_usd: int | None = None
    """In the place of the tier's; None leaves that, 0 is no ceiling."""
    monthly_budget_micro_usd: int | None = None
    daily_tokens: int | None = None
    monthly_tokens: int | None = None
    models: tuple[str, ...] = ()
    """Catalogue names; empty for any."""
    tags: tuple[str, ...] = ()
    expires_at: int | None = None
    """Seconds since the epoch, as all times here."""


@dataclass(frozen=True, slots=True)
class EarlierSecret:
    """One that was replaced, by its hash."""

    hash: str = field(repr=False)
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One API key."""

    id: str
    user_id: str
    hash: str = field(repr=False)
    created_at: int
    terms: KeyTerms = field(default_factory=KeyTerms)
    earlier: tuple[EarlierSecret, ...] = ()
    rotated_at: int | None = None
    used_at: int | None = None
    """To the day."""
    revoked_at: int | None = None

    def knows(self, secret_hash: str, now: float) -> bool:
        """Whether this is the hash of a secret that is valid now. The time it takes does not depend on the hash."""
        valid = (self.hash, *(each.hash for each in self.earlier if now < each.until))
        return True in [hmac.compare_digest(one, secret_hash) for one in valid]

    def expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.terms.expires_at is not None and now >= self.terms.expires_at

    def status(self, now: float) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expired(now) else "active"

    def kept_seconds(self, now: float) -> int:
        """How long from now the KV is to keep this."""
        ends = [end for end in (self.revoked_at, self.terms.expires_at) if end is not None]
        last = min(ends) + KEPT_AFTER_END_SECONDS - int(now) if ends else UNUSED_SECONDS
        return max(60, last)


def rotated(record: KeyRecord, new_hash: str, now: int, overlap_seconds: int) -> KeyRecord:
    """With a new secret; no older one is valid for longer than the overlap. Raises Conflict."""
    _must_live(record)
    end = now + overlap_seconds
    before = (*record.earlier, EarlierSecret(record.hash, end))
    earlier = tuple(replace(each, until=min(each.until, end)) for each in before)
    earlier = tuple(each for each in earlier if each.until > now)
    if len(earlier) >= MOST_SECRETS:
        raise Conflict(f"{MOST_SECRETS} secrets of this key are still valid; rotate it without an overlap")
    return replace(record, hash=new_hash, earlier=earlier, rotated_at=now)


def revoked(record: KeyRecord, now: int) -> KeyRecord:
    """Closed for good. A key that is revoked already stays as it is."""
    return record if record.revoked_at is not None else replace(record, revoked_at=now, earlier=())


def changed(record: KeyRecord, terms: KeyTerms) -> KeyRecord:
    """With other terms. Raises Conflict for a revoked key."""
    _must_live(record)
    return replace(record, terms=terms)


def _must_live(record: KeyRecord) -> None:
    if record.revoked_at is not None:
        raise Conflict("This key is revoked.", code="key_revoked")


def encode(record: KeyRecord) -> str:
    """As JSON."""
    return orjson.dumps(record).decode()


def decode(text: str) -> KeyRecord | None:
    """The record read back; None for a damaged one. What a newer version has added may be missing."""
    try:
        return _record(_object(parse(text)))
    except (ValueError, KeyError, TypeError):
        return None


def _record(value: JsonObject) -> KeyRecord:
    earlier = value.get("earlier")
    return KeyRecord(
        id=_text(value["id"]),
        user_id=_text(value["user_id"]),
        hash=_text(value["hash"]),
        created_at=_whole(value["created_at"]),
        terms=_terms(_object(value["terms"])),
        earlier=tuple(_earlier(_object(each)) for each in earlier) if isinstance(earlier, list) else (),
        rotated_at=_perhaps(value.get("rotated_at")),
        used_at=_perhaps(value.get("used_at")),
        revoked_at=_perhaps(value.get("revoked_at")),
    )


def _terms(value: JsonObject) -> KeyTerms:
    return KeyTerms(
        name=_text(value.get("name", "")),
        tier=_text(value.get("tier", "")),
        daily_budget_micro_usd=_perhaps(value.get("daily_budget_micro_usd")),
        monthly_budget_micro_usd=_perhaps(value.get("monthly_budget_micro_usd")),
        daily_tokens=_perhaps(value.get("daily_tokens")),
        monthly_tokens=_perhaps(value.get("monthly_tokens")),
        models=_texts(value["models"]),
        tags=_texts(value.get("tags", [])),
        expires_at=_perhaps(value.get("expires_at")),
    )


def _earlier(value: JsonObject) -> EarlierSecret:
    return EarlierSecret(_text(value["hash"]), _whole(value["until"]))


def _object(value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(each) for each in value)


def _whole(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _perhaps(value: Json) -> int | None:
    return None if value is None else _whole(value)
