"""One form for words that have several: contractions in full, American spelling. Only where there is one reading."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

WHOLE: Final = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "let's": "let us",
    "i'm": "i am",
    "im": "i am",
    "dont": "do not",
    "doesnt": "does not",
    "didnt": "did not",
    "isnt": "is not",
    "arent": "are not",
    "wasnt": "was not",
    "werent": "were not",
    "hasnt": "has not",
    "havent": "have not",
    "couldnt": "could not",
    "wouldnt": "would not",
    "shouldnt": "should not",
    "whats": "what is",
    "wheres": "where is",
    "whos": "who is",
    "hows": "how is",
    "thats": "that is",
    "theres": "there is",
    "youre": "you are",
    "theyre": "they are",
    "ive": "i have",
    "youve": "you have",
}
SPELLINGS: Final = MappingProxyType(
    {
        "gonna": "going to",
        "wanna": "want to",
        "gimme": "give me",
        "lemme": "let me",
        "colour": "color",
        "colours": "colors",
        "flavour": "flavor",
        "flavours": "flavors",
        "favourite": "favorite",
        "behaviour": "behavior",
        "neighbour": "neighbor",
        "analyse": "analyze",
        "summarise": "summarize",
        "organise": "organize",
        "optimise": "optimize",
        "realise": "realize",
        "recognise": "recognize",
        "apologise": "apologize",
        "memorise": "memorize",
        "prioritise": "prioritize",
    }
)
"""Slang and British spellings; left alone where a prompt is about words."""
ABOUT_SPELLING: Final = re.compile(
    r"\b(?:british|american|english|uk|us|slang|informal|formal|spel\w*|vs|versus|or|difference)\b", re.IGNORECASE
)
_ENDINGS: Final = (("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"))
_IS: Final = frozenset(["what", "who", "where", "when", "why", "how", "that", "it", "there", "here", "he", "she"])
_WOULD: Final = frozenset(["i", "you", "he", "she", "we", "they"])


def expanded(words: list[str], *, about_words: bool) -> list[str]:
    """The words, lower case, with contractions in full; `about_words`: the prompt may be about one of them."""
    if not about_words and not SPELLINGS.keys().isdisjoint(words):
        words = [SPELLINGS.get(word, word) for word in words]
    if not any("'" in word for word in words) and WHOLE.keys().isdisjoint(words):
        return words
    return [_expanded(word) for word in words]


def _expanded(word: str) -> str:
    """Blanks and punctuation around it stay."""
    if word in WHOLE:
        return WHOLE[word]
    core = word.rstrip(",.;!?")
    rest = word[len(core) :]
    for ending, full in _ENDINGS:
        if core.endswith(ending):
            return WHOLE.get(core, core[: -len(ending)] + full) + rest
    stem, _, ending = core.partition("'")
    if full := _full_verb(stem, ending):
        return f"{stem} {full}{rest}"
    return WHOLE.get(core, core) + rest


def _full_verb(stem: str, ending: str) -> str:
    if ending == "s" and stem in _IS:
        return "is"
    return "would" if ending == "d" and stem in _WOULD else ""
