"""Models, providers and prices."""

from lib.catalog.catalog import Catalog, Resolution
from lib.catalog.pricing import Cost, PriceBook
from lib.catalog.rows import ModelRow, ParamRules, PriceRow, Protocol, ProviderRow, Rate

__all__ = [
    "Catalog",
    "Cost",
    "ModelRow",
    "ParamRules",
    "PriceBook",
    "PriceRow",
    "Protocol",
    "ProviderRow",
    "Rate",
    "Resolution",
]
