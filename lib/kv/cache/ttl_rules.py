"""Lifetime rules as rows: what a prompt or an answer shows about how soon it goes stale.

Texts are lower case with single blanks when they are matched. No pattern has nested or overlapping repetition, so
matching is linear. The first rule that matches a prompt decides; of an answer's rules too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class TtlClass(StrEnum):
    """How long an answer stays true."""

    TIME_SENSITIVE = "time_sensitive"
    GENERAL = "general"
    FACTUAL = "factual"


@dataclass(frozen=True, slots=True)
class TtlRule:
    """One row. `seconds` overrides the class's lifetime."""

    name: str
    kind: TtlClass
    pattern: re.Pattern[str]
    seconds: int | None = None


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(alternatives) + r")\b")


_UNIT: Final = "(?:week|weekend|month|year|season|quarter|morning|afternoon|evening|summer|winter|spring|autumn|fall)"
_OFFICE: Final = (
    "(?:president|prime minister|ceo|cfo|cto|king|queen|governor|mayor|chancellor|minister|coach|manager|captain|owner"
    "|head|leader|speaker|chief|director|senator|champion|host|hosts|pope|secretary|chairman|chairperson|ambassador)"
)

PROMPT_RULES: Final = (
    TtlRule(
        "pricing",
        TtlClass.TIME_SENSITIVE,
        _words(
            "prices?|pricing|costs?|cheap(?:er|est)?|discounts?|coupons?|deals?|in stock|for sale|on sale",
            "subscriptions?|fees?|tuition|salary|salaries|wages?|how much (?:is|are) (?:a|an|the|one|it)",
            "exchange rate|net worth|preis|preise|kostet|kosten|prix|coûte|precio|precios|cuesta|cuánto vale",
        ),
    ),
    TtlRule(
        "pricing_east",
        TtlClass.TIME_SENSITIVE,
        re.compile("价格|價格|多少钱|多少錢|股价|股價|汇率|匯率|値段|いくら"),
    ),
    TtlRule(
        "weather",
        TtlClass.TIME_SENSITIVE,
        re.compile(
            r"\b(?:weather|forecast|will it (?:rain|snow)|is it (?:raining|snowing|cold|hot|sunny)|humidity in"
            r"|temperature (?:in|outside|at)|wetter|wettervorhersage|météo|qué tiempo hace|clima en|el clima)\b"
            "|天气|天氣|気温"
        ),
        3_600,
    ),
    TtlRule(
        "now",
        TtlClass.TIME_SENSITIVE,
        _words(
            "today|today's|tonight|tomorrow|yesterday|now|right now|currently|current|at the moment|at present",
            "presently|'s next|since|(?:'s|his|her|their|its) last|(?:when|who|what|where) will",
            "last (?:concert|game|match|album|film|movie|tour|fight|song|race|goal|single)",
            f"this {_UNIT}|this {_UNIT}'s|last {_UNIT}|last night|last time|next {_UNIT}|(?:the|is|are) next",
            "latest|most recent|most recently|recent|recently|newest|upcoming|so far|as of|still|breaking|live",
            "real-time|real time|up-to-date|up to date|these days|nowadays|ongoing|trending",
            "just (?:happened|announced|released)|yet|anymore|any more|to date|how long (?:ago|until)",
            "days (?:until|left)|schedule|what (?:day|time|month|year) is|what is the (?:date|time)|how old is",
            "age of|(?:was|is) the last|last (?:win|won|beat|play|played|make|made)|did [a-z' ]{1,40} last",
            "has [a-z' ]{1,40} ever",
        ),
    ),
    TtlRule(
        "now_elsewhere",
        TtlClass.TIME_SENSITIVE,
        re.compile(
            r"\b(?:hoy|ahora|actuales|actualmente|última|último|últimas|últimos|reciente|recientes|mañana|ayer"
            r"|este año|esta semana|noticias|heute|jetzt|aktuell|aktuelle|aktuellen|aktueller|derzeit|neueste|neuesten"
            r"|gestern|dieses jahr|diese woche|nachrichten|aujourd'hui|maintenant|actuel|actuelle|actuellement|dernier"
            r"|dernière|derniers|dernières|récent|récente|demain|hier|cette année|cette semaine|actualités|oggi|adesso"
            r"|attuale|hoje|agora|сегодня|сейчас|последние)\b"
            "|今天|现在|現在|最新|目前|当前|當前|今年|昨天|明天|最近|本周|本週|新闻|新聞|今日|ニュース|오늘|지금|현재|최신"
        ),
    ),
    TtlRule(
        "changing_topic",
        TtlClass.TIME_SENSITIVE,
        _words(
            "stocks?|share price|market cap|bitcoin|btc|ethereum|crypto|score|scores|standings?|rankings?|ranked",
            "fixtures?|news|headlines?|polls?|approval rating|traffic|flight status|election results?|box office",
            "viewers|subscribers|followers|population|unemployment|inflation|interest rates?|mortgage rates?|gdp",
            "richest|number one|top \\d+",
            "most (?:popular|watched|viewed|followed|streamed|liked|subscribed|goals|wins|titles|medals|championships)",
            "reigning|defending|holds? the (?:record|title)",
            "how many (?:people|users|countries|cases|deaths|doses|accounts)|how many [a-z' ]{1,40} (?:has|have)",
            "death rate|death toll|world record|playoffs?|super bowl winner",
        ),
    ),
    TtlRule(
        "office_holder",
        TtlClass.TIME_SENSITIVE,
        _words(
            f"who (?:is|are) [a-z' ]{{0,40}}{_OFFICE}|who's [a-z' ]{{0,40}}{_OFFICE}",
            f"what is the name of (?:the )?{_OFFICE}",
            "(?:does|do) [a-z' ]{1,40} (?:play|work|coach|drive|date|live)(?: for| at| in)?",
        ),
    ),
    TtlRule(
        "growing_guide",
        TtlClass.FACTUAL,
        _words(
            "mushrooms?|mycel\\w+|mycolog\\w+|grain spawn|spore prints?|spore syringes?|inoculat\\w+|fruiting",
            "monotubs?|agar|cultivat\\w+|germinat\\w+|seedlings?|hydroponic\\w*|greenhouses?|compost\\w*|pruning",
            "fertili[sz]ers?|potting soil|gardening",
            "(?:grow|growing|plant|planting|watering) (?:tomato|basil|herb|pepper|vegetable|potato|rose|orchid)\\w*",
        ),
        604_800,
    ),
    TtlRule(
        "first_ever",
        TtlClass.FACTUAL,
        _words(
            "first ever",
            "(?:the|its|his|her) (?:very )?first (?!round|season|game|match|race|episode|half|leg|test|place|pick)",
        ),
    ),
    TtlRule(
        "record_so_far",
        TtlClass.GENERAL,
        _words(
            "most|highest|lowest|largest|biggest|smallest|longest|shortest|fastest|oldest|youngest|tallest|busiest",
            "deepest|greatest|hottest|coldest|strongest|wealthiest|deadliest|best|top|all[- ]time|leading|main",
            "number of|total|how many (?:episodes|seasons|series|books)|how many [a-z' ]{1,40} (?:are|in the)",
            "who has|who have|(?:is|are) [a-z' ]{1,40} (?:married|dating|owned)|who (?:owns|coaches|represents|runs)",
        ),
    ),
    TtlRule(
        "recurring_event",
        TtlClass.GENERAL,
        _words(
            "win|won|wins|winning|winners?|champions?|championships?|finals?|semi[- ]?finals?|world cup|olympics",
            "super bowl|world series|stanley cup|pennant|playoff|titles|trophy|league|elections?|elected|inducted",
            "awards?|eliminated|quarterback|qb|previous|president|prime minister|members of|come out|coming out",
            "draft|round|new (?:episodes?|season|movie|film|album|book|song|series|game)|stores|branches",
        ),
    ),
    TtlRule(
        "lasting_fact",
        TtlClass.FACTUAL,
        _words(
            "invent|invented|discover|discovered|born|founded|founder of|wrote|written|composed|painted|built",
            "capital of|formula|equation|definition|define|meaning of|mean|stand for|history of|difference between",
            "synonym|translate|convert|calculate|solve|prove|explain|square root|derivative|integral|boiling point",
            "melting point|chemical|element|atomic|ww2|world war|century|ancient|war|battle|empire|mythology|novel",
            "(?:when|where|who|what|why|how) (?:was|were|did)|what (?:year|city|country|day|date|team) hosted",
            "why (?:do|does|is|are|can)|what happened|in what year|located|how (?:do|does) [a-z' ]{1,40} work",
            "who (?:created|directed|plays|played|sang|sings|killed|starred|voiced|voices|said|dies|died)",
            "what (?:is|are) (?:a|an)|what (?:type|kind|sort) of|how many [a-z' ]{1,40} in (?:a|an|one)",
            "what is the (?:capital|name|title|purpose|function|currency|symbol|national|distance|brightest)",
            "where (?:is|are|does|do)|how (?:far|tall|deep|heavy) (?:is|are)|what [a-z' ]{1,30} (?:was|were|did)",
        ),
    ),
)

ANSWER_RULES: Final = (
    TtlRule(
        "answer_price",
        TtlClass.TIME_SENSITIVE,
        re.compile(r"[$€£¥]\s?\d|\d\s?(?:€|£|¥|usd\b|eur\b|gbp\b|dollars\b|euros\b)"),
    ),
    TtlRule(
        "answer_as_of",
        TtlClass.TIME_SENSITIVE,
        re.compile(
            r"\b(?:as of|at the time of writing|as we speak|knowledge cutoff|my last update|real-time|stand heute"
            r"|à ce jour|hasta la fecha)\b|截至|目前为止"
        ),
    ),
)
