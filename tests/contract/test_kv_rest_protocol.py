"""The REST protocol itself, as any client of Upstash may use it: routes, tokens, encodings, limits."""

from __future__ import annotations

import base64

import pytest

from dev.kv.protocol import MAX_REQUEST_BYTES
from tests.contract.conftest import StoreUnderTest
from tests.support.kv import READ_ONLY_TOKEN


async def test_one_command_is_a_json_array_at_the_root(store: StoreUnderTest) -> None:
    assert await store.rest("/", ["SET", "a", "é"]) == (200, {"result": "OK"})
    assert await store.rest("/", ["GET", "a"]) == (200, {"result": "é"})
    assert await store.rest("", ["get", "none"]) == (200, {"result": None})


async def test_a_failing_command_alone_is_a_400(store: StoreUnderTest) -> None:
    await store.rest("/", ["SET", "a", "x"])
    status, answer = await store.rest("/", ["INCR", "a"])
    assert (status, answer) == (400, {"error": "ERR value is not an integer or out of range"})


async def test_a_pipeline_is_a_200_with_each_commands_result_or_error(store: StoreUnderTest) -> None:
    batch = [["SET", "a", "x"], ["INCR", "a"], ["RPUSH", "l", 1, 2], ["LRANGE", "l", 0, -1], ["BLPOP", "l", 0]]
    status, answer = await store.rest("/pipeline", batch)
    assert status == 200
    assert answer == [
        {"result": "OK"},
        {"error": "ERR value is not an integer or out of range"},
        {"result": 2},
        {"result": ["1", "2"]},
        {"error": "ERR Command is not available: 'BLPOP'"},
    ]


async def test_a_transaction_runs_whole_also_when_a_command_fails(store: StoreUnderTest) -> None:
    batch = [["SET", "a", "x"], ["INCR", "a"], ["APPEND", "a", "y"]]
    status, answer = await store.rest("/multi-exec", batch)
    assert status == 200
    assert answer == [{"result": "OK"}, {"error": "ERR value is not an integer or out of range"}, {"result": 2}]
    assert await store.rest("/", ["GET", "a"]) == (200, {"result": "xy"})


async def test_a_transaction_with_an_impossible_command_runs_not_at_all(store: StoreUnderTest) -> None:
    for impossible in (["NOSUCH"], ["GET"], ["SUBSCRIBE", "c"]):
        status, answer = await store.rest("/multi-exec", [["SET", "a", "x"], impossible])
        assert status == 400
        assert isinstance(answer, dict)
        assert list(answer) == ["error"]
    assert await store.rest("/", ["EXISTS", "a"]) == (200, {"result": 0})


async def test_a_command_may_stand_in_the_path(store: StoreUnderTest) -> None:
    assert await store.rest("/set/a%2Fb/sp%20ace%3F") == (200, {"result": "OK"})
    assert await store.rest("/get/a%2Fb", method="GET") == (200, {"result": "sp ace?"})
    assert await store.rest("/set/a?EX=100", b'{"raw": 1}') == (200, {"result": "OK"})
    assert await store.rest("/get/a") == (200, {"result": '{"raw": 1}'})
    assert await store.rest("/ttl/a") == (200, {"result": 100})


async def test_numbers_and_other_values_are_stored_as_they_were_written(store: StoreUnderTest) -> None:
    written = b'["RPUSH","a",1,1.50,1e3,12345678901234567890,true,null,{"b":[1]}]'
    assert await store.rest("/", written) == (200, {"result": 7})
    stored = ["1", "1.50", "1e3", "12345678901234567890", "true", "null", '{"b":[1]}']
    assert await store.rest("/", ["LRANGE", "a", 0, -1]) == (200, {"result": stored})


async def test_text_is_encoded_on_request_all_but_ok(store: StoreUnderTest) -> None:
    encoding = {"upstash_encoding": "base64"}
    assert await store.rest("/", ["SET", "a", "é"], **encoding) == (200, {"result": "OK"})
    assert await store.rest("/", ["GET", "a"], **encoding) == (200, {"result": base64.b64encode("é".encode()).decode()})
    _, answer = await store.rest("/pipeline", [["INCR", "n"], ["MGET", "a", "none"]], **encoding)
    assert answer == [{"result": 1}, {"result": ["w6k=", None]}]


async def test_a_missing_or_wrong_token_is_a_401_and_runs_nothing(store: StoreUnderTest) -> None:
    for given in ("", "Bearer", "Bearer wrong", "Basic store-token", "Bearer st\u00f6re"):
        for path, body in (
            ("/", ["SET", "a", 1]),
            ("/pipeline", [["SET", "a", 1]]),
            ("/multi-exec", [["SET", "a", 1]]),
        ):
            status, answer = await store.rest(path, body, authorization=given)
            assert (status, answer) == (401, {"error": "WRONGPASS invalid or missing auth token"})
    assert await store.rest("/", ["EXISTS", "a"]) == (200, {"result": 0})


async def test_the_token_may_stand_in_the_query(store: StoreUnderTest) -> None:
    assert await store.rest("/set/a/b?_token=store-token", authorization="") == (200, {"result": "OK"})


async def test_a_read_only_token_reads_and_does_not_write(store: StoreUnderTest) -> None:
    await store.rest("/", ["SET", "a", "x"])
    reader = {"authorization": f"Bearer {READ_ONLY_TOKEN}"}
    assert await store.rest("/", ["GET", "a"], **reader) == (200, {"result": "x"})
    for writing in (["SET", "a", "y"], ["DEL", "a"], ["EVAL", "return redis.call('DEL', 'a')", 0], ["FLUSHALL"]):
        status, answer = await store.rest("/", writing, **reader)
        assert status == 400
        assert isinstance(answer, dict)
        assert str(answer["error"]).startswith("NOPERM")
    _, answer = await store.rest("/pipeline", [["SET", "a", "y"], ["GET", "a"]], **reader)
    assert isinstance(answer, list)
    assert answer[1] == {"result": "x"}


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_a_405(store: StoreUnderTest, method: str) -> None:
    assert (await store.rest("/", ["GET", "a"], method=method))[0] == 405


@pytest.mark.parametrize("path", ["/", "/pipeline", "/multi-exec"])
@pytest.mark.parametrize("body", [b"", b"{", b"{}", b'"GET a"', b"[", b"\xff", b"[[]]", b"[]", b'[""]', b"[1,[2]]"])
async def test_what_is_no_command_is_a_400(store: StoreUnderTest, path: str, body: bytes) -> None:
    status, answer = await store.rest(path, body)
    assert status == 400
    assert isinstance(answer, dict)
    assert str(answer["error"]).startswith("ERR ")


async def test_a_request_of_more_than_ten_megabytes_is_a_400(store: StoreUnderTest) -> None:
    body = b'["SET","a","' + b"x" * MAX_REQUEST_BYTES + b'"]'
    status, answer = await store.rest("/", body)
    assert status == 400
    assert isinstance(answer, dict)
    assert "max request size exceeded" in str(answer["error"])
    assert await store.rest("/", ["EXISTS", "a"]) == (200, {"result": 0})


async def test_what_was_asked_is_counted(store: StoreUnderTest) -> None:
    await store.rest("/", ["SET", "a", 1])
    await store.rest("/pipeline", [["get", "a"], ["GET", "b"]])
    status, answer = await store.rest("/__stats", authorization="")
    assert (status, answer) == (200, {"requests": 2, "commands": 3, "by_name": {"SET": 1, "GET": 2}})
    assert (store.server.stats.requests, store.server.stats.commands) == (2, 3)
