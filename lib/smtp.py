"""E-mail over SMTP, with TLS to every server but one on this machine; what it needs is imported with the first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from lib.errors import SideCallFailed
from lib.tls import default_tls

if TYPE_CHECKING:
    from email.message import EmailMessage

IMPLICIT: Final = "smtps"
"""TLS from the first byte, usually on port 465; `smtp` begins it with STARTTLS, usually on port 587."""
PORTS: Final = {"smtps": 465, "smtp": 587}
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed in, and as whom."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)


def mail_server(url: str) -> MailServer:
    """`smtps://user:password@host:port`, user and password URL-encoded. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(parts.scheme)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme], user, password)


class Smtp:
    """Hands letters in, one per connection, in a thread of its own."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def send(self, letter: EmailMessage, *, seconds: float) -> None:
        """Hand it in; `seconds` bounds every silence. Raises SideCallFailed, naming the host and no secret."""
        import smtplib

        try:
            await asyncio.to_thread(self._send, letter, seconds)
        except smtplib.SMTPResponseException as error:
            raise SideCallFailed(f"{self._server.host}: {type(error).__name__} {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise SideCallFailed(f"{self._server.host}: {type(error).__name__}") from None

    def _send(self, letter: EmailMessage, seconds: float) -> None:
        import smtplib

        at, tls = self._server, default_tls()
        if at.scheme == IMPLICIT:
            client: smtplib.SMTP = smtplib.SMTP_SSL(at.host, at.port, timeout=seconds, context=tls)
        else:
            client = smtplib.SMTP(at.host, at.port, timeout=seconds)
        with client:
            if at.scheme != IMPLICIT and at.host not in LOOPBACK:
                client.starttls(context=tls)
            if at.user:
                client.login(at.user, at.password)
            client.send_message(letter)
