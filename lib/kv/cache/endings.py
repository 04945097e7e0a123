"""How prompts end after they have said everything, by language: thanks, wishes, sign-offs."""

from __future__ import annotations

import re
from typing import Final

BARE: Final = (
    *("please", "pls", "plz", "thanks", "thank you", "thx", "thanks a lot", "thanks so much", "thank you so much"),
    *("thank you very much", "many thanks", "thanks in advance", "thank you in advance", "please and thank you"),
    *("please help", "please thanks", "thanks a million", "thanks a ton", "por favor", "svp", "s'il vous plaît"),
    *("per favore", "alstublieft", "alsjeblieft", "lütfen"),
)
"""May follow a blank alone."""
_ENGLISH: Final = (
    *("cheers", "kindly", "ty", "tysm", "tia", "thanks a bunch", "thanks guys", "thanks everyone", "thanks again"),
    *("thanks all", "thank you all", "thank you kindly", "thanks for your help", "thank you for your help"),
    *("thanks for helping", "thanks for the help", "thank you for your time", "thanks for your time", "thanks buddy"),
    *("thank you for helping", "thanks for your answer", "thanks for any help", "thank you in advance for your help"),
    *("much appreciated", "appreciate it", "i appreciate it", "i'd appreciate your help", "appreciated"),
    *("any help is appreciated", "any help would be appreciated", "any help would be greatly appreciated"),
    *("any help appreciated", "i would appreciate your help", "i would appreciate any help"),
    *("please help me", "please advise", "please let me know", "please tell me", "please answer", "please reply"),
    *("let me know", "tell me", "tell me please", "just curious", "just wondering", "just asking", "i'm curious"),
    *("i am curious", "i'm just curious", "i'd like to know", "i would like to know", "i want to know"),
    *("i need to know", "i really need to know", "i really want to know", "if you don't mind", "anyone"),
    *("have a nice day", "have a good day", "have a great day", "have a good one", "and have a good one"),
    *("have a nice evening", "looking forward to your answer", "looking forward to your reply", "hope you can help"),
    *("looking forward to your response", "i hope you can help", "hope you can help me", "bye", "goodbye"),
)
REGARDS: Final = (
    *("best regards", "kind regards", "warm regards", "regards", "sincerely", "yours sincerely", "best wishes"),
    *("saludos", "un saludo", "cordialement", "bien à vous", "viele grüße", "mit freundlichen grüßen", "lg", "vg"),
    *("cordiali saluti", "saluti", "atenciosamente", "с уважением", "met vriendelijke groet"),
)
"""Sign-offs: they end letters, so that a prompt about one keeps them."""
_ELSEWHERE: Final = (
    *("gracias", "muchas gracias", "mil gracias", "gracias de antemano", "obrigado", "obrigada", "muito obrigado"),
    *("muito obrigada", "valeu", "s'il te plaît", "s'il vous plait", "stp", "merci", "merci beaucoup", "merci bien"),
    *("merci d'avance", "merci par avance", "bitte", "danke", "vielen dank", "danke schön", "dankeschön"),
    *("danke im voraus", "vielen dank im voraus", "besten dank", "grazie", "grazie mille", "grazie in anticipo"),
    *("mille grazie", "пожалуйста", "спасибо", "большое спасибо", "спасибо большое", "заранее спасибо", "дякую"),
    *("щиро дякую", "будь ласка", "من فضلك", "لو سمحت", "شكرا", "شكراً", "شكرا جزيلا", "شكراً جزيلاً", "धन्यवाद"),
    *("शुक्रिया", "teşekkürler", "teşekkür ederim", "sağ ol", "cảm ơn", "cảm ơn bạn", "terima kasih", "makasih"),
    *("dziękuję", "dzięki", "z góry dziękuję", "proszę", "bedankt", "dank je wel", "dank u wel", "alvast bedankt"),
    *("tack", "tak", "takk", "kiitos", "ευχαριστώ", "תודה", "ขอบคุณ"),
    *("감사합니다", "고마워요", "고맙습니다", "고마워", "감사해요", "알려주세요", "알려 주세요", "부탁드립니다"),
    *("부탁해요", "부탁드려요", "부탁합니다"),
    *(
        "谢谢",
        "谢谢你",
        "谢谢您",
        "谢谢啦",
        "多谢",
        "感谢",
        "非常感谢",
        "十分感谢",
        "先谢谢了",
        "拜托了",
        "拜托",
        "麻烦了",
    ),
    *("謝謝", "多謝", "感謝", "非常感謝", "謝謝你", "謝謝您", "拜託了"),
    *(
        "お願いします",
        "お願いいたします",
        "よろしくお願いします",
        "よろしくお願いいたします",
        "よろしく",
        "教えてください",
    ),
    *("教えて下さい", "教えて", "ありがとう", "ありがとうございます", "どうもありがとうございます"),
)
TAILS: Final = tuple(sorted((*BARE, *_ENGLISH, *REGARDS, *_ELSEWHERE), key=len, reverse=True))
"""All; those not in BARE must follow a comma, a line break or the end of a sentence."""
BREAKS: Final = frozenset("¡,.!?;…。，！？、；،؟।\n")
STOPS: Final = frozenset(".!?…。！？¡")
"""After these no title begins."""

