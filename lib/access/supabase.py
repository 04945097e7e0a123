"""A user's tier from Supabase: the rows of a subscriptions table, read over its REST interface (PostgREST)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from lib.access.subscriptions import LIVE, best
from lib.clock import Clock
from lib.contract import Json
from lib.errors import SideCallFailed
from lib.json_text import parse
from lib.settings.identity import Subscriptions
from lib.side_calls import SideCalls

MOST_ROWS: Final = 50
NOT_AN_ID: Final = "22P02"
"""PostgreSQL's invalid_text_representation: the column is a uuid, say, and the user's id is none, so has no rows."""


class SupabaseTiers:
    """Asks the table. `tiers` are all there are, the lowest first."""

    def __init__(self, given: Subscriptions, calls: SideCalls, clock: Clock, tiers: Sequence[str]) -> None:
        self._columns = given.columns_in_force()
        self._url = f"{given.supabase_url}/rest/v1/{quote(given.table, safe='')}"
        key = given.supabase_key or ""
        self._headers = {"apikey": key, "authorization": f"Bearer {key}", "accept": "application/json"}
        self._seconds = given.wait_seconds
        self._calls = calls
        self._clock = clock
        self._tiers = tiers

    async def tier_of(self, user_id: str) -> str:
        """The best tier of the user's live rows, the lowest without any. Raises SideCallFailed without an answer."""
        columns = self._columns
        wanted = ",".join(columns[name] for name in ("tier", "status", "ends"))
        mine = f"{columns['user']}=eq.{quote(user_id, safe='')}"
        url = f"{self._url}?select={wanted}&{mine}&limit={MOST_ROWS}"
        answer = await self._calls.send("GET", url, headers=self._headers, seconds=self._seconds)
        try:
            rows = parse(answer.body)
        except ValueError:
            raise SideCallFailed(f"Supabase answered {answer.status} without JSON") from None
        if answer.status == 400 and isinstance(rows, dict) and rows.get("code") == NOT_AN_ID:
            return best((), self._tiers)
        if answer.status != 200 or not isinstance(rows, list):
            raise SideCallFailed(f"Supabase answered {answer.status} instead of rows")
        return best((self._tier_in(row) for row in rows), self._tiers)

    def _tier_in(self, row: Json) -> str:
        if not isinstance(row, dict) or row.get(self._columns["status"]) not in LIVE:
            return ""
        ends, tier = row.get(self._columns["ends"]), row.get(self._columns["tier"])
        over = ends is not None and self._clock.now() >= seconds_of(ends)
        return tier if isinstance(tier, str) and not over else ""


def seconds_of(moment: Json) -> float:
    """A timestamp as text (ISO 8601, in UTC unless it says otherwise) or in seconds; long ago when it is neither."""
    if isinstance(moment, str):
        try:
            read = datetime.fromisoformat(moment)
        except ValueError:
            return 0.0
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    return float(moment) if isinstance(moment, int | float) else 0.0
