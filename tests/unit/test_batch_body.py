"""What is read from a batch before any of it runs: items, options, whose it is, and how it is answered."""

from __future__ import annotations

from typing import Final

import orjson
import pytest

from lib.contract import Json, JsonObject
from lib.errors import InvalidRequest
from lib.web.access import Claim
from lib.web.batch_body import (
    EVENTS,
    MOST_DURABLE,
    MOST_INLINE,
    NDJSON,
    Item,
    PostedBatch,
    check_ids,
    id_of,
    only_claim,
    parse_batch,
    parse_item,
    read_item,
)

CHAT: Final[JsonObject] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def posted(headers: dict[str, str] | None = None, /, **options: Json) -> PostedBatch:
    return parse_batch(orjson.dumps({"requests": [CHAT], **options}), headers or {}, {})


def item(**fields: Json) -> Item:
    return parse_item({**CHAT, **fields}, "requests[0]", "", "auto")


def test_a_small_batch_is_inline_five_at_once_and_waits_for_limits() -> None:
    batch = posted()
    assert (batch.durable, batch.concurrency, batch.waits, batch.answer) == (False, 5, True, "application/json")


def test_a_large_batch_is_durable_unless_it_is_told_to_be_inline() -> None:
    many: list[Json] = [CHAT] * (MOST_INLINE + 1)
    assert posted(requests=many).durable
    assert posted(mode="durable").durable
    with pytest.raises(InvalidRequest, match="durable") as refused:
        posted(requests=many, mode="inline")
    assert refused.value.param == "requests"


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"requests": []}, "requests"),
        ({"requests": [CHAT] * (MOST_DURABLE + 1)}, "requests"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 21}, "concurrency"),
        ({"mode": "later"}, "mode"),
        ({"onLimit": "hope"}, "onLimit"),
        ({"priority": 1}, "priority"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, Json], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        posted(None, **options)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({"messages": []}, "requests[0].messages"),
        ({"messages": [{"role": "wizard", "content": "Hi"}]}, "requests[0].messages[0].role"),
        ({"messages": [{"role": "user", "content": "Hi"}], "temperature": 9}, "requests[0].temperature"),
        ("Hi", "requests[0]"),
        ({**CHAT, "id": 7}, "requests[0].id"),
        ({**CHAT, "seed": float("nan")}, "requests[0]"),
    ],
)
def test_a_wrong_item_is_named_with_its_field(document: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_item(document, "requests[0]", "", "auto")
    assert refused.value.param == param


def test_items_may_be_lines_of_openais_batch_files() -> None:
    line: JsonObject = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT}
    read = parse_item(line, "requests[0]", "", "auto")
    assert (read.id, read.request.model, read.request.extra) == ("a", "gpt-4o", {})
    assert id_of(read.text) == "a"


def test_an_items_own_id_does_not_reach_the_provider() -> None:
    for name in ("id", "custom_id", "customId"):
        read = item(**{name: "a"})
        assert (read.id, read.request.extra) == ("a", {})


def test_what_is_stored_of_an_item_reads_as_the_same_request() -> None:
    read = parse_item({**CHAT, "id": "a", "maxTokens": 5, "top_k": 3}, "requests[0]", "no-store", "auto")
    assert read_item("auto")(read.text, "no-store") == read.request
    assert not read.request.write_cache


def test_two_items_of_one_id_are_refused() -> None:
    check_ids([item(id="a"), item(id="b"), item(), item()])
    with pytest.raises(InvalidRequest) as refused:
        check_ids([item(id="a"), item(), item(id="a")])
    assert refused.value.param == "requests[2].id"


def test_a_batch_is_of_one_user_named_beside_the_requests_or_in_them() -> None:
    assert only_claim(posted(userId="u1", tier="pro"), [item(), item(userId="u1")]) == Claim("u1", "pro")
    assert only_claim(posted(), [item(), item(userId="u1"), item(userId="u1")]) == Claim("u1")
    with pytest.raises(InvalidRequest) as refused:
        only_claim(posted(userId="u1"), [item(), item(userId="u2")])
    assert refused.value.param == "requests[1].userId"


def test_json_lines_are_durable_and_take_their_options_from_the_query() -> None:
    body = b"\n".join(orjson.dumps({**CHAT, "custom_id": str(n)}) for n in range(3)) + b"\n\n"
    batch = parse_batch(body, {"content-type": "application/jsonl; charset=utf-8"}, {"concurrency": "7"})
    assert (batch.durable, batch.concurrency, len(batch.documents)) == (True, 7, 3)
    with pytest.raises(InvalidRequest) as refused:
        parse_batch(body + b"{", {"content-type": NDJSON}, {})
    assert refused.value.param == "requests[3]"
    with pytest.raises(InvalidRequest) as refused:
        parse_batch(body, {"content-type": NDJSON}, {"concurrency": "many"})
    assert refused.value.param == "concurrency"


@pytest.mark.parametrize(
    ("accept", "stream", "answer"),
    [
        ("", None, "application/json"),
        ("*/*", None, "application/json"),
        ("application/json", True, NDJSON),
        ("", True, NDJSON),
        (NDJSON, None, NDJSON),
        ("application/jsonl", None, NDJSON),
        ("text/event-stream; q=1, */*", None, EVENTS),
        (EVENTS, True, EVENTS),
        (EVENTS, False, "application/json"),
    ],
)
def test_progress_is_told_in_the_form_that_is_accepted(accept: str, stream: bool | None, answer: str) -> None:
    assert posted({"accept": accept}, stream=stream).answer == answer


def test_the_digest_tells_bodies_and_what_changes_their_meaning_apart() -> None:
    same = [posted(), posted()]
    others = [posted(concurrency=6), posted({"cache-control": "no-store"}), posted(requests=[{**CHAT, "id": "a"}])]
    assert len({batch.digest for batch in same}) == 1
    assert len({batch.digest for batch in (*same, *others)}) == 4
