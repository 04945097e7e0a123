"""What is worth an alert: models, budgets, unusual hours, models that retire."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from typing import Final

import orjson
import pytest

from lib.ai.alerts.alert import RETRY_SECONDS, Alert, Delivery, Raised, Severity, State, decode, encode
from lib.ai.alerts.anomalies import HourFigures, Hours, error_alert, spend_alert, wilson_low
from lib.ai.alerts.budget_news import budget_alert, used_up
from lib.ai.alerts.health_news import news_of
from lib.ai.alerts.retirement import Listed, read_listing, retirement_alert, vanished
from lib.ai.health import Verdict
from lib.answer import Health
from lib.catalog.models import MODELS
from lib.errors import BudgetExceeded, SpentBudget
from lib.kv.spending import Standing
from tests.support.alerts import an_alert

GPT: Final = next(row for row in MODELS if row.id == "openai/gpt-4o")
NOW: Final = 500_000
FLOOR: Final = 5_000_000


def kinds(*alerts: Alert | None) -> list[str]:
    return [alert.kind for alert in alerts if alert]


def told(verdict: Verdict, before: Health) -> tuple[Health, str] | None:
    news = news_of("openai/gpt-4o", verdict, before)
    return (news[0], news[1].kind) if news else None


DOWN: Final = Verdict(Health.DOWN, "circuit open", 0, 5)
HALF_OPEN: Final = Verdict(Health.DEGRADED, "circuit half-open", 0, 5)
DEGRADED: Final = Verdict(Health.DEGRADED, "3 of 20 failed", 17, 3)
HEALTHY: Final = Verdict(Health.HEALTHY, "1 request", 1, 0)


@pytest.mark.parametrize(
    ("verdict", "before", "expected"),
    [
        (DOWN, Health.HEALTHY, (Health.DOWN, "model_down")),
        (DOWN, Health.DEGRADED, (Health.DOWN, "model_down")),
        (DEGRADED, Health.HEALTHY, (Health.DEGRADED, "model_degraded")),
        (HEALTHY, Health.DOWN, (Health.HEALTHY, "model_recovered")),
        (HEALTHY, Health.DEGRADED, (Health.HEALTHY, "model_recovered")),
        (DOWN, Health.DOWN, None),
        (HEALTHY, Health.HEALTHY, None),
        (HALF_OPEN, Health.DOWN, None),
        (DEGRADED, Health.DOWN, None),
        (Verdict(Health.DEGRADED, "1 of 6 failed", 5, 1), Health.HEALTHY, None),
        (Verdict(Health.HEALTHY, "no requests", 0, 0), Health.DOWN, None),
    ],
)
def test_a_model_is_told_of_when_it_gets_worse_and_when_it_is_well(
    verdict: Verdict, before: Health, expected: tuple[Health, str] | None
) -> None:
    assert told(verdict, before) == expected


def budget(spent: int, limit: int = 1_000_000, scope: str = "deployment") -> Standing:
    return Standing(scope=scope, name="ab", period="day", stamp="20261124", spent=spent, limit=limit)


@pytest.mark.parametrize(
    ("spent", "mark"),
    [(0, 0), (799_999, 0), (800_000, 80), (899_999, 80), (900_000, 90), (999_999, 90), (1_000_000, 100), (9**9, 100)],
)
def test_a_budget_is_told_of_at_its_highest_mark(spent: int, mark: int) -> None:
    alert = budget_alert(budget(spent))
    assert (alert is not None) == bool(mark)
    assert alert is None or alert.subject.startswith(f"{mark} %")


def test_each_mark_of_each_period_is_an_alert_of_its_own() -> None:
    states = [budget(800_000), budget(900_000), replace(budget(800_000), stamp="20261125"), budget(800_000, scope="x")]
    assert len({alert.once for state in states if (alert := budget_alert(state))}) == 4


def test_no_limit_has_no_marks() -> None:
    assert budget_alert(budget(5, limit=0)) is None


@pytest.mark.parametrize(("scope", "personal"), [("user", True), ("key", True), ("deployment", False)])
def test_budgets_of_single_users_wait_for_the_digest_unless_wished_otherwise(scope: str, *, personal: bool) -> None:
    state = budget(1_000_000, scope=scope)
    usual, now = budget_alert(state, "cd"), budget_alert(state, "cd", "now")
    assert usual
    assert now
    assert (usual.later, now.later, budget_alert(state, "cd", "off") is None) == (personal, False, personal)
    assert usual.person == ("cd" if personal else "")


def refusal(spent: int, held: int, retry_after: float | None = None) -> BudgetExceeded:
    return BudgetExceeded("no", budget=SpentBudget("key", "month", 100, spent, held, "then"), retry_after=retry_after)


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (refusal(95, 0), True),
        (refusal(95, 20), False),
        (refusal(95, 0, retry_after=5.0), False),
        (refusal(10, 0), False),
        (BudgetExceeded("no"), False),
        (None, False),
    ],
)
def test_a_budget_counts_as_used_up_when_a_request_is_refused_for_the_little_that_is_left(
    error: Exception | None, *, gone: bool
) -> None:
    standing = used_up(error, {"key": "k1", "user": "ab"}, 1_795_521_600.0)
    assert (standing is not None) == gone
    alert = budget_alert(standing, "ab", refused=True) if standing else None
    assert alert is None or alert.once == "budget key k1 month 202611 100"


def simulated(seed: int, per_hour: float, *, error_rate: float = 0.02) -> Hours:
    """Three weeks of traffic with a day's rhythm; few requests an hour, some of them dear."""
    chance = random.Random(seed)
    figures: dict[int, HourFigures] = {}
    for hour in range(NOW - 21 * 24, NOW):
        mean = per_hour * (1.5 if 8 <= hour % 24 < 20 else 0.5)
        served = sum(chance.random() < mean / 400 for _ in range(400))
        errors = sum(chance.random() < error_rate for _ in range(served))
        cost = sum(int(chance.lognormvariate(9.5, 1.2)) for _ in range(served))
        figures[hour] = HourFigures(served, errors, cost)
    return Hours(figures)


