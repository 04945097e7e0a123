"""Usage as CSV (RFC 4180): rows in bounded pieces, no cell of which a spreadsheet takes for a formula."""

from __future__ import annotations

import csv
from collections.abc import AsyncGenerator, AsyncIterator
from io import StringIO
from typing import Final

from lib.contract import Json, JsonObject
from lib.usage_query import UsageRow

COLUMNS: Final = (
    *("totalRequests", "totalTokens", "inputTokens", "outputTokens"),
    *("cachedInputTokens", "cacheWriteTokens", "reasoningTokens"),
    *("totalCost", "totalCostMicroUsd", "wastedCost", "savedCost"),
    *("savedByCache", "savedByDedup", "savedByRouting", "routedCost", "routedBaselineCost"),
    *("cacheHits", "cacheHitRate", "duplicates", "dedupRate", "errors", "errorRate", "hangups", "refused"),
    *("fallbackRate", "retries", "estimatedRequests", "unpricedRequests", "ownKeys.requests", "ownKeys.cost"),
    *("latency.averageMs", "latency.p50Ms", "latency.p95Ms", "latency.p99Ms"),
    *("firstToken.averageMs", "firstToken.p50Ms", "firstToken.p95Ms", "firstToken.p99Ms"),
)
"""Figures as the JSON has them; a dot leads into an object."""
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet compute a cell, full-width forms included (OWASP, CSV injection)."""
PIECE_CHARACTERS: Final = 16_384


def safe(text: str) -> str:
    """Text that a spreadsheet shows as it is: behind a quote where it would be computed."""
    return f"'{text}" if text.startswith(FORMULA) else text


async def csv_pieces(rows: AsyncIterator[UsageRow], group: str) -> AsyncGenerator[bytes, None]:
    """The header line and one line per row; `group` heads the column of names, empty for none."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("period", *([group] if group else []), *COLUMNS))
    async for row in rows:
        cells = [_cell(row.figures, column) for column in COLUMNS]
        writer.writerow((row.period, *([safe(row.name)] if group else []), *cells))
        if text.tell() >= PIECE_CHARACTERS:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(figures: JsonObject, column: str) -> str:
    value: Json = figures
    for name in column.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return ""
    return f"{value:.6f}" if _is_money(column) else str(value)


def _is_money(column: str) -> bool:
    return column.lower().endswith("cost") or column.startswith("savedBy")
