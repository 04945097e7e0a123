"""Politeness at the edges of a prompt: greetings, "please", "could you tell me" in front, thanks behind.

Only what the answer cannot depend on is taken away, and only at an edge: "How do I say thank you" asks about the words,
"Hello Kitty" is a name, and after a colon everything is content.
"""

from __future__ import annotations

import re
from typing import Final

PASSES: Final = 4
"""Pieces taken away at each edge at most: "Hi, could you please …" are two."""

_QUESTION_WORD: Final = r"(?:what|who|whom|whose|which|when|where|why|how)(?:['’]s)?\b"
_STARTER: Final = (
    rf"(?:{_QUESTION_WORD}|(?:can|could|would|will|do|does|did|is|are|please|i|i['’]m|i['’]d|my|tell|give|show|explain|help"
    r"|write|translate|summari[sz]e|describe|list|define|compare|convert|solve|calculate|create|generate|find)\b)"
)
_ABOUT_THE_WORD: Final = (
    r"(?!(?:in|is(?! (?:it|there|this|that|my|he|she)\b)|means?|meaning|vs|versus|and|or|as|was|from|by|world|kitty"
    r"|dolly|how are you)\b)"
)
"""What follows a polite word that is itself the subject: "please in French", "Hello, World", "Please Please Me"."""
_AFTER_GREETING: Final = rf"(?:\s*+[,.!…]++\s*+|\s++[-–—]\s++|[^\S\n]*+\n\s*+|\s++(?={_STARTER}))"
_TELL: Final = (
    r"(?:tell me|let me know|(?:i would|i['’]d) like to know|i (?:want|need|wanted) to know|i was wondering"
    r"|i(?:['’]m| am) wondering|may i ask|can i ask(?: you)?|(?:do you know|any idea)(?! how to\b))"
)

_LEADS: Final = (
    r"(?:hi|hello|hey|hiya|greetings|good (?:morning|afternoon|evening|day)|dear)(?: there| again| everyone| all)?"
    r"(?:,? (?:chatgpt|gpt|claude|gemini|assistant|ai|bot|friend|sir|madam|mate))?" + _AFTER_GREETING + _ABOUT_THE_WORD,
    r"(?:ok|okay|so|um|uh)\s*+, ",
    r"(?:(?:a )?quick question|i have a (?:quick )?question|question)\s*+[:,.] ",
    r"(?:please|pls|plz|kindly)(?:,\s*+| )(?!please\b)" + _ABOUT_THE_WORD,
    r"(?:can|could|would|will) you (?:please|pls|plz|kindly) ",
    r"(?:can|could|would) you (?=(?:explain|describe|summari[sz]e|define|clarify|(?:tell|give|show|help|teach) me)\b)",
    rf"{_TELL},? (?={_QUESTION_WORD})",
    # Spanish, Portuguese, French, German, Italian
    r"(?:¡?hola|buenos días|buenas tardes|olá|bonjour|salut|hallo|guten (?:tag|morgen)|ciao|buongiorno)\s*+[,.!]++\s*+",
    r"(?:por favor|s['’]il (?:vous|te) pla[iî]t|svp|bitte|per favore),? (?!(?:en|auf|in|em|significa|bedeutet)\b)",
    # Russian, Arabic, Hindi, Korean, Japanese
    r"(?:привет|здравствуйте|добрый день|नमस्ते|안녕하세요)\s*+[,.!।]++\s*+",
    r"(?:مرحبا|السلام عليكم)\s*+[،,.!]++\s*+",
    r"(?:пожалуйста|من فضلك|कृपया)[،,]? ",
    r"(?:こんにちは|すみません)[、。,!！]\s*+",
    # Chinese
    r"(?:你好|您好|嗨)[,，.。!！、]\s*+",
    r"(?:请问|請問|麻烦您|麻烦你|麻煩您|麻煩你|请你|请您)[,，:：]?\s*+",
    r"[请請](?![假客求示柬愿安教勿问問帖进])[,，]?\s*+",
)
LEAD: Final = re.compile("|".join(_LEADS).replace(" ", r"\s++"), re.IGNORECASE)
"""A blank in a row stands for any run of them, taken whole: giving back part of it would pass the look-aheads."""

