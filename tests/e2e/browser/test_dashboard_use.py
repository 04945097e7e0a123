"""Using the dashboard: signing in and out, by keyboard alone, while it refreshes, and when there is nothing to show."""

from __future__ import annotations

from lib.contract import JsonObject
from tests.support.chromium import Browser
from tests.support.dashboard import LOADED, VIEWS, MadeUp, over
from tests.support.dashboard_answers import documents, figures, request_of

QUICKLY = "const every = setInterval; window.setInterval = (what) => every(what, 30);"


async def test_the_token_opens_the_views_stays_in_the_tab_and_is_forgotten_on_signing_out(browser: Browser) -> None:
    api = MadeUp(documents("model/x"))
    async with over(browser, api) as shown:
        page = shown.page
        await page.open(f"{shown.url}/dashboard")
        await page.until("!document.getElementById('access').hidden")
        assert "Admin token" in await page.text()
        assert [name for name in api.asked if not name.startswith("health")] == []
        await page.run("document.getElementById('token').focus()")
        await page.type("s3cret")
        await page.press("Enter")
        await page.until(f"{LOADED} && document.body.innerText.includes('Cost today')")
        assert "Bearer s3cret" in api.tokens
        assert await page.run("localStorage.length") == 0
        assert await page.run("document.cookie") == ""
        assert not await page.run("document.documentElement.outerHTML.includes('s3cret')")
        await page.click("#sign-out")
        await page.until("!document.getElementById('access').hidden && document.getElementById('view').hidden")
        assert await page.run("sessionStorage.length") == 0


async def test_a_token_in_the_link_leaves_the_address_and_a_wrong_one_is_said_to_be_wrong(browser: Browser) -> None:
    api = MadeUp(documents("model/x"))
    async with over(browser, api) as shown:
        await shown.sign_in(token="from-link")
        assert "from-link" not in str(await shown.page.run("location.href"))
        assert "Bearer from-link" in api.tokens
        for name in list(api.documents):
            if name.startswith(("stats", "requests")):
                api.documents[name] = 401
        await shown.page.run("location.hash = '#requests'")
        await shown.page.until("document.getElementById('access-state').textContent.includes('not known')")
        assert await shown.page.run("sessionStorage.length") == 0
        await shown.page.run("location.hash = '#models'")
        await shown.page.until("document.body.innerText.includes('models are healthy')")


async def test_everything_can_be_done_by_keyboard(browser: Browser) -> None:
    async with over(browser, MadeUp(documents("model/x"))) as shown:
        page = shown.page
        await shown.sign_in()
        await page.open(f"{shown.url}/dashboard")
        await page.until(LOADED)
        order: list[str] = []
        for _ in range(12):
            await page.press("Tab")
            order.append(await page.focused())
        assert order[:9] == [
            *("Skip to content", "AI Orchestrator", "Overview", "Models", "Requests"),
            *("Budgets", "Rollout", "Keys", "Playground"),
        ]
        assert order[9:11] == ["Live", "Sign out"]
        await page.run("document.querySelector('nav a[href=\"#requests\"]').focus()")
        await page.press("Enter")
        await page.until("document.activeElement.id === 'title' && document.querySelector('.opener')")
        assert await page.run("document.title") == "Requests · AI Orchestrator"
        await page.run("document.querySelector('.opener').focus()")
        await page.press(" ")
        await page.until("document.querySelector('.opener').ariaExpanded === 'true'")
        assert "Why this model" in await page.text()
        await page.press("Enter")
        await page.until("document.querySelector('.detail').hidden")


async def test_new_figures_come_by_themselves_until_that_is_paused_and_keep_what_was_opened(browser: Browser) -> None:
    api = MadeUp(documents("model/x"))
    async with over(browser, api) as shown:
        await shown.page.before(QUICKLY)
        await shown.sign_in("requests")
        await shown.page.click(".opener")
        first = api.documents["requests"]
        assert isinstance(first, dict)
        known = request_of("model/x")
        newcomer: JsonObject = {**known, "requestId": "req_new", "user": "newcomer"}
        api.documents["requests"] = {**first, "requests": [newcomer, known]}
        await shown.page.until("document.body.innerText.includes('newcomer')")
        assert await shown.page.run("document.querySelectorAll('.opener')[1].ariaExpanded") == "true"
        await shown.page.click("#live")
        await shown.page.until("document.getElementById('live').ariaPressed === 'false'")
        await shown.view("requests")
        asked = len(api.asked)
        await shown.page.run("new Promise((done) => setTimeout(done, 300))")
        assert len(api.asked) == asked


