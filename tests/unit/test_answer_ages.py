"""How old answers were when they were served, and which lifetimes that suggests."""

from __future__ import annotations

import pytest

from lib.ai.observability.ages import BLOCKS, EDGES, TENTHS, Ages, age_blocks, described
from lib.ai.observability.record import decode


def spread(*tenths: int) -> Ages:
    counts = (*tenths, *[0] * (TENTHS - len(tenths)))
    return Ages(sum(counts), counts, (0,) * (len(EDGES) + 1))


def test_an_age_is_counted_in_its_tenth_of_the_lifetime_and_by_itself() -> None:
    assert age_blocks(0, 300) == (0, 1, 11)
    assert age_blocks(59.9, 300) == (0, 2, 11)
    assert age_blocks(60, 300) == (0, 3, 12)
    assert age_blocks(299, 300) == (0, 10, 12)


def test_an_answer_older_than_its_lifetime_is_in_the_last_tenth() -> None:
    assert age_blocks(330, 300)[1] == 10
    assert age_blocks(10**9, 1) == (0, 10, BLOCKS - 1)


@pytest.mark.parametrize(
    ("ages", "seconds"),
    [
        (spread(99), 1_800),  # too few hits
        (spread(200), 900),  # none in the second half
        (spread(100, 50, 20, 10, 5, 5, 5, 2, 1, 1), 1_800),  # they fade out
        (spread(*[20] * 10), 3_600),  # evenly used to the end
    ],
)
def test_a_lifetime_is_halved_kept_or_doubled_by_when_answers_are_used(ages: Ages, seconds: int) -> None:
    assert ages.suggestion(1_800, may_grow=True)[0] == seconds


def test_what_changes_soon_never_gets_a_longer_lifetime() -> None:
    assert spread(*[20] * 10).suggestion(300, may_grow=False)[0] == 300


def test_without_enough_hits_it_says_so() -> None:
    assert described(spread(5), 300, may_grow=False)["because"] == "not enough data yet"


def test_a_record_tells_the_age_of_what_it_was_served() -> None:
    record = decode('{"k":"exact","at":1000.0,"entry":{"at":940.0,"class":"general","ttl":1800}}')
    assert record is not None
    assert record.aged is not None
    assert (record.aged.kind, record.aged.age, record.aged.seconds) == ("general", 60.0, 1800)


@pytest.mark.parametrize(
    "entry", ['{"at":940.0}', '{"at":940.0,"class":3,"ttl":9}', '{"at":940.0,"class":"general","ttl":-1}', "3"]
)
def test_a_damaged_first_line_tells_no_age(entry: str) -> None:
    record = decode(f'{{"k":"exact","at":1000.0,"entry":{entry}}}')
    assert record is not None
    assert record.aged is None
