"""The one TLS policy of all that leaves the process."""

from __future__ import annotations

import ssl


def default_tls() -> ssl.SSLContext:
    """A verifying context that does not depend on where the platform keeps its certificates (20 ms to make)."""
    import certifi

    context = ssl.create_default_context(cafile=certifi.where())
    paths = ssl.get_default_verify_paths()
    if paths.cafile and paths.cafile != paths.openssl_cafile:
        context.load_verify_locations(paths.cafile)  # the environment names an authority of its own
    return context
