"""Answers of every route that the dashboard reads, with a text of the test's choice in each field a caller controls."""

from __future__ import annotations

from typing import Final

from lib.contract import JsonObject

XSS: Final = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    '"><svg onload=window.pwned=1>',
    "'><iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "javascript:window.pwned=1",
    "</textarea><script>window.pwned=1</script>",
    "<a href=javascript:window.pwned=1 autofocus onfocus=window.pwned=1>x</a>",
    "{{constructor.constructor('window.pwned=1')()}}${window.pwned=1}",
    "<style>*{display:none}</style>",
    "<form action=//evil.example><button autofocus>x</button></form>",
    "<base href=//evil.example/><link rel=stylesheet href=//evil.example/x.css>",
    "__proto__",
    "&lt;b&gt;&#60;script&#62;",
    "\u202egnp.exe\u202c \u0000\u2028\u2029 \U0001f600",
)
"""Texts that have run, or broken something, on pages that took them for more than text."""
DAY: Final = "2026-11-24"


def figures(requests: int = 40) -> JsonObject:
    """Totals as stats shows them."""
    return {
        "totalRequests": requests,
        "totalTokens": 9_000,
        "totalCost": 1.5,
        "totalCostMicroUsd": 1_500_000,
        "wastedCostMicroUsd": 0,
        "savedCost": 0.25,
        "savedCostMicroUsd": 250_000,
        "savedByCache": 0.2,
        "savedByDedup": 0.05,
        "savedByRouting": 0.4,
        "cacheHits": 10,
        "cacheHitRate": 0.25,
        "duplicates": 2,
        "errors": 1,
        "errorRate": 0.025,
        "refused": 0,
        "latency": {"averageMs": 700, "p50Ms": 600, "p95Ms": 1_900, "p99Ms": 2_500},
    }


def rows(by: str, name: str) -> JsonObject:
    """A range of one row."""
    return {"rows": [{"period": f"{DAY}T14:00Z", by: name, **figures()}, {"period": DAY, by: name, **figures()}]}


def request_of(text: str) -> JsonObject:
    """One recent request."""
    return {
        "requestId": text,
        "timestamp": 1_795_530_000.0,
        "kind": "error",
        "model": text,
        "modelRequested": text,
        "task": text,
        "tier": text,
        "user": text,
        "inputTokens": 10,
        "outputTokens": 5,
        "cachedInputTokens": 0,
        "reasoningTokens": 0,
        "cost": 0.01,
        "saved": 0.0,
        "latencyMs": 900,
        "firstTokenMs": 90,
        "attempts": 1,
        "fallback": True,
        "error": text,
        "status": 503,
        "tags": [text],
        "keyId": text,
        "arm": text,
        "routing": text,
        "costSplit": {"answer": 0.0, "wasted": 0.01},
        "tries": [{"model": text, "outcome": text, "status": 503, "ms": 900, "cost": 0.01}],
    }


def documents(text: str) -> dict[str, JsonObject | int]:
    """By route, as `MadeUp` takes them."""
    model: JsonObject = {"status": text, "reason": text, "circuit": text, "requests": 4, "errorRate": 0.5}
    side: JsonObject = {"requests": 5, "errors": 1, "errorRate": 0.2}
    return {
        "health": {"status": text, "version": text, "kv": {"available": False, "error": text}, "models": {text: model}},
        "stats": {"date": DAY, **figures()},
        "stats by model": rows("model", text),
        "stats by none": rows("none", text),
        "stats by user": rows("user", text),
        "stats by rollout": {"date": DAY, "new": figures(), "old": figures()},
        "requests": {"requests": [request_of(text)], "next": text},
        "budgets": {"budgets": [{"scope": text, "name": text, "period": text, "spentUsd": 4.0, "limitUsd": 5.0}]},
        "alerts": {
            "alerts": [
                {
                    "at": 1_795_530_000.0,
                    "kind": text,
                    "severity": text,
                    "subject": text,
                    "text": text,
                    "deliveries": [{"channel": text, "state": text, "tries": 1, "error": text}],
                }
            ]
        },
        "rollout": {
            "percent": 10,
            "changedAt": 1_795_530_000.0,
            "autoRollback": {"enabled": True, "marginPercent": 5, "minRequests": 100},
            "lastRollback": {"at": 1_795_530_000.0, "fromPercent": 20, "reason": text},
            "lately": {"seconds": 3600, "new": side, "old": side},
        },
        "experiments": {
            "enabled": True,
            "experiments": [
                {
                    "name": text,
                    "conclusion": text,
                    "arms": [
                        {
                            "name": text,
                            "requests": 3,
                            "hitRate": 0.5,
                            "hitRateInterval": [0.1, 0.9],
                            "near": {"note": text},
                        }
                    ],
                }
            ],
        },
        "keys": {
            "keys": [
                {"prefix": text, "name": text, "userId": text, "status": text, "tier": text, "tags": [text]},
            ],
            "cursor": text,
        },
    }