async def test_what_is_not_there_or_fails_is_said_in_words_and_never_hides_the_rest(browser: Browser) -> None:
    api = MadeUp(documents("model/x"))
    async with over(browser, api) as shown:
        await shown.sign_in()
        empty: dict[str, tuple[str, JsonObject]] = {
            "requests": ("No such requests", {"requests": [], "next": None}),
            "budgets": ("No budgets are set", {"budgets": []}),
            "keys": ("No keys yet", {"keys": [], "cursor": None}),
        }
        for view, (words, document) in empty.items():
            api.documents[view] = document
            assert words in await shown.view(view)
            api.documents[view] = 404
            assert "This deployment does not offer this." in await shown.view(view)
            api.documents[view] = 503
            assert f"{view} answers 503." in await shown.view(view)
        assert "No budgets are set" not in await shown.view("budgets")
        assert "model/x" in await shown.view("budgets")
        api.documents["stats by user"] = 503
        text = await shown.view("overview")
        assert "stats by user answers 503." in text
        assert "Cost today\n$1.50" in text
        api.documents = {"health": {"status": "down", "models": {}}}
        assert "no model can answer" in await shown.view("models")


async def test_without_the_server_the_last_figures_stay_and_it_is_said(browser: Browser) -> None:
    api = MadeUp(documents("model/x"))
    async with over(browser, api) as shown:
        await shown.sign_in()
        await shown.page.send(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
        )
        text = await shown.view("overview")
        assert "The server cannot be reached." in text
        assert "Cost today\n$1.50" in text


async def test_the_range_and_the_model_choose_what_the_charts_show(browser: Browser) -> None:
    api = MadeUp(documents("openai/gpt-4o"))
    api.documents["stats by model"] = {
        "rows": [
            {"period": "2026-11-24", "model": name, **figures()}
            for name in ("openai/gpt-4o", "google/gemini-2.5-flash")
        ]
    }
    async with over(browser, api) as shown:
        page = shown.page
        await page.before("Date.now = () => 1795530960000;")
        await shown.sign_in()
        for position, periods in ((3, 12), (2, 30), (1, 7)):
            await page.run(
                f"{{ const range = document.querySelector('select'); range.selectedIndex = {position};"
                "range.dispatchEvent(new Event('change')) }"
            )
            await page.until(f"document.querySelectorAll('[aria-label=Requests] tbody tr').length === {periods}")
        assert "stats by model from=2026-11-18&to=2026-11-24&granularity=day&groupBy=model" in api.asked
        assert "stats by user from=2025-12-01&to=2026-11-24&granularity=month&groupBy=user" in api.asked
        assert (
            await page.run("document.querySelector('[aria-label=Latency] thead').textContent") == "Time (UTC)p50p95p99"
        )
        assert await page.run("document.querySelectorAll('[aria-label=Cost] thead th').length") == 3
        await page.run(
            "{ const model = document.querySelectorAll('select')[1]; model.value = 'openai/gpt-4o';"
            "model.dispatchEvent(new Event('change')) }"
        )
        await page.until("document.querySelectorAll('[aria-label=Cost] thead th').length === 2")


async def test_every_view_has_one_heading_of_its_own_and_says_where_one_is(browser: Browser) -> None:
    async with over(browser, MadeUp(documents("model/x"))) as shown:
        await shown.sign_in()
        for view in VIEWS:
            await shown.view(view)
            heading = await shown.page.run("document.querySelector('h1').textContent")
            assert await shown.page.run("document.querySelector('nav [aria-current=page]').textContent") == heading
            assert await shown.page.run("document.querySelectorAll('h1').length") == 1


async def test_requests_per_minute_are_those_of_the_last_sixty_minutes_and_axes_have_round_steps(
    browser: Browser,
) -> None:
    hours = "[{period: '2026-11-24T14:00Z', totalRequests: 60}, {period: '2026-11-24T13:00Z', totalRequests: 120}]"
    async with over(browser, MadeUp(documents("model/x"))) as shown:
        await shown.sign_in()
        half_past = 1_795_530_600_000
        usage, scale = "import('/dashboard/usage.js')", "import('/dashboard/scale.js')"
        assert await shown.page.run(f"{usage}.then(({{perMinute}}) => perMinute({hours}, {half_past}))") == 2
        assert await shown.page.run(f"{scale}.then(({{steps}}) => steps(43))") == [0, 20, 40, 60]
        assert await shown.page.run(f"{scale}.then(({{steps}}) => steps(0))") == [0, 1]
