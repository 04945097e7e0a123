"""Operating the product, and what other services call: rows of the description."""

from __future__ import annotations

from typing import Final

from lib.tiers import TIERS
from lib.usage_query import GRANULARITIES, GROUPS
from lib.web.budgets_route import BudgetBody
from lib.web.experiments_route import ExperimentWish
from lib.web.key_bodies import ChangeBody, CreateBody, RotateBody
from lib.web.openapi import reports
from lib.web.openapi.rows import ADMIN, CALLER, READ_ERRORS, Answer, Media, Operation, Parameter, one, one_of
from lib.web.rollout_route import RolloutWish

OPERATION: Final = "Operation"
KEYS: Final = "API keys"
TIER_NAMES: Final = tuple(tier.name for tier in TIERS)
CALLED: Final = "Called by other services"

_ERRORS: Final = (400, 401, 403, 500, 503)
_KEY_ID: Final = Parameter("id", "path", "The key's id.", example="k1")
_MONTH: Final = r"^(20[0-9]{2}-?(0[1-9]|1[0-2]))?$"
_DATE: Final = r"^(20[0-9]{2}-?(0[1-9]|1[0-2])-?(0[1-9]|1[0-9]|2[0-8]))?$"

ADMIN_OPERATIONS: Final = (
    Operation(
        method="get",
        path="/api/ai/health",
        says="What works and what does not; calls no model",
        tag=OPERATION,
        security=(),
        answers=(
            (200, Answer("It can answer.", (Media(reports.Health),))),
            (503, Answer("Nothing can answer.", (Media(reports.Health),))),
        ),
        errors=(500,),
    ),
    Operation(
        method="get",
        path="/api/ai/stats",
        says="Usage: everything for the operator, their own for callers",
        tag=OPERATION,
        security=("admin", *CALLER),
        parameters=(
            Parameter("date", "query", "A day in UTC; today by default.", pattern=_DATE),
            Parameter("month", "query", "A month.", pattern=_MONTH),
            Parameter("model", "query", "A model's day."),
            Parameter("user", "query", "A user's totals and latest requests."),
            Parameter("compare", "query", "Both sides of the rollout.", pattern=r"^(rollout)?$"),
            Parameter("from", "query", "A range's first day or month.", pattern=_DATE),
            Parameter("to", "query", "Its last.", pattern=_DATE),
            Parameter("granularity", "query", "Rows of a range.", pattern=one_of(GRANULARITIES)),
            Parameter("groupBy", "query", "What its rows are split by.", pattern=one_of((*GROUPS, "none"))),
            Parameter("format", "query", "Of a range.", pattern=one_of(("json", "csv"))),
            Parameter("limit", "query", "How many rows of a group.", pattern=r"^([1-9][0-9]{0,2}|1000)?$"),
        ),
        answers=((200, Answer("The totals.", (Media("object"), Media("A row a line", "text/csv")))),),
        errors=_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/admin/requests",
        says="Recent requests one by one, the newest first",
        tag=OPERATION,
        security=ADMIN,
        parameters=(
            Parameter("limit", "query", "How many.", pattern=r"^([1-9][0-9]?|1[0-9]{2}|200)?$"),
            Parameter("before", "query", "`next` of the page before.", pattern=r"^$"),
            Parameter("user", "query", "Only this user's."),
            Parameter("person", "query", "Only this user's, by the hash that records hold."),
            Parameter("model", "query", "Only those of a model."),
            Parameter("error", "query", "Only those that failed so; `any` for all that failed."),
            Parameter("tag", "query", "Only those with a tag."),
            Parameter("key", "query", "Only those of an API key."),
        ),
        answers=((200, Answer("A page of them.", (Media("object"),))),),
        errors=_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/admin/budgets",
        says="What budgets stand at: the deployment's and the tiers', and a user's or a key's where named",
        tag=OPERATION,
        security=ADMIN,
        parameters=(
            Parameter("user", "query", "Also this user's."),
            Parameter(
                "tier",
                "query",
                "The tier whose budget the user has; the lowest by default.",
                pattern=one_of(TIER_NAMES),
            ),
            Parameter("key", "query", "Also this API key's.", pattern=r"^$"),
        ),
        answers=((200, Answer("Spent, held and limit of each; the tiers' limits; what was set.", (Media("object"),))),),
        errors=(*_ERRORS, 404),
    ),
    Operation(
        method="put",
        path="/api/ai/admin/budgets",
        says="Set a budget; without amounts, take away what was set",
        tag=OPERATION,
        security=ADMIN,
        body=(Media(BudgetBody),),
        answers=((200, Answer("What is set now.", (Media("object"),))),),
        errors=(*_ERRORS, 404, 413),
    ),
    Operation(
        method="get",
        path="/api/ai/admin/metrics",
        says="Today's totals by model and the models' states, for Prometheus",
        tag=OPERATION,
        security=ADMIN,
        answers=((200, Answer("Prometheus' text format, 0.0.4.", (Media("string", "text/plain"),))),),
        errors=_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/admin/alerts",
        says="What has been noticed, the newest first, and who was told",
        tag=OPERATION,
        security=ADMIN,
        parameters=(Parameter("limit", "query", "How many.", pattern=r"^([1-9][0-9]?|[1-4][0-9]{2}|500)?$"),),
        answers=((200, Answer("Alerts and their deliveries.", (Media("object"),))),),
        errors=_ERRORS,
    ),
    Operation(
        method="post",
        path="/api/ai/admin/alerts",
        says="Raise an alert that tries the channels",
        tag=OPERATION,
        security=ADMIN,
        answers=((200, Answer("The alert and its deliveries.", (Media("object"),))),),
        errors=_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/admin/experiments",
        says="Experiments with the cache, and what they have shown",
        tag=OPERATION,
        security=ADMIN,
        answers=((200, Answer("Each with its arms.", (Media("object"),))),),
        errors=_ERRORS,
    ),
    Operation(
        method="put",
        path="/api/ai/admin/experiments",
        says="Begin an experiment, or begin the one of that name anew",
        tag=OPERATION,
        security=ADMIN,
        body=(Media(ExperimentWish),),
        answers=((200, Answer("All that are on now.", (Media("object"),))),),
        errors=(*_ERRORS, 409, 413),
    ),
    Operation(
        method="delete",
        path="/api/ai/admin/experiments",
        says="End an experiment",
        tag=OPERATION,
        security=ADMIN,
        parameters=(Parameter("name", "query", "Which one.", pattern=r"^$"),),
        answers=((200, Answer("Those that are left.", (Media("object"),))),),
        errors=(*_ERRORS, 404, 409),
    ),
    Operation(
        method="get",
        path="/api/ai/admin/rollout",
        says="How far the rollout of /api/chat has come",
        tag=OPERATION,
        security=ADMIN,
        answers=one("All that is known about it.", reports.Rollout),
        errors=_ERRORS,
    ),
    Operation(
        method="put",
        path="/api/ai/admin/rollout",
        says="Set it; what is not named stays",
        tag=OPERATION,
        security=ADMIN,
        body=(Media(RolloutWish),),
        answers=one("As it is now.", reports.Rollout),
        errors=(*_ERRORS, 413),
    ),
    Operation(
        method="get",
        path="/api/ai/test-rate-limit",
        says="Try the limiter; off in production",
        tag=OPERATION,
        answers=(
            (200, Answer("There was room.", (Media(reports.TestedLimit),))),
            (429, Answer("There was none.", (Media(reports.TestedLimit),))),
        ),
        errors=READ_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/test-cache",
        says="Try the store; off in production",
        tag=OPERATION,
        answers=one("What it reports.", reports.TestedCache),
        errors=READ_ERRORS,
    ),
    Operation(
        method="get",
        path="/api/ai/openapi.json",
        says="This description",
        tag=OPERATION,
        security=(),
        answers=((200, Answer("An OpenAPI document.", (Media("object"),))),),
        errors=(404, 500),
    ),
)

