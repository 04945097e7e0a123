"""Durable batch jobs in the KV: made once, worked off by any number of functions, each item's result stored once.

A job's requests lie in chunks, its results under a key each, and what changes in one short text that a script moves on.
Everything expires with the job.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lib.clock import Clock
from lib.errors import Overloaded, StoreError
from lib.kv.batch_job import (
    FRESH,
    BatchHead,
    BatchState,
    Lease,
    Report,
    TurnAsk,
    TurnReply,
    read_head,
    read_state,
    write_head,
)
from lib.kv.kept import TOMBSTONE_SECONDS, kept
from lib.kv.keys import Keys
from lib.kv.lua import script
from lib.kv.replies import Command, Reply
from lib.kv.seal import MARK, Seal
from lib.kv.store import Store
from lib.kv.vault import Vault

LIFETIME_SECONDS: Final = 86_400
CHUNK: Final = 25
"""Requests under one key."""
UPLOAD_CHARACTERS: Final = 1_000_000
"""In one call to the KV, about: a large job goes up in several."""
LONGEST_RESULT: Final = 1_000_000
"""Characters of one item's result."""
REPORT_CHARACTERS: Final = 3_000_000
"""Of results in one call, about."""
MOST_AT_HAND: Final = 200
"""Items that are leased or wait to be tried again; more are not begun while there are so many."""
PAGE_CHARACTERS: Final = 4_000_000
LARGEST_PAGE: Final = 200
FIRST_PAGE: Final = 10


@dataclass(frozen=True, slots=True)
class Made:
    """`head` is the job's, also where it was there before; None when the user may not have another."""

    head: BatchHead | None
    new: bool


@dataclass(frozen=True, slots=True)
class BatchRules:
    """How long a lease lasts, and how much one user can store."""

    lease_ms: int = 30_000
    jobs_per_user: int = 20


