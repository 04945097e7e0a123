"""The customer's own field, mushroom cultivation and mycology: such prompts go to the customer's own model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lib.ai.router.rows import listed, words
from lib.ai.router.sample import Sample

ENOUGH_HITS: Final = 2


@dataclass(frozen=True, slots=True)
class Domain:
    """A field of knowledge and the model made for it. One strong word decides, or two different weak ones."""

    name: str
    model: str
    strong: frozenset[str]
    weak: frozenset[str]
    strong_marks: tuple[str, ...] = ()
    """Looked for inside the text, for scripts without spaces and words with many endings."""

    def hits(self, sample: Sample) -> tuple[str, ...]:
        """The words that decide, in alphabetical order; empty when the prompt is not of this field."""
        present = set(sample.words)
        strong = sorted(present & self.strong) + [mark for mark in self.strong_marks if mark in sample.lowered]
        weak = sorted(present & self.weak)
        if strong or len(weak) >= ENOUGH_HITS:
            return (*strong, *weak)
        return ()


MYCOLOGY: Final = Domain(
    name="cultivation and mycology",
    model="crowelogic/mini",
    strong=words(
        "agaricus basidiomycete basidiomycetes basidiospores chanterelle chanterelles cordyceps crowelogic enoki "
        "ganoderma hericium hyphae hyphal lentinula maitake monotub mycelia mycelial mycelium mycologist mycology "
        "mycorrhiza mycorrhizal pleurotus primordia psilocybe reishi shiitake"
    ),
    weak=words(
        "agar autoclave casing colonization colonize compost contamination cultivate cultivation flush flushes "
        "fruiting fungal fungi fungus grower inoculate inoculated inoculation lions mane morel mushroom mushrooms "
        "oyster pinning sawdust spawn spore spores sterilize substrate trichoderma truffle"
    ),
    strong_marks=listed("菌丝 | 食用菌 | 蘑菇栽培 | 菌糸 | мицели | myzel | pilzzucht | micelio | champignonnière"),
)
"""Weak words have everyday meanings too (`oyster`, `flush`, `spawn`), so one alone says nothing."""
