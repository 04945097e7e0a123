"""Words, phrases and marks by class of work. Another language or another word is more of the same.

Weights are set by hand on prompts of known class.
"""

from __future__ import annotations

from typing import Final

from lib.ai.plan import Task
from lib.ai.router.rows import CueRow, listed, words

LANGUAGES: Final = (
    "afrikaans arabic bengali bulgarian cantonese catalan chinese croatian czech danish dutch english estonian farsi "
    "finnish french german greek hebrew hindi hungarian icelandic indonesian italian japanese korean latin latvian "
    "lithuanian malay mandarin norwegian persian polish portuguese punjabi romanian russian serbian slovak spanish "
    "swahili swedish tagalog tamil thai turkish ukrainian urdu vietnamese welsh"
)
_INTO: Final = "in into to native"
_OF: Final = "for version speaker"

TRANSLATION: Final[tuple[CueRow, ...]] = (
    CueRow(
        task=Task.TRANSLATION,
        weight=4.0,
        anywhere=False,
        words=words("translate translated translates translating translation translations"),
        marks=listed(
            "翻译 | 翻譯 | 译成 | 译为 | 译文 | 翻成 | 訳して | 和訳 | 번역 | übersetz | traduc | traduis | "
            "traduz | traduir | перевед | перевод | tłumacz | vertaal | çevir | ترجم | अनुवाद"
        ),
    ),
    CueRow(
        task=Task.TRANSLATION,
        weight=2.2,
        anywhere=False,
        phrases=(
            *(f"{word} {language}" for word in _INTO.split() for language in LANGUAGES.split()),
            *(f"{language} {word}" for word in _OF.split() for language in LANGUAGES.split()),
            *listed(
                "auf englisch | auf deutsch | auf französisch | auf spanisch | en anglais | en français | "
                "en espagnol | en inglés | en español | en francés | em inglês | in inglese"
            ),
        ),
        marks=listed("英语怎么说 | 英文怎么说 | 用英语 | 用英文 | 英語で | 영어로 | по-английски | по-русски"),
    ),
    CueRow(
        task=Task.TRANSLATION,
        weight=1.6,
        anywhere=False,
        phrases=listed(
            "do you say | do i say | would i say | would you say | can i say | does one say | i say | you say | "
            "they say | word for | words for | phrase for | phrase in | sagt man | se dice | dit on | germans say | "
            "russians say | italians say | french say"
        ),
    ),
    CueRow(task=Task.TRANSLATION, weight=0.8, anywhere=False, words=words(LANGUAGES)),
)

SUMMARIZATION: Final[tuple[CueRow, ...]] = (
    CueRow(
        task=Task.SUMMARIZATION,
        weight=5.0,
        anywhere=False,
        words=words(
            "summarize summarise summarized summarised summarizing summarising summary summaries tldr recap "
            "condense resumir resume resumen resumo résume résumer résumez résumé riassumi riassunto"
        ),
        phrases=listed(
            "tl dr | key points | main points | main ideas | main idea | main point | key takeaways | "
            "in a nutshell | sum up | gist of"
        ),
        marks=listed(
            "总结 | 概括 | 摘要 | 归纳 | 要点 | 主要内容 | 大意 | 總結 | 要約 | まとめて | 요약 | zusammenfass | "
            "кратко излож | резюмир | özetle"
        ),
    ),
    CueRow(
        task=Task.SUMMARIZATION,
        weight=2.0,
        anywhere=False,
        words=words("shorten takeaways highlights overview bullet bullets abstract"),
        phrases=listed(
            "one sentence | two sentences | three sentences | a few sentences | one paragraph | boil down | "
            "main takeaway | short version | bullet points | the following article | this article | "
            "the text below | was said | was discussed | did they discuss | discussion about | general discussion | "
            "the meeting"
        ),
    ),
)

