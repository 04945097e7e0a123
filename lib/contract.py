"""The words every layer shares: a chat request, who sends it, what comes back.

Values only. Nothing here does I/O, reads a clock or imports another module of ours.
Money is integer micro-dollars, times are seconds since the epoch unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]
Message: TypeAlias = Mapping[str, Json]
"""One chat message in OpenAI's chat-completions shape (`role`, `content`, `tool_calls`, …), already validated."""


class CallerKind(StrEnum):
    """How the caller proved who they are."""

    USER = "user"
    SERVICE = "service"
    ADMIN = "admin"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a caller's credential allows, beside their tier."""

    key_id: str = ""
    """Public id of the API key they came with."""
    daily_budget_micro_usd: int | None = None
    """In the place of the tier's; None leaves it, 0 is no ceiling."""
    monthly_budget_micro_usd: int | None = None
    daily_tokens: int | None = None
    monthly_tokens: int | None = None
    models: tuple[str, ...] = ()
    """Catalogue names of the models they may use; empty for any."""
    tags: tuple[str, ...] = ()
    """Added to those of each request."""

    def may_use(self, model: str) -> bool:
        """Whether they may use the model of that catalogue name."""
        return not self.models or model in self.models


NO_GRANT: Final = Grant()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking. `tier` comes from the server's own records, never from a body."""

    user_id: str
    tier: str
    kind: CallerKind
    address: str | None = None
    """Client address used for the per-address limit; None when none can be trusted or none applies."""
    grant: Grant = NO_GRANT


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingWish:
    """What the caller asks of the router, in Vercel AI Gateway's names."""

    models: tuple[str, ...] = ()
    """Models to fall back to, in order, after the asked one."""
    only: tuple[str, ...] = ()
    """Providers that may serve; empty means any."""
    order: tuple[str, ...] = ()
    """Providers to prefer, in order."""
    sort: str | None = None
    """`cost`, `ttft` or `tps`."""
    has: tuple[str, ...] = ()
    """Capabilities the model must have."""
    max_usd_per_million: float | None = None
    """Ceiling on the blended price, in dollars per million tokens."""
    prioritize_speed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheWish:
    """What the caller asks of the cache, beside whether to read and to write it. It can only be stricter with it."""

    near: bool = True
    """Whether the answer to a question that means the same will do."""
    max_wrong: float | None = None
    """Share of such answers that may be wrong, where it is to be less than the deployment's."""
    max_age_seconds: int | None = None
    """Older answers will not do."""
    private: bool = False
    """Neither take nor leave an answer that is shared with other users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One chat as the pipeline sees it, whatever protocol it arrived in."""

    model: str
    """As asked: `provider/model`, a bare or retired name, or `auto`."""
    messages: tuple[Message, ...]
    stream: bool = False
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    n: int = 1
    tools: tuple[JsonObject, ...] = ()
    tool_choice: Json = None
    response_format: JsonObject | None = None
    extra: JsonObject = field(default_factory=dict[str, Json])
    """Fields this product does not know: sent to the provider as they are."""
    anthropic: JsonObject = field(default_factory=dict[str, Json])
    """Fields of Anthropic's messages API that no other one has a word for: sent to Anthropic's models alone."""
    prompt_caching: bool = False
    """Let the provider keep the prompt's beginning: marks are set where it wants them."""
    read_cache: bool = True
    write_cache: bool = True
    use_dedup: bool = True
    use_fallback: bool = True
    restart: bool = False
    """When an answer breaks off after it has been shown, let another model begin anew instead of ending in an error."""
    same_provider: bool = False
    """Fall back only within the asked model's provider."""
    on_budget: str = ""
    """`downgrade`: a cheaper model may answer where the budget is too small for the asked one. `refuse`: none may.
    Empty where the caller says nothing."""
    idempotency_key: str | None = None
    locale: str = ""
    tags: tuple[str, ...] = ()
    routing: RoutingWish = field(default_factory=RoutingWish)
    cache: CacheWish = field(default_factory=CacheWish)


OWN_KEY: Final = "x-provider-key-"
"""What the headers begin with in which a caller brings provider keys; the provider's id follows."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """Makes a streamed answer one that its user can come back to."""

    chat_id: str
    note: str = ""
    """What the protocol's encoder has to know to write the same stream again."""


class Arm(StrEnum):
    """The sides of a gradual rollout: this product's pipeline, and what it takes the place of."""

    NEW = "new"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Job:
    """One request on its way through the pipeline."""

    request_id: str
    request: ChatRequest
    caller: Caller
    received_at: float
    deadline: float
    """Seconds since the epoch after which nothing may be started and waits end."""
    provider_keys: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The caller's own keys by provider, for this request alone. Where there are any, no other key serves it."""
    arm: Arm | None = None
    """The side of a gradual rollout that answers; None outside of one."""
    resumption: Resumption | None = None
    """None where the answer ends with its connection."""
    traceparent: str = ""
    """W3C trace context of the caller, as sent."""

    @property
    def tags(self) -> tuple[str, ...]:
        """What its record is tagged with: by the request, and by the caller's credential."""
        return tuple(dict.fromkeys((*self.request.tags, *self.caller.grant.tags)))
