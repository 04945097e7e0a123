"""How prompts open before they say anything, by language: greetings, fillers, "please", "could you tell me what …".

Each row of `ROWS` is a pattern tried at the start of a prompt. A blank stands for any run of them, taken whole: giving
back part of it would pass the look-aheads. What a row takes away must say nothing, whatever stands behind it.
"""

from __future__ import annotations

import re
from typing import Final

_WH: Final = r"(?:what|who|whom|whose|which|when|where|why|how)(?:['’](?:s|re))?\b"
_SAY: Final = (
    r"(?:explain|describe|summari[sz]e|define|clarify|elaborate|outline|recommend|suggest|list|compare"
    r"|(?:tell|give|show|help|teach) me)\b"
)
"""Requests to speak: "can you explain" asks for nothing but the explanation."""
_TEXTS: Final = (
    r"(?:poem|story|essay|letter|e-?mail|song|haiku|function|program|script|code|summary|speech|joke|query|regex|blog"
    r"|article|paragraph|tweet|review|sonnet|limerick|outline|recipe|message|report|post)\b"
)
_ASKABLE: Final = (
    rf"(?:{_SAY}|(?:write|draft|generate|compose|create) (?:me )?(?:an? |some |the )?(?:\w{{1,20}} )?{_TEXTS})"
)
"""What "can you" may be dropped before: "Can you write a check?" asks whether one can, "… write a poem?" for one."""
_TASK: Final = (
    r"(?:write|translate|convert|solve|calculate|create|generate|find|make|draw|fix|build|design|rewrite|check|correct"
    r"|analy[sz]e|review|implement|prove|compute|plan|draft|edit|compose|name|act|answer|provide|identify|classify)\b"
)
STARTER: Final = (
    rf"(?:{_WH}|{_SAY}|{_TASK}|(?:can|could|would|will|should|do|does|did|is|are|was|were|has|have|am|please|kindly"
    r"|tell|give|show|help|i|i['’]m|i['’]d|my|any|quick)\b)"
)
"""Words that begin what somebody wants."""
_ABOUT_THE_WORD: Final = (
    r"(?!(?:in|is(?! (?:it|there|this|that|my|he|she)\b)|means?|meaning|vs|versus|and|or|as|from|by|world|kitty|dolly"
    r"|was(?! (?:ist|sind|hat|kann|macht|war|heißt)\b)|how are you\W*\Z)\b)"
)
"""What follows a polite word that is itself the subject: "please in French", "Hello, World", "Please Please Me"."""
_AFTER_GREETING: Final = r"(?:\s*+[,.!…]++\s*+|\s++[-–—]\s++|[^\S\n]*+\n\s*+)"
_BREAK: Final = r"\s*+[,.!?:;…–—-]++\s++"
_POLITE: Final = "(?:please|pls|plz|kindly|possibly|perhaps|maybe|just)"
_YOU: Final = "(?:can|could|would|will) (?:you|u)"
_GREETING: Final = (
    "(?:hi|hello|hey|hiya|howdy|yo|greetings|good (?:morning|afternoon|evening|day)|dear)"
    "(?: there| again| everyone| all| guys| folks| team)?"
    "(?:,? (?:chatgpt|gpt|claude|gemini|copilot|assistant|ai|bot|friend|buddy|sir|madam|mate|man|dude))?"
)
_SMALL_TALK: Final = (
    r"(?:(?:i )?hope (?:you are|you['’]re|all is|you) (?:doing |keeping )?(?:well|good|great|fine|okay)"
    r"|how are you(?: doing)?(?: today)?|how['’]s it going|what['’]s up|nice to meet you)"
)
_QUESTION: Final = (
    r"(?:(?:just )?(?:a |one )?(?:quick |small |simple )?question(?: for you)?"
    r"|i(?: have|['’]ve)(?: got)? a (?:quick )?question|(?:my|here(?: is|['’]s) my) question(?: is)?|q)"
)
_FILLER: Final = (
    r"(?:u[mh]++|er|hm++|well|so|ok|okay|alright|right|anyway|actually|sorry|by the way|btw"
    r"|just (?:curious|wondering|asking)|out of curiosity|i(?: am|['’]m) (?:just )?curious|excuse me|pardon me"
    r"|sorry to bother you|sorry for bothering you|sorry for the (?:silly|stupid|dumb) question"
    r"|i need (?:some |your )?help|(?:please )?help(?: me)?"
    r"|(?:can|could) you (?:please )?help me(?: with this| with something| out)?"
    r"|(?:can|could|may) i ask you (?:something|a question)|let me ask you (?:this|something))"
)
_BOTHER: Final = "sorry (?:to bother|for bothering) you"
_KNOW: Final = (
    rf"(?:(?:so|please|just) )?(?:tell me|let me know|{_YOU} (?:{_POLITE} )?tell me"
    rf"|(?:can|could|would|will) (?:someone|somebody|anyone|anybody) (?:{_POLITE} )?tell me"
    r"|would you mind telling me|(?:i would|i['’]d) (?:(?:really |just )?(?:like|love)|be interested) to know"
    r"|i (?:just |really |only )?(?:(?:want|need|wanted) to|wanna) know"
    r"|i(?: was| am|['’]m) (?:just )?(?:wondering|curious)|i wonder|i(?: am|['’]m) trying to (?:find|figure) out"
    r"|(?:may|can|might|could) i ask(?: you)?|(?:does )?(?:anyone|anybody|somebody) know(?! how to\b)"
    r"|do you (?:happen to )?know(?! how to\b)|any idea(?! how to\b))"
)
_REQUEST: Final = (
    rf"(?:(?:please )?{_YOU}(?: (?:please|pls|plz|kindly|possibly|perhaps|maybe))?"
    r"|would you (?:be able|be so kind as) to|(?:i was wondering|i wonder) if you could"
    r"|i(?: would|['’]d) (?:really )?appreciate it if you could|it would be (?:great|nice|helpful) if you could"
    r"|do you think you could|are you able to|is it possible for you to)"
)
_INSTRUCTION: Final = r"(?:i (?:need|want) you to|i(?: would|['’]d) like you to|your task is to|go ahead and)"
_ENGLISH: Final = (
    _GREETING + _AFTER_GREETING + _ABOUT_THE_WORD,
    rf"{_SMALL_TALK}\s*+[,.!?]++ (?=\w)",
    rf"{_QUESTION}{_BREAK}",
    rf"(?P<opens>{_GREETING} {_ABOUT_THE_WORD}|{_BOTHER},? but |(?:ok|okay|well),? so,? |{_FILLER}{_BREAK})",
    rf"(?:(?:ok|okay)(?: so)?|so|btw) (?={_WH} \w)",
    r"(?:please|pls|plz|kindly)(?:,\s*+| )(?!please\b)" + _ABOUT_THE_WORD,
    rf"{_YOU} (?:please|pls|plz|kindly) ",
    rf"{_REQUEST} (?={_ASKABLE})",
    rf"{_INSTRUCTION} (?=(?:{_SAY}|{_TASK}))",
    rf"{_KNOW}(?:\s*+[,:])?+ (?={_WH} \w)",
)

