"""Politeness at the edges of a prompt: greetings, "please", "could you tell me" in front, thanks behind.

Only what the answer cannot depend on is taken away, and only at an edge: "How do I say thank you" asks about the words,
"Hello Kitty" is a name, and after a colon everything is content. The words are rows of `openings` and `endings`.
"""

from __future__ import annotations

import re
from typing import Final

from lib.kv.cache.endings import BARE, BREAKS, COMPLETE_QUESTION, GOVERNS, LETTERS, MENTIONS, REGARDS, STOPS, TAILS
from lib.kv.cache.openings import HOW, LEAD, STARTS, SUNG, TITLE

PASSES: Final = 6
"""Pieces taken away at each edge at most: "Hi, could you please …" are two."""
_ABLE: Final = "(?:能不能|可不可以|能否|可以|能)(?:请你?)?"
_FRAME: Final = re.compile(
    rf"(?:你|您)?(?:(?P<asks>知道|{_ABLE}(?:告诉我|告訴我))"
    rf"|{_ABLE}(?:帮我|幫我|帮忙)(?=[写寫解介说說描總总列推分比翻计設设生])"
    rf"|{_ABLE}(?=[写寫][一首篇个段封份]|解释|解釋|介绍|介紹|说明|說明|描述|总结|總結|列出|推荐))"
)
"""Chinese frames around a request, which may end in a particle of their own: 你能告诉我…吗. `asks` needs a question."""
_PARTICLES: Final = "吗嗎么呢啊呀吧"
_ASKS: Final = re.compile("什么|什麼|为何|怎么|怎麼|怎样|如何|哪|谁|誰|多少|几")


def without_lead(text: str) -> str:
    """The text from its first word that matters. Linear: each try is anchored at the start."""
    for _ in range(PASSES):
        found = LEAD.match(text)
        if found is None:
            break
        rest = text[found.end() :].lstrip("¿¡ ")
        if found["opens"] and not STARTS.match(rest):
            break
        if not rest or _is_a_name(found.group(), rest) or _is_mentioned(text):
            break
        text = rest
    return _plain_question(text)


def _is_a_name(lead: str, rest: str) -> bool:
    if not lead.rstrip()[-1:].isalnum():
        return False
    return (TITLE.match(rest) is not None and not STARTS.match(rest)) or SUNG.search(rest) is not None


def _is_mentioned(text: str) -> bool:
    return not text[0].isascii() and MENTIONS.search(text) is not None


def _plain_question(text: str) -> str:
    """What is asked without the grammar of asking: one form of "how do I", no particle at the end."""
    if how := HOW.match(text):
        return text if SUNG.search(text) else "how do I " + text[how.end() :]
    if text[:1].isascii() or MENTIONS.search(text):
        return text
    bare = text.rstrip("?？。.!！ ")
    frame = _FRAME.match(bare)
    if frame and (not frame["asks"] or _ASKS.search(bare, frame.end())):
        return bare[frame.end() :].rstrip(_PARTICLES) or text
    if bare[-1:] in "呢啊呀" and _ASKS.search(bare):
        return bare[:-1]
    return text


def without_tail(text: str, *, about_words: bool, after_quote: bool) -> str:
    """The text without a polite end.

    Args:
        text: does not end in punctuation.
        about_words: the prompt speaks of words, so that its end may be what it is about.
        after_quote: quoted text stands before `text`, so that all of it may be politeness.
    """
    phrase = _polite_end(text)
    rest = text[: len(text) - len(phrase)]
    kept = rest.rstrip()
    if not phrase or not kept:
        return kept if after_quote else text
    if about_words and not COMPLETE_QUESTION.match(kept):
        return text
    return kept if _is_set_off(kept, rest, phrase) else text


def _polite_end(text: str) -> str:
    """The longest polite phrase that ends the text, lower case; '' if there is none or it is a title ("Thank You")."""
    lowered = text.lower().replace("’", "'")
    if len(lowered) != len(text) or not lowered.endswith(TAILS):
        return ""
    phrase = next(tail for tail in TAILS if lowered.endswith(tail))
    if phrase in REGARDS and LETTERS.search(text):
        return ""
    is_title = any(map(str.isupper, text[1 - len(phrase) :])) and not text.isupper()
    over = text[: -len(phrase)].rstrip()[-1:] in STOPS
    return "" if is_title and not over else phrase


def _is_set_off(kept: str, rest: str, phrase: str) -> bool:
    """Does punctuation, or a blank where that is enough, part the phrase from the rest?"""
    if kept[-1] in BREAKS or "\n" in rest[len(kept) :]:
        return True
    return phrase in BARE and kept != rest and kept.rsplit(None, 1)[-1].lower() not in GOVERNS
