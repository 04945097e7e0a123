"""/api/ai/v1/*: the surfaces that existing clients speak; their base URL is this path."""

from lib.app import app_for

app = app_for("v1")