_GREETING_ELSEWHERE: Final = (
    "(?:¡?hola|¡?buenas|¡?buenos días|¡?buenas (?:tardes|noches)|olá|oi|bom dia|boa (?:tarde|noite)|bonjour|bonsoir"
    "|salut|coucou|hallo|moin|servus|guten (?:tag|morgen|abend)|grüß gott|ciao|salve|buongiorno|buonasera|hej|hoi"
    "|goedemorgen|goedemiddag|goedenavond|merhaba|selam|iyi günler|günaydın|xin chào|chào bạn|halo|hai"
    "|selamat (?:pagi|siang|malam)|cześć|dzień dobry|witam"
    "|привет|здравствуйте|добрый (?:день|вечер)|доброе утро|привіт|добрий (?:день|вечір)|добрий ранок"
    "|नमस्ते|नमस्कार|안녕하세요|안녕|مرحبا|مرحباً|أهلا|أهلاً|السلام عليكم|שלום|γεια σας|γεια σου|สวัสดี)"
)
_PARDON_ELSEWHERE: Final = (
    "(?:disculpa|disculpe|perdona|perdón|excusez-moi|excuse-moi|pardon|entschuldigung|entschuldige|desculpe"
    "|com licença|scusa|scusi|mi scusi|извините|простите|вибачте|죄송하지만|죄송한데|실례지만|저기요|궁금한데"
    "|permisi|przepraszam|affedersiniz)"
)
_QUESTION_ELSEWHERE: Final = (
    "(?:(?:tengo )?una (?:pregunta|duda)|(?:j['’]ai )?une (?:petite )?question|petite question"
    "|(?:ich habe )?eine (?:kurze )?frage|kurze frage|(?:tenho )?uma (?:pergunta|dúvida)|(?:ho )?una domanda"
    "|(?:у меня )?(?:есть )?вопрос|(?:mam )?pytanie|(?:ik heb )?een vraag|bir sorum var|عندي سؤال|لدي سؤال"
    "|(?:मेरा )?एक सवाल(?: है)?|질문이 있어요|질문이 있습니다|질문 있습니다|질문 있어요|질문)"
)
_PLEASE_ELSEWHERE: Final = (
    "(?:por favor|s['’]il (?:vous|te) pla[iî]t|svp|bitte|per favore|per piacere|lütfen|proszę|alsjeblieft"
    "|alstublieft|tolong|mohon)"
)
_PLEASE_FURTHER: Final = (
    "(?:подскажите,? пожалуйста|не подскажете|будь ласка|пожалуйста|من فضلك|لو سمحت|कृपया(?: बताइए| बताएं)?)"
)
_KNOW_SPANISH: Final = (
    "(?:me (?:puedes|podrías|puede|podría) decir|(?:puedes|podrías|puede|podría) decirme|sabes|sabe usted|dime|dígame"
    "|(?:quiero|quisiera) saber|me gustaría saber)"
)
_KNOW_FRENCH: Final = (
    "(?:(?:pouvez-vous|peux-tu|pourriez-vous|pourrais-tu) me dire|dis-moi|dites-moi"
    "|je (?:voudrais|veux|souhaite) savoir|j['’]aimerais savoir|sais-tu|savez-vous)"
)
_KNOW_GERMAN: Final = (
    "(?:sag mir|sagen sie mir|weißt du|wissen sie"
    "|(?:kannst du|können sie|könntest du|könnten sie) mir (?:bitte )?sagen"
    "|ich (?:möchte|will|würde) (?:gerne? )?wissen)"
)
_KNOW_PORTUGUESE: Final = (
    "(?:me diga|me diz|diga-me|(?:você )?(?:pode|poderia) me dizer|gostaria de saber"
    "|(?:eu )?quero saber|(?:você )?sabe)"
)
_KNOW_ITALIAN: Final = (
    "(?:dimmi|(?:mi )?(?:puoi|può|potresti) dire|(?:puoi|può|potresti) dirmi|(?:vorrei|voglio) sapere|sai|sa)"
)
_KNOW_RUSSIAN: Final = (
    "(?:(?:скажи|скажите|подскажи|подскажите)(?:,? пожалуйста)?"
    "|(?:я )?(?:хочу (?:знать|узнать)|хотелось бы (?:знать|узнать)|хотел бы знать))"
)
_WH_RUSSIAN: Final = "(?:как|какая|какой|какое|какие|кто|что|где|когда|почему|сколько|зачем)"
_ELSEWHERE: Final = (
    rf"{_GREETING_ELSEWHERE}\s*+[,.!،।:]++\s*+",
    rf"{_PARDON_ELSEWHERE}\s*+[,.!:]++\s*+",
    rf"{_QUESTION_ELSEWHERE}\s*+[,.:!]++\s*+",
    rf"{_PLEASE_ELSEWHERE}(?:\s*+[,:]++\s*+| )(?!(?:en|auf|in|em|po|op|na|significa|bedeutet)\b)",
    rf"{_PLEASE_FURTHER}(?:\s*+[,،:]++\s*+| )",
    "혹시 ",
    "cho (?:tôi|mình|em) hỏi,? ",
    rf"{_KNOW_SPANISH},? ¿?(?=(?:qué|cuál|cuáles|cuándo|dónde|cómo|por qué|quién|quiénes|cuánt\w{{1,2}})\b)",
    rf"{_KNOW_FRENCH},? (?=(?:quel|quelle|quels|quelles|qui|quand|comment|pourquoi|où|combien)\b)",
    rf"{_KNOW_GERMAN},? (?=(?:was|wer|wie|wo|wann|warum|weshalb|wieso|woher|wohin|welche[rsnm]?)\b)",
    rf"{_KNOW_PORTUGUESE},? (?=(?:qual|quais|quando|onde|como|por que|quem|quant\w{{1,2}}|o que)\b)",
    rf"{_KNOW_ITALIAN},? (?=(?:qual|quale|quali|quando|dove|come|perché|chi|quant\w|che cosa|cosa)\b)",
    rf"{_KNOW_RUSSIAN},? (?={_WH_RUSSIAN}\b)",
)

