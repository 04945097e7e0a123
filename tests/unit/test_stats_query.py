"""What may be asked of /api/ai/stats over a range, and which parameter an error names."""

from __future__ import annotations

import pytest

from lib.errors import InvalidRequest
from lib.usage_query import ALL, UsageQuery
from lib.web.stats_query import usage_query
from tests.support.clock import START


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, UsageQuery(first="20261026", last="20261124")),
        ({"granularity": "hour"}, UsageQuery(first="20261124", last="20261124", granularity="hour")),
        ({"granularity": "month"}, UsageQuery(first="20251229", last="20261124", granularity="month")),
        ({"from": "2026-02", "to": "2026-02"}, UsageQuery(first="20260201", last="20260228")),
        (
            {"from": "20261101", "to": "2026-11-03", "groupBy": "user", "limit": "7"},
            UsageQuery(first="20261101", last="20261103", group_by="user", most=7),
        ),
        ({"groupBy": "none", "from": "", "limit": ""}, UsageQuery(first="20261026", last="20261124", group_by=ALL)),
    ],
)
def test_what_is_not_said_has_a_default(asked: dict[str, str], expected: UsageQuery) -> None:
    assert usage_query(asked, START, "") == expected


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"to": "2026-13"}, "to"),
        ({"to": "２026-11-24"}, "to"),
        ({"from": "2026-11-25", "to": "2026-11-24"}, "from"),
        ({"from": "2024-01-01"}, "from"),
        ({"from": "2026-10-01", "granularity": "hour"}, "from"),
        ({"from": "2026-10-01", "groupBy": "user"}, "from"),
        ({"from": "2020-01", "granularity": "month"}, "from"),
        ({"granularity": "week"}, "granularity"),
        ({"granularity": "hour", "groupBy": "user"}, "granularity"),
        ({"granularity": "hour", "groupBy": "key"}, "granularity"),
        ({"groupBy": "colour"}, "groupBy"),
        ({"groupBy": "all"}, "groupBy"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"limit": "9" * 5_000}, "limit"),
    ],
)
def test_an_error_names_its_parameter(asked: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        usage_query(asked, START, "")
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("asked", "param"), [({"groupBy": "model"}, "groupBy"), ({"granularity": "hour"}, "granularity")]
)
def test_one_users_usage_has_no_groups_and_no_hours(asked: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        usage_query(asked, START, "u1")
    assert caught.value.param == param
