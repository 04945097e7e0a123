"""The body of POST /api/ai/v2/chat as pydantic models: names, types and bounds; messages are checked apart.

Every field goes by its camelCase and its snake_case name. Fields that are not listed are kept and passed on.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AliasChoices, AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

MAX_MESSAGES: Final = 1_000
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
"""Of a model, provider or capability."""
_Names: TypeAlias = Annotated[list[Name], Field(max_length=20)]
_UserId: TypeAlias = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Tag: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Tags: TypeAlias = Annotated[list[_Tag], Field(max_length=10)]


def _both_names(name: str) -> AliasChoices:
    return AliasChoices(to_camel(name), name)


_BOTH_NAMES: Final = AliasGenerator(validation_alias=_both_names)


class CacheOptions(BaseModel):
    """The `cache` object of `gateway`: stricter than the deployment has it, never laxer."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, alias_generator=_BOTH_NAMES)

    mode: Literal["off", "exact", "near"] | None = None
    max_wrong: float | None = Field(default=None, gt=0, le=1)
    """Share of near hits that may be wrong."""
    max_age: int | None = Field(default=None, ge=0, le=10**10)
    """Seconds."""
    scope: Literal["user", "shared"] | None = None


class GatewayWish(BaseModel):
    """The `gateway` object, in Vercel AI Gateway's names. An option that is not supported is refused, not ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, alias_generator=_BOTH_NAMES)

    models: _Names = []
    only: _Names = []
    order: _Names = []
    sort: Literal["cost", "ttft", "tps"] | None = None
    has: _Names = []
    user: _UserId | None = None
    tags: _Tags = []
    caching: Literal["auto"] | None = None
    """Prompt caching at the provider."""
    max_usd_per_million: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        validation_alias=AliasChoices("maxCostPer1MTokens", "max_cost_per_1m_tokens"),
    )
    prioritize_speed: bool = False
    cache: CacheOptions | None = None
    on_budget: Literal["downgrade", "refuse"] | None = None
    """What to do where the budget is too small for the model."""
    restart: Literal["reset-step", "data"] | None = None
    """Let another model begin anew when a stream breaks off: told by AI SDK 7's `reset-step`, or by a data part."""


_NO_WISH: Final = GatewayWish()


class StreamOptions(BaseModel):
    """OpenAI's `stream_options`."""

    model_config = ConfigDict(strict=True, extra="ignore", alias_generator=_BOTH_NAMES)

    include_usage: bool = False


class ProviderOptions(BaseModel):
    """AI SDK's `providerOptions`; only the gateway's own are understood."""

    model_config = ConfigDict(strict=True, extra="forbid")

    gateway: GatewayWish | None = None


class ChatBody(BaseModel):
    """One chat as posted, from a plain client or from AI SDK's transport (`id`, `trigger`, `messageId`)."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False, alias_generator=_BOTH_NAMES)

    messages: list[object] = Field(min_length=1, max_length=MAX_MESSAGES)
    model: Name | None = Field(default=None, validation_alias=AliasChoices("modelId", "model_id", "model"))
    user_id: _UserId | None = None
    tier: str | None = Field(
        default=None,
        max_length=32,
        validation_alias=AliasChoices("tier", "userTier", "user_tier"),
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    enable_cache: bool | None = None
    enable_fallback: bool | None = None
    enable_dedup: bool | None = None
    same_provider: bool | None = None
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        validation_alias=AliasChoices(
            "maxTokens",
            "max_tokens",
            "maxOutputTokens",
            "max_output_tokens",
            "maxCompletionTokens",
            "max_completion_tokens",
        ),
    )
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop: object = Field(
        default=None,
        validation_alias=AliasChoices("stop", "stopSequences", "stop_sequences"),
    )
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    n: int | None = Field(default=None, ge=1, le=8)
    tools: Annotated[list[object], Field(max_length=256)] | None = None
    tool_choice: object = None
    response_format: object = None
    locale: str | None = Field(default=None, max_length=35, pattern=r"^[A-Za-z0-9_-]*$")
    tags: _Tags | None = None
    gateway: GatewayWish | None = None
    provider_options: ProviderOptions | None = None
    chat_id: str | None = Field(default=None, max_length=256, validation_alias=AliasChoices("id", "chatId", "chat_id"))
    resume: bool | None = None
    trigger: str | None = Field(default=None, max_length=64)
    message_id: str | None = Field(default=None, max_length=256)

    @property
    def wish(self) -> GatewayWish:
        """What is asked of the router, wherever it stood."""
        if self.gateway is not None:
            return self.gateway
        options = self.provider_options
        return options.gateway if options is not None and options.gateway is not None else _NO_WISH

    @property
    def choices(self) -> int:
        """How many answers are asked for."""
        return self.n or 1

    @property
    def include_usage(self) -> bool:
        """Whether OpenAI's stream is to end with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def openai_user(self) -> str | None:
        """OpenAI's `user`, which is also passed on."""
        user = (self.model_extra or {}).get("user")
        return user if isinstance(user, str) and user else None

    def unknown_fields(self) -> dict[str, object]:
        """What this product does not know; a second name of a known field is none of that."""
        extra = self.model_extra or {}
        return {name: value for name, value in extra.items() if name not in _KNOWN_NAMES}


def _known_names() -> frozenset[str]:
    names: set[str] = set()
    for name, info in ChatBody.model_fields.items():
        alias = info.validation_alias
        names.add(name)
        if isinstance(alias, AliasChoices):
            names.update(choice for choice in alias.choices if isinstance(choice, str))
    return frozenset(names)


_KNOWN_NAMES: Final = _known_names()