class BatchStore:
    """All of it raises StoreError. `vault` seals requests and results; without one they are kept as they are."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        clock: Clock,
        rules: BatchRules,
        vault: Vault | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self.rules = rules
        self._vault = vault or Vault(store, keys, clock)
        self._create = script("batch_create")
        self._turn = script("batch_turn")

    async def create(self, head: BatchHead, requests: Sequence[str]) -> Made:
        """Store a job whose requests are lines of JSON; one that is there already is left as it is."""
        seal = await self._vault.of(head.person)
        if seal is None:
            raise _deleted_just_now()
        for commands in self._uploads(head, requests, seal):
            _raise_any(await self._store.run_many(commands))
        keys, job, milliseconds = self._keys, head.job, self._milliseconds(head)
        owner = (keys.user_batches(head.person), keys.tombstone(head.person))
        named = (keys.batch(job), keys.batch_state(job), *owner)
        now, expiry = int(self._clock.now() * 1000), int(head.expires_at * 1000)
        arguments = (write_head(head), FRESH, milliseconds, job, now, expiry, self.rules.jobs_per_user)
        replies = await self._store.run_many(
            [
                ("EVAL", self._create, len(named), *named, *arguments),
                ("SADD", keys.open_batches, job),
                ("EXPIRE", keys.open_batches, LIFETIME_SECONDS),
            ]
        )
        _raise_any(replies)
        match replies[0]:
            case [1]:
                return Made(head, new=True)
            case [-1]:
                await self.close(job)
                raise _deleted_just_now()
            case [0, str(there)]:
                return Made(read_head(job, there), new=False)
            case _:
                await self.close(job)
                return Made(None, new=False)

    async def find(self, job: str) -> tuple[BatchHead, BatchState] | None:
        """A job and how far it has come; None when there is none, or no more."""
        read = await self._store.run("MGET", self._keys.batch(job), self._keys.batch_state(job))
        head_text, state_text = read if isinstance(read, list) else (None, None)
        head, state = read_head(job, head_text), read_state(state_text)
        return (head, state) if head and state else None

    async def requests(self, head: BatchHead, chunk: int) -> list[str]:
        """The requests of a chunk."""
        name = self._keys.batch_requests(head.job, head.digest, chunk)
        text = _opened(await self._vault.of(head.person), name, await self._store.run("GET", name))
        return [] if text is None else text.split("\n")

    async def turn(self, head: BatchHead, ask: TurnAsk) -> TurnReply:
        """Say what has ended and what still runs; get more. Saying the same twice changes nothing."""
        *before, last = _groups(await self._sealed(head, ask.reports))
        for reports in before:
            quiet = TurnAsk(worker=ask.worker, reports=reports, running=ask.running)
            await self._store.run(*self._turn_command(head, quiet))
        final = TurnAsk(
            worker=ask.worker, reports=last, running=ask.running, want=ask.want, pause_until=ask.pause_until
        )
        return _turn_reply(await self._store.run(*self._turn_command(head, final)))

    async def cancel(self, head: BatchHead) -> None:
        """Hand nothing out any more; what runs may end."""
        await self._store.run(*self._turn_command(head, TurnAsk(worker="-"), cancel=True))
        await self.close(head.job)

    async def results(self, head: BatchHead, begin: int, end: int) -> AsyncGenerator[str]:
        """The stored results of the items from `begin` to before `end`, in order; those without one are left out."""
        size, seal = FIRST_PAGE, await self._vault.of(head.person)
        while begin < end:
            upto = min(begin + size, end)
            names = [self._keys.batch_result(head.job, i) for i in range(begin, upto)]
            page = await self._store.run("MGET", *names)
            pairs = zip(names, page if isinstance(page, list) else [], strict=False)
            texts = [text for name, kept in pairs if (text := _opened(seal, name, kept)) is not None]
            for text in texts:
                yield text
            begin, longest = upto, max(map(len, texts), default=1)
            size = max(1, min(LARGEST_PAGE, PAGE_CHARACTERS // longest))

    async def open_jobs(self, most: int) -> list[str]:
        """Some jobs that are not done, by chance which."""
        read = await self._store.run("SRANDMEMBER", self._keys.open_batches, most)
        return [str(job) for job in read] if isinstance(read, list) else []

    async def close(self, job: str) -> None:
        """Take a job from those that are not done."""
        await self._store.run("SREM", self._keys.open_batches, job)

    async def _sealed(self, head: BatchHead, reports: Sequence[Report]) -> Sequence[Report]:
        seal = await self._vault.of(head.person) if reports else None
        if seal is None:  # the user has just been deleted, and the job with them: the script takes nothing in
            return reports
        name = self._keys.batch_result
        return [
            each if each.again_at else replace(each, result=seal.seal(name(head.job, each.lease.index), each.result))
            for each in reports
        ]

    def _uploads(self, head: BatchHead, requests: Sequence[str], seal: Seal) -> Iterator[list[Command]]:
        commands: list[Command] = []
        size, milliseconds = 0, self._milliseconds(head)
        for chunk in range(-(-len(requests) // CHUNK)):
            key = self._keys.batch_requests(head.job, head.digest, chunk)
            text = seal.seal(key, "\n".join(requests[chunk * CHUNK : (chunk + 1) * CHUNK]))
            if commands and size + len(text) > UPLOAD_CHARACTERS:
                yield [self._kept(head, commands)]
                commands, size = [], 0
            commands.append(("SET", key, text, "PX", milliseconds))
            size += len(text)
        yield [self._kept(head, commands)]

    def _kept(self, head: BatchHead, commands: Sequence[Command]) -> Command:
        return kept(self._keys, head.person, self._clock.now(), commands)

    def _turn_command(self, head: BatchHead, ask: TurnAsk, *, cancel: bool = False) -> Command:
        keys, job = self._keys, head.job
        named = [keys.batch_state(job)]
        named += [keys.batch_result(job, each.lease.index) for each in ask.reports if each.again_at is None]
        arguments: list[str | int] = [
            int(self._clock.now() * 1000),
            ask.worker,
            self.rules.lease_ms,
            ask.want,
            head.concurrency,
            head.total,
            int(ask.pause_until * 1000),
            self._milliseconds(head),
            f",{','.join(map(str, ask.running))},",
            MOST_AT_HAND,
            "cancel" if cancel else "",
        ]
        for each in ask.reports:
            arguments += _report(each)
        return ("EVAL", self._turn, len(named), *named, *arguments)

    def _milliseconds(self, head: BatchHead) -> int:
        return max(1, int((head.expires_at - self._clock.now()) * 1000))


def _deleted_just_now() -> Overloaded:
    message = "the data of this user was deleted a moment ago; batches are taken again soon"
    return Overloaded(message, retry_after=float(TOMBSTONE_SECONDS))


def _opened(seal: Seal | None, name: str, text: Reply) -> str | None:
    """What is kept under a name. A job that was made before texts were sealed ends as it began."""
    if not isinstance(text, str) or seal is None:
        return None
    return seal.open(name, text) if text.startswith(MARK) else text


def _report(each: Report) -> tuple[str | int, ...]:
    lease = each.lease
    if each.again_at is not None:
        return (lease.index, "back", int(each.again_at * 1000), f"{lease.lost},{lease.failures}")
    return (lease.index, "failed" if each.failed else "done", each.cost_micro_usd, each.result)


def _groups(reports: Sequence[Report]) -> list[tuple[Report, ...]]:
    """All of them, in as many calls as their size asks for; at least one."""
    groups: list[tuple[Report, ...]] = [()]
    size = 0
    for each in reports:
        if size + len(each.result) > REPORT_CHARACTERS and groups[-1]:
            groups.append(())
            size = 0
        groups[-1] = (*groups[-1], each)
        size += len(each.result)
    return groups


def _turn_reply(reply: Reply) -> TurnReply:
    match reply:
        case [str(status), int(done), int(failed), int(cost), int(alive), int(taken), int(wait), str(leases)]:
            numbers = [[int(number) for number in each.split(",")] for each in leases.split(";") if each]
            return TurnReply(
                status=status,
                done=done,
                failed=failed,
                cost_micro_usd=cost,
                alive=alive,
                taken=taken,
                wait_seconds=None if wait < 0 else wait / 1000,
                leases=tuple(Lease(*each) for each in numbers),
            )
        case _:
            raise StoreError("the batch script answered with something else")


def _raise_any(replies: Sequence[Reply | StoreError]) -> None:
    for reply in replies:
        if isinstance(reply, StoreError):
            raise reply