CODE: Final[tuple[CueRow, ...]] = (
    CueRow(
        task=Task.CODE_GENERATION,
        weight=2.0,
        words=words(
            "python javascript typescript java c++ c# golang rust kotlin php ruby bash powershell sql mysql "
            "postgres postgresql sqlite html css react reactjs vue angular django flask fastapi nodejs regex "
            "regexp docker dockerfile kubernetes terraform latex matlab pandas numpy pytorch tensorflow unity "
            "laravel excel vba lua arduino opencv webpack jquery haskell scala perl swiftui selenium graphql "
            "mongodb redis nginx linux flutter git div"
        ),
    ),
    CueRow(
        task=Task.CODE_GENERATION,
        weight=1.6,
        words=words(
            "code debug debugging refactor compile compiler stacktrace exception bug snippet algorithm function "
            "functions array arrays string boolean api endpoint backend frontend json yaml xml gui programming "
            "codebase repo unittest async recursion tuple tuples struct pointer query queries"
        ),
    ),
    CueRow(
        task=Task.CODE_GENERATION,
        weight=3.0,
        marks=listed(
            "代码 | 程序 | 函数 | 编程 | 算法 | 脚本 | コード | 関数 | 코드 | 함수 | функцию | код на | скрипт | "
            "eine funktion | une fonction | una función | quellcode | código"
        ),
    ),
    CueRow(
        task=Task.CODE_GENERATION,
        weight=2.6,
        phrases=listed(
            "write a function | python function | write code | unit test | unit tests | linked list | source code | "
            "stack trace | returns the"
        ),
    ),
)

DATA: Final[tuple[CueRow, ...]] = (
    CueRow(
        task=Task.DATA_ANALYSIS,
        weight=1.9,
        words=words(
            "dataset datasets dataframe csv spreadsheet column columns rows outlier outliers histogram heatmap "
            "boxplot scatterplot quartile quartiles iqr skewness kurtosis imputation dashboard kpi crosstab"
        ),
        phrases=listed(
            "group by | pivot table | data analysis | missing values | null values | the data | this data | "
            "following data | scatter plot | this table | is a table | following table | z score | per month | "
            "by region | these results | how many records | month over month | what share | the mean | a b test"
        ),
        marks=listed(
            "数据分析 | 数据集 | 表格 | 统计 | 以下数据 | データ | 데이터 | таблиц | tabelle | datensatz | "
            "tabla de | datos | données"
        ),
    ),
    CueRow(
        task=Task.DATA_ANALYSIS,
        weight=1.6,
        words=words(
            "correlation correlations correlated correlate regression median variance statistical statistically "
            "distribution anova pearson normality averages trend trends chart charts visualize visualise "
            "deviation distributed cohort churn retention revenue quarterly percentile"
        ),
        phrases=listed(
            "standard deviation | p value | t test | linear regression | hypothesis test | year over year | "
            "shapiro wilk"
        ),
    ),
)

SCIENCE: Final[tuple[CueRow, ...]] = (
    CueRow(
        task=Task.SCIENTIFIC_RESEARCH,
        weight=1.5,
        words=words(
            "hypothesis hypotheses experimental clinical vivo vitro mechanism mechanisms protein proteins gene "
            "genes genetic genome genomic cell cells cellular receptor receptors neuron neurons neural neuronal "
            "molecular molecule molecules enzyme enzymes quantum patient patients disease diseases therapy "
            "therapies treatment syndrome cancer tumor tumour carcinoma chemical species photosynthesis evolution "
            "thermodynamic thermodynamics biology biological chemistry physics bacteria bacterial virus viral "
            "virion immune antibody antibodies microbiota microbiome gut histology pathology physiology "
            "physiological oncology neurology epidemiology pharmacology radiology cortex hippocampus hippocampal "
            "cognitive cognition brain disorder disorders mutation mutations rna dna mrna crispr pathway pathways "
            "signaling signalling metabolic metabolism plasma serum biomarker biomarkers mice rats rodents "
            "surgery surgical postoperative preoperative diagnosis prognosis prognostic risk mortality survival "
            "lesions symptoms pathogenesis polymorphism cardiac renal hepatic pulmonary arterial coronary "
            "diabetes insulin hypertension infection infections chronic efficacy dose screening pregnancy "
            "epilepsy tinnitus superconductivity statins vaccines gravitational fasting trial randomized biopsy "
            "injury infants stroke catalyst catalysis isotope neutrino entropy relativity astrophysics ecosystem "
            "geology seismic acidification polymer nanoparticles spectroscopy stimulation modulate modulating "
            "inflammation inflammatory synaptic"
        ),
        marks=listed(
            "物理 | 化学 | 生物 | 医学 | 细胞 | 基因 | 蛋白 | 研究现状 | 细菌 | 量子 | 机制 | 原理 | 実験 | 세포 | "
            "유전자 | клетк | белк | zelle | cellule | célula | photosynth"
        ),
    ),
    CueRow(
        task=Task.SCIENTIFIC_RESEARCH,
        weight=1.4,
        words=words(
            "research researchers scientific study studies literature evidence methodology peer findings "
            "experiment experiments scientists"
        ),
        phrases=listed("state of the art | open questions | known about"),
        marks=listed("evidencia científica | wissenschaft | scientifique | научн | 科学"),
    ),
    CueRow(
        task=Task.SCIENTIFIC_RESEARCH,
        weight=3.8,
        phrases=listed(
            "research paper | literature review | systematic review | research questions | controlled trial | "
            "current evidence"
        ),
    ),
    CueRow(
        task=Task.SCIENTIFIC_RESEARCH,
        weight=1.0,
        phrases=listed(
            "role of | effect of | effects of | associated with | impact of | influence of | relationship between | "
            "association between | how does | evidence for | compared to | contribute to"
        ),
    ),
)

