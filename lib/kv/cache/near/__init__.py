"""Near hits: which stored question may mean the same as this one. Pure; what is served is decided by certification.

A question is read once (`read`). Its rarest terms name the posting fields to look up (`Question.fields`); records found
there whose guard signature equals the question's are candidates; their texts are then judged by `score`.
"""

from lib.kv.cache.near.judge import judge_same
from lib.kv.cache.near.postings import (
    MOST_CANDIDATES,
    MOST_CHARS,
    VERSION,
    Candidate,
    Posting,
    candidates,
    entry_id,
)
from lib.kv.cache.near.question import Question, read
from lib.kv.cache.near.verifier import Embedder, score

__all__ = [
    "MOST_CANDIDATES",
    "MOST_CHARS",
    "VERSION",
    "Candidate",
    "Embedder",
    "Posting",
    "Question",
    "candidates",
    "entry_id",
    "judge_same",
    "read",
    "score",
]
