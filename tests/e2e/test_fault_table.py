"""The program behind the fault table: it plays faults against the product over HTTP and judges what comes back."""

from __future__ import annotations

from bench.faults.__main__ import Model, play, questions
from bench.faults.asking import Target
from bench.faults.own import own_product
from bench.faults.provider import FaultyModels, faulty_provider
from bench.faults.verdict import Verdict
from lib.clock import SystemClock


async def test_the_product_is_asked_over_http_and_judged() -> None:
    models = [Model.parse("gpt-4o"), Model.parse("anthropic:claude-sonnet-5-5")]
    asking = questions(models, ["plain-text", "unauthorised", "bad-parameter", "ended-early"])
    faulty = FaultyModels(SystemClock().now)
    async with faulty_provider(faulty) as provider, own_product(provider.base_url, 60.0) as target:
        cells = await play(target, asking, faulty)
    found = {(cell.asked.fault.name, cell.verdict, cell.calls) for cell in cells}
    assert found == {
        ("plain-text", Verdict.RIGHT, 1),
        ("unauthorised", Verdict.FALLBACK, 2),
        ("bad-parameter", Verdict.ERROR, 1),
        ("ended-early", Verdict.ERROR, 1),
    }


async def test_a_gateway_that_is_not_there_gives_no_response() -> None:
    cells = await play(Target("http://127.0.0.1:9", patience=60.0), questions([Model.parse("m")], ["forbidden"]), None)
    assert [cell.verdict for cell in cells] == [Verdict.SILENCE] * 2


def test_a_model_is_named_by_wire_name_and_alias() -> None:
    assert Model.parse("gpt-4o") == Model("openai", "gpt-4o", "gpt-4o")
    assert Model.parse("anthropic:claude=best") == Model("anthropic", "claude", "best")