REASONING: Final[tuple[CueRow, ...]] = (
    CueRow(
        task=Task.COMPLEX_REASONING,
        weight=1.8,
        words=words(
            "prove proof solve calculate compute derive deduce integral equation probability theorem integer "
            "integers matrix polynomial triangle divisible modulo factorial logic logical logically puzzle riddle "
            "reasoning therefore tradeoffs tradeoff paradox dilemma sum remainder perimeter eigenvalues simplify "
            "radius radii circle sphere cone tangent angle angles inequality vectors fraction permutation "
            "permutations counterfeit clue clues weighings resistor ohm velocity"
        ),
        phrases=listed(
            "step by step | pros and cons | trade offs | trade off | how many ways | prove that | show that | "
            "find the value | what is the probability | per hour | miles per | in a row | think through | "
            "root cause | game theory | first principles | which strategy | argue for | each person | to the left | "
            "exactly once | comes next | reason through | next number | what if | explain your choice"
        ),
        marks=listed(
            "计算 | 证明 | 求解 | 推理 | 方程 | 逻辑 | 概率 | 計算 | 증명 | 계산 | доказ | вычисл | реши | "
            "berechne | beweis | calcule | calcula | démontre | demuestra"
        ),
    ),
    CueRow(
        task=Task.COMPLEX_REASONING,
        weight=1.4,
        words=words(
            "twice half remaining altogether analyze analyse evaluate critically compare justify optimal feasible "
            "constraints"
        ),
        phrases=listed(
            "how many | how much | how long will | how far | how old | in total | each day | each week | as many | "
            "as much | at least"
        ),
        marks=listed(
            "多少 | 几个 | 多久 | 分析 | 比较 | wie schnell | wie viele | combien | cuántos | сколько | いくつ | 몇"
        ),
    ),
)

CREATIVE: Final[tuple[CueRow, ...]] = (
    CueRow(
        task=Task.CREATIVE_WRITING,
        weight=1.7,
        words=words(
            "story stories poem poems poetry haiku sonnet limerick fanfic fanfiction fic screenplay lyrics "
            "villain protagonist rhyme rhymes rhyming fictional roleplay fantasy worldbuilding plotline backstory "
            "monologue slogan tagline crossover anime novel chapter scene dialogue comedic satirical parody "
            "metaphors narrate narrator humorous"
        ),
        phrases=listed(
            "act as | pretend to be | pretend you | imagine a | imagine our | imagine you are | as a pirate | "
            "product description | you are a writer | in the style of | once upon a time | short story | "
            "blog post | cover letter"
        ),
        marks=listed(
            "诗 | 故事 | 小说 | 作文 | 歌词 | 剧本 | 写一篇 | 写一首 | 帮我写 | 撰写 | 散文 | 文案 | 演讲稿 | "
            "创作 | 小説 | 物語 | 詩 | ラノベ | 소설 | 이야기 | стих | рассказ | сказк | истори | срифм | "
            "четверостиш | gedicht | geschichte | poème | histoire | poema | cuento | historia | pesmu | şiir | "
            "hikaye | thơ | truyện | กลอน | סיפור | قصة"
        ),
    ),
    CueRow(
        task=Task.CREATIVE_WRITING,
        weight=1.6,
        anywhere=False,
        words=words(
            "escribe escriba escreva escris écris écrivez schreib schreibe scrivi napisz napiši napiš viết yaz "
            "skriv schrijf"
        ),
        marks=listed("напиши | придумай | сочини | เขียน | כתוב | 書いて | 써줘 | اكتب | 写一"),
    ),
)

CUES: Final = TRANSLATION + SUMMARIZATION + CODE + DATA + SCIENCE + REASONING + CREATIVE
