"""A tiny pre-trained BERT in Hugging Face's layout, and sentences that it can separate."""

import gzip
import json

import numpy as np
from safetensors.numpy import save_file

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
GOOD = ["good", "fine", "warm", "bright"]
BAD = ["bad", "dull", "cold", "dark"]
OTHERS = ["the", "film", "was", "a", "plot", "and", "it", "##s", "."]
WORDS = [*SPECIAL, *GOOD, *BAD, *OTHERS]
HIDDEN, LAYERS, LENGTH = 8, 2, 16


def preset(folder, vocabulary=WORDS, rows=0):
    """Writes the folder of a BERT whose weights are drawn at random."""
    rows = rows or len(WORDS)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert", "architectures": ["BertModel"], "vocab_size": rows,
        "hidden_size": HIDDEN, "num_hidden_layers": LAYERS, "num_attention_heads": 2,
        "intermediate_size": 12, "max_position_embeddings": LENGTH, "type_vocab_size": 2,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in vocabulary))
    rng = np.random.default_rng(0)
    shapes = {"embeddings.word_embeddings.weight": (rows, HIDDEN)}
    shapes["embeddings.position_embeddings.weight"] = (LENGTH, HIDDEN)
    shapes["embeddings.token_type_embeddings.weight"] = (2, HIDDEN)
    dense = {"pooler.dense": (HIDDEN, HIDDEN)}
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}"
        dense |= {f"{at}.attention.self.{n}": (HIDDEN, HIDDEN) for n in ("query", "key", "value")}
        dense[f"{at}.attention.output.dense"] = (HIDDEN, HIDDEN)
        dense |= {f"{at}.intermediate.dense": (12, HIDDEN), f"{at}.output.dense": (HIDDEN, 12)}
        norms += [f"{at}.attention.output.LayerNorm", f"{at}.output.LayerNorm"]
    for name, shape in dense.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    arrays = {n: 0.3 * rng.normal(size=shape).astype("float32") for n, shape in shapes.items()}
    words = arrays["embeddings.word_embeddings.weight"]
    for row, word in enumerate(vocabulary[:rows]):  # what pre-training would have learned
        words[row] += np.array([1, -1] * (HIDDEN // 2)) * ((word in GOOD) - (word in BAD))
    for name in norms:
        arrays[f"{name}.weight"] = np.ones(HIDDEN, "float32")
        arrays[f"{name}.bias"] = np.zeros(HIDDEN, "float32")
    save_file(arrays, str(folder / "model.safetensors"))
    return folder


def sentences(count, seed=0):
    """Returns sentences and their classes, which one word decides."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    return [(f"the film was {rng.choice((BAD, GOOD)[y])} .", int(y)) for y in labels]


def write_tsv(path, header, rows):
    """Writes a TSV file, gzipped where its name says so."""
    text = "\n".join("\t".join(map(str, row)) for row in [header, *rows]) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def write_text(folder):
    """Writes running text for masked language modeling."""
    for name, count in (("train", 60), ("dev", 30)):
        text = "\n".join(f"{sentence} <unk>" for sentence, _ in sentences(count))
        (folder / "mlm").mkdir(exist_ok=True)
        (folder / f"mlm/{name}.txt").write_text(text)


def write_questions(path, count, seed=0):
    """Writes a file whose answer is the one word that is no filler."""
    rng = np.random.default_rng(seed)
    paragraphs = []
    for number in range(count):
        words = ["film", "was", "it", "and"] * 2
        answer = str(rng.choice(GOOD))
        words[int(rng.integers(0, 7))] = answer
        context = " ".join(words)
        answers = [{"text": answer, "answer_start": context.index(answer)}]
        qas = [{"id": str(number), "question": "a plot", "answers": answers}]
        paragraphs.append({"context": context, "qas": qas})
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))


def data(folder):
    """Writes the preset `tiny` and the task sst2 into a folder."""
    preset(folder / "tiny")
    write_tsv(folder / "sst2/train.tsv", ("sentence", "label"), sentences(64))
    write_tsv(folder / "sst2/dev.tsv.gz", ("sentence", "label"), sentences(24, seed=1))
    return folder


def fields(folder, **changed):
    """Returns overrides of the small preset that make it take seconds; `__` stands for a dot."""
    import keras

    small = {
        "data.dir": str(folder), "model.preset": "tiny", "model.dropout": 0.0, "data.max_len": 10,
        "data.train_size": 0, "train.length": "32it", "train.batch_size": 8, "train.eval_every": 8,
        "optimizer.learning_rate": 1e-2, "seeds": [0], "backend": keras.config.backend(),
        "prune.exclude": (),  # the pooler is pruned, as in the paper
    }  # fmt: skip
    if keras.config.backend() == "tensorflow":
        small["train.jit"] = "false"  # compiling takes longer than all the steps
    return small | {name.replace("__", "."): value for name, value in changed.items()}
