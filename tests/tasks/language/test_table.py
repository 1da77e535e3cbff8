"""TSV rows: quotation marks as quotes, and as part of a sentence."""

import csv
import io

import pytest

from keras_lottery.tasks.language.table import read_table

SENTENCES = ['he said "no"', "a\ttab", "two\nlines", "plain, with a comma", '"']


def rows(tmp_path, text):
    path = tmp_path / "made.tsv"
    path.write_text(text, newline="")
    return read_table(path)


def fields(tmp_path, text):
    return [row for _, row in rows(tmp_path, text)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_what_a_csv_writer_quotes_is_read_back(tmp_path, quoting, end):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter="\t", quoting=quoting, lineterminator=end)
    table = [["sentence", "label"], *([sentence, "1"] for sentence in SENTENCES)]
    writer.writerows(table)
    assert fields(tmp_path, file.getvalue()) == table


@pytest.mark.parametrize("sentence", SENTENCES[:3])
def test_one_quoted_field_is_enough(tmp_path, sentence):
    quoted = '"' + sentence.replace('"', '""') + '"'
    table = fields(tmp_path, f"sentence\tlabel\n{quoted}\t1\nplain\t0\n")
    assert table == [["sentence", "label"], [sentence, "1"], ["plain", "0"]]


@pytest.mark.parametrize(
    "sentences",
    [
        ['" a fine film', 'a dull film "'],
        ['"', "plain"],
        ['a "', '" b'],
        ['"Hello," he said.', "plain"],
        ['it is 5" long', 'and 6" wide'],
        ['"wrapped whole"', "plain"],
        ['"wrapped whole"', 'he said "no"'],
        ['"He said ""no"" ."', 'a "film"'],
        ["no quotation mark", "plain"],
    ],
)
def test_quotation_marks_of_a_file_without_quoting_stay(tmp_path, sentences):
    text = "sentence\tlabel\n" + "".join(f"{sentence}\t1\n" for sentence in sentences)
    assert fields(tmp_path, text) == [["sentence", "label"], *([s, "1"] for s in sentences)]


def test_a_quoted_header_proves_that_the_file_is_quoted(tmp_path):
    table = fields(tmp_path, '"sentence"\t"label"\n"wrapped whole"\t"1"\n')
    assert table == [["sentence", "label"], ["wrapped whole", "1"]]


def test_rows_are_counted_by_the_line_in_which_they_begin(tmp_path):
    text = 'sentence\tlabel\n\n"two\nlines"\t1\nplain\t0\n'
    assert [line for line, _ in rows(tmp_path, text)] == [1, 3, 5]
    assert [line for line, _ in rows(tmp_path, "sentence\tlabel\n\n \nplain\t0\n")] == [1, 4]