_ASIAN_WH: Final = r"(?=[^\n]{0,40}(?:什么|什麼|为何|怎么|怎麼|怎样|如何|哪|谁|誰|多少|几|何|是否))"
_CHINESE_TASK: Final = (
    "(?=(?:写|寫|解释|解釋|介绍|介紹|说明|說明|描述|总结|總結|列出|列举|推荐|推薦|分析|比较|比較|翻译|翻譯|计算|給我"
    "|给我|设计|生成|制定))"
)
_JAPANESE_GREETING: Final = (
    "(?:こんにちは|こんばんは|おはようございます|おはよう|はじめまして|すみませんが?|失礼します"
    "|質問です|質問があります|質問)"
)
_EAST_ASIAN: Final = (
    r"(?:你好|您好|嗨|大家好|早上好|下午好|晚上好|哈喽|哈囉|早安)[啊呀]?[,，.。!！、~～]++\s*+",
    r"(?:不好意思|打扰一下|打擾一下|打扰了|抱歉)[,，.。!！]++\s*+",
    r"(?:我?想|麻烦|麻煩)?(?:请问|請問|问|問)(?:一下)?(?:你|您)?[,，:：]\s*+",
    r"(?:我?想)?(?:请问|請問)(?:一下)?\s*+",
    r"(?:我?想|麻烦|麻煩)问一下\s*+",
    rf"(?:我?想知道|我?很好奇|(?:请|請)?告诉我|(?:請)?告訴我|谁知道)[,，:：]?{_ASIAN_WH}",
    rf"(?:请|請)?(?:帮我|幫我|帮忙|幫忙|我想让你|我希望你|我想要你|我需要你){_CHINESE_TASK}",
    r"(?:麻烦您|麻烦你|麻煩您|麻煩你|麻烦|请你|请您)(?![的了]|事)[,，:：]?\s*+",
    r"[请請](?![假客求示柬愿安教勿问問帖进])[,，]?\s*+",
    rf"{_JAPANESE_GREETING}[、。,!！]++\s*+",
    r"(?:ちょっと)?(?:お聞きしたい|聞きたい|質問したい)(?:こと(?:が)?ある)?の?ですが[、,]\s*+",
)


