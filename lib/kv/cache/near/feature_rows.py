"""Words whose differences the verifier weighs, as rows."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from lib.kv.cache.near.words import stem


def _classes(text: str) -> MappingProxyType[str, str]:
    """Each word of a line, mapped to the line's first."""
    return MappingProxyType({word: line.split()[0] for line in text.strip().splitlines() for word in line.split()})


def _by_stem(text: str) -> MappingProxyType[str, str]:
    return MappingProxyType({stem(word): first for word, first in _classes(text).items()})


ASKING: Final = _classes(
    """
    what which
    who whom
    whose
    when
    where
    why
    how
    """
)
SPEAKERS: Final = _classes(
    """
    i me we us myself ourselves
    you yourself
    they them themselves
    it itself
    """
)
OWNERS: Final = _classes(
    """
    my our mine ours
    your yours
    their theirs
    its
    his
    her
    """
)
TENSES: Final = _classes(
    """
    was were did had been
    will shall going
    """
)
MODALS: Final = _classes(
    """
    can could able
    should ought
    must
    may might
    would
    """
)
PLACES: Final = frozenset(
    "of for from to with in on at by about into onto over under as like against between among through across per via "
    "towards toward off out up down inside outside near above below behind within and than vs versus".strip().split()
)
"""Prepositions and what else says how two things relate."""
AMOUNTS: Final = _classes(
    """
    all every each everything everyone everybody whole entire
    some
    any anything anyone anybody
    many much
    both
    either
    same
    other another
    this these
    that those
    """
)
SYNONYMS: Final = _by_stem(
    """
    start begin commence
    buy purchase
    big large
    fix repair
    happen occur
    get obtain acquir gain
    method approach techniqu
    differ differenc distinguish
    mean definition defin meaning
    help assist aid
    quick fast rapid quickly
    photo pictur imag pic photograph
    kid child children
    movi film
    car automobil
    doctor physician
    phon mobil cellphon smartphon telephon
    earn mak
    benefit advantag pro
    drawback disadvantag con downsid
    cost pric fee charg
    delet remov eras
    show display
    big larg huge
    usa us america
    uk britain
    tv television
    company firm
    job occupation
    shop stor
    ill sick
    smart intelligent clever
    happy glad
    rich wealthy
    correct right
    wrong incorrect
    hard difficult tough
    easy simpl
    improv enhanc better
    choos select pick
    end finish
    find locat
    creat mak build
    explain describ
    learn study
    answer reply respons
    reason caus why
    problem issu troubl
    abl can
    need requir
    receiv get
    chang modify alter
    weird strang odd
    trip journey
    house hom
    store shop
    mom mother mum
    dad father
    maximum max
    minimum min
    account acct
    information info
    application app
    advertisement ad
    programming cod
    organiz organis
    scar frighten afraid
    angry mad
    pretty beautiful
    transfer send
    """
)
"""By stem; of a word in two lines the last counts."""
OPPOSITES: Final = tuple(
    frozenset(map(stem, pair.split("/")))
    for pair in [
        "increas/decreas",
        "rais/lower",
        "enabl/disabl",
        "install/uninstall",
        "cheap/expensiv",
        "cheapest/expensiv",
        "advantag/disadvantag",
        "pro/con",
        "buy/sell",
        "legal/illegal",
        "start/stop",
        "encrypt/decrypt",
        "old/young",
        "oldest/youngest",
        "oldest/newest",
        "old/new",
        "upload/download",
        "fast/slow",
        "fastest/slowest",
        "includ/exclud",
        "import/export",
        "safe/unsafe",
        "good/bad",
        "best/worst",
        "high/low",
        "highest/lowest",
        "big/small",
        "biggest/smallest",
        "large/small",
        "larg/small",
        "largest/smallest",
        "long/short",
        "longest/shortest",
        "gain/los",
        "open/clos",
        "win/los",
        "hot/cold",
        "lov/hat",
        "tru/fals",
        "add/remov",
        "add/subtract",
        "multiply/divid",
        "push/pull",
        "lock/unlock",
        "mount/unmount",
        "on/off",
        "up/down",
        "left/right",
        "north/south",
        "east/west",
        "male/femal",
        "man/woman",
        "men/women",
        "boy/girl",
        "husband/wif",
        "father/mother",
        "brother/sister",
        "son/daughter",
        "uncl/aunt",
        "king/queen",
        "positiv/negativ",
        "strong/weak",
        "strengthen/weaken",
        "deep/shallow",
        "wid/narrow",
        "thick/thin",
        "heavy/light",
        "dark/light",
        "hard/easy",
        "hard/soft",
        "hardest/easiest",
        "rich/poor",
        "wet/dry",
        "full/empty",
        "early/lat",
        "earliest/latest",
        "ask/answer",
        "borrow/lend",
        "tak/giv",
        "send/receiv",
        "arriv/depart",
        "com/go",
        "enter/exit",
        "enter/leav",
        "insert/delet",
        "show/hid",
        "accept/reject",
        "allow/deny",
        "allow/forbid",
        "attack/defend",
        "build/destroy",
        "creat/delet",
        "creat/destroy",
        "connect/disconnect",
        "join/leav",
        "succeed/fail",
        "pass/fail",
        "encod/decod",
        "compress/decompress",
        "serializ/deserializ",
        "activ/inactiv",
        "activat/deactivat",
        "public/privat",
        "internal/external",
        "inner/outer",
        "front/back",
        "top/bottom",
        "horizontal/vertical",
        "ascend/descend",
        "import/export",
        "domestic/foreign",
        "virtual/physical",
        "manual/automatic",
        "static/dynamic",
        "possibl/impossibl",
        "health/unhealth",
        "healthy/unhealthy",
        "friend/enemy",
        "profit/loss",
        "credit/debit",
        "debit/credit",
        "deposit/withdraw",
        "withdraw/deposit",
        "input/output",
        "request/respons",
        "client/server",
        "singl/multipl",
        "marri/divorc",
        "marry/divorc",
        "begin/end",
        "birth/death",
        "born/die",
        "alive/dead",
        "gas/diesel",
    ]
)