TITLE: Final = re.compile(rf"(?!(?i:{_STARTER}))[A-Z][\w'’]*\s+[A-Z][a-z]")
"""Two capitalised words: after a polite word without a comma, rather the title of something ("Please Don't Go")."""

BARE_TAILS: Final = (
    *("please", "pls", "plz", "thanks", "thank you", "thx", "thanks a lot", "thanks so much", "thank you so much"),
    *("thank you very much", "many thanks", "thanks in advance", "thank you in advance", "please and thank you"),
    *("please help", "please thanks"),
)
"""May follow a blank alone."""
BROKEN_TAILS: Final = (
    *("cheers", "kindly", "por favor", "gracias", "muchas gracias", "obrigado", "obrigada", "s'il vous plaît"),
    *("s'il te plaît", "s'il vous plait", "svp", "stp", "merci", "merci beaucoup", "bitte", "danke", "vielen dank"),
    *("danke schön", "per favore", "grazie", "пожалуйста", "спасибо", "من فضلك", "شكرا", "धन्यवाद", "감사합니다"),
    *("谢谢", "谢谢你", "谢谢您", "多谢", "謝謝", "お願いします", "ありがとうございます", "よろしくお願いします"),
)
"""Must follow a comma or the end of a sentence."""
TAILS: Final = tuple(sorted((*BARE_TAILS, *BROKEN_TAILS), key=len, reverse=True))
BREAKS: Final = frozenset(",.!?;…。，！？、；،؟।")

GOVERNS: Final = frozenset(
    """
    a and as be can could don't eager express for gave give giving good he her him i in is it like me must my no not of
    or our people plus say send she should special than that the their them they to us versus vs want we what whatever
    when will with would you your
    """.strip().split()
)
"""Words that make what follows part of the sentence: "hard to please", "as you please", "give thanks"."""
MENTIONS: Final = re.compile(
    r"\b(?:say|says|said|saying|(?<!\d\s)words?|phrases?|means?|meaning|translat\w*|spell\w*|pronounc\w*|rhymes?|synonyms?|lyrics"
    r"|songs?|s[aiu]ngs?|titled?|called|quotes?|etymolog\w*|sentences?|grammar|punctuat\w*|proofread|rewrite|rephrase"
    r"|paraphrase|correct|auf deutsch|en español|en français|significa|bedeutet|heißt|dire|decir)\b"
    r"|怎么说|怎麼說|怎么写|什么意思|什麼意思|翻译|翻譯|英文|英语|英語|日语|という意味|意味|英語で",
    re.IGNORECASE,
)
"""Signs that a prompt is about words, so that its last ones, and its punctuation, may be what it is about."""


COMPLETE_QUESTION: Final = re.compile(r"(?:what|who|when|where|why|which)\b.*\?\Z", re.IGNORECASE | re.DOTALL)
"""A question that is over before what follows it, so that thanks are thanks whatever it was about."""


def without_lead(text: str) -> str:
    """The text from its first word that matters. Linear: each try is anchored at the start."""
    for _ in range(PASSES):
        found = LEAD.match(text)
        if found is None:
            break
        rest = text[found.end() :]
        if not rest or _is_a_name(found.group(), rest) or (not text[0].isascii() and MENTIONS.search(text)):
            break
        text = rest
    return text


def _is_a_name(lead: str, rest: str) -> bool:
    return lead.rstrip()[-1:].isalnum() and TITLE.match(rest) is not None


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
    is_title = any(map(str.isupper, text[1 - len(phrase) :])) and not text.isupper()
    return "" if is_title else phrase


def _is_set_off(kept: str, rest: str, phrase: str) -> bool:
    """Does punctuation, or a blank where that is enough, part the phrase from the rest?"""
    if kept[-1] in BREAKS:
        return True
    return phrase in BARE_TAILS and kept != rest and kept.rsplit(None, 1)[-1].lower() not in GOVERNS
