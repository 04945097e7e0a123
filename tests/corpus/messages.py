"""Messages of both shapes, wrong in one place each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.corpus.case import CANARY, LIST, OBJECT, Bad, chat

NO_MESSAGE: Final[tuple[object, ...]] = (0, 1.5, True, None, CANARY, LIST, [CANARY])
NO_ROLE: Final[tuple[object, ...]] = (
    *(
        0,
        True,
        None,
        LIST,
        ["user"],
        OBJECT,
        {"role": "user"},
        "",
        " ",
        "User",
        "USER",
        "user ",
        " user",
        "user\0",
        "user\n",
    ),
    *(
        "usеr",
        "ｕｓｅｒ",
        "u\u200bser",
        "\ufeffuser",
        "\u202eresu",
        "uſer",
        "root",
        "admin",
        "function",
        "model",
        "human",
    ),
    *("assistant\u0000", "sуstem", CANARY, "__proto__", "system; DROP TABLE users", "'; --", "<script>", "=1+1"),
)
"""Look-alikes among them: Cyrillic, full-width, zero-width, the long s."""
NO_CONTENT: Final[tuple[object, ...]] = (0, 1.5, True, None, OBJECT, LIST, {"text": CANARY})
NO_PART: Final[tuple[tuple[object, str], ...]] = (
    *((value, "") for value in (0, True, None, CANARY, LIST)),
    (OBJECT, ".type"),
    ({"type": None}, ".type"),
    ({"type": ["text"]}, ".type"),
    ({"type": "Text", "text": CANARY}, ".type"),
    ({"type": "tеxt", "text": CANARY}, ".type"),
    ({"type": "text\0", "text": CANARY}, ".type"),
    ({"type": "image", "url": CANARY}, ".type"),
    ({"type": "refusal", "refusal": CANARY}, ".type"),
    ({"type": "text"}, ".text"),
    ({"type": "text", "text": None}, ".text"),
    ({"type": "text", "text": [CANARY]}, ".text"),
    ({"type": "text", "text": {"$gt": ""}}, ".text"),
    ({"type": "image_url"}, ".image_url"),
    ({"type": "image_url", "image_url": CANARY}, ".image_url"),
    ({"type": "image_url", "image_url": OBJECT}, ".image_url.url"),
    ({"type": "image_url", "image_url": {"url": 5}}, ".image_url.url"),
    ({"type": "image_url", "image_url": {"url": ""}}, ".image_url.url"),
    ({"type": "input_audio", "input_audio": {"data": CANARY}}, ".input_audio.format"),
    ({"type": "input_audio", "input_audio": {"format": "wav"}}, ".input_audio.data"),
    ({"type": "input_audio", "input_audio": [CANARY]}, ".input_audio"),
    ({"type": "file"}, ".file"),
    ({"type": "file", "file": CANARY}, ".file"),
)
NO_IMAGE: Final = (
    *("file:///etc/passwd", "ftp://a/b.png", "gopher://127.0.0.1:6379/_FLUSHALL", "javascript:alert(1)", "//a/b.png"),
    *("/etc/passwd", "data:text/html,<script>", "data:application/json,OBJECT", "blob:https://a/b", "about:blank", " "),
    *(
        " https://a/b.png",
        "ｈttps://a/b.png",
        "https:/a/b.png",
        "https;//a",
        "dict://127.0.0.1:11211/",
        CANARY,
        "\0https://a",
    ),
)
NO_CALLS: Final[tuple[tuple[object, str], ...]] = (
    *((value, "") for value in (0, True, CANARY, OBJECT, LIST)),
    ([CANARY], "[0]"),
    ([None], "[0]"),
    ([OBJECT], "[0].id"),
    ([{"id": ""}], "[0].id"),
    ([{"id": 5}], "[0].id"),
    ([{"id": "c", "type": "code"}], "[0].type"),
    ([{"id": "c", "type": None}], "[0].type"),
    ([{"id": "c"}], "[0].function"),
    ([{"id": "c", "function": CANARY}], "[0].function"),
    ([{"id": "c", "function": OBJECT}], "[0].function.name"),
    ([{"id": "c", "function": {"name": ""}}], "[0].function.name"),
    ([{"id": "c", "function": {"name": "f"}}], "[0].function.arguments"),
    ([{"id": "c", "function": {"name": "f", "arguments": {"a": CANARY}}}], "[0].function.arguments"),
    ([{"id": "c", "function": {"name": "f", "arguments": None}}], "[0].function.arguments"),
)
NO_UI_PARTS: Final[tuple[tuple[str, object, str], ...]] = (
    *(("user", value, ".parts") for value in (0, True, None, CANARY, OBJECT, LIST)),
    *(("user", [value], ".parts[0]") for value in (0, None, CANARY, LIST)),
    ("user", [OBJECT], ".parts[0].type"),
    ("user", [{"type": 5}], ".parts[0].type"),
    ("user", [{"type": ""}], ".parts[0].type"),
    ("user", [{"type": "text"}], ".parts[0].text"),
    ("user", [{"type": "text", "text": None}], ".parts[0].text"),
    ("user", [{"type": "text", "text": [CANARY]}], ".parts[0].text"),
    ("user", [{"type": "reasoning", "text": CANARY}], ".parts"),
    ("user", [{"type": "file"}], ".parts[0].mediaType"),
    ("user", [{"type": "file", "mediaType": "image/png"}], ".parts[0].url"),
    ("user", [{"type": "file", "mediaType": "image/png", "url": CANARY}], ".parts[0].url"),
    ("user", [{"type": "file", "mediaType": "image/png", "url": "file:///etc/passwd"}], ".parts[0].url"),
    ("user", [{"type": "file", "mediaType": "image/png", "url": "http:/"}], ".parts[0].url"),
    ("user", [{"type": "file", "mediaType": "application/pdf", "url": "https://a/b.pdf"}], ".parts[0].url"),
    ("user", [{"type": "file", "mediaType": "application/x-sh", "url": "data:a;base64,AA"}], ".parts[0].mediaType"),
    ("user", [{"type": "file", "mediaType": "text/html", "url": f"data:text/html,{CANARY}"}], ".parts[0].url"),
    ("user", [{"type": "file", "mediaType": 5, "url": CANARY}], ".parts[0].mediaType"),
    *(("assistant", [{"type": "tool-w", "state": value}], ".parts[0].state") for value in (0, None, LIST, "")),
    ("assistant", [{"type": "tool-w", "state": "output-available", "output": CANARY}], ".parts[0].toolCallId"),
    ("assistant", [{"type": "tool-w", "state": "output-error", "toolCallId": "c"}], ".parts[0].errorText"),
    ("assistant", [{"type": "dynamic-tool", "state": "output-denied", "toolCallId": "c"}], ".parts[0].toolName"),
    ("assistant", [{"type": "tool-", "state": "output-denied", "toolCallId": "c"}], ".parts[0].type"),
    ("tool", [{"type": "text", "text": CANARY}], ".role"),
    ("developer", [{"type": "text", "text": CANARY}], ".role"),
    ("usеr", [{"type": "text", "text": CANARY}], ".role"),
    ("", [{"type": "text", "text": CANARY}], ".role"),
)


def cases() -> Iterator[Bad]:
    """Each of them as the second message of a chat."""
    for at, value in enumerate(NO_MESSAGE):
        yield _case(f"message-{at}", value, "")
    for at, role in enumerate(NO_ROLE):
        yield _case(f"role-{at}", {"role": role, "content": CANARY}, ".role")
    yield from _content_cases()
    for at, (calls, where) in enumerate(NO_CALLS):
        yield _case(f"calls-{at}", {"role": "assistant", "content": CANARY, "tool_calls": calls}, f".tool_calls{where}")
    for at, (role, parts, where) in enumerate(NO_UI_PARTS):
        yield _case(f"ui-{at}", {"id": CANARY, "role": role, "parts": parts}, where)
    yield from _other_cases()


def _content_cases() -> Iterator[Bad]:
    for role in ("user", "system", "developer", "tool"):
        for at, content in enumerate(NO_CONTENT):
            message: dict[str, object] = {"role": role, "content": content, "tool_call_id": "c"}
            yield _case(f"content-{role}-{at}", message, ".content")
    for at, (part, where) in enumerate(NO_PART):
        yield _case(f"part-{at}", {"role": "user", "content": [part]}, f".content[0]{where}")
    for at, url in enumerate(NO_IMAGE):
        image: dict[str, object] = {"type": "image_url", "image_url": {"url": url, "detail": CANARY}}
        yield _case(f"image-{at}", {"role": "user", "content": [image]}, ".content[0].image_url.url")


def _other_cases() -> Iterator[Bad]:
    yield _case("no-role", {"content": CANARY}, ".role")
    yield _case("look-alike-role", {"rоle": "user", "content": CANARY}, ".role")
    yield _case("look-alike-content", {"role": "user", "соntent": CANARY}, ".content")
    yield _case("empty-assistant", {"role": "assistant", "note": CANARY}, ".content")
    yield _case("assistant-image", {"role": "assistant", "content": [{"type": "image_url"}]}, ".content[0].type")
    yield _case("system-image", {"role": "system", "content": [{"type": "image_url"}]}, ".content[0].type")
    yield _case("tool-without-call", {"role": "tool", "content": CANARY}, ".tool_call_id")
    yield _case("name", {"role": "user", "content": CANARY, "name": 5}, ".name")
    yield _case("refusal", {"role": "assistant", "refusal": [CANARY]}, ".refusal")
    for at, value in enumerate((0, True, None, CANARY, OBJECT, LIST)):
        yield Bad(name=f"messages-{at}", body=chat(messages=value), param="messages")
    yield Bad(name="messages-1001", body=chat(messages=[{"role": "user", "content": CANARY}] * 1_001), param="messages")
    yield Bad(name="no-messages", body=b'{"prompt":"%b"}' % CANARY.encode(), param="messages")
    for name in (
        "mеssages",
        "Messages",
        "messages\0",
        " messages",
        "ｍessages",
        "message",
        "__proto__",
        "messages\u200b",
    ):
        yield Bad(name=f"messages-as-{name!a}", body=chat_named(name), param="messages")
    silent: object = [{"role": "assistant", "parts": [{"type": "reasoning", "text": CANARY}]}]
    yield Bad(name="ui-silent", body=chat(messages=silent), param="messages")


def chat_named(name: str) -> bytes:
    """A chat whose messages stand under another name."""
    return chat().replace(b'"messages"', f'"{name}"'.encode().replace(b"\0", b"\\u0000"))


def _case(name: str, message: object, where: str) -> Bad:
    return Bad(
        name=name, body=chat(messages=[{"role": "user", "content": CANARY}, message]), param=f"messages[1]{where}"
    )
