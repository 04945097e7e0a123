"""POST /api/ai/route: which model would answer, and why."""

from lib.app import app_for

app = app_for("route")
