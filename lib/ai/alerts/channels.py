"""How people are told: a signed webhook, a webhook that takes Slack's messages, e-mail. A further channel is one class.

Each sends one message once; trying again is the desk's. Nothing here ends up in HTML.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import sha256
from typing import Final, Protocol

import orjson

from lib.ai.alerts.alert import Raised
from lib.clock import Clock
from lib.contract import JsonObject
from lib.errors import SideCallFailed
from lib.side_calls import SideCalls
from lib.smtp import Smtp

RESEND: Final = "https://api.resend.com"
SECONDS: Final = 5.0
LONGEST_SUBJECT: Final = 150


class Channel(Protocol):
    """One way to be told."""

    @property
    def name(self) -> str:
        """Unlike any other's."""
        ...

    async def send(self, raised: Raised) -> None:
        """Raises SideCallFailed for what has not certainly arrived."""
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """JSON, signed as Standard Webhooks has it (https://www.standardwebhooks.com, version 1.0.0).

    The signature is HMAC-SHA256 over `id.timestamp.body`; the id stays the same when the same alert is sent again.
    """

    calls: SideCalls
    clock: Clock
    url: str = field(repr=False)
    secret: bytes = field(repr=False)
    name: str = "webhook"

    async def send(self, raised: Raised) -> None:
        """As `Channel.send`."""
        alert = raised.alert
        data: JsonObject = {
            "id": raised.id,
            "kind": alert.kind,
            "severity": alert.severity.value,
            "subject": alert.subject,
            "text": alert.text,
        }
        happened = datetime.fromtimestamp(raised.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = orjson.dumps({"type": f"alert.{alert.kind}", "timestamp": happened, "data": data})
        await _post(self.calls, self.url, signed(self.secret, raised.id, int(self.clock.now()), body), body)


def signed(secret: bytes, message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The headers that prove a webhook's origin and age."""
    digest = hmac.new(secret, f"{message_id}.{timestamp}.".encode() + body, sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


@dataclass(frozen=True, slots=True)
class Slack:
    """An incoming webhook of Slack, or of what takes the same (Mattermost, Discord's `/slack`)."""

    calls: SideCalls
    url: str = field(repr=False)
    place: str
    name: str = "slack"

    async def send(self, raised: Raised) -> None:
        """As `Channel.send`."""
        text = f"*{_plain(headline(raised, self.place))}*\n{_plain(raised.alert.text)}"
        await _post(self.calls, self.url, {}, orjson.dumps({"text": text}))


def _plain(text: str) -> str:
    """The three characters that Slack gives a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom to whom, and what the deployment is called in it."""

    sender: str
    to: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Resend:
    """E-mail over Resend (https://resend.com/docs/api-reference/emails/send-email): the same alert goes out once."""

    calls: SideCalls
    key: str = field(repr=False)
    envelope: Envelope
    url: str = RESEND
    name: str = "email"

    async def send(self, raised: Raised) -> None:
        """As `Channel.send`."""
        body = orjson.dumps(
            {
                "from": self.envelope.sender,
                "to": list(self.envelope.to),
                "subject": headline(raised, self.envelope.place),
                "text": letter(raised),
            }
        )
        headers = {"authorization": f"Bearer {self.key}", "idempotency-key": raised.id}
        await _post(self.calls, f"{self.url}/emails", headers, body)


@dataclass(frozen=True, slots=True)
class Mail:
    """E-mail over SMTP. Its Message-ID is the alert's, so that mailboxes tell a repetition."""

    smtp: Smtp
    envelope: Envelope
    name: str = "email"

    async def send(self, raised: Raised) -> None:
        """As `Channel.send`."""
        message = EmailMessage()
        message["From"] = self.envelope.sender
        message["To"] = ", ".join(self.envelope.to)
        message["Subject"] = headline(raised, self.envelope.place)
        message["Date"] = datetime.fromtimestamp(raised.at, UTC)
        domain = self.envelope.sender.rpartition("@")[2].strip("> ") or "localhost"
        message["Message-ID"] = f"<{raised.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter(raised))
        await self.smtp.send(message, seconds=SECONDS)


def headline(raised: Raised, place: str) -> str:
    """One line of bounded length."""
    alert = raised.alert
    line = f"[{place}] {alert.severity.value}: {alert.kind.replace('_', ' ')}, {alert.subject}"
    return "".join(c if c.isprintable() else " " for c in line)[:LONGEST_SUBJECT]


def letter(raised: Raised) -> str:
    """The text of an e-mail."""
    when = datetime.fromtimestamp(raised.at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{raised.alert.text}\n\n{when}, {raised.id}\n"


async def _post(calls: SideCalls, url: str, headers: Mapping[str, str], body: bytes) -> None:
    headers = {"content-type": "application/json", "user-agent": "ai-gateway-alerts/1", **headers}
    answer = await calls.send("POST", url, headers=headers, content=body, seconds=SECONDS)
    if not 200 <= answer.status < 300:
        raise SideCallFailed(f"it answered {answer.status}")
