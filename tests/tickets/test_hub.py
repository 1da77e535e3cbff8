"""Tickets on the Hub: a local folder in the layout of the Hub's cache stands for it."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.tickets import Ticket, hub

huggingface_hub = pytest.importorskip("huggingface_hub")

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """Commits to the folder that the Hub's client reads as its cache."""

    cache = Path()
    private: ClassVar[dict[str, bool]] = {}

    def __init__(self, **_):
        pass

    def create_repo(self, repo_id, private, exist_ok):
        assert exist_ok
        self.private[repo_id] = private

    def upload_folder(self, repo_id, folder_path, revision, commit_message):
        repository = self.cache / f"models--{repo_id.replace('/', '--')}"
        shutil.copytree(folder_path, repository / "snapshots" / COMMIT)
        (repository / "refs").mkdir()
        (repository / "refs" / (revision or "main")).write_text(COMMIT)
        return SimpleNamespace(commit_url=f"https://huggingface.co/{repo_id}/commit/{COMMIT}")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(FakeHub, "cache", tmp_path)
    monkeypatch.setattr(FakeHub, "private", {})
    monkeypatch.setattr(huggingface_hub, "HfApi", FakeHub)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path


@pytest.fixture
def ticket():
    mask = np.array([[True, False], [False, False]])
    provenance = {
        "says": "a | <made> ticket", "paper": "1803.03635", "metric": "accuracy", "value": 0.97,
        "dense": 0.98, "seeds": 3, "difference": [-0.01, -0.02, 0.0], "seed": 0,
    }  # fmt: skip
    return Ticket(
        {"kernel": mask}, {"kernel": np.ones((2, 2)), "bias": np.zeros(2)}, {}, provenance
    )


def test_a_pushed_ticket_is_loaded_from_the_hub(cache, ticket):
    assert ticket.push("hf://user/made", private=True).endswith(f"user/made/commit/{COMMIT}")
    assert FakeHub.private == {"user/made": True}
    loaded = Ticket.from_preset("hf://user/made")
    assert np.array_equal(loaded.masks["kernel"], ticket.masks["kernel"])
    assert loaded.provenance == ticket.provenance
    with pytest.raises(LotteryError, match=r"file ticket\.safetensors at hf://user/made@v2"):
        Ticket.from_preset("hf://user/made@v2")


def test_the_card_says_what_it_is_and_how_to_apply_it(cache, ticket):
    ticket.push("hf://user/made")
    (file,) = cache.rglob("README.md")
    text = file.read_text()
    assert text.startswith("---\nlibrary_name: keras-lottery\n") and "# made" in text
    for line in (
        "| sparsity | 75.00% (1 of 4 weights kept) |",
        "| paper | 1803.03635 |",
        "| paired difference from dense | -0.0100 (95 % t interval -0.0200 to +0.0000; 3 seeds) |",
        'kl.Ticket.from_preset("hf://user/made")',
        "| kernel | (2, 2) | 25.00% |",
        "| bias | (2,) | dense |",
        "a \\| &lt;made> ticket",
    ):
        assert line in text, line


@pytest.mark.parametrize(
    "place", ["user/made", "hf://made", "hf://a/b/c", "hf://a/b@", "hf://../x y"]
)
def test_a_place_has_a_user_and_a_name(place, ticket):
    with pytest.raises(LotteryError, match="such as 'hf://user/name'"):
        ticket.push(place)


def test_what_the_hub_refuses_is_one_error(cache, ticket, monkeypatch):
    def refuse(*_, **__):
        raise ConnectionError("no route\nto the host")

    monkeypatch.setattr(FakeHub, "create_repo", refuse)
    with pytest.raises(LotteryError, match=r"ConnectionError: no route\. Check the name"):
        ticket.push("hf://user/made")


def test_without_the_package_the_extra_is_named(ticket, monkeypatch):
    monkeypatch.setattr(hub, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"\.\[hub\]"):
        ticket.push("hf://user/made")
