"""Whatever callers put into names, tags and errors is shown as the text it is."""

from __future__ import annotations

import orjson

from tests.support.chromium import Browser, literal
from tests.support.dashboard import VIEWS, MadeUp, over
from tests.support.dashboard_answers import XSS, documents

COUNTED = "document.querySelectorAll('script, iframe, img, style, link, base, form, object, embed').length"
SHOWN = "(text) => document.body.textContent.includes(text)"


def spoken(text: str) -> str:
    """Text as a browser's DOM holds it."""
    return f"({SHOWN})({literal(text)})"


async def test_no_text_of_a_caller_becomes_markup_or_runs_in_any_view(browser: Browser) -> None:
    api = MadeUp(documents("harmless"))
    async with over(browser, api) as shown:
        await shown.sign_in()
        elements: dict[str, object] = {}
        for text in ("harmless", *XSS):
            api.documents = documents(text)
            api.chunks = [sse({"choices": [{"delta": {"content": text}}]}), sse(told(text)), b"data: [DONE]\n\n"]
            for view in VIEWS:
                await shown.view(view)
                if view == "requests":
                    await shown.page.click(".opener")
                if view == "playground":
                    await shown.page.click("form.ask .primary")
                    await shown.page.until("!document.querySelector('.facts').hidden")
                found = await shown.page.run(COUNTED)
                assert elements.setdefault(view, found) == found, (view, text)
                assert await shown.page.run(spoken(text)), (view, text)
        assert await shown.page.run("typeof window.pwned") == "undefined"
    assert shown.page.dialogs == []
    assert shown.page.complaints == []
    assert shown.page.hosts <= {shown.url.removeprefix("http://"), ""}


async def test_errors_are_text_too(browser: Browser) -> None:
    api = MadeUp(documents("harmless"))
    async with over(browser, api) as shown:
        await shown.sign_in()
        for text in XSS:
            api.chunks = [sse({"error": {"message": text}})]
            await shown.view("playground")
            await shown.page.click("form.ask .primary")
            await shown.page.until(spoken(text))
        assert await shown.page.run("typeof window.pwned") == "undefined"
    assert shown.page.complaints == []


async def test_an_answer_without_its_end_mark_is_not_taken_for_whole(browser: Browser) -> None:
    api = MadeUp(documents("model/x"), [sse({"choices": [{"delta": {"content": "half of"}}]})])
    async with over(browser, api) as shown:
        await shown.sign_in("playground")
        await shown.page.click("form.ask .primary")
        await shown.page.until(spoken("The answer was cut off."))
        assert await shown.page.run("document.querySelector('.facts').hidden") is True


async def test_the_policy_of_the_page_stops_inline_scripts_styles_strangers_and_text_taken_for_markup(
    browser: Browser,
) -> None:
    tries = {
        "inline script": "const s = document.createElement('script'); s.text = 'window.ran=1'; document.body.append(s)",
        "markup": "document.body.innerHTML = '<p>x</p>'",
        "evaluated text": "setTimeout('window.ran=1')",
        "inline style": "document.body.setAttribute('style', 'position: fixed')",
        "a stranger": "fetch('http://127.0.0.1:9/').catch(() => { window.refused = 1 })",
    }
    async with over(browser, MadeUp(documents("harmless"))) as shown:
        await shown.sign_in()
        for tried in tries.values():
            await shown.page.run(f"try {{ {tried} }} catch (error) {{ window.thrown = (window.thrown ?? 0) + 1 }}; 0")
        await shown.page.until("window.refused")
        assert await shown.page.run("typeof window.ran") == "undefined"
        assert await shown.page.run("document.querySelector('body > p:last-child') === null")
        assert await shown.page.run("getComputedStyle(document.body).position") == "static"


def sse(chunk: object) -> bytes:
    """One event."""
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def told(text: str) -> object:
    """The end of a stream, as the gateway tells how the answer came about."""
    return {
        "choices": [],
        "gateway": {
            "modelUsed": text,
            "modelRequested": text,
            "provider": text,
            "cached": text,
            "cost": 0.1,
            "metadata": {
                "requestId": text,
                "attempts": [{"model": text, "outcome": text, "status": 1, "milliseconds": 1, "cost": 0}],
                "routing": {"reasoning": text, "task": text, "complexity": text, "fallbackChain": [text]},
                "cache": {"status": text},
            },
        },
    }
