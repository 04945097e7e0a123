"""The local server routes, rewrites and answers as a deployment does."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.environment import assignments, local_environment
from dev.site import running, site
from dev.vercel_config import VercelConfig, pattern

ROOT = Path(__file__).resolve().parent.parent.parent


class Echo:
    """A function that answers with its name and the path it was asked for, and notes its lifespan."""

    def __init__(self, name: str, *, fails: bool = False) -> None:
        self.name = name
        self.fails = fails
        self.life: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": f"{self.name} {scope['path']}".encode()})

    async def live(self, receive: Receive, send: Send) -> None:
        for step in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{step}"
            self.life.append(step)
            await send({"type": f"lifespan.{step}.{'failed' if self.fails else 'complete'}", "message": "no store"})
            if self.fails:
                return


def config(tmp_path: Path, **parts: object) -> VercelConfig:
    path = tmp_path / "vercel.json"
    path.write_text(json.dumps(parts), encoding="utf-8")
    return VercelConfig.read(path)


@pytest.fixture
def public(tmp_path: Path) -> Path:
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / "index.html").write_text("<p>home</p>", encoding="utf-8")
    (folder / "dashboard.html").write_text("<p>board</p>", encoding="utf-8")
    return folder


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://local")


async def test_a_function_answers_at_its_path_and_a_page_at_its_own(tmp_path: Path, public: Path) -> None:
    app = site({"/api/ai/health": Echo("health")}, config(tmp_path), public)
    async with client(app) as http:
        assert (await http.get("/api/ai/health")).text == "health /api/ai/health"
        assert (await http.get("/")).text == "<p>home</p>"
        assert (await http.get("/dashboard.html")).text == "<p>board</p>"
        assert (await http.get("/api/ai/none")).status_code == 404


async def test_a_rewritten_function_sees_the_path_that_was_asked_for(tmp_path: Path, public: Path) -> None:
    rewrites = [{"source": "/api/ai/test-cache", "destination": "/api/ai/diagnostics"}]
    app = site({"/api/ai/diagnostics": Echo("diagnostics")}, config(tmp_path, rewrites=rewrites), public)
    async with client(app) as http:
        assert (await http.get("/api/ai/test-cache?x=1")).text == "diagnostics /api/ai/test-cache"


async def test_a_rewritten_page_is_served_under_the_short_path(tmp_path: Path, public: Path) -> None:
    rewrites = [{"source": "/dashboard", "destination": "/dashboard.html"}]
    async with client(site({}, config(tmp_path, rewrites=rewrites), public)) as http:
        assert (await http.get("/dashboard")).text == "<p>board</p>"


async def test_pages_carry_the_configured_headers_and_functions_do_not(tmp_path: Path, public: Path) -> None:
    headers = [{"source": "/((?!api/).*)", "headers": [{"key": "X-Frame-Options", "value": "DENY"}]}]
    app = site({"/api/ai/health": Echo("health")}, config(tmp_path, headers=headers), public)
    async with client(app) as http:
        assert (await http.get("/")).headers["x-frame-options"] == "DENY"
        assert "x-frame-options" not in (await http.get("/api/ai/health")).headers


async def test_a_function_lives_from_startup_to_shutdown() -> None:
    app = Echo("health")
    async with running(app):
        assert app.life == ["startup"]
    assert app.life == ["startup", "shutdown"]


async def test_a_function_that_cannot_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="no store"):
        async with running(Echo("health", fails=True)):
            pytest.fail("it is not running")


async def test_a_function_without_a_lifespan_is_left_alone() -> None:
    async def plain(scope: Scope, _receive: Receive, _send: Send) -> None:
        raise NotImplementedError(scope["type"])

    async with running(plain):
        pass


@pytest.mark.parametrize(
    ("source", "path", "matches"),
    [
        ("/dashboard", "/dashboard", True),
        ("/dashboard", "/dashboards", False),
        ("/a.b", "/axb", False),
        ("/users/:id", "/users/7", True),
        ("/users/:id", "/users/7/export", False),
        ("/users/:path*", "/users/7/export", True),
        ("/users/:path*", "/users", True),
        ("/((?!api/).*)", "/api/ai/health", False),
        ("/((?!api/).*)", "/index.html", True),
    ],
)
def test_a_source_pattern_matches_what_the_platform_matches(source: str, path: str, *, matches: bool) -> None:
    assert bool(pattern(source).fullmatch(path)) is matches


def test_the_destination_is_filled_with_what_the_source_matched(tmp_path: Path) -> None:
    rewrites = [{"source": "/u/:id/:rest*", "destination": "/users/:id/:rest*"}]
    assert config(tmp_path, rewrites=rewrites).rewritten("/u/7/a/b") == "/users/7/a/b"


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("rewrites", 1, "rewrites"),
        ("rewrites", ({"destination": "/"},), "source"),
        ("headers", ({"source": "/", "headers": 1},), "headers"),
    ],
)
def test_a_malformed_configuration_names_the_part(tmp_path: Path, part: str, value: object, named: str) -> None:
    with pytest.raises(TypeError, match=rf"vercel\.json: {named}"):
        config(tmp_path, **{part: value})


def test_every_rewrite_of_this_repository_leads_somewhere() -> None:
    for rewrite in VercelConfig.read(ROOT / "vercel.json").rewrites:
        is_page = (ROOT / "public" / rewrite.destination.lstrip("/")).is_file()
        assert is_page or (ROOT / f"{rewrite.destination.lstrip('/')}.py").is_file(), rewrite.destination


def test_an_env_file_reads_as_a_shell_would() -> None:
    text = "# keys\nexport A=1\nB = two words # why\nC='a # b'\nD=\"\"\n\nE\nF=x=y\n"
    assert dict(assignments(text)) == {"A": "1", "B": "two words", "C": "a # b", "D": "", "F": "x=y"}


def test_the_shell_wins_over_env_local_and_that_over_env(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=env\nB=env\nC=env\n", encoding="utf-8")
    (tmp_path / ".env.local").write_text("A=local\nB=local\n", encoding="utf-8")
    assert local_environment(tmp_path, {"A": "shell"}) == {"A": "shell", "B": "local", "C": "env"}
