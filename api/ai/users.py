"""GET and DELETE /api/ai/users/{id}/data, GET …/usage: what is held about a user."""

from lib.app import app_for

app = app_for("users")
