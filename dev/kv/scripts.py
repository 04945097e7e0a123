"""The one difference in dialect: Upstash's script flag `allow-key-locking`, which no other server knows.

Taking it out changes a script's SHA-1, so the digests that clients know are translated on the way in and out.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from dev.kv.backend import RawCommand, Value

FLAG: Final = b"allow-key-locking"
SHEBANG: Final = re.compile(rb"\A#!lua([^\n]*)")


class ScriptDialect:
    """Rewrites the commands that carry scripts or their digests; the rest passes as it is."""

    def __init__(self, *, keep_shebang: bool) -> None:
        self._keep_shebang = keep_shebang
        self._known: dict[bytes, bytes] = {}
        """The digest a client knows → the digest the server knows."""

    def to_server(self, command: RawCommand) -> RawCommand:
        """The command as the server takes it."""
        name = command[0].upper()
        if name in (b"EVAL", b"EVAL_RO") and len(command) > 1:
            return [command[0], self._script(command[1]), *command[2:]]
        if name in (b"EVALSHA", b"EVALSHA_RO") and len(command) > 1:
            return [command[0], self._digest(command[1]), *command[2:]]
        if name == b"SCRIPT" and len(command) > 2:
            translate = {b"LOAD": self._script, b"EXISTS": self._digest}.get(command[1].upper())
            if translate is not None:
                return [*command[:2], *map(translate, command[2:])]
        return command

    def to_client(self, command: RawCommand, reply: Value) -> Value:
        """The reply to the client's `command`: SCRIPT LOAD answers the digest of what the client sent."""
        if isinstance(reply, bytes) and len(command) > 2 and command[0].upper() == b"SCRIPT":
            return sha1(command[2]) if command[1].upper() == b"LOAD" else reply
        return reply

    def _digest(self, digest: bytes) -> bytes:
        return self._known.get(digest.lower(), digest)

    def _script(self, script: bytes) -> bytes:
        rewritten = SHEBANG.sub(self._first_line, script, count=1)
        if rewritten != script:
            self._known[sha1(script)] = sha1(rewritten)
        return rewritten

    def _first_line(self, line: re.Match[bytes]) -> bytes:
        if not self._keep_shebang:
            return b"--" + line[1]  # a comment, so that line numbers in errors stay right
        flags = [flag for group in re.findall(rb"flags=([\w,-]*)", line[1]) for flag in group.split(b",")]
        kept = b",".join(flag for flag in flags if flag and flag != FLAG)
        return b"#!lua flags=" + kept if kept else b"#!lua"


def sha1(script: bytes) -> bytes:
    """A script's name in EVALSHA."""
    return hashlib.sha1(script, usedforsecurity=False).hexdigest().encode()
