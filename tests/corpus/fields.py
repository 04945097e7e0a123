"""Fields of the chat body with values of the wrong type, size or alphabet: each with all that it cannot take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.corpus.case import CANARY, LIST, OBJECT, Bad, chat, chat_raw

NO_TEXT: Final[tuple[object, ...]] = (0, 1.5, True, LIST, [CANARY], OBJECT, {"$ne": CANARY})
NO_FLAG: Final[tuple[object, ...]] = (0, 1, "true", "", CANARY, LIST, OBJECT, 0.0)
NO_COUNT: Final[tuple[object, ...]] = ("1", CANARY, 1.5, True, LIST, [1], OBJECT, -1, 0, 1e300)
NO_NUMBER: Final[tuple[object, ...]] = ("0.5", CANARY, True, LIST, [0.5], OBJECT, -0.01, 1e308)
NO_LIST: Final[tuple[object, ...]] = (0, True, CANARY, OBJECT, {"0": CANARY})
NO_OBJECT: Final[tuple[object, ...]] = (0, 1.5, True, CANARY, LIST, [OBJECT])
NO_NAME: Final[tuple[object, ...]] = (
    *("", " ", f"{CANARY} x", f"{CANARY}\r\nSet-Cookie: a=b", f"{CANARY}\0", f"\u202e{CANARY}", f"{CANARY}\u200b"),
    *(f"ｏｐｅｎａｉ/{CANARY}", f"оpenai/{CANARY}", f"{CANARY}\u2028", f"{CANARY}\ud7ff", "x" * 201, "../" * 80),
)
"""Texts that no name of a model, provider or capability may be."""
NO_USER: Final[tuple[object, ...]] = (
    "",
    "u" * 257,
    f"{CANARY}\r\nx: y",
    f"{CANARY}\n",
    f"\x1b[31m{CANARY}",
    f"{CANARY}\0",
    f"{CANARY}\x7f",
)
NO_TAG: Final[tuple[object, ...]] = (
    "",
    "t" * 65,
    f"{CANARY}\r\n",
    f"{CANARY}\0",
    f"\x1b[2J{CANARY}",
    5,
    None,
    [CANARY],
    OBJECT,
)
NOT_FINITE: Final = (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1E+9999")


@dataclass(frozen=True, slots=True)
class Wrong:
    """Values that a field, under each of its names, must refuse."""

    names: tuple[str, ...]
    values: tuple[object, ...]
    param: str = "{name}"


WRONG: Final = (
    Wrong(("modelId", "model"), (*NO_TEXT, *NO_NAME)),
    Wrong(("model_id",), NO_TEXT),
    Wrong(("userId", "user_id"), (*NO_TEXT, *NO_USER)),
    Wrong(("tier", "userTier", "user_tier"), (*NO_TEXT, "t" * 33)),
    Wrong(("stream",), NO_FLAG),
    Wrong(("streamOptions", "stream_options"), NO_OBJECT),
    Wrong(("enableCache", "enable_cache", "enableFallback", "enableDedup", "sameProvider", "resume"), NO_FLAG),
    Wrong(("maxTokens", "max_tokens"), (*NO_COUNT, 10_000_001, 2**63)),
    Wrong(("maxOutputTokens", "max_completion_tokens"), NO_COUNT),
    Wrong(("temperature",), (*NO_NUMBER, 2.01)),
    Wrong(("topP", "top_p"), (*NO_NUMBER, 1.01)),
    Wrong(("seed",), ("1", CANARY, 1.5, True, LIST, OBJECT, 2**63)),
    Wrong(("n",), (*NO_COUNT, 9)),
    Wrong(("tools",), (*NO_LIST, [CANARY] * 257)),
    Wrong(("tags",), (*NO_LIST, [CANARY] * 11)),
    Wrong(("locale",), (*NO_TEXT, f"{CANARY} x", "x" * 36, "de\r\nx: y", "de\0", "dé", "../de", "de;q=1")),
    Wrong(("gateway",), NO_OBJECT),
    Wrong(("providerOptions", "provider_options"), NO_OBJECT),
    Wrong(("id", "chatId", "chat_id"), (*NO_TEXT, CANARY * 20)),
    Wrong(("trigger",), (*NO_TEXT, CANARY * 5)),
    Wrong(("messageId", "message_id"), (*NO_TEXT, CANARY * 20)),
    Wrong(("stop",), (0, True, OBJECT, "", [""], [CANARY, 5], [None], [CANARY] * 17)),
    Wrong(("stopSequences",), (0, OBJECT, [[CANARY]]), "stop"),
    Wrong(("toolChoice", "tool_choice"), (0, True, LIST, CANARY, "AUTO", "auto ", ""), "tool_choice"),
    Wrong(("responseFormat", "response_format"), (0, True, LIST, CANARY), "response_format"),
    Wrong(
        ("responseFormat",),
        (OBJECT, {"type": CANARY}, {"type": None}, {"type": ["json_object"]}),
        "response_format.type",
    ),
)

GATEWAY: Final = (
    Wrong(("models", "only", "order", "has"), (*NO_LIST, ["x"] * 21)),
    Wrong(("sort",), (0, LIST, OBJECT, CANARY, "COST", "cost ", "cost\0")),
    Wrong(("user",), (*NO_TEXT, *NO_USER)),
    Wrong(("tags",), (*NO_LIST, [CANARY] * 11)),
    Wrong(("caching",), (0, True, CANARY, OBJECT)),
    Wrong(("restart",), (0, True, CANARY, "RESET-STEP", "data\0", OBJECT)),
    Wrong(("onBudget",), ("", "cheaper", CANARY, True, LIST, OBJECT, 0)),
    Wrong(("maxCostPer1MTokens",), ("3", CANARY, True, LIST, OBJECT, 0, -1, 1e7)),
    Wrong(("prioritizeSpeed",), NO_FLAG),
    Wrong(("cache",), (0, True, CANARY, LIST)),
)
CACHE: Final = (
    Wrong(("mode",), (0, True, CANARY, "NEAR", "near\0", OBJECT)),
    Wrong(("maxWrong",), ("0.01", CANARY, True, LIST, OBJECT, 0, -1, 1.5)),
    Wrong(("maxAge",), ("60", CANARY, True, LIST, OBJECT, 1.5, -1, 10**11)),
    Wrong(("scope",), (0, True, CANARY, "tenant", OBJECT)),
    Wrong(("similarity", "max_wrongs"), (0, CANARY)),
)
ITEMS: Final = (
    Wrong(("models", "only", "order"), (*NO_TEXT, None, *NO_NAME)),
    Wrong(("tags",), NO_TAG),
)
TOOLS: Final[tuple[tuple[object, str], ...]] = (
    *((value, "") for value in (*NO_OBJECT, None)),
    (OBJECT, ".type"),
    ({"type": 5}, ".type"),
    ({"type": ""}, ".type"),
    ({"type": ["function"]}, ".type"),
    ({"type": "function"}, ".function"),
    *(({"type": "function", "function": value}, ".function") for value in NO_OBJECT),
    ({"type": "function", "function": OBJECT}, ".function.name"),
    ({"type": "function", "function": {"name": 5, "description": CANARY}}, ".function.name"),
    ({"type": "function", "function": {"name": ""}}, ".function.name"),
    ({"type": "function", "function": {"name": [CANARY]}}, ".function.name"),
    ({"type": "function", "name": CANARY, "parameters": OBJECT}, ".function"),
)


def cases() -> Iterator[Bad]:
    """Every row with every value."""
    for wrong in WRONG:
        for name in wrong.names:
            for at, value in enumerate(wrong.values):
                yield Bad(name=f"{name}-{at}", body=chat(**{name: value}), param=wrong.param.format(name=name))
    yield from _gateway_cases()
    for at, (tool, where) in enumerate(TOOLS):
        yield Bad(name=f"tool-{at}", body=chat(tools=[tool]), param=f"tools[0]{where}")
    for at, tag in enumerate(NO_TAG):
        yield Bad(name=f"tag-{at}", body=chat(tags=["ok", tag]), param="tags[1]")
    yield from _number_cases()


def _gateway_cases() -> Iterator[Bad]:
    for wrong in GATEWAY:
        for name in wrong.names:
            for at, value in enumerate(wrong.values):
                yield Bad(name=f"gateway-{name}-{at}", body=chat(gateway={name: value}), param=f"gateway.{name}")
    yield from _cache_cases()
    for wrong in ITEMS:
        for name in wrong.names:
            for at, value in enumerate(wrong.values):
                yield Bad(
                    name=f"gateway-{name}-item-{at}", body=chat(gateway={name: [value]}), param=f"gateway.{name}[0]"
                )
    for name in ("zeroDataRetention", "byok", "Models", "__proto__", "baseURL", "apiKey"):
        yield Bad(name=f"gateway-unknown-{name}", body=chat(gateway={name: CANARY}), param=f"gateway.{name}")
    options: object = {"gateway": {"only": [""]}}
    yield Bad(name="options-item", body=chat(providerOptions=options), param="providerOptions.gateway.only[0]")
    yield Bad(name="options-unknown", body=chat(providerOptions={"openai": CANARY}), param="providerOptions.openai")


def _cache_cases() -> Iterator[Bad]:
    for wrong in CACHE:
        for name in wrong.names:
            for at, value in enumerate(wrong.values):
                param = f"gateway.cache.{name}"
                yield Bad(name=f"cache-{name}-{at}", body=chat(gateway={"cache": {name: value}}), param=param)


def _number_cases() -> Iterator[Bad]:
    for number in NOT_FINITE:
        text = number.decode()
        for name in ("temperature", "topP"):
            yield Bad(name=f"{name}-{text}", body=chat_raw(name, number), param=name)
        yield Bad(
            name=f"price-{text}",
            body=chat_raw("gateway", b'{"maxCostPer1MTokens":%b}' % number),
            param="gateway.maxCostPer1MTokens",
        )
        yield Bad(name=f"extra-{text}", body=chat_raw("logit_bias", b'{"a":[%b]}' % number), param="logit_bias")
        yield Bad(name=f"tool-{text}", body=chat_raw("tools", b'[{"type":"x","y":%b}]' % number), param="tools[0]")
    yield Bad(name="exponent-for-ever", body=chat_raw("topP", b"1e" + b"9" * 100_000), param="topP")
    for size in (19, 20, 100, 400, 4_000):
        digits = b"9" * size
        yield Bad(name=f"seed-{size}-digits", body=chat_raw("seed", digits), param="seed")
        yield Bad(name=f"extra-{size}-digits", body=chat_raw("top_k", digits), param="top_k")