@pytest.mark.parametrize("per_hour", [0.3, 3, 30])
def test_a_fortnight_of_usual_traffic_raises_nothing(per_hour: float) -> None:
    for seed in range(8):
        hours = simulated(seed, per_hour)
        for hour in range(NOW - 14 * 24, NOW):
            assert kinds(error_alert(hours, hour), spend_alert(hours, hour, FLOOR)) == []


def test_little_traffic_raises_nothing_whatever_fails() -> None:
    hours = Hours({NOW: HourFigures(served=19, errors=19)})
    assert error_alert(hours, NOW) is None
    assert error_alert(Hours({NOW: HourFigures(served=200, errors=4)}), NOW) is None


@pytest.mark.parametrize(
    ("served", "errors", "usual", "expected"),
    [
        (60, 24, 0.02, 1),
        (60, 24, 0.30, 0),
        (1_000, 60, 0.02, 0),
        (1_000, 120, 0.02, 1),
        (20, 5, 0.0, 1),
        (20, 5, 0.05, 0),
    ],
)
def test_an_hour_in_which_more_fails_than_the_day_before_is_told(
    served: int, errors: int, usual: float, expected: int
) -> None:
    before = {NOW - n: HourFigures(100, round(100 * usual)) for n in range(1, 25)}
    assert len(kinds(error_alert(Hours(before | {NOW: HourFigures(served, errors)}), NOW))) == expected


def test_the_present_bad_hour_does_not_hide_behind_itself() -> None:
    assert kinds(error_alert(Hours({NOW: HourFigures(100, 60)}), NOW)) == ["error_rate"]


@pytest.mark.parametrize(("part", "whole", "low"), [(0, 0, 0.0), (0, 50, 0.0), (50, 100, 0.404), (100, 100, 0.963)])
def test_the_lower_end_of_wilsons_interval(part: int, whole: int, low: float) -> None:
    assert wilson_low(part, whole, z=1.96) == pytest.approx(low, abs=0.001)


def spending(usual: int, present: int, days: int = 7) -> Hours:
    before = {NOW - 24 * n + d: HourFigures(10, 0, usual) for n in range(1, days + 1) for d in (-1, 0, 1)}
    return Hours(before | {NOW: HourFigures(10, 0, present)})


