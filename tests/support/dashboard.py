"""The dashboard in a browser: over the whole product with a month of usage, or over answers that a test makes up."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.site import site as mounted
from lib.access.key_record import KeyTerms
from lib.contract import JsonObject
from lib.web.asgi import AsgiApp
from tests.support import sample_usage
from tests.support.chromium import Browser, Page
from tests.support.deployment import ADMIN
from tests.support.guarded_site import CONFIG, ROOT, GuardedSite, guarded
from tests.support.loopback_server import serve

VIEWS: Final = ("overview", "models", "requests", "budgets", "rollout", "keys", "playground")
LOADED: Final = "document.getElementById('updated').textContent && !document.body.innerText.includes('Loading …')"
SINCE_NOON: Final = 2.6 * 3600
ROUTES: Final = (
    *("/api/ai/health", "/api/ai/stats", "/api/ai/v2/chat"),
    *(f"/api/ai/admin/{name}" for name in ("requests", "budgets", "alerts", "rollout", "experiments", "keys")),
)


@dataclass
class MadeUp:
    """Stands for the functions. `documents` are by path; of stats, by what is asked: `stats`, `stats by model`, ….

    A path without a document is answered 404; an integer is an error's status.
    """

    documents: dict[str, JsonObject | int] = field(default_factory=dict[str, JsonObject | int])
    chunks: list[bytes] = field(default_factory=list[bytes])
    asked: list[str] = field(default_factory=list[str])
    tokens: set[str] = field(default_factory=set[str])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        name = request.url.path.removeprefix("/api/ai/").removeprefix("admin/")
        if by := request.query_params.get("groupBy") or request.query_params.get("compare"):
            name = f"{name} by {by}"
        self.asked.append(f"{name} {request.query_params}".rstrip())
        self.tokens.add(request.headers.get("authorization", ""))
        if name == "v2/chat" and self.chunks:
            await StreamingResponse(iter(self.chunks), media_type="text/event-stream")(scope, receive, send)
            return
        found = self.documents.get(name, 404)
        error: JsonObject = {"error": {"message": f"{name} answers {found}."}}
        answer = JSONResponse(error, found) if isinstance(found, int) else JSONResponse(found)
        await answer(scope, receive, send)


@dataclass
class Shown:
    """A tab with the dashboard."""

    page: Page
    url: str

    async def sign_in(self, view: str = "overview", token: str = ADMIN) -> None:
        """Open a view with a token."""
        await self.page.open(f"{self.url}/dashboard#token={token}")
        await self.page.until(LOADED)
        await self.view(view)

    @property
    def trouble(self) -> list[str]:
        """What went wrong on the console; a route that the deployment does not have is nothing wrong."""
        return [complaint for complaint in self.page.complaints if " 404 " not in complaint]

    async def view(self, name: str) -> str:
        """Open a view; all that it shows."""
        await self.page.run(f"document.getElementById('updated').textContent = ''; location.hash = '#{name}'")
        title = f"document.querySelector('nav [aria-current]').hash === '#{name}'"
        await self.page.run("dispatchEvent(new HashChangeEvent('hashchange'))")
        await self.page.until(f"{title} && {LOADED}")
        return await self.page.text()


@asynccontextmanager
async def over(browser: Browser, api: ASGIApp) -> AsyncGenerator[Shown]:
    """The dashboard over made-up answers."""
    app = mounted(dict.fromkeys(ROUTES, api), CONFIG, ROOT / "public")
    async with serve(cast("AsgiApp", app)) as url:
        yield Shown(await browser.page(), url)


@dataclass
class Whole:
    """The dashboard over the whole product."""

    site: GuardedSite
    shown: Shown


@asynccontextmanager
async def whole(browser: Browser, env: Mapping[str, str] | None = None, days: int = 2) -> AsyncGenerator[Whole]:
    """With usage of some days, and some keys; the browser's clock is the deployment's."""
    async with guarded(**{"KV_TIMEOUT_SECONDS": "60", **(env or {})}) as site:
        site.place.clock.turn(SINCE_NOON)
        gateway = site.instance.gateway
        await sample_usage.book(gateway, days)
        for number in range(4):
            terms = KeyTerms(name=f"Web app {number}", tier="pro", daily_budget_micro_usd=2_500_000, tags=("team-a",))
            await gateway.api_keys.create(f"customer-{number}", terms)
        async with serve(site.app) as url:
            page = await browser.page()
            await page.before(f"Date.now = () => {int(gateway.world.clock.now() * 1000)};")
            yield Whole(site, Shown(page, url))
