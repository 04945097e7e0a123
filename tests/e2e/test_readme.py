"""The README's first lines, done as they stand: start the product, ask, and get the answer shown."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from lib.contract import Json, JsonObject
from tests.support.local_product import local_product

ROOT = Path(__file__).resolve().parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MARK = "…"


ADMIN = "the-operators-token"
ON = "http://127.0.0.1:3000"
STRICT = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\n'


@dataclass(frozen=True)
class Command:
    """What the README has the reader type, and the answer it shows."""

    lines: str
    language: str
    answer: str


def commands() -> list[Command]:
    """Every block with a curl, and the block below it."""
    found = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
    return [
        Command("\n".join(line for line in text.splitlines() if not line.startswith("make ")), *below)
        for (language, text), below in itertools.pairwise(found)
        if language == "sh" and "curl " in text
    ]


def fits(shown: Json, given: Json) -> bool:
    """Whether an answer is the one shown, in which `…` stands for anything that was left out."""
    if isinstance(shown, dict):
        rest = {name: value for name, value in shown.items() if name != MARK}
        return isinstance(given, dict) and all(name in given and fits(rest[name], given[name]) for name in rest)
    if isinstance(shown, list):
        rest_of = [value for value in shown if value != MARK]
        whole = len(rest_of) == len(shown)
        right = isinstance(given, list) and len(given) >= len(rest_of) and (not whole or len(given) == len(rest_of))
        return right and isinstance(given, list) and all(map(fits, rest_of, given))
    if isinstance(shown, str):
        return isinstance(given, str) and fits_text(shown, given)
    return shown == given


def fits_text(shown: str, given: str) -> bool:
    return re.fullmatch(".*".join(re.escape(piece) for piece in shown.split(MARK)), given, re.DOTALL) is not None


@dataclass(frozen=True)
class Example:
    """The request and the answer that the README shows."""

    path: str
    headers: dict[str, str]
    body: str
    answer: JsonObject


def example() -> Example:
    command = next(block for block in blocks("sh") if "curl" in block).replace("\\\n", "")
    words = shlex.split(next(line for line in command.splitlines() if line.startswith("curl")))
    headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
    answer: JsonObject = json.loads(blocks("json")[0])
    return Example(urlsplit(words[1]).path, headers, words[words.index("-d") + 1], answer)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def product() -> Iterator[str]:
    """The URL of the running product."""
    with local_product(GATEWAY_ADMIN_TOKEN=ADMIN) as url:
        yield url


def test_the_first_answer_is_the_one_shown_and_the_second_comes_from_the_cache(product: str) -> None:
    shown = example()
    with httpx.Client(base_url=product) as http:
        first = http.post(shown.path, content=shown.body, headers=shown.headers)
        second = http.post(shown.path, content=shown.body, headers=shown.headers)
    assert first.status_code == 200, first.text
    for name, value in shown.answer.items():
        if name == MARK:
            continue
        if isinstance(value, str) and value.endswith(MARK):
            assert str(first.json()[name]).startswith(value.removesuffix(MARK)), name
        else:
            assert first.json()[name] == value, name
    assert second.json()["content"] == first.json()["content"]
    assert second.json()["cached"] == "exact"
    assert second.headers["x-cache"] == "HIT (exact)"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("command", commands()[1:], ids=lambda command: command.lines.split(ON)[1].split()[0])
def test_every_curl_gets_the_answer_shown(product: str, command: Command) -> None:
    done = subprocess.run(
        ["bash", "-c", STRICT + command.lines.replace(ON, product)],
        env={"PATH": os.defpath, "GATEWAY_ADMIN_TOKEN": ADMIN},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if command.language == "json":
        assert fits(json.loads(command.answer), json.loads(done.stdout)), done.stdout
    else:
        assert fits_text(command.answer.strip(), done.stdout.replace("\n\n", "\n").strip()), done.stdout


def test_a_curl_of_every_surface_is_shown() -> None:
    shown = "\n".join(command.lines for command in commands())
    for path in ("v2/chat", "v2/batch", "v1/chat/completions", "v1/embeddings", "v1/messages", "feedback"):
        assert f"{ON}/api/ai/{path} " in shown, path


def test_every_route_of_the_table_is_served(product: str) -> None:
    table = README.split("## Routes", 1)[1].split("\n## ", 1)[0]
    paths = {
        path for cell in re.findall(r"^\| (.*?) \|", table, re.MULTILINE) for path in re.findall(r"/[\w/.-]+", cell)
    }
    assert "/api/ai/health" in paths
    with httpx.Client(base_url=product) as http:
        statuses = {path: http.get(path).status_code for path in sorted(paths)}
    assert {path: status for path, status in statuses.items() if status == 404 or status >= 500} == {}


def test_the_first_block_is_within_reach_of_a_hurried_reader() -> None:
    before = README.split("```", 1)[0]
    assert len(before.splitlines()) <= 25
    assert len(before.split()) <= 60


def test_every_link_of_the_documents_leads_to_a_file() -> None:
    for document in (ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8")):
            assert target.startswith("http") or (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_command_of_the_readme_is_one_make_knows() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make ([\w-]+)", "\n".join(blocks("sh")), re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
