"""Chromium without a window, driven over its DevTools protocol by the WebSocket client that the product has anyway.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import orjson

from lib.contract import Json, JsonObject

PROGRAM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SWITCHES: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
)
LONGEST_SECONDS: Final = 60.0
"""After which a step that does not come to its end has failed."""
KEYS: Final = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
UNTIL: Final = """new Promise((done) => {
  const look = () => {
    try { if (%s) return done(true); } catch { /* not there yet */ }
    setTimeout(look, 20);
  };
  look();
})"""


class PageError(AssertionError):
    """The page threw, or cannot do what it was told."""


@dataclass
class Page:
    """One tab, and what it did: `complaints` on its console, `hosts` it asked for things, `dialogs` it opened."""

    browser: Browser
    session: str
    complaints: list[str] = field(default_factory=list[str])
    hosts: set[str] = field(default_factory=set[str])
    dialogs: list[str] = field(default_factory=list[str])

    async def send(self, method: str, **params: Json) -> JsonObject:
        """One command and its result. Raises PageError."""
        return await self.browser.send(method, params, self.session)

    async def open(self, url: str) -> None:
        """Go to an address."""
        await self.send("Page.navigate", url=url)
        await self.until("document.readyState === 'complete'")

    async def run(self, expression: str) -> Json:
        """The value of an expression of JavaScript, awaited. Raises PageError when it throws."""
        reply = await self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in reply:
            raise PageError(orjson.dumps(reply["exceptionDetails"]).decode())
        result = reply["result"]
        return result.get("value") if isinstance(result, dict) else None

    async def until(self, condition: str) -> None:
        """Wait for a condition in JavaScript. Raises PageError when it does not come."""
        try:
            await self.run(UNTIL % condition)
        except TimeoutError:
            shown = await self.text()
            raise PageError(f"never: {condition}\non the console: {self.complaints}\nshown: {shown[:2_000]}") from None

    async def text(self) -> str:
        """All that is shown."""
        return str(await self.run("document.body.innerText"))

    async def click(self, selector: str) -> None:
        """Click the first element that matches."""
        await self.run(f"document.querySelector({literal(selector)}).click()")

    async def press(self, key: str) -> None:
        """A key, as the keyboard sends it."""
        text: JsonObject = {"text": "\r" if key == "Enter" else key} if key in ("Enter", " ") else {}
        common: JsonObject = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": KEYS[key]}
        await self.send("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    async def type(self, text: str) -> None:
        """Text into what has the focus."""
        await self.send("Input.insertText", text=text)

    async def focused(self) -> str:
        """The text, or else the tag, of what has the focus."""
        return str(await self.run("document.activeElement.textContent.trim() || document.activeElement.tagName"))

    async def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Show the page at this size, in light or dark."""
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme: JsonObject = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def picture(self, path: Path) -> None:
        """A screenshot of the whole page as PNG."""
        reply = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        await asyncio.to_thread(_write, path, base64.b64decode(str(reply["data"])))

    async def before(self, script: str) -> None:
        """JavaScript that runs ahead of every page's own."""
        await self.send("Page.addScriptToEvaluateOnNewDocument", source=script)

    def notice(self, method: str, params: JsonObject) -> None:
        """Take in an event."""
        match method:
            case "Runtime.exceptionThrown":
                self.complaints.append(orjson.dumps(params["exceptionDetails"]).decode())
            case "Log.entryAdded":
                self.complaints += _errors(params.get("entry"))
            case "Network.requestWillBeSent":
                request = params.get("request")
                self.hosts.add(urlsplit(str(request.get("url"))).netloc if isinstance(request, dict) else "")
            case "Page.javascriptDialogOpening":
                self.dialogs.append(str(params.get("message")))
                self.browser.later("Page.handleJavaScriptDialog", {"accept": True}, self.session)
            case _:
                return


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _errors(entry: Json) -> Iterator[str]:
    if isinstance(entry, dict) and entry.get("level") == "error":
        yield f"{entry.get('text')} {entry.get('url', '')}"


@dataclass
class Browser:
    """A running browser."""

    socket: aiohttp.ClientWebSocketResponse
    replies: dict[int, asyncio.Future[JsonObject]] = field(default_factory=dict[int, "asyncio.Future[JsonObject]"])
    pages: dict[str, Page] = field(default_factory=dict[str, Page])
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    tasks: set[asyncio.Task[JsonObject]] = field(default_factory=set["asyncio.Task[JsonObject]"])

    async def page(self) -> Page:
        """A tab of its own, which shares nothing with others."""
        context = (await self.send("Target.createBrowserContext", {}))["browserContextId"]
        target = await self.send("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        joined = await self.send("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = Page(self, str(joined["sessionId"]))
        self.pages[page.session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            await page.send(f"{domain}.enable")
        return page

    async def send(self, method: str, params: JsonObject, session: str = "") -> JsonObject:
        """One command and its result. Raises PageError, TimeoutError."""
        number = next(self.numbers)
        reply = self.replies[number] = asyncio.get_running_loop().create_future()
        message: JsonObject = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        await self.socket.send_str(orjson.dumps(message).decode())
        return await asyncio.wait_for(reply, LONGEST_SECONDS)

    def later(self, method: str, params: JsonObject, session: str) -> None:
        """A command whose result nobody waits for."""
        task = asyncio.create_task(self.send(method, params, session))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def listen(self) -> None:
        """Hand replies and events to whom they are for, until the socket closes."""
        async for message in self.socket:
            said: Json = orjson.loads(message.data)
            if not isinstance(said, dict):
                continue
            number, params, result = said.get("id"), said.get("params"), said.get("result")
            reply = self.replies.pop(number, None) if isinstance(number, int) else None
            page = self.pages.get(str(said.get("sessionId")))
            if reply is not None and not reply.done():
                if isinstance(result, dict):
                    reply.set_result(result)
                else:
                    reply.set_exception(PageError(orjson.dumps(said).decode()))
            elif page and isinstance(params, dict):
                page.notice(str(said.get("method")), params)


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """A browser with a profile of its own, until the block ends."""
    assert PROGRAM
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            PROGRAM,
            *SWITCHES,
            f"--user-data-dir={profile}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stderr
            async with asyncio.timeout(LONGEST_SECONDS):
                address = await _address(process.stderr)
            drained = asyncio.create_task(process.stderr.read())  # a full pipe would stop the browser
            async with aiohttp.ClientSession() as client, client.ws_connect(address, max_msg_size=0) as socket:
                browser = Browser(socket)
                listening = asyncio.create_task(browser.listen())
                yield browser
                await browser.send("Browser.close", {})
                await asyncio.gather(listening, drained)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _address(said: asyncio.StreamReader) -> str:
    async for line in said:
        if found := re.search(rb"ws://\S+", line):
            return found[0].decode()
    raise PageError("the browser ended before it could be driven")


def literal(text: str) -> str:
    """Text as JavaScript writes it."""
    return orjson.dumps(text).decode()
