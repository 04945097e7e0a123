"""Requests that are wrong before their body is looked at: method, address, credentials, headers, query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tests.corpus.case import CANARY, JSON, STATS, Bad, chat

METHODS: Final = (
    *("GET", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "post", "Post", "POST ", "POST\r\nX: y", ""),
    *("QUERY", "BREW", "P\0ST", "ＰＯＳＴ", "x" * 5_000),
)
PATHS: Final = (
    *(
        "/",
        "//",
        "/api",
        "/api/ai/v2",
        "/api/ai/v2/chats/x",
        "/api/ai/v2/chatx",
        "/api/ai/v2/chat.py",
        "/API/AI/V2/CHAT",
    ),
    *("/api/ai/v2/./chat", "/api/ai/v2/../v2/chat", "/api/ai/v2/..%2fchat", "/api/ai/v2%2fchat", "/api/ai/v2\\chat"),
    *("/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..\\..\\windows\\win.ini", "/.env"),
    *(
        "/api/ai/v2/chat\0",
        "/api/ai/v2/chat%00",
        "/api/ai/v2/chat;x=y",
        "/api/ai/v2/chat\r\nSet-Cookie: a=b",
        "/.git/HEAD",
    ),
    *("/api/ai/v2/chаt", "/api/ai/v2/ｃhat", "/api/ai/v2/chat\u200b", f"/{CANARY}", "/" + "a" * 10_000, "/%", "/%zz"),
    *("/%c0%af", "http://127.0.0.1/api/ai/v2/chat", "//evil.example/api/ai/v2/chat", "*", "", "api/ai/v2/chat", "?"),
    *("/<script>alert(1)</script>", "/=HYPERLINK(1)", "/${jndi:ldap://127.0.0.1/a}", "/{{7*7}}", "/'%20OR%201=1--"),
)
NO_KEY: Final = (
    *(
        "",
        " ",
        f"{CANARY} x",
        f"{CANARY}\t",
        f"{CANARY}\r\nSet-Cookie: a=b",
        f"{CANARY}\n",
        f"{CANARY}\0",
        f"{CANARY}é",
    ),
    *(f"\x7f{CANARY}", "k" * 256, "k" * 100_000, f"{CANARY}\x80", f"{CANARY}\xa0"),
)
NO_PROTOCOL: Final = (CANARY, "sse", "json", "ui,openai", "ui\0", "ui;v=1", "openai\r\nx: y", "é", "u" * 10_000)
CODINGS: Final = (
    "gzip",
    "GZIP",
    "br",
    "deflate",
    "zstd",
    "compress",
    "x-gzip",
    "gzip, gzip",
    "identity, gzip",
    CANARY,
    "gzip\0",
    "*",
)
NO_USERS: Final = (
    "u" * 257,
    f"{CANARY}\r\nx: y",
    f"{CANARY}\0",
    f"{CANARY}\x7f",
    f"{CANARY}\x85",
    f"\x1b[2J{CANARY}",
    f"{CANARY}\xad",
)
NO_TIERS: Final = (
    CANARY,
    "root",
    "MASTER",
    "master ",
    "pro,master",
    "free\0",
    "mаster".encode().decode("latin-1"),
    "t" * 10_000,
)
CREDENTIALS: Final = (
    *(
        "Bearer",
        "Bearer ",
        f"Bearer {CANARY}",
        f"Basic {CANARY}",
        CANARY,
        "",
        " ",
        "Bearer None",
        "Bearer null",
        "Bearer é",
    ),
    *(
        "Bearer undefined",
        "bearer",
        "Bearer service-token x",
        "Bearer service-token, Bearer x",
        "Bearer  ",
        "Bearer \0",
    ),
    *(
        "Digest service-token",
        "service-token",
        f"Bearer {'a' * 100_000}",
        "Bearer service-token\0",
        "Bearer SERVICE-TOKEN",
    ),
    *("Bearer service-toke", "Bearer service-tokenn", "Token service-token", "Bearer\tservice-token"),
)
NO_DATES: Final = (
    *(
        "2026",
        "2026-13-01",
        "2026-02-31",
        "2026-11-24x",
        "1999-01-01",
        "24.11.2026",
        "2026/11/24",
        "today",
        CANARY,
        "*",
    ),
    *("2026-11-24%00", "2026-11-24%0d%0aX:%20y", "%D9%A2026-11-24", "2026-11-2%D9%A4", "-".join("20261124") + "-" * 9),
    *("0", "-1", "99999999999999999999", "20261124;20261125", "9" * 4_000),
)
NO_MONTHS: Final = (
    "2026-00",
    "2026-13",
    "2026",
    "26-11",
    CANARY,
    "2026-11-01",
    "%D9%A202611",
    "2026-1%D9%A1",
    "20%2A",
    "2026--11",
)


def cases() -> Iterator[Bad]:
    """All of them."""
    for at, method in enumerate(METHODS):
        yield Bad(name=f"method-{at}", method=method, body=chat(), status=405)
    for at, path in enumerate(PATHS):
        yield Bad(name=f"path-{at}", path=path, body=chat(), status=404)
    yield from _header_cases()
    yield from _credential_cases()
    yield from _stats_cases()


def _header_cases() -> Iterator[Bad]:
    for at, key in enumerate(NO_KEY):
        yield _with(f"idempotency-key-{at}", {"idempotency-key": key}, "Idempotency-Key")
    for at, protocol in enumerate(NO_PROTOCOL):
        yield _with(f"protocol-{at}", {"x-ai-stream-protocol": protocol}, "x-ai-stream-protocol")
    for at, coding in enumerate(CODINGS):
        yield _with(f"coding-{at}", {"content-encoding": coding}, "content-encoding")
    for at, user in enumerate(NO_USERS):
        yield _with(f"x-user-id-{at}", {"x-user-id": user}, "userId")
    for at, tier in enumerate(NO_TIERS):
        yield _with(f"x-user-tier-{at}", {"x-user-tier": tier}, "tier")
    for at, tier in enumerate(NO_TIERS[:-1]):
        yield Bad(name=f"tier-{at}", body=chat(tier=tier), param="tier")
    for length in ("4500001", "5000000", "9" * 18, "9" * 400, "00000000000000000004500001"):
        yield Bad(name=f"length-{length[:20]}", body=chat(), headers={**JSON, "content-length": length}, status=413)


def _credential_cases() -> Iterator[Bad]:
    yield Bad(name="no-credentials", body=chat(), token=None, status=401)
    for at, value in enumerate(CREDENTIALS):
        headers = {**JSON, "authorization": value}
        yield Bad(name=f"credentials-{at}", body=chat(), headers=headers, token=None, status=401)
        yield Bad(name=f"stats-credentials-{at}", method="GET", path=STATS, headers=headers, token=None, status=401)
    yield Bad(name="stats-without", method="GET", path=STATS, token=None, status=401)


def _stats_cases() -> Iterator[Bad]:
    for at, date in enumerate(NO_DATES):
        yield _stats(f"stats-date-{at}", f"date={date}", "date")
    for at, month in enumerate(NO_MONTHS):
        yield _stats(f"stats-month-{at}", f"month={month}", "month")
    yield _stats("stats-query", f"user={CANARY}&" + "a=b&" * 3_000, "query")
    for method in ("POST", "DELETE", "PUT"):
        yield Bad(name=f"stats-{method}", method=method, path=STATS, token="admin", status=405)


def _stats(name: str, query: str, param: str) -> Bad:
    return Bad(name=name, method="GET", path=STATS, query=query, param=param, token="admin")


def _with(name: str, headers: Mapping[str, str], param: str) -> Bad:
    return Bad(name=name, body=chat(), headers={**JSON, **headers}, param=param)
