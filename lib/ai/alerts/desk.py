"""Raising alerts and telling people of them: at once, again with growing waits, and summed up once a day."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from lib.ai.alerts.alert import Alert, Raised, Severity, State
from lib.ai.alerts.book import AlertBook
from lib.ai.alerts.channels import Channel
from lib.errors import SideCallFailed

LOG: Final = logging.getLogger(__name__)
DAY: Final = 86_400
LINES: Final = 100
"""Alerts that one digest lists."""


class AlertDesk:
    """Methods raise StoreError; trouble with a channel is kept beside the alert and never raised."""

    def __init__(self, book: AlertBook, channels: Sequence[Channel]) -> None:
        self.book = book
        self._channels = {channel.name: channel for channel in channels}

    @property
    def channels(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._channels)

    async def raise_alerts(self, alerts: Sequence[Alert]) -> list[Raised]:
        """Raise those that do not count as raised, and tell of them; they come back with their deliveries."""
        entered = await self.book.enter([self.book.made(alert, self._channels) for alert in alerts])
        for raised in entered:
            LOG.warning("alert %s (%s): %s", raised.alert.kind, raised.alert.severity.value, raised.alert.text)
        return list(await asyncio.gather(*(self._deliver(raised) for raised in entered)))

    async def deliver_due(self) -> int:
        """Try again where that is due; how many alerts."""
        due = await self.book.take_due()
        await asyncio.gather(*(self._deliver(raised) for raised in due))
        return len(due)

    async def tell_without_store(self, alert: Alert) -> None:
        """Tell of what cannot be kept, once. Raises nothing.

        Its id is the same for all who tell it within its period, so that receivers can tell that it is one alert.
        """
        LOG.error("alert %s (%s): %s", alert.kind, alert.severity.value, alert.text)
        raised = self.book.made(alert, self._channels)
        period = int(raised.at) // alert.seconds * alert.seconds
        await self._tried(Raised(f"alert_{alert.kind}_{period}", raised.at, alert, raised.deliveries))

    async def send_digest(self) -> int:
        """Tell of all that has been raised since the last digest, if that is anything; of how many."""
        before, until, raised = await self.book.undigested()
        listed = [each for each in raised if each.alert.kind != "digest"]
        if listed and self._channels:
            await self.raise_alerts([digest_of(listed, before)])
        await self.book.digested(until)
        return len(listed)

    async def _deliver(self, raised: Raised) -> Raised:
        if not raised.deliveries:
            return raised
        after = await self._tried(raised)
        await self.book.note(after)
        return after

    async def _tried(self, raised: Raised) -> Raised:
        names = [each.channel for each in raised.deliveries if each.state is State.PENDING]
        errors = await asyncio.gather(*(self._send(name, raised) for name in names))
        return raised.told(dict(zip(names, errors, strict=True)))

    async def _send(self, name: str, raised: Raised) -> str:
        channel = self._channels.get(name)
        if channel is None:
            return "this channel is no longer set up"
        try:
            await channel.send(raised)
        except SideCallFailed as error:
            LOG.warning("alert %s was not delivered by %s: %s", raised.id, name, error)
            return str(error)
        return ""


def digest_of(listed: Sequence[Raised], mark: str) -> Alert:
    """All of them as one; `mark` is the digest's before."""
    lines = [f"- {each.alert.severity.value}: {each.alert.text}" for each in listed[:LINES]]
    if len(listed) > LINES:
        lines.append(f"- and {len(listed) - LINES} more")
    return Alert(
        kind="digest",
        severity=Severity.INFO,
        subject=f"{len(listed)} since the last one",
        text="\n".join(["Alerts since the last digest:", *lines]),
        once=f"digest {mark}",
        seconds=40 * DAY,
    )