GOVERNS: Final = frozenset(
    [
        *(
            "a",
            "and",
            "as",
            "be",
            "can",
            "could",
            "don't",
            "eager",
            "express",
            "for",
            "gave",
            "give",
            "giving",
            "good",
            "he",
        ),
        *(
            "her",
            "him",
            "his",
            "i",
            "in",
            "is",
            "it",
            "like",
            "me",
            "must",
            "my",
            "no",
            "not",
            "of",
            "or",
            "our",
            "people",
        ),
        *(
            "plus",
            "say",
            "send",
            "she",
            "should",
            "special",
            "than",
            "that",
            "the",
            "their",
            "them",
            "they",
            "this",
            "to",
        ),
        *("us", "versus", "vs", "want", "we", "what", "whatever", "when", "will", "with", "would", "you", "your"),
        *("con", "de", "en", "y", "o", "e", "et", "ou", "avec", "und", "oder", "mit", "per", "di"),
    ]
)
"""Words that make what follows part of the sentence: "hard to please", "as you please", "give thanks"."""
MENTIONS: Final = re.compile(
    r"\b(?:say|says|said|saying|(?<!\d\s)words?|phrases?|means?|meaning|translat\w*|spell\w*|pronounc\w*|rhymes?|synonyms?"
    r"|lyrics|songs?|s[aiu]ngs?|titled?|called|quotes?|etymolog\w*|sentences?|grammar|punctuat\w*|proofread|rewrite|rephrase"
    r"|paraphrase|correct|auf deutsch|en español|en français|significa|bedeutet|heißt|dire|decir"
    r"|dice|dit|sagt|zegt|betekent)\b"
    r"|怎么说|怎麼說|怎么写|什么意思|什麼意思|翻译|翻譯|英文|英语|英語|日语|という意味|意味|英語で",
    re.IGNORECASE,
)
"""Signs that a prompt is about words, so that its last ones, and its punctuation, may be what it is about."""
LETTERS: Final = re.compile(
    r"\b(?:letters?|e-?mails?|messages?|notes?|sign|clos\w{1,4}|formal\w{0,2}|reply|ends?|ending)\b", re.IGNORECASE
)
"""Signs that a sign-off may be what a prompt is about."""
LAST_LINE: Final = (
    "(?:thanks|thank you|thx|please|pls|merci|danke|vielen dank|gracias|muchas gracias|grazie|obrigad|спасибо|谢谢|謝謝"
    "|cheers|many thanks|(?:best |kind |warm )?regards|sincerely|any help|much appreciated|appreciate|i appreciate"
    "|have a (?:nice|good|great)|viele grüße|saludos|cordialement)"
)
"""How a last line begins that is no payload."""
COMPLETE_QUESTION: Final = re.compile(r"(?:what|who|when|where|why|which)\b.*\?\Z", re.IGNORECASE | re.DOTALL)
"""A question that is over before what follows it, so that thanks are thanks whatever it was about."""
