"""Budgets within one instance, for the time without the KV: what it has let each user spend today. Pure memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from lib.kv.rate_limit import WATCHED


@dataclass(slots=True)
class _Account:
    day: str
    spent: int = 0
    holds: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def taken(self) -> int:
        return self.spent + sum(self.holds.values())


class LocalSpend:
    """Micro-dollars by user. A day's sum outlives an outage, so that several of them do not add up to more.

    Of more than `most` users the one unseen for longest is forgotten.
    """

    def __init__(self, most: int = WATCHED) -> None:
        self._most = most
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def taken(self, person: str, day: str) -> int:
        """Spent and reserved."""
        return self._account(person, day).taken

    def hold(self, person: str, token: str, amount: int, *, day: str) -> None:
        """Reserve an amount until `settle`."""
        self._account(person, day).holds[token] = amount

    def settle(self, person: str, token: str, cost: int) -> None:
        """Exchange a reservation for the cost; nothing where there is none."""
        account = self._accounts.get(person)
        if account is not None and account.holds.pop(token, None) is not None:
            account.spent += cost

    def _account(self, person: str, day: str) -> _Account:
        account = self._accounts.setdefault(person, _Account(day))
        self._accounts.move_to_end(person)
        if len(self._accounts) > self._most:
            self._accounts.popitem(last=False)
        if account.day < day:
            account.day, account.spent = day, 0
        return account
