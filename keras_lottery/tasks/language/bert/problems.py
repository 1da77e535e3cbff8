"""The problems: GLUE's tasks, your own sentences, masked language modeling, SQuAD."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One language task.

    Args:
        kind: `classes`, `number`, `masked_lm` or `span`.
        metric: headline metric: `accuracy`, `matthews`, `f1` or `pearson`; higher is better.
        labels: names of the classes in order; empty: those of the training file.
        header: columns of files without a header line.
        splits: names of the test split, in files and in tensorflow-datasets.
        cut_short: whether the published files have a few truncated rows.
    """

    kind: str = "classes"
    metric: str = "accuracy"
    labels: tuple[str, ...] = ("0", "1")
    header: tuple[str, ...] = ()
    splits: tuple[str, ...] = ("dev", "validation")
    cut_short: bool = False


_ENTAILS = ("entailment", "not_entailment")
PROBLEMS: dict[str, Problem] = {
    "cola": Problem(metric="matthews", header=("source", "label", "mark", "sentence")),
    "sst2": Problem(),
    "mrpc": Problem(),
    "qqp": Problem(cut_short=True),
    "stsb": Problem(kind="number", metric="pearson", labels=()),
    "mnli": Problem(
        labels=("entailment", "neutral", "contradiction"),
        splits=("dev_matched", "validation_matched"),
    ),
    "qnli": Problem(labels=_ENTAILS),
    "rte": Problem(labels=_ENTAILS),
    "wnli": Problem(),
    "tsv": Problem(labels=()),
    "mlm": Problem(kind="masked_lm", labels=()),
    "squad": Problem(kind="span", metric="f1", labels=()),
}
"""By `data.name`. Metrics as Chen et al. 2020 report them (SQuAD: F1)."""

LABELS = ("gold_label", "label", "Quality", "is_duplicate", "score")
"""Names of the label column; the first that exists is used."""

SENTENCES = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("#1 String", "#2 String"),
    ("sentence",),
    ("text",),
)
"""Names of the sentence columns; the first that exist are used."""
