"""A browser per test, where there is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from tests.support.chromium import PROGRAM, Browser, chromium


@pytest.fixture
async def browser() -> AsyncGenerator[Browser]:
    """Debian's Chromium or whatever stands for it."""
    if PROGRAM is None:
        pytest.skip("no chromium on this machine")
    async with chromium() as running:
        yield running
