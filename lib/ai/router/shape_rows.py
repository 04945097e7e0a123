"""Verbs with their objects, and what code, tables, formulas and word problems look like."""

from __future__ import annotations

import re
from typing import Final

from lib.ai.plan import Task
from lib.ai.router.cue_rows import LANGUAGES
from lib.ai.router.rows import PairRow, ShapeRow, words

PAIRS: Final[tuple[PairRow, ...]] = (
    PairRow(
        task=Task.CREATIVE_WRITING,
        weight=3.5,
        verbs=words("write writing compose craft draft create make tell generate invent pen need want rewrite"),
        objects=words(
            "story stories poem song lyrics essay blog article novel scene dialogue monologue haiku limerick tale "
            "fiction letter email mail post tweet speech caption ad advertisement rap slogan newsletter bio "
            "description biography fanfic review sonnet ballad screenplay eulogy toast chapter comedy sketch "
            "podcast skit verse names prose plot episode fable narrative press pitch campaign copy greeting "
            "invitation"
        ),
    ),
    PairRow(
        task=Task.CODE_GENERATION,
        weight=3.5,
        verbs=words(
            "write create implement make develop give generate need build fix debug optimize refactor convert add"
        ),
        objects=words(
            "function functions script program code class query app application api bot regex website webpage "
            "component method parser scraper endpoint module algorithm loop game macro server plugin extension "
            "subroutine test tests page"
        ),
        within=8,
    ),
    PairRow(
        task=Task.DATA_ANALYSIS,
        weight=2.5,
        verbs=words(
            "calculate find identify compute determine check explore analyze analyse perform plot visualize create show"
        ),
        objects=words(
            "column columns dataset outliers correlation mean median distribution deviation data values feature "
            "variables"
        ),
        within=12,
    ),
)

SHAPES: Final[tuple[ShapeRow, ...]] = (
    ShapeRow(
        task=Task.CODE_GENERATION,
        weight=2.6,
        pattern=re.compile(
            r"```|\bdef \w+\(|#include|^\s{0,8}import \w|\bpublic (?:static|class|int|void)\b|</\w|=> ?\{|\{\s{0,3}$"
            r"|;\s{0,3}$|\bconsole\.log|\bSELECT\b[^;]{1,80}\bFROM\b|>>> |\breturn \w|\bvoid \w+\(|\bfor \(",
            re.MULTILINE,
        ),
    ),
    ShapeRow(
        task=Task.DATA_ANALYSIS,
        weight=4.0,
        pattern=re.compile(
            r"^\|?[^|\n]{1,60}\|[^|\n]{1,60}\||^\"?[^,\n]{1,40},[^,\n]{0,40},[^,\n]{0,40},\S|^[^\t\n]{1,40}\t[^\t\n]{1,40}\t",
            re.MULTILINE,
        ),
    ),
    ShapeRow(
        task=Task.COMPLEX_REASONING,
        weight=1.8,
        pattern=re.compile(
            r"\$[^$\n]{1,80}\$|\\(?:frac|sum|sqrt|int|leq?|geq?|cdots?|begin|overline|angle|text|pmod)\b"
            r"|\d\s?[+*/=^×÷]\s?\d|\bx\^2|\d\s?%|\$\d"
        ),
    ),
    ShapeRow(task=Task.COMPLEX_REASONING, weight=1.6, pattern=re.compile(r"\b\d{1,3}\b"), least=3, beside="?"),
    # Words of medicine and biology by their endings.
    ShapeRow(
        task=Task.SCIENTIFIC_RESEARCH,
        weight=1.5,
        pattern=re.compile(
            r"\b[a-z]{3,20}(?:itis|osis|a?emia|ectomy|opathy|omas?|ergic|cytes?|kinase|toxicity|plasty|oscopy|genesis"
            r"|otrophic|iferation|scopic|therapeutic|peptides?|amines?|steroids?)\b",
            re.IGNORECASE,
        ),
    ),
    ShapeRow(
        task=Task.TRANSLATION,
        weight=4.0,
        pattern=re.compile(rf"(?:->|→) ?(?:{LANGUAGES.replace(' ', '|')})\b", re.IGNORECASE),
    ),
)
