"""Alerts in tests: a desk on a store in this process, and channels that keep what they are told."""

from __future__ import annotations

from dataclasses import dataclass, field

from dev.kv import MemoryStore
from lib.ai.alerts.alert import Alert, Raised, Severity
from lib.ai.alerts.book import AlertBook
from lib.ai.alerts.channels import Channel
from lib.ai.alerts.desk import AlertDesk
from lib.ai.alerts.health_watch import Place
from lib.errors import SideCallFailed
from lib.kv.keys import Keys
from tests.support.clock import HandTurnedClock
from tests.support.fake_store import FakeStore


@dataclass
class KeepingChannel:
    """Keeps what it is told; fails while `failing`."""

    name: str = "webhook"
    failing: bool = False
    told: list[Raised] = field(default_factory=list[Raised])

    async def send(self, raised: Raised) -> None:
        if self.failing:
            raise SideCallFailed("hooks.example: it answered 500")
        self.told.append(raised)

    @property
    def kinds(self) -> list[str]:
        return [raised.alert.kind for raised in self.told]


@dataclass
class AlertPlace:
    """A store, a clock, and as many desks as there are instances."""

    clock: HandTurnedClock = field(default_factory=HandTurnedClock)
    keys: Keys = field(default_factory=lambda: Keys("t", "secret"))
    channel: KeepingChannel = field(default_factory=KeepingChannel)

    def __post_init__(self) -> None:
        self.store = FakeStore(MemoryStore(self.clock.now))
        self.place = Place(self.store, self.keys, self.clock)
        self.desk = self.instance()

    def instance(self, *channels: Channel) -> AlertDesk:
        return AlertDesk(AlertBook(self.store, self.keys, self.clock), channels or (self.channel,))


def an_alert(once: str = "x", *, person: str = "", later: bool = False, seconds: int = 3_600) -> Alert:
    return Alert(
        kind="unpriced",
        severity=Severity.WARNING,
        subject="openai/gpt-x",
        text=f"The price of {once} is not known.",
        once=once,
        seconds=seconds,
        person=person,
        later=later,
    )