KEY_OPERATIONS: Final = (
    Operation(
        method="get",
        path="/api/ai/admin/keys",
        says="Keys, the newest first",
        tag=KEYS,
        security=ADMIN,
        parameters=(
            Parameter("user", "query", "Only this user's."),
            Parameter("cursor", "query", "Of the page before.", pattern=r"^$"),
        ),
        answers=one("A page of them.", reports.ApiKeyPage),
        errors=_ERRORS,
    ),
    Operation(
        method="post",
        path="/api/ai/admin/keys",
        says="A new key for a user",
        tag=KEYS,
        security=ADMIN,
        body=(Media(CreateBody),),
        answers=((201, Answer("The key; its secret is never shown again.", (Media(reports.IssuedKey),))),),
        errors=(*_ERRORS, 413),
    ),
    Operation(
        method="get",
        path="/api/ai/admin/keys/{id}",
        says="One key",
        tag=KEYS,
        security=ADMIN,
        parameters=(_KEY_ID,),
        answers=one("The key.", reports.ApiKey),
        errors=(*_ERRORS, 404),
    ),
    Operation(
        method="patch",
        path="/api/ai/admin/keys/{id}",
        says="Give a key other terms",
        tag=KEYS,
        security=ADMIN,
        parameters=(_KEY_ID,),
        body=(Media(ChangeBody),),
        body_required=False,
        answers=one("The key.", reports.ApiKey),
        errors=(*_ERRORS, 404, 409, 413),
    ),
    Operation(
        method="delete",
        path="/api/ai/admin/keys/{id}",
        says="Revoke a key for good",
        tag=KEYS,
        security=ADMIN,
        parameters=(_KEY_ID,),
        answers=one("The key.", reports.ApiKey),
        errors=(*_ERRORS, 404),
    ),
    Operation(
        method="post",
        path="/api/ai/admin/keys/{id}/rotate",
        says="A new secret, beside which the old one stays valid for a while",
        tag=KEYS,
        security=ADMIN,
        parameters=(_KEY_ID,),
        body=(Media(RotateBody),),
        body_required=False,
        answers=one("The key with its new secret.", reports.IssuedKey),
        errors=(*_ERRORS, 404, 409, 413),
    ),
)

HOOK_OPERATIONS: Final = (
    Operation(
        method="post",
        path="/api/ai/hooks/stripe",
        says="A subscription event of Stripe's",
        tag=CALLED,
        security=("stripe",),
        body=(Media("object"),),
        answers=((200, Answer("It is taken, or none of ours.", (Media("object"),))),),
        errors=(400, 401, 404, 413, 500, 503),
    ),
    Operation(
        method="post",
        path="/api/ai/hooks/queue",
        says="The queue's call to go on with a durable batch",
        tag=CALLED,
        security=("queue",),
        body=(Media("object"),),
        answers=((200, Answer("A slice of it is done.", (Media("object"),))),),
        errors=(400, 401, 404, 413, 500, 503),
    ),
    Operation(
        method="get",
        path="/api/ai/cron",
        says="What is to be done from time to time",
        tag=CALLED,
        security=("cron",),
        answers=((200, Answer("What was done.", (Media("object"),))),),
        errors=(401, 404, 500, 503),
    ),
)
