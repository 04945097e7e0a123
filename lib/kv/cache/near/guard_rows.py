"""The words that hard guards look for, as rows: what a word stands for. Words of one row's value count as the same."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final


def _rows(text: str) -> MappingProxyType[str, str]:
    """`meaning: word word …` by line; the meaning itself is one of its words."""
    found: dict[str, str] = {}
    for line in text.strip().splitlines():
        meaning, _, words = line.partition(":")
        found.update(dict.fromkeys([meaning.strip(), *words.split()], meaning.strip()))
    return MappingProxyType(found)


NUMBERS: Final = _rows(
    """
    0: zero
    1: first once
    2: two second twice double pair
    3: three third thrice triple
    4: four fourth quarter
    5: five fifth
    6: six sixth
    7: seven seventh
    8: eight eighth
    9: nine ninth
    10: ten tenth
    11: eleven eleventh
    12: twelve twelfth dozen
    13: thirteen
    14: fourteen
    15: fifteen
    16: sixteen
    17: seventeen
    18: eighteen
    19: nineteen
    20: twenty
    30: thirty
    40: forty
    50: fifty
    60: sixty
    70: seventy
    80: eighty
    90: ninety
    100: hundred
    1000: thousand
    1000000: million millions
    1000000000: billion billions
    0.5: half
    """
)
"""Not "one", which is a pronoun as often; it counts as a word like any other."""

UNITS: Final = _rows(
    """
    usd: $ dollar dollars bucks
    eur: € euro euros
    gbp: £ pound pounds quid
    jpy: ¥ yen
    inr: ₹ rupee rupees rs
    cny: yuan rmb renminbi
    cent: cents
    btc: bitcoin bitcoins
    eth: ethereum ether
    chf: francs
    krw: won ₩
    mxn: peso pesos
    aud:
    cad:
    percent: % percentage
    m: meter meters metre metres
    km: kilometer kilometers kilometre kilometres kms
    cm: centimeter centimeters centimetre centimetres
    mm: millimeter millimeters millimetre millimetres
    mile: miles mi mph
    kmh: kph
    yard: yards yd
    foot: feet ft
    inch: inches
    kg: kilo kilos kilogram kilograms kgs
    g: gram grams
    mg: milligram milligrams
    lb: lbs
    ounce: ounces oz
    ton: tons tonne tonnes
    litre: liter liters litres l
    ml: milliliter milliliters millilitre millilitres
    gallon: gallons
    pint: pints
    cup: cups
    spoon: teaspoon teaspoons tsp tablespoon tablespoons tbsp
    celsius: centigrade
    fahrenheit:
    kelvin:
    sec: seconds secs
    minute: minutes min mins
    hour: hours hr hrs
    day: days
    week: weeks
    month: months
    year: years yr yrs
    decade: decades
    century: centuries
    byte: bytes
    kb: kilobyte kilobytes
    mb: megabyte megabytes
    gb: gigabyte gigabytes
    tb: terabyte terabytes
    watt: watts
    kw: kilowatt kilowatts kwh
    volt: volts
    amp: amps ampere amperes
    joule: joules
    calorie: calories kcal
    acre: acres
    hectare: hectares
    degree: degrees °
    word: words
    sentence: sentences
    paragraph: paragraphs
    page: pages
    line: lines
    """
)

FORMS: Final = _rows(
    """
    json:
    xml:
    yaml: yml
    csv:
    html:
    markdown:
    latex:
    table:
    list: bullet bullets bulleted
    poem: poems
    haiku:
    song: lyrics
    essay:
    story:
    email: mail
    letter:
    python:
    javascript: js
    typescript: ts
    java:
    rust:
    golang:
    ruby:
    php:
    swift:
    kotlin:
    scala:
    perl:
    haskell:
    matlab:
    fortran:
    cobol:
    lua:
    julia:
    dart:
    elixir:
    erlang:
    clojure:
    sql:
    mysql:
    postgres: postgresql
    mongodb: mongo
    sqlite:
    bash:
    powershell:
    react: reactjs
    angular: angularjs
    vue: vuejs
    django:
    flask:
    node: nodejs
    css:
    linux:
    windows:
    mac: macos osx
    android:
    ios:
    iphone:
    ubuntu:
    """
)
"""Forms of answers, programming languages and systems."""

LANGUAGES: Final = frozenset(
    """
    arabic bengali bulgarian catalan chinese croatian czech danish dutch english estonian finnish french gaelic german
    greek gujarati hebrew hindi hungarian icelandic indonesian irish italian japanese kannada khmer korean latin latvian
    lithuanian malay malayalam mandarin cantonese marathi nepali norwegian persian farsi polish portuguese punjabi
    romanian russian sanskrit serbian slovak spanish swahili swedish tagalog tamil telugu thai tibetan turkish ukrainian
    urdu vietnamese welsh yiddish zulu español inglés francés alemán italiano portugués anglais français allemand
    espagnol italien englisch französisch deutsch spanisch italienisch russisch inglese francese tedesco spagnolo
    английский французский немецкий испанский русский
    """.strip().split()
)

TIMES: Final = _rows(
    """
    before: prior avant antes vor prima до
    after: afterwards despues después après nach dopo depois после
    since: seit depuis desde
    until: till
    during: while
    ago:
    yesterday: gestern ayer hier ieri ontem вчера
    today: tonight hoy heute oggi hoje сегодня
    tomorrow: mañana morgen demain domani amanhã завтра
    now: current currently nowadays presently ahora maintenant jetzt adesso agora сейчас
    latest: newest recent recently
    next: upcoming
    last:
    previous: previously former formerly ex
    become: becoming became becomes
    still: yet anymore
    already:
    again:
    ever:
    future:
    past:
    """
)
"""What places a question in time."""

NEGATIONS: Final = _rows(
    """
    not: no none nobody nothing never nor neither non dont doesnt isnt arent hardly nunca nada kein keine keinen nicht
    not: nie niemals nichts ne pas jamais rien aucun não nenhum не нет ни никогда нельзя yok değil hayır tidak
    not: bukan không
    not: ليس لا لم لن नहीं मत
    without: sin sans ohne senza sem без بدون बिना lacking lack
    except: excluding excepto sauf außer besides instead
    avoid: stop prevent quit
    only: solely alone
    unless:
    """
)
"""Counted by kind: an even number of plain ones is not the same as none."""

NEGATING_SIGNS: Final = "不没沒無无非未勿莫別别否안않못없"
"""Characters that negate in scripts written without blanks; Japanese endings are among the pairs of characters."""

DEGREES: Final = _rows(
    """
    less: fewer lesser
    least: fewest minimum min
    most: maximum max
    worst:
    worse:
    more:
    better:
    few: little
    """
)

PEOPLE: Final = _rows(
    """
    he: him his himself
    she: her hers herself
    """
)
