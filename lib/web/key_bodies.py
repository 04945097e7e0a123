"""Bodies of the routes that administer API keys, and keys as those routes show them. Money is in dollars here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from lib.access.key_record import KeyRecord, KeyTerms
from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.validation import invalid

MICRO: Final = 1_000_000
LONGEST_LIFE_SECONDS: Final = 5 * 365 * 86_400
MOST_TOKENS: Final = 10**15
LONGEST_OVERLAP_SECONDS: Final = 30 * 86_400
_Line: TypeAlias = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Word: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Dollars: TypeAlias = Annotated[float, Field(ge=0, le=1_000_000)]
Tokens: TypeAlias = Annotated[int, Field(ge=0, le=MOST_TOKENS)]
_IN_STORE: Final = {
    "daily_budget_usd": "daily_budget_micro_usd",
    "monthly_budget_usd": "monthly_budget_micro_usd",
}
"""Fields that go by another name in the record."""


class _Body(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False, alias_generator=to_camel, validate_by_name=True
    )


class ChangeBody(_Body):
    """PATCH: what is named is changed, `null` takes it away."""

    name: _Line | None = None
    tier: _Word | None = None
    daily_budget_usd: Dollars | None = None
    """In the place of the tier's; 0 is no ceiling."""
    monthly_budget_usd: Dollars | None = None
    daily_tokens: Tokens | None = None
    monthly_tokens: Tokens | None = None
    models: Annotated[list[_Line], Field(max_length=100)] | None = None
    tags: Annotated[list[_Word], Field(max_length=10)] | None = None
    expires_at: AwareDatetime | None = None


class CreateBody(ChangeBody):
    """POST: a new key for a user."""

    user_id: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]


class RotateBody(_Body):
    """POST …/rotate."""

    overlap_seconds: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP_SECONDS)] = 0
    """How long the old secret stays valid."""


Body = TypeVar("Body", bound=_Body)


def read(kind: type[Body], data: bytes) -> Body:
    """A body; an empty one counts as `{}`. Raises InvalidRequest naming the field."""
    try:
        return kind.model_validate_json(data or b"{}")
    except ValidationError as error:
        raise invalid(error) from None


@dataclass(frozen=True, slots=True)
class TermRules:
    """What terms are checked against."""

    tiers: tuple[str, ...]
    model: Callable[[str], str]
    """The catalogue's name for a model as it was named. Raises InvalidRequest."""
    now: Callable[[], float]

    def terms_of(self, body: ChangeBody, before: KeyTerms) -> KeyTerms:
        """`before` with what the body names. Raises InvalidRequest naming the field."""
        given = KeyTerms(
            name=body.name or "",
            tier=self._tier(body.tier),
            daily_budget_micro_usd=micro(body.daily_budget_usd),
            monthly_budget_micro_usd=micro(body.monthly_budget_usd),
            daily_tokens=body.daily_tokens,
            monthly_tokens=body.monthly_tokens,
            models=self._models(body.models or ()),
            tags=tuple(dict.fromkeys(body.tags or ())),
            expires_at=self._end(body.expires_at),
        )
        named = (_IN_STORE.get(name, name) for name in body.model_fields_set if name != "user_id")
        return replace(before, **{name: getattr(given, name) for name in named})

    def _tier(self, tier: str | None) -> str:
        if tier and tier not in self.tiers:
            raise InvalidRequest(f"The tier must be one of {', '.join(self.tiers)}.", param="tier")
        return tier or ""

    def _models(self, names: list[str] | tuple[()]) -> tuple[str, ...]:
        found: list[str] = []
        for index, name in enumerate(names):
            try:
                found.append(self.model(name))
            except InvalidRequest as error:
                raise InvalidRequest(error.message, param=f"models[{index}]", code=error.code) from None
        return tuple(dict.fromkeys(found))

    def _end(self, moment: datetime | None) -> int | None:
        if moment is None:
            return None
        left = moment.timestamp() - self.now()
        if not 0 < left <= LONGEST_LIFE_SECONDS:
            raise InvalidRequest("A key expires in the future, within five years.", param="expiresAt")
        return int(moment.timestamp())


def shown(record: KeyRecord, now: float) -> JsonObject:
    """A key as it may be shown to the operator, again and again."""
    terms = record.terms
    overlap = max((each.until for each in record.earlier if each.until > now), default=None)
    return {
        "id": record.id,
        "prefix": f"aig_{record.id}",
        "userId": record.user_id,
        "name": terms.name,
        "status": record.status(now),
        "tier": terms.tier or None,
        "dailyBudgetUsd": dollars(terms.daily_budget_micro_usd),
        "monthlyBudgetUsd": dollars(terms.monthly_budget_micro_usd),
        "dailyTokens": terms.daily_tokens,
        "monthlyTokens": terms.monthly_tokens,
        "models": list[Json](terms.models),
        "tags": list[Json](terms.tags),
        "createdAt": _time(record.created_at),
        "expiresAt": _time(terms.expires_at),
        "rotatedAt": _time(record.rotated_at),
        "oldSecretUntil": _time(overlap),
        "lastUsedAt": _time(record.used_at),
        "revokedAt": _time(record.revoked_at),
    }


def micro(dollars: float | None) -> int | None:
    """Micro-dollars, where anything was said."""
    return None if dollars is None else round(dollars * MICRO)


def dollars(micro_usd: int | None) -> float | None:
    """Dollars, likewise."""
    return None if micro_usd is None else micro_usd / MICRO


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
