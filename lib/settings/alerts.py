"""Settings of alerts: who is told, and how."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Final

from lib.errors import SettingsError
from lib.settings.identity import is_safe
from lib.settings.variables import Group, Variable, choice, declared, number, secret, text, words
from lib.smtp import mail_server

SHORTEST_SECRET: Final = 24
"""Bytes: Standard Webhooks wants from 24 to 64."""
PREFIX: Final = "whsec_"


def _secret_address(name: str, purpose: str) -> str | None:
    def parse(given: str) -> str:
        if not is_safe(given) or "#" in given:
            raise ValueError
        return given

    return declared(Variable(name, purpose, "an https address", "–", parse, None, secret=True), None)


def _signing_secret(name: str, purpose: str) -> bytes | None:
    def parse(given: str) -> bytes:
        try:
            key = b64decode(given.removeprefix(PREFIX), validate=True) if given.startswith(PREFIX) else given.encode()
        except binascii.Error:
            raise ValueError from None
        if len(key) < SHORTEST_SECRET:
            raise ValueError
        return key

    takes = f"`{PREFIX}` and base64, or a text, of at least {SHORTEST_SECRET} bytes"
    return declared(Variable(name, purpose, takes, "–", parse, None, secret=True), None)


def _mail_server(name: str, purpose: str) -> str | None:
    def parse(given: str) -> str:
        mail_server(given)
        return given

    takes = "smtps://user:password@host:port, or smtp://… for STARTTLS"
    return declared(Variable(name, purpose, takes, "–", parse, None, secret=True), None)


class Alerts(Group):
    """Alerts. Without any channel cron alone looks for them, and they are at `/api/ai/admin/alerts`."""

    webhook_url: str | None = _secret_address("ALERT_WEBHOOK_URL", "Is told of alerts by signed POST requests")
    webhook_secret: bytes | None = _signing_secret("ALERT_WEBHOOK_SECRET", "Signs them, as Standard Webhooks has it")
    slack_url: str | None = _secret_address("ALERT_SLACK_WEBHOOK_URL", "An incoming webhook of Slack or its like")
    email_to: tuple[str, ...] = words("ALERT_EMAIL_TO", "Addresses that are told by e-mail")
    email_from: str = text("ALERT_EMAIL_FROM", "", "The sender of these e-mails")
    resend_key: str | None = secret("RESEND_API_KEY", "Sends them over Resend")
    smtp_url: str | None = _mail_server("SMTP_URL", "Sends them over SMTP, where there is no Resend")
    user_budgets: str = choice(
        "ALERT_USER_BUDGETS",
        ("digest", "now", "off"),
        "How budgets of single users and keys are told",
        default="digest",
    )
    spend_floor_usd: float = number(
        "ALERT_SPEND_FLOOR_USD", 5.0, "An hour that costs less never counts as unusual", high=1_000_000
    )

    def check(self) -> None:
        """Raises SettingsError for what does not go together."""
        if bool(self.webhook_url) != bool(self.webhook_secret):
            raise SettingsError("ALERT_WEBHOOK_URL and ALERT_WEBHOOK_SECRET go together")
        for address in (*self.email_to, *filter(None, (self.email_from,))):
            if "@" not in address or not address.isprintable():
                raise SettingsError("ALERT_EMAIL_TO and ALERT_EMAIL_FROM must be e-mail addresses")
        if self.email_to and not (self.email_from and (self.resend_key or self.smtp_url)):
            raise SettingsError("ALERT_EMAIL_TO needs ALERT_EMAIL_FROM, and RESEND_API_KEY or SMTP_URL")

    @property
    def anyone(self) -> bool:
        """Whether there is anybody to be told."""
        return bool(self.webhook_url or self.slack_url or self.email_to)
