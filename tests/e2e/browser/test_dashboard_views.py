"""What the dashboard looks like over the whole product, in light, dark and on a phone; pictures in .cache/screenshots.

The accessibility pass needs axe-core (`npm install` in this folder), and is skipped with a reason without it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from lib.contract import Json
from tests.support.chromium import Browser, Page
from tests.support.dashboard import VIEWS, Whole, whole
from tests.support.guarded_site import ROOT

AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
PICTURES: Final = ROOT / ".cache" / "screenshots"
LOOKS: Final = (("light", 1360, 900, False), ("dark", 1360, 900, True), ("phone", 390, 844, False))
DRAWN: Final = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))"
FOUND: Final = (
    ".then(({violations}) => violations.map(({id, nodes}) => [id, ...nodes.map((node) => node.html)].join(' | ')))"
)
STANDARDS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES: Final = f"axe.run(document, {{runOnly: {STANDARDS}}}){FOUND}"
CONTRAST: Final = f"axe.run(document, {{runOnly: {{type: 'rule', values: ['color-contrast']}}}}){FOUND}"


async def lively(page: Page, view: str) -> None:
    """Open what can be opened in a view."""
    if view == "requests":
        await page.click(".opener[aria-expanded=false]")
    if view == "playground":
        await page.click("form.ask .primary")
        await page.until("!document.querySelector('.facts').hidden")


async def each_look(place: Whole, view: str) -> None:
    for name, width, height, dark in LOOKS:
        await place.shown.page.look(width, height, dark=dark)
        await place.shown.page.run(DRAWN)
        await place.shown.page.picture(PICTURES / f"{name}-{view}.png")
        wide = await place.shown.page.run("document.documentElement.scrollWidth")
        assert isinstance(wide, int | float)
        assert wide <= width, f"{view} is {wide} wide on {name}"


async def test_every_view_fits_each_screen_passes_axe_and_loads_nothing_from_elsewhere(browser: Browser) -> None:
    found: dict[str, Json] = {}
    async with whole(browser, days=3) as place:
        page = place.shown.page
        await place.shown.sign_in()
        for view in VIEWS:
            await place.shown.view(view)
            await lively(page, view)
            await each_look(place, view)
            if AXE.is_file():
                await page.run(AXE.read_text(encoding="utf-8") + "; 0")
                await page.look(1360, 900)
                found[view] = await page.run(RULES)
                await page.look(1360, 900, dark=True)
                found[f"{view}, dark"] = await page.run(CONTRAST)
    assert place.shown.trouble == []
    assert page.hosts <= {place.shown.url.removeprefix("http://"), ""}
    assert {view: said for view, said in found.items() if said} == {}
    if not found:
        pytest.skip("axe-core is missing: `npm install` in tests/e2e/browser")


async def test_figures_are_those_of_the_books(browser: Browser) -> None:
    async with whole(browser) as place:
        await place.shown.sign_in()
        stats = await place.site.instance.usage()
        tables = await place.shown.page.run(
            "Object.fromEntries([...document.querySelectorAll('[role=region]')].map((table) => [table.ariaLabel, "
            "[...table.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))]))"
        )
        tiles = await place.shown.page.run("[...document.querySelectorAll('.tile')].map((tile) => tile.innerText)")
    assert isinstance(tables, dict)
    assert isinstance(tiles, list)
    shown = re.search(r"Cost today\n\$([\d.]+)", "\n".join(map(str, tiles)))
    assert shown
    assert float(shown[1]) == pytest.approx(stats["totalCost"], abs=0.005)
    users, hours = tables["Usage by user"], tables["Requests"]
    assert isinstance(users, list)
    assert isinstance(hours, list)
    assert sum(int(str(row[1])) for row in users if isinstance(row, list)) <= int(str(stats["totalRequests"]))
    assert len(hours) == 24
    assert isinstance(hours[0], list)
    assert hours[0][0] == "2026-11-24 14:00"
    today = [row for row in hours if isinstance(row, list) and str(row[0]).startswith("2026-11-24")]
    assert sum(int(str(cell)) for row in today for cell in row[1:]) == stats["totalRequests"]
