"""How much common stems tell, from texts of several sources: `lib/kv/cache/near/frequent_terms.txt`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from lib.kv.cache.near.terms import RAREST
from lib.kv.cache.near.words import folded, stem, tokens

MOST_TERMS: Final = 1_800
_PER_SOURCE: Final = 0.1
"""A stem counts in at most this share of one source's texts: what they are all about is not common elsewhere."""


def frequent_terms(sources: Mapping[str, Sequence[str]]) -> str:
    """The file: a weight and the stems that have it, by line. Every source counts the same, however long it is."""
    shares: defaultdict[str, float] = defaultdict(float)
    for texts in sources.values():
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update({stem(word) for word in tokens(folded(text)) if word[0].isalpha()})
        most = _PER_SOURCE * len(texts) + 2
        for term, count in counts.items():
            if count > 1:
                shares[term] += min(count, most) / len(texts) / len(sources)
    weights: defaultdict[float, list[str]] = defaultdict(list)
    for term, share in sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:MOST_TERMS]:
        weights[min(RAREST, round(-2 * math.log(share)) / 2)].append(term)
    return "".join(f"{weight:.1f} {' '.join(sorted(terms))}\n" for weight, terms in sorted(weights.items()))
