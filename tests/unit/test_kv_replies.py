"""Reading the store's answers: what is a reply, what is an error, and what is no answer."""

from __future__ import annotations

import pytest

from lib.errors import StoreError, UnknownOutcome
from lib.kv.replies import read_answer


@pytest.mark.parametrize("value", ['"text"', '"é"', "7", "-1", "null", "[]", '["a",1,null,["b"]]', f"{2**53 + 1}"])
def test_text_integers_nil_and_lists_are_replies(value: str) -> None:
    answer = read_answer(200, f'{{"result":{value}}}'.encode(), 1, single=True)
    assert len(answer.cells) == 1
    assert not isinstance(answer.cells[0], StoreError)
    assert not answer.refused


@pytest.mark.parametrize("value", ["true", "1.5", '{"a":1}', '[1,{"a":1}]', "[false]"])
@pytest.mark.parametrize("single", [True, False])
def test_a_value_that_redis_cannot_answer_is_no_answer(value: str, *, single: bool) -> None:
    cell = f'{{"result":{value}}}'
    with pytest.raises(UnknownOutcome):
        read_answer(200, (cell if single else f"[{cell}]").encode(), 1, single=single)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b'{"result":',
        b"null",
        b'"OK"',
        b"[]",
        b'{"ok":true}',
        b'[{"result":1}]',
        b'[{"result":1},{"result":2},{"result":3}]',
        b'[{"result":1},{"ok":2}]',
        b'[{"result":1},null]',
        b'[{"result":1},{"result":2,"error":"x"}]',
        b'[{"result":1},{"error":5}]',
        b'{"result":[1,2]}',
    ],
)
def test_another_shape_than_two_cells_is_no_answer_to_two_commands(body: bytes) -> None:
    with pytest.raises(UnknownOutcome):
        read_answer(200, body, 2, single=False)


@pytest.mark.parametrize("body", [b'[{"result":1}]', b'{"result":1,"more":2}', b"7", b"{}"])
def test_another_shape_than_one_cell_is_no_answer_to_one_command(body: bytes) -> None:
    with pytest.raises(UnknownOutcome):
        read_answer(200, body, 1, single=True)


def test_a_failed_command_stands_in_its_place() -> None:
    answer = read_answer(200, b'[{"result":1},{"error":"WRONGTYPE x"},{"result":null}]', 3, single=False)
    assert (answer.cells[0], str(answer.cells[1]), answer.cells[2]) == (1, "WRONGTYPE x", None)
    assert isinstance(answer.cells[1], StoreError)
    assert not answer.refused


def test_a_failed_single_command_is_an_error_of_that_command_alone() -> None:
    answer = read_answer(400, b'{"error":"ERR syntax error"}', 1, single=True)
    assert str(answer.cells[0]) == "ERR syntax error"
    assert not answer.refused


@pytest.mark.parametrize(
    ("status", "message", "single"),
    [
        (401, "WRONGPASS invalid or missing auth token", True),
        (401, "Unauthorized", False),
        (400, "ERR max requests limit exceeded. Limit: 500000", True),
        (400, "ERR DB daily bandwidth limit exceeded", False),
        (429, "slow down", True),
        (403, "forbidden", True),
    ],
)
def test_a_store_that_takes_no_command_refuses_them_all(status: int, message: str, *, single: bool) -> None:
    count = 1 if single else 3
    answer = read_answer(status, f'{{"error":"{message}"}}'.encode(), count, single=single)
    assert [str(cell) for cell in answer.cells] == [message] * count
    assert answer.refused == message


def test_a_used_up_quota_said_in_every_cell_is_a_refusal_too() -> None:
    cell = b'{"error":"ERR max requests limit exceeded"}'
    assert read_answer(200, b"[%b,%b]" % (cell, cell), 2, single=False).refused
    assert not read_answer(200, b'[%b,{"result":1}]' % cell, 2, single=False).refused


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize("body", [b'{"error":"internal"}', b'{"result":1}', b"<html>"])
def test_a_5xx_leaves_the_outcome_open_whatever_it_says(status: int, body: bytes) -> None:
    with pytest.raises(UnknownOutcome):
        read_answer(status, body, 1, single=True)


@pytest.mark.parametrize("status", [201, 302, 400])
def test_results_under_another_status_than_200_are_no_answer(status: int) -> None:
    with pytest.raises(UnknownOutcome):
        read_answer(status, b'{"result":1}', 1, single=True)
