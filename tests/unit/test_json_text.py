"""JSON of others: what is read can be written again."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.contract import Json
from lib.json_text import DEEPEST, parse

LEVELS = st.integers(min_value=1, max_value=600)


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + "1" + closing * levels


@given(levels=LEVELS, objects=st.booleans(), as_bytes=st.booleans())
def test_a_value_is_read_up_to_the_deepest_level_and_not_beyond(levels: int, objects: bool, as_bytes: bool) -> None:
    text = nested(levels, '{"a":', "}") if objects else nested(levels)
    data = text.encode() if as_bytes else text
    if levels <= DEEPEST:
        assert orjson.dumps(parse(data)) == text.encode()
    else:
        with pytest.raises(ValueError, match="deep"):
            parse(data)


def test_brackets_that_do_not_nest_are_no_levels() -> None:
    flat: Json = [[number, {"a": "[{"}] for number in range(1_000)]
    assert parse(orjson.dumps(flat)) == flat
    assert parse(orjson.dumps("[" * 1_000)) == "[" * 1_000


def test_a_deep_value_beside_many_flat_ones_is_found() -> None:
    with pytest.raises(ValueError, match="deep"):
        parse(f'{{"flat":[{"1," * 100}1],"deep":{nested(DEEPEST)}}}')


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b"\xff", b'"\\ud800"', '"\ud800"', b"[" * 2_000, b"1 2"])
def test_what_is_no_json_is_an_error(data: bytes | str) -> None:
    with pytest.raises(ValueError):
        parse(data)
