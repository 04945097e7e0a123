"""API keys from the command line: `python -m dev.keys`."""
