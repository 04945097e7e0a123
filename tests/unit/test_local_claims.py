"""De-duplication records of one instance: bounded, and gone when their time is over."""

from __future__ import annotations

import tracemalloc

from lib.kv.deduplication import Failed, Freed, Published, TimedOut
from lib.kv.local_claims import LocalClaims
from tests.support.clock import HandTurnedClock


def test_a_claim_is_one_requests_until_it_ends() -> None:
    clock = HandTurnedClock()
    claims = LocalClaims(clock)
    assert claims.claim("d", "F\nt1", clock.now() + 10)
    assert not claims.claim("d", "F\nt2", clock.now() + 10)
    claims.end("d", "F\nt2", "", 0)
    assert claims.read("d") == "F\nt1"
    claims.end("d", "F\nt1", "", 0)
    assert claims.read("d") is None
    assert claims.claim("d", "F\nt2", clock.now() + 10)


def test_a_claim_ends_with_its_requests_deadline_and_an_answer_with_its_window() -> None:
    clock = HandTurnedClock()
    claims = LocalClaims(clock)
    claims.claim("d", "F\nt1", clock.now() + 10)
    claims.end("d", "F\nt1", "D\nanswer", 5_000)
    clock.turn(4.9)
    assert claims.read("d") == "D\nanswer"
    clock.turn(0.1)
    assert claims.read("d") is None
    claims.claim("d", "F\nt2", clock.now() + 10)
    clock.turn(10)
    assert claims.claim("d", "F\nt3", clock.now() + 10)


def test_a_finished_answer_does_not_keep_the_request_from_being_claimed_anew() -> None:
    clock = HandTurnedClock()
    claims = LocalClaims(clock)
    claims.claim("d", "F\nt1", clock.now() + 10)
    claims.end("d", "F\nt1", "D\nanswer", 5_000)
    assert claims.claim("d", "F\nt2", clock.now() + 10)


def test_beyond_its_bound_it_forgets_what_has_expired_then_finished_answers_then_claims() -> None:
    clock = HandTurnedClock()
    claims = LocalClaims(clock, most_bytes=100_000)
    claims.claim("old", "F\n" + "o" * 20_000, clock.now() + 1)
    claims.claim("running", "F\n" + "r" * 30_000, clock.now() + 60)
    claims.claim("done", "F\nd", clock.now() + 60)
    claims.end("done", "F\nd", "D\n" + "d" * 30_000, 60_000)
    clock.turn(2)
    claims.claim("next", "F\n" + "n" * 20_000, clock.now() + 60)
    assert claims.read("done") is not None
    claims.claim("more", "F\n" + "m" * 20_000, clock.now() + 60)
    assert claims.read("done") is None
    assert claims.read("running") is not None
    claims.claim("most", "F\n" + "x" * 80_000, clock.now() + 60)
    assert [claims.read(d) is not None for d in ("running", "next", "more", "most")] == [False, False, False, True]


def test_expired_records_make_room_as_new_ones_come() -> None:
    clock = HandTurnedClock()
    claims = LocalClaims(clock)
    for n in range(100):
        claims.claim(f"d{n}", "F\nt", clock.now() + 60)
        claims.end(f"d{n}", "F\nt", "D\nanswer", 5_000)
        clock.turn(1)
    assert claims.remembered <= 6


def test_an_answer_kept_for_a_day_does_not_keep_those_of_seconds() -> None:
    clock = HandTurnedClock()
    claims = LocalClaims(clock)
    for digest, milliseconds in (("keyed", 86_400_000), *((f"d{n}", 5_000) for n in range(100))):
        claims.claim(digest, "F\nt", clock.now() + 60)
        claims.end(digest, "F\nt", "D\nanswer", milliseconds)
        clock.turn(1)
    assert claims.read("keyed") == "D\nanswer"
    assert claims.remembered <= 7


def test_what_is_remembered_takes_no_more_memory_than_its_bound_with_all_that_goes_with_it() -> None:
    clock = HandTurnedClock()
    tracemalloc.start()
    try:
        claims = LocalClaims(clock, most_bytes=1_000_000)
        for n in range(5_000):
            digest, claim = f"{n:064x}", f"F\n{n:032x}"
            claims.claim(digest, claim, clock.now() + 300)
            claims.end(digest, claim, f"D\n{n:0100d}ü", 86_400_000)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert claims.read(f"{4_999:064x}")
    assert taken < 1_100_000


def test_a_record_written_anew_does_not_end_with_its_former_end() -> None:
    clock = HandTurnedClock()
    claims = LocalClaims(clock)
    claims.claim("d", "F\nt1", clock.now() + 10)
    claims.end("d", "F\nt1", "D\nanswer", 60_000)
    clock.turn(11)
    claims.claim("other", "F\nt2", clock.now() + 10)
    assert claims.read("d") == "D\nanswer"


def test_records_asked_for_again_and_again_still_end_each_at_its_time() -> None:
    clock = HandTurnedClock()
    claims = LocalClaims(clock)
    for n in range(400):
        for _ in range(3):
            claims.claim(f"d{n}", "F\nt", clock.now() + 60)
            claims.end(f"d{n}", "F\nt", "D\nanswer", 5_000 if n % 2 else 86_400_000)
    clock.turn(6)
    claims.claim("next", "F\nt", clock.now() + 60)
    assert claims.remembered == 201


async def test_who_follows_is_told_the_result() -> None:
    clock = HandTurnedClock(turns=1.0)
    claims = LocalClaims(clock)
    for record, outcome in (("D\nanswer", Published("answer")), ("E\nerror", Failed("error")), ("", Freed())):
        claims.claim("d", "F\nt1", clock.now() + 60)
        claims.end("d", "F\nt1", record, 5_000)
        assert await claims.follow("d", "F\nt1", clock.now() + 60) == outcome


async def test_who_follows_longer_than_its_own_deadline_has_timed_out() -> None:
    clock = HandTurnedClock(turns=1.0)
    claims = LocalClaims(clock)
    claims.claim("d", "F\nt1", clock.now() + 60)
    assert await claims.follow("d", "F\nt1", clock.now() + 3) == TimedOut()
