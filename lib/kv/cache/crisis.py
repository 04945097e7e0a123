"""Words of people in danger of harming themselves. Such a chat never gets, or leaves, a stored answer.

The list errs on the side of the model: a film title that holds one of these words costs one call, nothing more.
"""

from __future__ import annotations

from typing import Final

SEARCHED_CHARACTERS: Final = 20_000
"""Of each message; longer ones are documents, and their start is read."""

PHRASES: Final = (
    # English; "suicid" also holds Spanish, French, Italian and Portuguese forms
    *("suicid", "kill myself", "killing myself", "end my life", "ending my life", "end it all", "take my own life"),
    *("want to die", "wanna die", "wish i was dead", "wish i were dead", "better off dead", "unalive myself"),
    *(
        "want to live anymore",
        "want to live any more",
        "no reason to live",
        "not worth living",
        "self-harm",
        "self harm",
    ),
    *("selfharm", "hurt myself", "hurting myself", "harm myself", "harming myself", "cut myself", "cutting myself"),
    *("hang myself", "overdose"),
    # Spanish
    *("matarme", "me quiero matar", "quitarme la vida", "no quiero vivir", "quiero morir", "autolesi", "hacerme daño"),
    # French
    *("me tuer", "envie de mourir", "veux mourir", "plus envie de vivre", "mettre fin à mes jours", "automutil"),
    *("me faire du mal",),
    # German
    *("selbstmord", "suizid", "mich umbringen", "bringe mich um", "will sterben", "nicht mehr leben", "selbstverletz"),
    *("mir das leben nehmen", "mich selbst verletzen"),
    # Portuguese
    *("suicíd", "me matar", "quero morrer", "tirar a minha vida", "tirar minha vida", "automutila"),
    # Italian
    *("uccidermi", "ammazzarmi", "voglio morire", "farla finita", "togliermi la vita", "autolesion"),
    # Dutch, Polish, Turkish
    *("zelfmoord", "wil dood", "mezelf pijn", "samobój", "chcę umrzeć", "zabić się", "intihar", "ölmek istiyorum"),
    # Russian, Ukrainian
    *("самоуб", "суицид", "покончить с собой", "убить себя", "хочу умереть", "не хочу жить", "самогуб"),
    # Chinese, Japanese, Korean
    *("自杀", "自殺", "轻生", "輕生", "不想活", "想死", "自残", "自殘", "结束生命", "結束生命", "结束自己的生命"),
    *("死にたい", "自傷", "消えたい", "リストカット", "자살", "죽고 싶", "죽고싶", "자해"),
    # Arabic, Hindi, Indonesian
    *(
        "انتحار",
        "انتحر",
        "أقتل نفسي",
        "أريد أن أموت",
        "आत्महत्या",
        "मरना चाहता",
        "मरना चाहती",
        "bunuh diri",
        "ingin mati",
    ),
)


def speaks_of_crisis(text: str) -> bool:
    """Does a text speak of suicide or self-harm? Linear in its length."""
    lowered = " ".join(text[:SEARCHED_CHARACTERS].replace("’", "'").lower().split())
    return any(map(lowered.__contains__, PHRASES))
