"""The routes of each function under `api/`, one module per function: `routes(site)` builds them from the parts.

A module is imported when its function starts, so what one function needs costs no other its cold start.
"""
