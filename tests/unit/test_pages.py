"""The pages work under their own content security policy and load nothing from another host."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "public").glob("*.html"))
SCRIPTS = sorted((ROOT / "public").rglob("*.js"))
MAIN = ROOT / "public/dashboard/main.js"
LOADING = frozenset({"src", "href", "action"})


class Page(HTMLParser):
    """What a page names: element ids, addresses it loads or links, attributes, and text inside script and style."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.attributes: set[str] = set()
        self.inline = ""
        self.tag = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tag = tag
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [value for name, value in attrs if name in LOADING and value]

    def handle_data(self, data: str) -> None:
        self.inline += data.strip() if self.tag in {"script", "style"} else ""


def views() -> set[str]:
    """The views of the dashboard, which the address names behind its `#`."""
    rows = re.search(r"const VIEWS = \{(.*?)\n\};", MAIN.read_text(encoding="utf-8"), re.DOTALL)
    assert rows is not None
    return set(re.findall(r"(\w+)[:,]", rows[1]))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_has_nothing_inline_and_names_no_other_host(path: Path) -> None:
    page = Page(path)
    assert page.inline == ""
    assert not {name for name in page.attributes if name == "style" or name.startswith("on")}
    assert [address for address in page.addresses if not re.match(r"/(?!/)|#", address)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_links_to_what_exists(path: Path) -> None:
    config = json.loads((ROOT / "vercel.json").read_text(encoding="utf-8"))
    rewritten = {row["source"]: row["destination"] for row in config["rewrites"]}
    page = Page(path)
    for address in page.addresses:
        if address.startswith("#"):
            assert address[1:] in {*page.ids, *views()}, address
            continue
        target = rewritten.get(address, address)
        file = (
            ROOT / f"{target[1:]}.py" if target.startswith("/api/") else ROOT / "public" / (target[1:] or "index.html")
        )
        assert file.is_file(), address


def test_every_element_the_dashboard_reaches_for_is_there_once() -> None:
    ids = Page(ROOT / "public/dashboard.html").ids
    asked = set(re.findall(r'\bat\("([\w-]+)"', MAIN.read_text(encoding="utf-8")))
    assert asked
    assert asked <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_shows_what_it_fetches_as_text_only(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|localStorage", text)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
