"""GET /api/ai/health: whether the product can answer, and how its parts do. Never calls a model."""

from lib.app import app_for

app = app_for("health")
