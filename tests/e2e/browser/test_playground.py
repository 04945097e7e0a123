"""The playground over the whole product: an answer as it comes, what it cost, and what went wrong."""

from __future__ import annotations

from tests.scripted.sayings import says
from tests.scripted.steps import Act, fails, with_inserted
from tests.support.chromium import Browser, Page
from tests.support.dashboard import Whole, whole

ANSWER = "document.querySelector('.answer').textContent"
DONE = "!document.querySelector('.facts').hidden"
FACTS = "document.querySelector('.facts').innerText.replaceAll('\\n', ' ')"


async def ready(place: Whole, model: str = "openai/gpt-4o") -> Page:
    """The playground with a model chosen."""
    page = place.shown.page
    await place.shown.sign_in("playground")
    await page.until(f"[...document.querySelector('select').options].some(({{value}}) => value === '{model}')")
    await page.run(f"document.querySelector('select').value = '{model}'")
    return page


async def ask(page: Page) -> None:
    await page.click("form.ask .primary")


async def test_an_answer_is_shown_as_it_comes_with_its_model_cost_and_times_and_the_same_again_from_the_cache(
    browser: Browser,
) -> None:
    async with whole(browser, days=0) as place:
        page = await ready(place)
        place.site.place.provider.script("gpt-4o", [with_inserted(says("It opens ", "and closes."), 2, Act.HOLD)])
        await ask(page)
        await page.until(f"{ANSWER} === 'It opens '")
        assert await page.run(DONE) is False
        assert await page.run("document.querySelector('.answer').ariaBusy") == "true"
        place.site.place.provider.release()
        await page.until(DONE)
        assert await page.run(ANSWER) == "It opens and closes."
        facts = str(await page.run(FACTS))
        assert "Model openai/gpt-4o" in facts
        assert "Provider openai" in facts
        assert "Cache MISS" in facts
        assert "Cost $0.0" in facts
        assert " ms" in facts
        await page.click("details summary")
        assert "Request req_" in await page.text()
        await ask(page)
        await page.until(f"{DONE} && {FACTS}.includes('hit (exact)')")
        assert await page.run(ANSWER) == "It opens and closes."
        assert "Cost $0.00" in str(await page.run(FACTS))
    assert place.shown.trouble == []


async def test_stopping_keeps_what_has_come_and_lets_one_ask_again(browser: Browser) -> None:
    async with whole(browser, days=0) as place:
        page = await ready(place)
        place.site.place.provider.script("gpt-4o", [with_inserted(says("It opens ", "and closes."), 2, Act.HOLD)])
        await ask(page)
        await page.until(f"{ANSWER} === 'It opens '")
        await page.click("form.ask button[type=button]")
        await page.until("document.querySelector('#view .state').textContent === 'Stopped.'")
        assert await page.run(ANSWER) == "It opens "
        assert await page.run("document.querySelector('form.ask .primary').disabled") is False
        place.site.place.provider.release()


async def test_a_failure_is_told_in_the_words_of_the_gateway(browser: Browser) -> None:
    async with whole(browser, days=0) as place:
        page = await ready(place)
        await page.run("document.querySelector('textarea').value = 'x'")
        place.site.place.provider.script("gpt-4o", [fails(400)] * 3)
        await ask(page)
        await page.until("document.querySelector('#view .state.bad')")
        told = str(await page.run("document.querySelector('#view .state.bad').textContent"))
        assert told
        assert await page.run(DONE) is False
