"""BLEU of translations."""

from collections.abc import Sequence
from typing import Any

from keras_lottery.errors import MissingExtraError


def bleu(found: Sequence[str], right: Sequence[str], language: str) -> dict[str, float]:
    """Returns two scores of a test set, each from 0 to 100, case-sensitive.

    Args:
        found: translations as plain text.
        right: one reference each.
        language: of both, for the Moses tokenizer.

    Returns:
        `bleu`: sacreBLEU's own, which tokenizes plain text as it prescribes (13a); `bleu_moses`:
        of text that Moses has tokenized, comparable with what `multi-bleu.perl` gives for such.
    """
    sacrebleu, sacremoses = _packages()
    moses = sacremoses.MosesTokenizer(lang=language)
    tokens = [[moses.tokenize(s, return_str=True, escape=False) for s in part]
              for part in (found, right)]  # fmt: skip
    plain = sacrebleu.corpus_bleu(list(found), [list(right)])
    tokenized = sacrebleu.corpus_bleu(tokens[0], [tokens[1]], tokenize="none", force=True)
    return {"bleu": float(plain.score), "bleu_moses": float(tokenized.score)}


def _packages() -> Any:
    try:
        import sacrebleu
        import sacremoses
    except ImportError as error:
        raise MissingExtraError(error.name or "sacrebleu", "nlp") from error
    return sacrebleu, sacremoses
