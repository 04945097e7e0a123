"""Budgets that were set at run time: kept in the KV as one document, remembered by each instance for half a minute.

They take the place of single rows of the settings'. The read rides with an admission whenever what is remembered is
older, and is a command more, never a round trip. Whoever learns of other budgets that way asks admission once more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import orjson

from lib.clock import Clock
from lib.contract import Json
from lib.errors import InvalidRequest, Overloaded, StoreError
from lib.json_text import parse
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.store import Store
from lib.tiers import Ceilings, LimitTable

REMEMBERED_SECONDS: Final = 30.0
LIFETIME_SECONDS: Final = 400 * 86_400
"""Of the document, from when it was last read: it stays for as long as it is in use."""
MOST: Final = 1_000
"""Budgets in it: every instance reads them all."""
TRIES: Final = 20
DEPLOYMENT: Final = "deployment"
"""Its name in the document. The others: `tier:pro` is the tier's sum, `tierUsers:pro` each of its users, and `user:`
one user's hash."""


class BudgetBook:
    """The limits in force: those of the settings with what was set since."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, table: LimitTable) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._base = self._table = table
        self._text: str = ""
        self._due = float("-inf")

    @property
    def table(self) -> LimitTable:
        """As this instance knows them."""
        return self._table

    async def read(self) -> Mapping[str, Ceilings]:
        """What is set, by name. Raises StoreError."""
        reply = await self._store.run(*self._command())
        self.learn(reply)
        return decode(self._text)

    def read_command(self) -> list[Command]:
        """What has to ride with the next admission; its reply is for `learn`."""
        return [self._command()] if self._clock.now() >= self._due else []

    def learn(self, reply: Reply | StoreError) -> None:
        """Take in what is set now; what was known stays where that cannot be read."""
        self._due = self._clock.now() + REMEMBERED_SECONDS
        if reply is not None and not isinstance(reply, str):
            logging.getLogger(__name__).warning("the budgets that were set at run time could not be read: %s", reply)
        elif (text := reply or "") != self._text:
            self._text, self._table = text, merged(self._base, decode(text))

    async def set(self, name: str, ceilings: Ceilings | None) -> None:
        """Set one, or take it away. Raises InvalidRequest when there are too many, Overloaded, StoreError."""
        for _ in range(TRIES):
            known = {**await self.read()}
            before = self._text
            if known.pop(name, None) == ceilings:
                return
            if ceilings is not None:
                known[name] = ceilings
            if len(known) > MOST:
                raise InvalidRequest(f"There are {MOST:,} budgets already; take one away first.", param="name")
            after = encode(known)
            replaced = ("EVAL", script("replace"), 1, self._keys.budgets, before, after, LIFETIME_SECONDS)
            if await self._store.run(*replaced) == 1:
                self.learn(after)
                return
        raise Overloaded("budgets are being changed by too many at the same time; try again soon", retry_after=1.0)

    def _command(self) -> Command:
        return ("GETEX", self._keys.budgets, "EX", LIFETIME_SECONDS)


def merged(table: LimitTable, known: Mapping[str, Ceilings]) -> LimitTable:
    """The limits with what was set in the place of what the settings say."""
    nothing = Ceilings()
    tiers = tuple(
        replace(
            tier,
            budget=known.get(f"tierUsers:{tier.name}", nothing).over(tier.budget),
            total=known.get(f"tier:{tier.name}", nothing).over(tier.total),
        )
        for tier in table.tiers
    )
    users = {name.removeprefix("user:"): own for name, own in known.items() if name.startswith("user:")}
    return replace(table, tiers=tiers, budget=known.get(DEPLOYMENT, nothing).over(table.budget), users=users)


def encode(known: Mapping[str, Ceilings]) -> str:
    """The document, rows in the order of `Ceilings.rows`."""
    return orjson.dumps({name: ceilings.rows for name, ceilings in known.items()}).decode()


def decode(text: str) -> dict[str, Ceilings]:
    """The document read back; entries that are none are left out."""
    try:
        value = parse(text) if text else {}
    except ValueError:
        value = {}
    return dict(_entries(value)) if isinstance(value, dict) else {}


def _entries(value: Mapping[str, Json]) -> Iterator[tuple[str, Ceilings]]:
    for name, rows in value.items():
        match rows:
            case [int() | None as day, int() | None as month, int() | None as tokens, int() | None as month_tokens]:
                yield name, Ceilings(day, month, tokens, month_tokens)
            case _:
                pass
