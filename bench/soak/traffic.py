"""Who asks what, when and how: drawn from a seed, so that a run can be had again."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from lib.contract import Json, JsonObject

CANARY: Final = "canary-"
"""Part of every secret and every user id: it must be found nowhere."""
SERVICE_TOKEN: Final = "canary-service-token-5150"  # noqa: S105 - a canary
ADMIN_TOKEN: Final = "canary-admin-token-5151"  # noqa: S105 - a canary
PROVIDER_KEY: Final = "canary-provider-key-5152"
USER_MARK: Final = "@canary-people.test"
ADDRESS_MARK: Final = "203.0.113."
"""Addresses of anonymous callers (RFC 5737)."""
TIERS: Final = ("free", "pro", "expert", "master")
USERS: Final = 4
"""Of each tier at a time."""
GENERATION_SECONDS: Final = 90.0
"""After this the next users come, so that locked out and spent ones make room."""
MODELS: Final = ("gpt-4o", "openai/gpt-6-luna", "anthropic/claude-haiku-5-5", "auto")
TEXT: Final = "describe the item {} in a few short words"
SHARED_TEXTS: Final = 20


@dataclass(frozen=True, slots=True)
class Order:
    """One request as it will be sent."""

    tag: str
    kind: str
    """`unique`, `again`, `shared`, `twins`, `keyed`, `other body`, `anonymous` or `bad`."""
    user: str
    tier: str
    model: str
    prompt: str
    form: str
    """`json`, `openai` or `ui`."""
    instance: int
    group: str = ""
    """Orders of one group are the same request."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    wait: float = 0.0
    """Seconds before it is sent."""
    leaves_after: float | None = None
    """The client hangs up so many seconds after sending."""
    raw: bytes | None = None
    """The body, where it is no chat."""

    @property
    def marker(self) -> str:
        """What names the prompt in the provider's ledger."""
        return self.prompt.split(" ")[3] if self.prompt else ""

    @property
    def body(self) -> bytes:
        """As posted."""
        if self.raw is not None:
            return self.raw
        document: JsonObject = {"model": self.model, "tags": [self.tag], "stream": self.form != "json"}
        if self.form == "ui":
            parts: list[Json] = [{"type": "text", "text": self.prompt}]
            document["messages"] = [{"id": "m1", "role": "user", "parts": parts}]
        else:
            document["messages"] = [{"role": "user", "content": self.prompt}]
        return json.dumps(document).encode()


BAD_BODIES: Final[tuple[bytes, ...]] = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"messages": []}',
    b'{"messages": "hello"}',
    b'{"messages": [{"role": "wizard", "content": "x"}]}',
    b'{"messages": [{"role": "user", "content": "x"}], "temperature": 99}',
    b'{"messages": [{"role": "user", "content": "x"}], "n": 0}',
    b'{"messages": [{"role": "user", "content": "x"}], "model": 7}',
    b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}',
    b'{"messages": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    b'{"messages": [{"role": "user", "content": "x"}], "maxTokens": 1e400}',
)


class Traffic:
    """Draws orders. `seed` also names the run in markers and tags."""

    def __init__(self, seed: int, chance: random.Random) -> None:
        self._seed = seed
        self._chance = chance
        self._number = 0
        self._mix: tuple[tuple[int, Callable[[Order], list[Order]]], ...] = (
            (50, self._unique),
            (16, self._again),
            (6, self._shared),
            (7, self._twins),
            (6, self._keyed),
            (6, self._anonymous),
            (9, self._bad),
        )

    def next(self, elapsed: float) -> list[Order]:
        """The orders of one moment: one, or several that belong together."""
        (draw,) = self._chance.choices([f for _, f in self._mix], [w for w, _ in self._mix])
        return draw(self._base(elapsed))

    def plain(self, instance: int) -> Order:
        """An order that nothing befalls, for the quiet after the storm."""
        base = replace(self._base(0.0), instance=instance, tier="master", user=f"last{USER_MARK}", form="json")
        return replace(base, model="openai/gpt-6-luna", leaves_after=None)

    def _base(self, elapsed: float) -> Order:
        self._number += 1
        chance, generation = self._chance, int(elapsed // GENERATION_SECONDS)
        tier = chance.choices(TIERS, (1, 2, 3, 6))[0]
        leaves = chance.choice((0.0, 0.02, 0.1, 0.3, 1.0, 3.0)) if chance.random() < 0.08 else None
        return Order(
            tag=f"t{self._number}",
            kind="unique",
            user=f"{tier}-{generation}-{chance.randrange(USERS)}{USER_MARK}",
            tier=tier,
            model=chance.choice(MODELS),
            prompt=TEXT.format(f"u{self._seed}x{self._number}"),
            form=chance.choice(("json", "json", "openai", "ui")),
            instance=chance.randrange(2),
            leaves_after=leaves,
        )

    def _twin_of(self, order: Order) -> Order:
        self._number += 1
        return replace(order, tag=f"t{self._number}", instance=self._chance.randrange(2))

    def _unique(self, base: Order) -> list[Order]:
        return [base]

    def _again(self, base: Order) -> list[Order]:
        """One of a few questions that this user asks over and over."""
        which = self._chance.randrange(3)
        owner = base.user.partition("@")[0]
        return [replace(base, kind="again", prompt=TEXT.format(f"a{self._seed}x{owner}x{which}"))]

    def _shared(self, base: Order) -> list[Order]:
        """A question that everybody asks, and everybody is to be answered anew."""
        text = TEXT.format(f"s{self._seed}x{self._chance.randrange(SHARED_TEXTS)}")
        return [replace(base, kind="shared", prompt=text)]

    def _twins(self, base: Order) -> list[Order]:
        first = replace(base, kind="twins", group=base.tag, tier="master")
        first = replace(first, user=f"twin-{base.user}")
        others = [self._twin_of(replace(first, leaves_after=None)) for _ in range(self._chance.randrange(2, 6))]
        return [first, *others]

    def _keyed(self, base: Order) -> list[Order]:
        headers = {"idempotency-key": f"key-{base.tag}"}
        first = replace(base, kind="keyed", group=base.tag, headers=headers, leaves_after=None, tier="master")
        first = replace(first, user=f"keyed-{base.user}")
        again = replace(self._twin_of(first), wait=self._chance.choice((0.0, 0.5, 3.0, 8.0)))
        other = replace(self._twin_of(first), kind="other body", group="", wait=9.0)
        other = replace(other, prompt=TEXT.format(f"u{self._seed}x{other.tag}"))
        return [first, again, other] if self._chance.random() < 0.3 else [first, again]

    def _anonymous(self, base: Order) -> list[Order]:
        address = f"{ADDRESS_MARK}{self._chance.randrange(1, 250)}"
        return [replace(base, kind="anonymous", user=f"anon:{address}", tier="free", headers={"x-real-ip": address})]

    def _bad(self, base: Order) -> list[Order]:
        return [replace(base, kind="bad", raw=self._chance.choice(BAD_BODIES), leaves_after=None, prompt="")]
