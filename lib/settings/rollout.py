"""Settings of the gradual rollout at /api/chat."""

from __future__ import annotations

from lib.settings.identity import is_safe
from lib.settings.variables import Group, Variable, declared, number, secret, text, whole, words


def _address(name: str, purpose: str) -> str:
    def parse(given: str) -> str:
        if not is_safe(given) or "#" in given:
            raise ValueError(given)
        return given

    return declared(Variable(name, purpose, "an https address", "–", parse, ""), "")


def _percent(name: str, purpose: str) -> float | None:
    def parse(given: str) -> float:
        percent = float(given)
        if not 0 <= percent <= 100:
            raise ValueError(given)
        return percent

    shown = "100; 0 where there is an old implementation"
    return declared(Variable(name, purpose, "a number from 0 to 100", shown, parse, None), None)


class RolloutSettings(Group):
    """The gradual rollout at `/api/chat`. Once it has been set by `PUT /api/ai/admin/rollout`, that holds."""

    percent: float | None = _percent("ROLLOUT_PERCENT", "Users whom this product answers")
    legacy_url: str = _address("LEGACY_CHAT_URL", "The old implementation, which answers all others")
    legacy_token: str | None = secret(
        "LEGACY_CHAT_TOKEN",
        "Sent to it as bearer token in the place of the caller's own, with `x-user-id` and `x-user-tier`",
    )
    legacy_headers: tuple[str, ...] = words("LEGACY_CHAT_HEADERS", "Further request headers that it is given")
    legacy_model: str = text(
        "ROLLOUT_LEGACY_MODEL", "", "Without an old implementation: the one model that answers its users"
    )
    margin_percent: float = number(
        "ROLLOUT_MARGIN_PERCENT", 5.0, "Points of error rate above the old side's at which it is turned back", high=100
    )
    min_requests: int = whole("ROLLOUT_MIN_REQUESTS", 100, "Requests on each side before that is judged", low=10)

    @property
    def has_old_side(self) -> bool:
        """Whether anything is configured to answer those who are not on the new side."""
        return bool(self.legacy_url or self.legacy_model)

    @property
    def hundredths(self) -> int:
        """Of a percent of the users, until somebody sets it at run time."""
        if self.percent is not None:
            return round(self.percent * 100)
        return 0 if self.has_old_side else 10_000
