"""What arrives where people are told: at a web server, Slack's webhook, Resend, a mail server."""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from hashlib import sha256
from typing import Final, cast

import orjson
import pytest
import respx
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from lib.ai.alerts.alert import Raised
from lib.ai.alerts.channels import Channel, Mail, Resend, Slack, Webhook, headline
from lib.ai.alerts.channels import Envelope as Addresses
from lib.errors import SettingsError, SideCallFailed
from lib.settings import Settings
from lib.settings.alerts import Alerts
from lib.side_calls import SideCalls
from lib.smtp import MailServer, Smtp, mail_server
from lib.web.asgi import AsgiApp, Receive, Scope, Send
from tests.support.alerts import an_alert
from tests.support.clock import START, HandTurnedClock
from tests.support.loopback_server import serve

SECRET: Final = bytes(range(32))
TO: Final = Addresses("Gateway <alerts@shop.example>", ("ops@shop.example", "cid@shop.example"), "shop.example")
HOSTILE: Final = "<!channel> <b>&amp;\r\nBcc: victim@else.example\x00"
RAISED: Final = Raised("alert_1", START, an_alert())
HOSTILE_ALERT: Final = replace(RAISED, alert=replace(an_alert(), subject=HOSTILE, text=HOSTILE))


@dataclass
class Receiver:
    """A web server that keeps what it is sent."""

    status: int = 200
    sent: list[tuple[dict[str, str], bytes]] = field(default_factory=list[tuple[dict[str, str], bytes]])

    def app(self) -> AsgiApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            body = b""
            while True:
                message = await receive()
                part = message.get("body", b"")
                assert isinstance(part, bytes)
                body += part
                if not message.get("more_body"):
                    break
            pairs = cast("list[tuple[bytes, bytes]]", scope["headers"])
            self.sent.append(({key.decode(): value.decode() for key, value in pairs}, body))
            await send({"type": "http.response.start", "status": self.status, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return answer


@dataclass
class Mailbox:
    """A mail server that keeps what it is handed, and who has proved to be whom."""

    letters: list[EmailMessage] = field(default_factory=list[EmailMessage])
    users: list[bytes] = field(default_factory=list[bytes])
    says: str = "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.says.startswith("250"):
            content = envelope.original_content or b""
            letter = message_from_bytes(content, policy=policy.default)
            assert isinstance(letter, EmailMessage)
            assert sorted(envelope.rcpt_tos) == sorted(TO.to)
            self.letters.append(letter)
        return self.says

    def authenticator(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login)
        return AuthResult(success=data.password == b"p@ss:word")


@asynccontextmanager
async def listening(mailbox: Mailbox, host: str = "127.0.0.1") -> AsyncGenerator[int]:
    """The mail server's port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, authenticator=mailbox.authenticator, auth_require_tls=False, hostname="mail.test"),
        host,
        0,
    )
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def calls() -> AsyncGenerator[SideCalls]:
    made = SideCalls()
    yield made
    await made.aclose()


async def test_a_webhook_proves_where_it_comes_from_and_when(calls: SideCalls) -> None:
    receiver, clock = Receiver(), HandTurnedClock()
    async with serve(receiver.app()) as url:
        hook = Webhook(calls, clock, f"{url}/hook", SECRET)
        await hook.send(RAISED)
        clock.turn(300)
        await hook.send(RAISED)
    (headers, body), (later, same) = receiver.sent
    for sent, content in receiver.sent:  # as https://www.standardwebhooks.com has receivers check it
        signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + content
        expected = b64encode(hmac.new(SECRET, signed, sha256).digest()).decode()
        assert sent["webhook-signature"] == f"v1,{expected}"
    assert (headers["webhook-id"], body) == (later["webhook-id"], same)
    assert int(later["webhook-timestamp"]) - int(headers["webhook-timestamp"]) == 300
    assert orjson.loads(body) == {
        "type": "alert.unpriced",
        "timestamp": "2026-11-24T12:00:00.000Z",
        "data": {
            "id": "alert_1",
            "kind": "unpriced",
            "severity": "warning",
            "subject": "openai/gpt-x",
            "text": "The price of x is not known.",
        },
    }


@pytest.mark.parametrize("status", [302, 400, 410, 500])
async def test_only_success_counts_as_delivered(calls: SideCalls, status: int) -> None:
    async with serve(Receiver(status).app()) as url:
        for channel in (Webhook(calls, HandTurnedClock(), url, SECRET), Slack(calls, url, "here")):
            with pytest.raises(SideCallFailed, match=str(status)):
                await channel.send(RAISED)


async def test_slack_is_sent_text_that_means_nothing_to_it(calls: SideCalls) -> None:
    receiver = Receiver()
    async with serve(receiver.app()) as url:
        await Slack(calls, url, "shop.example").send(HOSTILE_ALERT)
    document = orjson.loads(receiver.sent[0][1])
    assert list(document) == ["text"]
    assert document["text"].startswith("*[shop.example] warning: unpriced, &lt;!channel&gt; &lt;b&gt;&amp;amp;")
    assert not {"<", ">"} & set(document["text"])


@respx.mock
async def test_resend_is_asked_for_plain_text_once_per_alert(calls: SideCalls) -> None:
    route = respx.post("https://api.resend.com/emails").respond(200, json={"id": "1"})
    await Resend(calls, "re_key", TO).send(RAISED)
    request = route.calls.last.request
    assert (request.headers["authorization"], request.headers["idempotency-key"]) == ("Bearer re_key", "alert_1")
    assert orjson.loads(request.content) == {
        "from": "Gateway <alerts@shop.example>",
        "to": ["ops@shop.example", "cid@shop.example"],
        "subject": "[shop.example] warning: unpriced, openai/gpt-x",
        "text": "The price of x is not known.\n\n2026-11-24 12:00:00 UTC, alert_1\n",
    }
    route.respond(422, json={"message": "no"})
    with pytest.raises(SideCallFailed, match="422"):
        await Resend(calls, "re_key", TO).send(RAISED)


async def test_a_letter_arrives_at_a_mail_server() -> None:
    mailbox = Mailbox()
    async with listening(mailbox) as port:
        await Mail(Smtp(mail_server(f"smtp://ann%40shop:p%40ss%3Aword@127.0.0.1:{port}")), TO).send(RAISED)
    (letter,) = mailbox.letters
    assert mailbox.users == [b"ann@shop"]
    assert letter["subject"] == "[shop.example] warning: unpriced, openai/gpt-x"
    assert (letter["from"], letter["to"]) == (TO.sender, "ops@shop.example, cid@shop.example")
    assert (letter["message-id"], letter["date"]) == ("<alert_1@shop.example>", "Tue, 24 Nov 2026 12:00:00 +0000")
    assert letter.get_content_type() == "text/plain"
    assert letter.get_content().replace("\r\n", "\n").startswith("The price of x is not known.\n")


async def test_no_alert_adds_a_header_to_a_letter() -> None:
    mailbox = Mailbox()
    async with listening(mailbox) as port:
        await Mail(Smtp(mail_server(f"smtp://127.0.0.1:{port}")), TO).send(HOSTILE_ALERT)
    (letter,) = mailbox.letters
    assert letter["bcc"] is None
    assert "victim@else.example" in letter["subject"]


@pytest.mark.parametrize(
    ("says", "credentials"), [("550 no", ""), ("451 later", ""), ("250 OK", "ann:wrong@"), ("not SMTP at all", "")]
)
async def test_a_letter_that_was_not_taken_is_not_delivered(says: str, credentials: str) -> None:
    async with listening(Mailbox(says=says)) as port:
        with pytest.raises(SideCallFailed) as failed:
            await Mail(Smtp(mail_server(f"smtp://{credentials}127.0.0.1:{port}")), TO).send(RAISED)
    assert "127.0.0.1" in str(failed.value)
    assert "wrong" not in str(failed.value)


async def test_nothing_is_said_to_a_server_without_tls_that_is_not_on_this_machine() -> None:
    mailbox = Mailbox()
    async with listening(mailbox, "127.0.0.2") as port:
        server = MailServer("smtp", "127.0.0.2", port, "ann", "p@ss:word")
        with pytest.raises(SideCallFailed):
            await Mail(Smtp(server), TO).send(RAISED)
        with pytest.raises(SideCallFailed):
            await Mail(Smtp(replace(server, scheme="smtps")), TO).send(RAISED)
    assert (mailbox.letters, mailbox.users) == ([], [])


async def test_nobody_at_the_address_is_one_error(calls: SideCalls) -> None:
    channels: tuple[Channel, ...] = (
        Mail(Smtp(mail_server("smtp://127.0.0.1:1")), TO),
        Slack(calls, "http://127.0.0.1:1/secret-path", "x"),
    )
    for channel in channels:
        with pytest.raises(SideCallFailed) as failed:
            await channel.send(RAISED)
        assert "secret-path" not in str(failed.value)


def test_a_headline_is_one_line_of_bounded_length() -> None:
    line = headline(replace(RAISED, alert=replace(an_alert(), subject=HOSTILE * 99)), "here")
    assert len(line) == 150
    assert line.isprintable()


MAIL: Final = {"ALERT_EMAIL_TO": "a@x.example", "ALERT_EMAIL_FROM": "b@x.example"}


@pytest.mark.parametrize(
    "env",
    [
        {"ALERT_WEBHOOK_URL": "https://x.example/hook"},
        {"ALERT_WEBHOOK_SECRET": "a" * 24},
        {"ALERT_EMAIL_TO": "a@x.example", "RESEND_API_KEY": "k"},
        MAIL,
        MAIL | {"RESEND_API_KEY": "k", "ALERT_EMAIL_TO": "nobody"},
    ],
)
def test_settings_that_do_not_go_together_are_refused(env: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="ALERT_"):
        Settings.from_env(env).alerts.check()


@pytest.mark.parametrize(
    "env",
    [
        {"ALERT_WEBHOOK_URL": "http://x.example/hook"},
        {"ALERT_SLACK_WEBHOOK_URL": "hooks.slack.com"},
        {"ALERT_WEBHOOK_SECRET": "short"},
        {"ALERT_WEBHOOK_SECRET": "whsec_!!!"},
        {"ALERT_WEBHOOK_SECRET": "whsec_" + b64encode(b"short").decode()},
        {"SMTP_URL": "mail.example:465"},
        {"SMTP_URL": "https://mail.example"},
        {"SMTP_URL": "smtps://mail.example:port"},
        {"ALERT_USER_BUDGETS": "never"},
    ],
)
def test_a_setting_of_the_wrong_kind_is_refused_without_repeating_it(env: dict[str, str]) -> None:
    ((name, value),) = env.items()
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(env)
    assert name in str(refused.value)
    assert f" {value}" not in str(refused.value)


def test_no_secret_shows_in_a_repr() -> None:
    env = MAIL | {
        "ALERT_WEBHOOK_URL": "https://x.example/canary",
        "ALERT_WEBHOOK_SECRET": "whsec_" + b64encode(b"canary" * 6).decode(),
        "ALERT_SLACK_WEBHOOK_URL": "https://x.example/canary",
        "RESEND_API_KEY": "canary",
        "SMTP_URL": "smtps://ann:canary@mail.example",
    }
    given = Settings.from_env(env).alerts
    given.check()
    assert given.webhook_secret == b64decode(env["ALERT_WEBHOOK_SECRET"].removeprefix("whsec_"))
    calls, clock = SideCalls(), HandTurnedClock()
    channels = (
        Webhook(calls, clock, given.webhook_url or "", given.webhook_secret or b""),
        Slack(calls, given.slack_url or "", "x"),
        Resend(calls, given.resend_key or "", TO),
        mail_server(given.smtp_url or ""),
    )
    assert "canary" not in repr((given, channels))


def test_nobody_is_told_unless_somebody_is_named() -> None:
    assert not Alerts().anyone
