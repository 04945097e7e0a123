"""Upper and lower case: folded where it is only typing, kept where it tells one word from another.

Kept: words of the lists below, units and tokens with digits or code signs, single letters, German. A text all in
capitals is folded unless it holds such a word. Case is lowered, never case-folded: that would merge "Maße" and "Masse".
"""

from __future__ import annotations

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAMES: Final = _words("""
    amazon apple ares august bath china chile cologne cork delta discord edge excel fox galaxy gap guinea jersey job
    jordan lent lima mars mercury meta mobile nice oracle phoenix polish reading rice rust safari saturn shell signal
    slack spark swede target tesla titan turkey visa windows word zoom dove tide crest dawn bounty puma jaguar mustang
    beetle focus catholic democrat republican liberal labour conservative green orthodox bill mark frank rob rich pat
    grace hope faith joy rose lily daisy iris ivy jack art drew grant chase chuck wade may march will earnest sue dick
    hamburger cardinal oasis queen kiss blur pulp eagle eagles doors police genesis heart nation sun times guardian
    sie ihr ihre ihren ihnen
""")
"""Names (and German's polite "you") whose lower-case form is another word; a number behind makes them clear anyway:
"Windows 10", "May 5"."""
ALSO_VERBS: Final = _words("""
    bill chase drew excel grant hope kiss march mark may polish reading rob sue target will word zoom job focus signal
    spark ihr sie ihre ihren ihnen
""")
"""Those of NAMES that may as well begin a sentence as ordinary words: a capital there says nothing."""
ABBREVIATIONS: Final = _words("""
    aids am as at be bit can co do fat go hi id ill in is it ma me no or pa pet pin pm ram rip sad sat sim so tan us
    who nice lead seal sars care aim ace cat dog era fed gas hub map nut oak pal rat sag spa tag van war cow arm
    swat snap wave past mini
""")
"""Abbreviations that are words in lower case."""
EVERYDAY: Final = _words("am as at be can co do go hi id in is it ma me no or pa so who")
"""Those so common as words that in a text all in capitals they are taken for them."""
GERMAN: Final = frozenset(
    ["und", "ist", "nicht", "wie", "ein", "eine", "ich", "wir", "der", "das", "für", "auf", "sind"]
)
"""Signs of German, where case tells nouns and the polite "Sie" apart."""

LANGUAGES: Final = frozenset(["rust"])
PROGRAMMING: Final = _words("""
    code function program script http csv json api string list array parse compile crate cargo struct dictionary
    dictionaries regex thread loop borrow async
""")
"""Words beside which a name of LANGUAGES is one."""
TITLE_WORDS: Final = 4
"""From so many words on, all with capitals, capitals say nothing about "A"."""

_KEEPS_CASE: Final = re.compile(r"[0-9=<>^*/\\{}\[\]()|_@#$%&+~]|\w\.\w")
_NUMBER_END: Final = re.compile(r"\d[.,]?$")
_EDGES: Final = "'.,;:!?()…。，！？；：、"
_SENTENCE_ENDS: Final = frozenset(".!?…。！？")
UNIT_LETTERS: Final = 3


def fold_case(words: list[str], *, starts: bool) -> list[str]:
    """The words with meaningless case lowered. `starts` says that the first one begins the prompt."""
    german = not GERMAN.isdisjoint(map(str.lower, words))
    title = len(words) >= TITLE_WORDS and all(word[0].isupper() or not word[0].isalpha() for word in words)
    folded: list[str] = []
    previous = "." if starts else ""
    for index, word in enumerate(words):
        lowered = word.lower()
        clear = (title and word == "A") or _is_clear(lowered, words, index)
        if word != lowered and not clear and _keeps(word, previous, german=german):
            folded.append(word)
        else:
            folded.append(lowered)
        previous = word
    return folded


def fold_shouting(words: list[str]) -> list[str]:
    """The words of a text all in capitals in lower case; what holds digits or signs stays."""
    return [word if _KEEPS_CASE.search(word) else word.lower() for word in words]


def shouts(text: str) -> bool:
    """Is a text of several words all in capitals?"""
    return text.isupper() and " " in text.strip()


def holds_cased_words(text: str) -> bool:
    """Does a text in capitals hold a word that they make ambiguous?"""
    words = {word.strip(_EDGES).lower() for word in text.split()} - EVERYDAY - ALSO_VERBS
    return not (words.isdisjoint(NAMES) and words.isdisjoint(ABBREVIATIONS))


def _keeps(word: str, previous: str, *, german: bool) -> bool:
    core = word.strip(_EDGES)
    first = previous[-1:] in _SENTENCE_ENDS
    if len(core) < 2:
        return core != "I" and not (core == "A" and first)
    if _KEEPS_CASE.search(word) or (len(core) <= UNIT_LETTERS and _NUMBER_END.search(previous)):
        return True
    return _is_cased(core, first=first) or (german and not first and not core.isupper())


def _is_cased(core: str, *, first: bool) -> bool:
    """Does the lower-case form of the word mean something else?"""
    lowered = core.lower().removesuffix("'s")
    if core.isupper():
        return lowered in ABBREVIATIONS
    return lowered in NAMES and not (first and lowered in ALSO_VERBS)


def _is_clear(lowered: str, words: list[str], index: int) -> bool:
    """A name that what stands around it tells from the word: "Windows 10", "code in Rust"."""
    if lowered.rstrip(_EDGES) not in NAMES:
        return False
    if index + 1 < len(words) and words[index + 1][0].isdigit():
        return True
    return lowered.rstrip(_EDGES) in LANGUAGES and not PROGRAMMING.isdisjoint(map(str.lower, words))
