"""What votes teach, on every store: by cell, undone when they are taken back, bounded by user, and halved when old."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lib.ai.feedback import HALVED_ABOVE, MOST_A_CELL, Feedback
from lib.ai.lesson_book import FRESH_SECONDS, LessonBook, lessons_in
from lib.ai.lessons import Lessons, Votes
from lib.ai.observability.record import UsageRecord, encode
from lib.ai.plan import Routed
from lib.errors import StoreError
from lib.kv.keys import Keys, day_of
from lib.site import request_id
from tests.contract.conftest import StoreUnderTest
from tests.support.clock import START, HandTurnedClock

KEYS: Final = Keys("t", "secret")
MODEL: Final = "openai/gpt-4o"
TASK: Final = "simple_chat"
CELL: Final = ("s", MODEL)
SHORT: Final = Routed("s")


def record(number: int = 0, user: str = "u1", routed: Routed | None = SHORT, kind: str = "call") -> UsageRecord:
    return UsageRecord(
        request_id=request_id(START - 500 + number),
        person=KEYS.person(user),
        tier="pro",
        at=START - 499 + number,
        kind=kind,
        model=MODEL,
        task=TASK,
        answer_digest="e1" if kind == "exact" else "",
        routed=routed,
    )


class Site:
    """A store with records, and votes on them."""

    def __init__(self, store: StoreUnderTest) -> None:
        self.kv = store.kv
        self.feedback = Feedback(store.kv, KEYS, HandTurnedClock())

    async def written(self, *records: UsageRecord) -> None:
        for each in records:
            await self.kv.run("RPUSH", KEYS.log(day_of(each.at), KEYS.shard(each.person)), encode(each))

    async def vote(self, on: UsageRecord, rating: str, user: str = "u1", *, wrong: bool = False) -> None:
        await self.feedback.give(user, on.request_id, rating, wrong_cache_hit=wrong)

    async def lessons(self) -> Lessons:
        reply = await self.kv.run("HGETALL", KEYS.task_votes(TASK))
        assert isinstance(reply, list)
        return lessons_in(reply)


async def test_a_vote_on_a_routers_choice_teaches_about_its_model_task_and_length(store: StoreUnderTest) -> None:
    site, short, long = Site(store), record(1), record(2, routed=Routed("l"))
    await site.written(short, long)
    await site.vote(short, "up")
    await site.vote(long, "regenerate")
    assert (await site.lessons()).cells == {CELL: Votes(up=1), ("l", MODEL): Votes(regenerate=1)}


async def test_a_vote_on_a_model_that_the_user_named_is_counted_and_teaches_nothing(store: StoreUnderTest) -> None:
    site, named = Site(store), record(routed=None)
    await site.written(named)
    await site.vote(named, "up")
    assert not (await site.lessons()).cells
    assert await store.kv.run("HGET", KEYS.model_votes(MODEL, day_of(START)), f"{TASK}|up") == "1"


async def test_a_later_vote_teaches_in_the_place_of_the_first_and_the_same_again_changes_nothing(
    store: StoreUnderTest,
) -> None:
    site, one = Site(store), record()
    await site.written(one)
    for rating in ("up", "up", "down", "down"):
        await site.vote(one, rating)
    assert (await site.lessons()).cells == {CELL: Votes(down=1)}
    assert await store.kv.run("HGETALL", KEYS.user_lessons(KEYS.person("u1"))) == [f"{TASK}|s|{MODEL}", "1"]


async def test_who_was_given_the_answer_to_another_question_does_not_judge_the_model(store: StoreUnderTest) -> None:
    site, hit = Site(store), record(kind="exact")
    await site.written(hit)
    await site.vote(hit, "down")
    assert (await site.lessons()).cells == {CELL: Votes(down=1)}
    await site.vote(hit, "down", wrong=True)
    await site.vote(hit, "up")
    assert (await site.lessons()).cells == {CELL: Votes()}


async def test_one_user_teaches_a_bounded_number_of_times_about_one_cell(store: StoreUnderTest) -> None:
    site = Site(store)
    mine = [record(number) for number in range(MOST_A_CELL + 3)]
    others, elsewhere = record(50, "u2"), record(51, routed=Routed("m"))
    await site.written(*mine, others, elsewhere)
    for each in mine:
        await site.vote(each, "down")
    assert (await site.lessons()).cells == {CELL: Votes(down=MOST_A_CELL)}
    await site.vote(others, "down", "u2")
    await site.vote(elsewhere, "down")
    assert (await site.lessons()).cells == {CELL: Votes(down=MOST_A_CELL + 1), ("m", MODEL): Votes(down=1)}
    await site.vote(mine[0], "up")  # taken back and given anew: the place is still theirs
    assert (await site.lessons()).votes(*CELL) == Votes(up=1, down=MOST_A_CELL)
    counted = await store.kv.run("HGET", KEYS.model_votes(MODEL, day_of(START)), f"{TASK}|down")
    assert counted == str(len(mine) + 2 - 1)


async def test_above_a_thousand_votes_a_cell_is_halved_so_that_newer_ones_count_more(store: StoreUnderTest) -> None:
    site, one = Site(store), record()
    await site.written(one)
    full = {"up": HALVED_ABOVE - 300, "down": 200, "regenerate": 100}
    for rating, count in full.items():
        await store.kv.run("HSET", KEYS.task_votes(TASK), f"s|{MODEL}|{rating}", count)
        await store.kv.run("HSET", KEYS.task_votes(TASK), f"m|{MODEL}|{rating}", count)
    await site.vote(one, "down")
    assert (await site.lessons()).votes(*CELL) == Votes(up=350, down=100, regenerate=50)
    assert (await site.lessons()).votes("m", MODEL) == Votes(up=700, down=200, regenerate=100)


async def test_a_vote_taken_back_after_its_count_is_gone_leaves_no_less_than_nothing_and_no_key_for_ever(
    store: StoreUnderTest,
) -> None:
    site, one = Site(store), record()
    await site.written(one)
    await site.vote(one, "up")
    await store.kv.run("DEL", KEYS.task_votes(TASK))
    await site.written(replace(one, routed=None))
    await site.vote(one, "down")
    assert (await site.lessons()).votes(*CELL).up == 0
    for name in (KEYS.task_votes(TASK), KEYS.user_lessons(KEYS.person("u1"))):
        left = await store.kv.run("TTL", name)
        assert isinstance(left, int)
        assert left > 0 or left == -2


async def test_votes_stored_before_there_were_lessons_can_be_replaced(store: StoreUnderTest) -> None:
    site, one = Site(store), record()
    await site.written(one)
    await store.kv.run("HSET", KEYS.user_votes(KEYS.person("u1"), day_of(one.at)), one.request_id, "up 0 {}")
    await site.vote(one, "down")
    assert (await site.lessons()).cells == {CELL: Votes(down=1)}


async def test_an_instance_reads_a_task_once_a_minute_and_keeps_what_it_knew_through_errors(
    store: StoreUnderTest,
) -> None:
    site, one, book = Site(store), record(), LessonBook(KEYS)
    await site.written(one)
    await site.vote(one, "up")
    read = book.read_command(TASK, START)
    assert read is not None
    assert book.learn(TASK, await store.kv.run(*read))
    assert book.read_command(TASK, START + FRESH_SECONDS - 1) is None
    assert book.read_command("translation", START) is not None
    again = book.read_command(TASK, START + FRESH_SECONDS)
    assert again is not None
    assert not book.learn(TASK, StoreError("away"))
    assert book.known[TASK].cells == {CELL: Votes(up=1)}
    assert not book.learn(TASK, await store.kv.run(*again))


async def test_fields_that_are_no_counts_are_left_out(store: StoreUnderTest) -> None:
    await store.kv.run("HSET", KEYS.task_votes(TASK), "openai/gpt-4o|up", 7)
    await store.kv.run("HSET", KEYS.task_votes(TASK), f"s|{MODEL}|up", "many")
    await store.kv.run("HSET", KEYS.task_votes(TASK), f"m|{MODEL}|up", 3)
    assert (await Site(store).lessons()).cells == {("m", MODEL): Votes(up=3)}
