"""`python -m dev` serves the whole product on this machine."""

from __future__ import annotations

import os
import sys

from dev.server import run

sys.exit(run(os.environ))
