"""/api/chat: the old route, answered by this product for a share of the users."""

from lib.app import app_for

app = app_for("rollout")
