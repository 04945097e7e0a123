"""What the product may rely on from its store, whatever executes the commands."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from lib.errors import StoreError
from lib.kv.client import KV
from tests.contract.conftest import StoreUnderTest

LAST_YEAR_MS = 1_700_000_000_000


@pytest.fixture
def kv(store: StoreUnderTest) -> KV:
    return store.kv


async def error_of(kv: KV, *command: str | int) -> str:
    with pytest.raises(StoreError) as raised:
        await kv.run(*command)
    assert type(raised.value) is StoreError
    return str(raised.value)


async def test_text_is_kept_as_it_was_written(kv: KV) -> None:
    for text in ("", "plain", "zażółć 日本語 🙂", "line\nbreak\t\x01", '{"a":"b\\"c"}', " spaces ", "OK", "-0", "1e3"):
        assert await kv.run("SET", "a", text) == "OK"
        assert await kv.run("GET", "a") == text


async def test_an_integer_comes_back_as_text_from_a_string_and_as_integer_from_a_counter(kv: KV) -> None:
    assert await kv.run("SET", "a", 9_007_199_254_740_993) == "OK"
    assert await kv.run("GET", "a") == "9007199254740993"
    assert await kv.run("INCRBY", "a", 1) == 9_007_199_254_740_994
    assert await kv.run("DECRBY", "a", 2) == 9_007_199_254_740_992


async def test_a_missing_key_is_nil(kv: KV) -> None:
    assert await kv.run("GET", "none") is None
    assert await kv.run("MGET", "none", "neither") == [None, None]
    assert await kv.run("PTTL", "none") == -2


async def test_a_value_of_a_megabyte_is_kept(kv: KV) -> None:
    text = "é" * 500_000
    assert await kv.run("SET", "a", text) == "OK"
    assert await kv.run("GET", "a") == text


async def test_set_with_a_lifetime_in_milliseconds(kv: KV) -> None:
    assert await kv.run("SET", "a", "x", "PX", 60_000) == "OK"
    left = await kv.run("PTTL", "a")
    assert isinstance(left, int)
    assert 50_000 < left <= 60_000
    await kv.run("SET", "a", "y")
    assert await kv.run("PTTL", "a") == -1


async def test_set_can_keep_the_lifetime_and_depend_on_the_key(kv: KV) -> None:
    await kv.run("SET", "a", "x", "EX", 60)
    assert await kv.run("SET", "a", "y", "KEEPTTL") == "OK"
    assert await kv.run("TTL", "a") in (59, 60)
    assert await kv.run("SET", "a", "z", "NX") is None
    assert await kv.run("SET", "b", "z", "NX", "PX", 1000) == "OK"
    assert await kv.run("SET", "a", "w", "XX", "GET") == "y"


async def test_a_key_whose_time_has_come_is_gone(kv: KV) -> None:
    await kv.run("SET", "a", "x")
    assert await kv.run("PEXPIREAT", "a", LAST_YEAR_MS) == 1
    assert await kv.run("GET", "a") is None
    assert await kv.run("EXISTS", "a") == 0


async def test_a_lifetime_of_nothing_is_an_error(kv: KV) -> None:
    assert "invalid expire time" in await error_of(kv, "SET", "a", "x", "PX", 0)


async def test_ranges_of_a_string(kv: KV) -> None:
    await kv.run("SET", "a", "0123456789")
    assert await kv.run("GETRANGE", "a", 2, 4) == "234"
    assert await kv.run("GETRANGE", "a", -3, -1) == "789"
    assert await kv.run("GETRANGE", "none", 0, 5) == ""
    assert await kv.run("SETRANGE", "a", 1, "xx") == 10
    assert await kv.run("APPEND", "a", "!") == 11
    assert await kv.run("STRLEN", "a") == 11


async def test_one_bitfield_adds_to_and_reads_many_counters(kv: KV) -> None:
    command = ("BITFIELD", "a", "OVERFLOW", "SAT", "INCRBY", "u48", "#0", 5, "INCRBY", "u32", "#7", 70_000)
    assert await kv.run(*command) == [5, 70_000]
    assert await kv.run(*command) == [10, 140_000]
    assert await kv.run("BITFIELD", "a", "GET", "u48", "#0", "GET", "u32", "#7", "GET", "u16", "#100") == [
        10,
        140_000,
        0,
    ]
    assert await kv.run("BITFIELD", "b", "SET", "u8", 0, 255, "OVERFLOW", "SAT", "INCRBY", "u8", 0, 1) == [0, 255]
    assert await kv.run("BITFIELD", "b", "OVERFLOW", "FAIL", "INCRBY", "u8", 0, 1) == [None]
    assert await kv.run("BITFIELD", "b", "INCRBY", "i63", 64, -(2**61)) == [-(2**61)]


async def test_lists_grow_at_their_end_and_are_read_by_position(kv: KV) -> None:
    assert await kv.run("RPUSH", "a", "one", "two", "three") == 3
    assert await kv.run("RPUSH", "a", "four") == 4
    assert await kv.run("LRANGE", "a", 1, -2) == ["two", "three"]
    assert await kv.run("LRANGE", "a", 10, 20) == []
    assert await kv.run("LINDEX", "a", -1) == "four"
    assert await kv.run("LINDEX", "a", 9) is None
    assert await kv.run("LLEN", "a") == 4
    assert await kv.run("LTRIM", "a", 2, -1) == "OK"
    assert await kv.run("LPOP", "a") == "three"


async def test_hashes_keep_fields(kv: KV) -> None:
    assert await kv.run("HSET", "a", "x", 1, "y", "é") == 2
    assert await kv.run("HSET", "a", "x", 2) == 0
    assert await kv.run("HGET", "a", "x") == "2"
    assert await kv.run("HMGET", "a", "y", "none") == ["é", None]
    assert await kv.run("HINCRBY", "a", "x", 40) == 42
    assert await kv.run("HGETALL", "a") == ["x", "42", "y", "é"]
    assert await kv.run("HDEL", "a", "x", "none") == 1
    assert await kv.run("HGETALL", "none") == []


async def test_sets_and_sorted_sets(kv: KV) -> None:
    assert await kv.run("SADD", "a", "x", "y", "x") == 2
    assert await kv.run("SISMEMBER", "a", "y") == 1
    members = await kv.run("SMEMBERS", "a")
    assert isinstance(members, list)
    assert {str(member) for member in members} == {"x", "y"}
    assert await kv.run("ZADD", "z", 2, "b", 1, "a") == 2
    assert await kv.run("ZRANGE", "z", 0, -1, "WITHSCORES") == ["a", "1", "b", "2"]


async def test_keys_are_deleted_and_found_by_pattern(kv: KV) -> None:
    await kv.run("MSET", "p:1", "x", "p:2", "y", "q", "z")
    found = await kv.run("SCAN", 0, "MATCH", "p:*", "COUNT", 1000)
    assert isinstance(found, list)
    cursor, keys = found
    assert cursor == "0"
    assert isinstance(keys, list)
    assert sorted(str(key) for key in keys) == ["p:1", "p:2"]
    assert await kv.run("DEL", "p:1", "p:2", "none") == 2
    assert await kv.run("UNLINK", "q") == 1


@pytest.mark.parametrize(
    ("script", "reply"),
    [
        ("return 'é'", "é"),
        ("return 3.99", 3),
        ("return -1", -1),
        ("return 2^40", 2**40),
        ("return false", None),
        ("return true", 1),
        ("return nil", None),
        ("return {}", []),
        ("return {1, 'a', {2, {false}}}", [1, "a", [2, [None]]]),
        ("return {1, nil, 3}", [1]),
        ("return redis.status_reply('FINE')", "FINE"),
        ("return {ok='FINE'}", "FINE"),
        ("return tostring(0.1)", "0.1"),
        ("return redis.call('SET', KEYS[1], 'x')", "OK"),
        ("return redis.call('GET', KEYS[1])", None),
        ("return redis.call('GET', KEYS[1]) == false", 1),
        ("return redis.call('MGET', KEYS[1], KEYS[2])", [None, None]),
        ("return #KEYS * 10 + #ARGV", 23),
        ("return ARGV[1] .. type(ARGV[2]) .. ARGV[3]", "7stringé"),
        ("return redis.call('BITFIELD', KEYS[1], 'INCRBY', 'u32', '#1', '5')", [5]),
        ("return redis.call('INCRBY', KEYS[1], 2) + 1", 3),
        ("local a = redis.pcall('GET') return a.err and 'caught'", "caught"),
        ("return string.format('%d|%s|%.2f', 3, 'x', 0.125)", "3|x|0.12"),
        ("return {string.byte('az', 1, 2)}", [97, 122]),
        ("return string.sub('hello', 2, 3) .. string.rep('ab', 2) .. string.char(65)", "elababA"),
        ("return math.floor(7 / 2) + 7 % 4 + math.max(1, 5)", 11),
        ("local t = {3, 1, 2} table.sort(t) return table.concat(t, ',')", "1,2,3"),
        ("local t = {} for n in string.gmatch('1;22;3', '%d+') do t[#t + 1] = tonumber(n) end return t", [1, 22, 3]),
        ("return {select('#', unpack({1, 2, 3}))}", [3]),
    ],
)
async def test_scripts_take_keys_and_arguments_and_answer(kv: KV, script: str, reply: object) -> None:
    assert await kv.run("EVAL", script, 2, "one", "two", 7, "8", "é") == reply


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("return redis.error_reply('OOPS no')", "OOPS no"),
        ("return {err='OOPS no'}", "OOPS no"),
        ("return redis.call('LPUSH', KEYS[1], 1)", "WRONGTYPE"),
        ("error('thrown')", "thrown"),
        ("return nothing.here", "nothing"),
        ("return (", "unexpected symbol"),
        ("return redis.call('NOSUCH')", "nknown"),
    ],
)
async def test_scripts_that_fail_are_errors(kv: KV, script: str, words: str) -> None:
    await kv.run("SET", "text", "x")
    assert words in await error_of(kv, "EVAL", script, 1, "text")


async def test_what_a_failing_script_had_written_stays_written(kv: KV) -> None:
    assert "thrown" in await error_of(kv, "EVAL", "redis.call('SET', KEYS[1], 1) error('thrown')", 1, "a")
    assert await kv.run("GET", "a") == "1"


async def test_scripts_sent_at_once_run_one_after_the_other(kv: KV) -> None:
    script = "local n = tonumber(redis.call('GET', KEYS[1]) or '0') redis.call('SET', KEYS[1], n + 1) return n"
    replies = await asyncio.gather(*(kv.run("EVAL", script, 1, "a") for _ in range(40)))
    assert sorted(int(str(reply)) for reply in replies) == list(range(40))


async def test_a_script_is_found_by_the_digest_that_loading_it_gave(kv: KV) -> None:
    digest = await kv.run("SCRIPT", "LOAD", "return ARGV[1]")
    assert digest == "098e0f0d1448c0a81dafe820f66d460eb09263da"
    assert await kv.run("EVALSHA", str(digest), 0, "x") == "x"
    assert "NOSCRIPT" in await error_of(kv, "EVALSHA", "f" * 40, 0)


async def test_upstashs_own_script_flag_is_understood(kv: KV) -> None:
    script = "#!lua flags=allow-key-locking\nreturn ARGV[1]"
    assert await kv.run("EVAL", script, 0, "x") == "x"
    digest = await kv.run("SCRIPT", "LOAD", script)
    assert digest == hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    assert await kv.run("EVALSHA", str(digest), 0, "y") == "y"
    assert await kv.run("SCRIPT", "EXISTS", str(digest), "f" * 40) == [1, 0]


async def test_a_command_that_fails_names_the_reason(kv: KV) -> None:
    await kv.run("SET", "text", "x")
    assert (await error_of(kv, "LPUSH", "text", 1)).startswith("WRONGTYPE ")
    assert "not an integer" in await error_of(kv, "INCR", "text")
    assert "wrong number of arguments" in await error_of(kv, "GET")
    assert "unknown command" in await error_of(kv, "NOSUCH", "a")


async def test_a_failing_command_of_a_batch_does_not_stop_the_rest(kv: KV) -> None:
    cells = await kv.run_many([["SET", "a", "x"], ["INCR", "a"], ["NOSUCH"], ["SUBSCRIBE", "c"], ["GET", "a"]])
    assert [isinstance(cell, StoreError) for cell in cells] == [False, True, True, True, False]
    assert cells[4] == "x"