@pytest.mark.parametrize(
    ("usual", "present", "days", "expected"),
    [
        (4_000_000, 13_000_000, 7, 1),
        (4_000_000, 12_000_000, 7, 0),
        (100, 4_999_999, 7, 0),
        (100, 5_000_001, 7, 1),
        (4_000_000, 90_000_000, 3, 0),
        (0, 90_000_000, 7, 0),
    ],
)
def test_an_hour_that_costs_far_more_than_usual_at_this_time_is_told(
    usual: int, present: int, days: int, expected: int
) -> None:
    assert len(kinds(spend_alert(spending(usual, present, days), NOW, FLOOR))) == expected


def test_one_dear_hour_of_the_week_before_is_dear_enough_for_another() -> None:
    hours = spending(1_000_000, 9_000_000)
    dear = Hours({**hours.figures, NOW - 48: HourFigures(10, 0, 9_000_000)})
    assert kinds(spend_alert(hours, NOW, FLOOR), spend_alert(dear, NOW, FLOOR)) == ["spend"]


@pytest.mark.parametrize(
    ("today", "mark"),
    [
        (date(2026, 12, 14), None),
        (date(2026, 12, 15), 30),
        (date(2027, 1, 6), 30),
        (date(2027, 1, 7), 7),
        (date(2027, 1, 12), 7),
        (date(2027, 1, 13), 1),
        (date(2027, 1, 14), 0),
        (date(2027, 3, 1), 0),
    ],
)
def test_a_model_is_told_of_30_7_and_1_days_before_its_date_and_on_it(today: date, mark: int | None) -> None:
    alert = retirement_alert(GPT, today)
    assert (alert.once.split()[-1] if alert else None) == (None if mark is None else str(mark))


def test_a_model_without_a_date_does_not_retire() -> None:
    assert retirement_alert(replace(GPT, retires=None), date(2030, 1, 1)) is None


LISTING: Final = orjson.dumps(
    {
        "object": "list",
        "data": [
            {"id": "gpt-4o-2024-08-06"},
            {"id": "models/Gemini"},
            {"id": "opus-mini"},
            {"id": "o@20250929"},
            {},
            3,
        ],
    }
)


def test_a_list_has_a_model_by_its_name_its_dated_name_and_googles() -> None:
    listed = read_listing(LISTING)
    assert listed
    assert [listed.has(name) for name in ("gpt-4o", "gemini", "GPT-4o", "gpt-4", "o", "opus")] == [
        *(True, True, True, False, True, False)
    ]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"3", b"{}", b'{"data": 3}', b'{"data": []}', b'{"data": [{}]}']
)
def test_what_is_no_list_of_models_says_nothing(body: bytes) -> None:
    assert read_listing(body) is None


def test_a_model_has_vanished_if_it_was_there_before_and_the_list_is_whole() -> None:
    other = Listed(frozenset({"gpt-9"}), whole=True)
    assert kinds(*vanished([GPT], {GPT.id}, other)) == ["model_gone"]
    assert not vanished([GPT], set(), other)
    assert not vanished([GPT], {GPT.id}, replace(other, whole=False))
    assert not vanished([GPT], {GPT.id}, Listed(frozenset({"gpt-4o"}), whole=True))


def test_what_is_kept_of_an_alert_reads_back() -> None:
    raised = Raised("alert_1", 5.25, an_alert(person="ab", later=True), (Delivery("email", State.FAILED, 2, "no"),))
    assert decode(encode(raised)) == raised


@pytest.mark.parametrize(
    "text", ["", "3", "{}", '{"id": "x"}', encode(Raised("a", 1.0, an_alert())).replace("warning", "x")]
)
def test_what_is_no_alert_is_passed_over(text: str) -> None:
    assert decode(text) is None


def test_a_delivery_is_tried_six_times_with_rising_waits() -> None:
    raised, waits = Raised("a", 0.0, an_alert(), (Delivery("email"), Delivery("slack"))), list[int]()
    raised = raised.told({"email": "no", "slack": ""})
    while (wait := raised.due_in) is not None:
        waits.append(wait)
        raised = raised.told({"email": "no"})
    assert tuple(waits) == RETRY_SECONDS == tuple(sorted(RETRY_SECONDS))
    assert [(d.channel, d.state, d.tries) for d in raised.deliveries] == [
        ("email", State.FAILED, 6),
        ("slack", State.DELIVERED, 1),
    ]


def test_the_worst_is_the_last_mark_of_a_budget_that_is_not_one_users() -> None:
    alert = budget_alert(budget(1_000_000))
    assert alert
    assert alert.severity is Severity.CRITICAL
