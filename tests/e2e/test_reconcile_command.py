"""`python -m dev.reconcile` as an operator runs it: what it prints, and whether it exits 0."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from lib.ai.observability.record import UsageRecord, encode
from lib.kv.keys import day_of
from tests.support.processes import ROOT, site

BALANCED, DIFFERENT, UNREADABLE = 0, 1, 2
NO_STORE: Final[dict[str, str]] = {"UPSTASH_REDIS_REST_URL": "", "UPSTASH_REDIS_REST_TOKEN": ""}


async def reconciled(env: dict[str, str], *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dev.reconcile", *arguments, cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_it_exits_0_when_the_books_balance_and_names_what_differs_when_they_do_not() -> None:
    async with site() as place:
        gateway = (here := place.instance()).gateway
        assert (await here.chat()).status == 200
        day = day_of(gateway.world.clock.now())
        status, said = await reconciled(place.env)
        assert (status, said.splitlines()[-1]) == (BALANCED, "9 totals compared")
        view = gateway.keys.model_day("openai/gpt-4o", day)
        await gateway.store.run("BITFIELD", view, "INCRBY", "u48", "#0", 1)
        status, said = await reconciled(place.env, "--day", day)
        assert status == DIFFERENT
        assert f"differs: {view}: requests is 2, the records say 1" in said


async def test_without_a_store_there_is_nothing_to_reconcile() -> None:
    status, said = await reconciled(NO_STORE)
    assert status == UNREADABLE
    assert "no store is configured" in said


async def test_records_that_died_with_an_instance_come_back_from_its_log(tmp_path: Path) -> None:
    async with site() as place:
        here = place.instance()
        now = here.gateway.world.clock.now()
        gone = UsageRecord(request_id="r1", person="0a1b2c", tier="pro", at=now, kind="call", model="openai/gpt-4o")
        log = tmp_path / "process.log"
        refused = replace(gone, request_id="r2", kind="refused")
        kept = replace(refused, request_id="r3", count=3)
        lines = [f"INFO lib.usage: {encode(record)}" for record in (gone, refused, replace(kept, count=1))]
        log.write_text("\n".join((*lines, f"WARNING lib.usage: unbooked {encode(kept)}\n")))
        for expected in ("2 of 2", "0 of 2"):
            status, said = await reconciled(place.env, "--import-log", str(log), "--every-record")
            assert (status, said.splitlines()[0]) == (BALANCED, f"{expected} unbooked records imported")
