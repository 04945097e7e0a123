"""Bodies that are no JSON in UTF-8, or JSON of absurd shape or size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import Final

from tests.corpus.case import CANARY, Bad, chat

SAMPLE: Final = (
    f'{{"messages":[{{"role":"user","content":"{CANARY} é 名 \\u00e9\\n"}}],"stream":false,"n":1,"topP":0.5}}'.encode()
)
BOMB: Final = gzip.compress(b'{"messages":"' + b"a" * 10_000_000, 9)
LIMIT: Final = 4_500_000
_CANARY: Final = CANARY.encode()

NO_JSON: Final[tuple[tuple[str, bytes], ...]] = (
    ("nothing", b""),
    ("blanks", b" \n\t"),
    ("nul", b"\0"),
    ("words", _CANARY),
    ("form", b"messages=" + _CANARY),
    ("multipart", b'--x\r\nContent-Disposition: form-data; name="messages"\r\n\r\n' + _CANARY + b"\r\n--x--"),
    ("xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;' + _CANARY + b"</a>"),
    ("yaml", b"messages:\n  - role: user\n    content: " + _CANARY),
    ("python", b"{'messages': [{'role': 'user', 'content': '" + _CANARY + b"'}]}"),
    ("pickle", b"\x80\x04\x95cos\nsystem\n" + _CANARY),
    ("comment", b'{/* a */"messages":[]}'),
    ("trailing-comma", SAMPLE[:-1] + b",}"),
    ("trailing-text", SAMPLE + _CANARY),
    ("two-documents", SAMPLE + SAMPLE),
    ("lines", SAMPLE + b"\n" + SAMPLE),
    ("server-sent", b"data: " + SAMPLE + b"\n\n"),
    ("single-quotes", SAMPLE.replace(b'"', b"'")),
    ("bare-names", SAMPLE.replace(b'"messages"', b"messages")),
    ("utf-8-mark", b"\xef\xbb\xbf" + SAMPLE),
    ("utf-16", SAMPLE.decode().encode("utf-16")),
    ("utf-16-le", SAMPLE.decode().encode("utf-16-le")),
    ("utf-16-be", SAMPLE.decode().encode("utf-16-be")),
    ("utf-32", SAMPLE.decode().encode("utf-32")),
    ("utf-7", b"+AHsAIgBtAGUAcwBzAGEAZwBlAHMAIg-" + _CANARY),
    ("latin-1", SAMPLE.decode().replace("名", "").encode("latin-1")),
    ("shift-jis", SAMPLE.decode().replace("é", "").encode("shift-jis")),
    ("ebcdic", SAMPLE.decode().replace("名", "").encode("cp500")),
    ("overlong-slash", SAMPLE.replace(b"\xc3\xa9", b"\xc0\xaf")),
    ("surrogate-in-utf-8", SAMPLE.replace(b"\xc3\xa9", b"\xed\xa0\x80")),
    ("beyond-unicode", SAMPLE.replace(b"\xc3\xa9", b"\xf4\x90\x80\x80")),
    ("cut-character", SAMPLE.replace(b"\xc3\xa9", b"\xc3")),
    ("lone-continuation", SAMPLE.replace(b"\xc3\xa9", b"\xa9")),
    ("high-surrogate", SAMPLE.replace(b"\\u00e9", b"\\ud800")),
    ("low-surrogate", SAMPLE.replace(b"\\u00e9", b"\\udc00")),
    ("swapped-surrogates", SAMPLE.replace(b"\\u00e9", b"\\udc00\\ud800")),
    ("surrogate-in-name", SAMPLE.replace(b'"n"', b'"\\ud800"')),
    ("short-escape", SAMPLE.replace(b"\\u00e9", b"\\u00")),
    ("unknown-escape", SAMPLE.replace(b"\\u00e9", b"\\x41")),
    ("raw-nul-in-text", SAMPLE.replace(b"\\u00e9", b"\0")),
    ("raw-line-break-in-text", SAMPLE.replace(b"\\u00e9", b"\n")),
    ("raw-tab-in-text", SAMPLE.replace(b"\\u00e9", b"\t")),
    ("raw-escape-in-text", SAMPLE.replace(b"\\u00e9", b"\x1b[31m")),
    ("leading-zero", SAMPLE.replace(b'"n":1', b'"n":01')),
    ("plus-sign", SAMPLE.replace(b'"n":1', b'"n":+1')),
    ("bare-point", SAMPLE.replace(b"0.5", b".5")),
    ("open-point", SAMPLE.replace(b"0.5", b"5.")),
    ("hexadecimal", SAMPLE.replace(b'"n":1', b'"n":0x1')),
    ("capital-false", SAMPLE.replace(b"false", b"False")),
    ("undefined", SAMPLE.replace(b"false", b"undefined")),
    ("digits-for-ever", b'{"n":' + b"9" * 1_000_000 + b"}"),
    ("lists-10000-deep", b'{"messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    ("objects-10000-deep", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
    ("mixed-100000-deep", b'{"messages":[' * 100_000),
    ("open-lists-4-mb", b"[" * 4_000_000),
    ("gzip", gzip.compress(SAMPLE)),
    ("deflate", zlib.compress(SAMPLE)),
    ("gzip-bomb", BOMB),
)
NO_OBJECT: Final[tuple[tuple[str, bytes], ...]] = (
    ("null", b"null"),
    ("true", b"true"),
    ("number", b"5"),
    ("text", b'"%b"' % _CANARY),
    ("list", b"[%b]" % SAMPLE),
    ("empty-list", b"[]"),
)


def cases() -> Iterator[Bad]:
    """All of them, and the sample cut off at many places."""
    for name, body in (*NO_JSON, *NO_OBJECT):
        yield Bad(name=f"json-{name}", body=body)
    for size in range(1, len(SAMPLE), 3):
        yield Bad(name=f"json-cut-{size}", body=SAMPLE[:size])
    yield from _deep()
    yield from _repeated()
    yield from _large()


def _deep() -> Iterator[Bad]:
    """Nested deeper than can be sent on, but not deeper than the parser goes."""
    for name, field, param in (
        ("extra", b'"metadata":%b', "metadata"),
        ("tool", b'"tools":[{"type":"x","y":%b}]', "tools[0]"),
        ("format", b'"responseFormat":{"type":"json_schema","json_schema":%b}', "response_format"),
        ("choice", b'"toolChoice":{"type":"x","y":%b}', "tool_choice"),
    ):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            value = opening * 120 + b"1" + closing * 120
            body = chat()[:-1] + b"," + field % value + b"}"
            yield Bad(name=f"deep-{name}-{opening.decode()}", body=body, param=param)
    message = b'{"role":"user","content":"a","x":' + b"[" * 120 + b"]" * 120 + b"}"
    yield Bad(name="deep-message", body=b'{"messages":[%b]}' % message, param="messages[0]")


def _repeated() -> Iterator[Bad]:
    """Names that stand twice: the last one counts, so a harmless first one hides nothing."""
    good = chat()[:-1]
    for name, last, param in (
        ("messages", b"5", "messages"),
        ("messages", b"[]", "messages"),
        ("messages", b'[{"role":"user","role":"root","content":"a"}]', "messages[0].role"),
        ("messages", b'[{"role":"user","content":"a","content":5}]', "messages[0].content"),
    ):
        yield Bad(name=f"twice-{param}-{last[:3]!r}", body=good + b',"%b":%b}' % (name.encode(), last), param=param)
    for name, first, last in (("n", b"1", b"99"), ("temperature", b"1", b"9"), ("userId", b'"a"', b'""')):
        body = good + b',"%b":%b,"%b":%b}' % (name.encode(), first, name.encode(), last)
        yield Bad(name=f"twice-{name}", body=body, param=name)


def _large() -> Iterator[Bad]:
    text = b'{"messages":[{"role":"user","content":"' + _CANARY
    whole = text + b"a" * 5_000_000 + b'"}]}'
    pieces = tuple(whole[at : at + 65_536] for at in range(0, len(whole), 65_536))
    yield Bad(name="large-at-once", body=whole, status=413)
    yield Bad(name="large-in-pieces", body=pieces, status=413)
    yield Bad(name="large-by-one-byte", body=whole[: LIMIT + 1], status=413)
    yield Bad(name="large-and-cut", body=whole[:LIMIT])
    yield Bad(name="large-in-bytes", body=(*(whole[at : at + 1] for at in range(200)),))
    yield Bad(name="large-blanks", body=b" " * LIMIT)
    yield Bad(name="large-list", body=b'{"messages":[' + b"1," * 2_000_000 + b"1]}", param="messages")
    empty = b'{"messages":[{"role":"user","content":[' + b"{}," * 1_400_000 + b"{}]}]}"
    yield Bad(name="large-parts", body=empty, param="messages[0].content[0].type")
    names = b",".join(b'"%d":1' % number for number in range(300_000))
    yield Bad(name="large-names", body=b"{%b}" % names, param="messages")
    yield Bad(name="large-name", body=b'{"%b":1}' % (_CANARY * 200_000), param="messages")