LEAD: Final = re.compile("|".join((*_ENGLISH, *_ELSEWHERE, *_EAST_ASIAN)).replace(" ", r"\s++"), re.IGNORECASE)
STARTS: Final = re.compile(STARTER.replace(" ", r"\s++"), re.IGNORECASE)
TITLE: Final = re.compile(r"[A-Z][\w'’]*\.?\s+[A-Z][a-z]")
"""Two capitalised words: after a polite word without a comma, rather the title of something ("Please Don't Go")."""
SUNG: Final = re.compile(
    r"\b(?:lyrics|songs?|s[aiu]ng|albums?|chords|band|movies?|films?|novels?|episodes?)\b", re.IGNORECASE
)
"""Signs that a prompt names a work, which may begin like a question ("Tell me why", "I want to know what love is")."""
HOW: Final = re.compile(
    r"how\s++(?:can\s++i\s++(?!(?:be|have|not|trust|even)\b)"
    r"|(?:do\s++(?:you|we|people)|can\s++(?:you|one)|does\s++one|(?:could|would|should)\s++i|to)\s++(?=(?-i:"
    r"boil|cook|make|bake|fry|roast|fix|repair|install|uninstall|remove|delete|reset|change|clean|wash|grow|plant|tie"
    r"|open|lose|calculate|convert|sort|parse|draw|build|prepare|get|update|download|iron|fold|sharpen|measure|solve"
    r")\b))",
    re.IGNORECASE,
)
"""Ways to ask for a procedure that is nobody's in particular, before verbs that do not ask about a person: "How do you
feel?" is about the one asked, "How to Train Your Dragon" a title."""
