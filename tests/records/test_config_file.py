"""config.json is read as it was written; garbage is refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.records import read_config
from keras_lottery.records.run_paths import RunPaths

DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"[]",
        b"7",
        b'{"config": 1}',
        b'{"config": {"report": {"sparse": NaN}}}',
        b'{"config": {"data": ' + DEEP.encode() + b"}}",
        b'{"config": ' + b'{"a": ' * 200 + b"1" + b"}" * 200 + b"}",
        b'{"config": {"draws": ' + b"9" * 5000 + b"}}",
        b"\0" * 100,
    ],
    ids=str,
)
def test_garbage_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(LotteryError, match=r"Expected .*config\.json") as caught:
        read_config(RunPaths(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seeds", 3),
        ("seeds", [True]),
        ("seeds", [-1]),
        ("arms", "winning"),
        ("arms", [["winning"]]),
        ("prune", []),
        ("prune", {"rounds": "3"}),
        ("prune", {"rounds": 10**400}),
        ("prune", {"arm_rounds": {"winning": 3}}),
        ("report", {"sparse": "0.2"}),
        ("transfer", {"sources": {"../x": "runs/a"}}),
        ("transfer", {"sources": ["a"]}),
    ],
)
def test_a_field_of_another_type_is_named(tmp_path: Path, name: str, value: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"config": {name: value}}))
    with pytest.raises(LotteryError, match=rf"config\.{name}|source"):
        read_config(RunPaths(tmp_path))


@pytest.mark.parametrize("claims", [3, "text", {"says": "x"}, [3], [[["says", "x"]]]])
def test_claims_are_a_list_of_objects(tmp_path: Path, claims: Any) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"config": {}, "claims": claims}))
    with pytest.raises(LotteryError, match="a usable `claims`"):
        read_config(RunPaths(tmp_path))


def test_fields_that_are_unknown_or_left_out_are_no_matter(tmp_path: Path) -> None:
    record = {"config": {"task": "mine", "data": {"of_mine": [1, {"a": None}]}}, "more": 1}
    record["higher_is_better"] = True
    (tmp_path / "config.json").write_text(json.dumps(record))
    assert read_config(RunPaths(tmp_path)) == record


def test_a_folder_that_is_none_lists_the_run_folders_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("quickstart-b6d9dc5a", "quickstart-0a1b2c3d"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").touch()
    for root in (tmp_path, tmp_path / "quickstart-1a2b3c4d"):
        with pytest.raises(LotteryError, match=r"There are: .*quickstart-b6d9dc5a") as caught:
            read_config(RunPaths(root))
        assert "quickstart-0a1b2c3d" in str(caught.value)
    with pytest.raises(LotteryError, match="which holds config") as caught:
        read_config(RunPaths(tmp_path / "missing" / "run"))
    assert "There are" not in str(caught.value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LotteryError, match="There are") as caught:
        read_config(RunPaths(Path()))
    assert str(caught.value).count("quickstart-b6d9dc5a") == 1
