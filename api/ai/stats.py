"""GET /api/ai/stats: usage, cost and latency, for the operator."""

from lib.app import app_for

app = app_for("stats")
