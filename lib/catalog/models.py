"""Every model that can serve. A new model is one row in its vendor's module, or in `GATEWAY_MODELS`.

`quality` and `speed` are this product's own first ranking, by price class and family. A model that costs more than
the one a limit class is named after counts in that class too, or the limit could be sidestepped upwards.
"""

from __future__ import annotations

from typing import Final

from lib.catalog import models_anthropic, models_google, models_openai, models_others
from lib.catalog.rows import ModelRow

MODELS: Final[tuple[ModelRow, ...]] = (
    models_openai.MODELS + models_anthropic.MODELS + models_google.MODELS + models_others.MODELS
)
