"""Alerts as a deployment has them: its channels by the settings, and the parts put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lib.ai.alerts.book import AlertBook
from lib.ai.alerts.channels import Channel, Envelope, Mail, Resend, Slack, Webhook
from lib.ai.alerts.desk import AlertDesk
from lib.ai.alerts.health_watch import HealthWatch, Place
from lib.ai.alerts.listing import Offered, RetirementWatch
from lib.ai.alerts.patrol import Patrol, PatrolRules, Sources
from lib.ai.alerts.watcher import AlertWatcher
from lib.ai.attempt import Line
from lib.ai.health import HealthBoard
from lib.catalog import Catalog
from lib.settings import Settings
from lib.settings.alerts import Alerts
from lib.side_calls import SideCalls
from lib.smtp import Smtp, mail_server


@dataclass(frozen=True, slots=True)
class Alerting:
    """Everything about alerts."""

    desk: AlertDesk
    patrol: Patrol
    watcher: AlertWatcher
    retirement: RetirementWatch


@dataclass(frozen=True, slots=True)
class Around:
    """What alerts are about."""

    health: HealthBoard
    sources: Sources
    catalog: Catalog
    lines: Mapping[str, Line]


def alerting(settings: Settings, calls: SideCalls, place: Place, around: Around) -> Alerting:
    """The parts. Raises SettingsError for settings that do not go together."""
    given = settings.alerts
    given.check()
    here = settings.batches.vercel_domain or settings.batches.vercel_url or settings.telemetry.service_name
    desk = AlertDesk(AlertBook(place.store, place.keys, place.clock), tuple(channels_of(given, calls, place, here)))
    health = HealthWatch(desk, around.health, place)
    rules = PatrolRules(given.user_budgets, round(given.spend_floor_usd * 1_000_000))
    patrol = Patrol(desk, health, around.sources, place, rules)
    offers = [
        Offered(line.provider, tuple(row for row in around.catalog.models if row.provider == name), line.key)
        for name, line in around.lines.items()
    ]
    watcher = AlertWatcher(desk, patrol, health, place.clock)
    return Alerting(desk, patrol, watcher, RetirementWatch(desk, calls, place, offers))


def channels_of(given: Alerts, calls: SideCalls, place: Place, here: str) -> Iterator[Channel]:
    """Those that are set up; of the two ways to send e-mail, Resend comes first."""
    if given.webhook_url and given.webhook_secret:
        yield Webhook(calls, place.clock, given.webhook_url, given.webhook_secret)
    if given.slack_url:
        yield Slack(calls, given.slack_url, here)
    envelope = Envelope(given.email_from, given.email_to, here)
    if given.email_to and given.resend_key:
        yield Resend(calls, given.resend_key, envelope)
    elif given.email_to and given.smtp_url:
        yield Mail(Smtp(mail_server(given.smtp_url)), envelope)
