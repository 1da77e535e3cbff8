"""Tickets on the Hugging Face Hub: a repository with the ticket's file and a card.

Needs the optional package `huggingface_hub`. Only data are read: a ticket holds no code.
"""

import re
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from keras_lottery.errors import LotteryError, MissingExtraError, reason_of, shortened

SCHEME = "hf://"
FILE = "ticket.safetensors"
CARD = "README.md"
_LIBRARY = "keras-lottery"
_PLACE = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


def parse(place: str) -> tuple[str, str | None]:
    """Returns repository and revision of `hf://user/name` or `hf://user/name@revision`.

    Raises:
        LotteryError: it has another form.
    """
    match = _PLACE.fullmatch(place.removeprefix(SCHEME))
    if not place.startswith(SCHEME) or match is None:
        raise LotteryError(
            f"Expected a place on the Hub such as 'hf://user/name'. Received: {shortened(place)}. "
            "Name the user or organization and the repository."
        )
    return match["repository"], match["revision"]


def fetch(place: str) -> Path:
    """Returns the file of a ticket on the Hub, from the Hub's local cache if it is there.

    Raises:
        LotteryError: the repository or its ticket can't be reached, or has another form.
        MissingExtraError: huggingface_hub is not installed.
    """
    repository, revision = parse(place)
    _check_installed()
    from huggingface_hub import hf_hub_download

    try:
        file = hf_hub_download(repository, FILE, revision=revision, library_name=_LIBRARY)
    except Exception as error:  # of the network, of the Hub, of the disk
        raise _failed(f"a repository with the file {FILE}", place, error) from error
    return Path(file)


def upload(
    place: str, write: Callable[[Path], None], card: str, private: bool, message: str
) -> str:
    """Creates a repository if needed, and commits a ticket's file and its card.

    Args:
        place: `hf://user/name`.
        write: writes the ticket into a file.
        card: the text of README.md.
        private: whether a new repository is private.
        message: message of the commit.

    Returns:
        The address of the commit.

    Raises:
        LotteryError: the place has another form, or the Hub refuses the upload.
        MissingExtraError: huggingface_hub is not installed.
    """
    repository, revision = parse(place)
    _check_installed()
    from huggingface_hub import HfApi

    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, FILE))
        Path(folder, CARD).write_text(card, encoding="utf-8")
        try:
            api = HfApi(library_name=_LIBRARY)
            api.create_repo(repository, private=private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repository, folder_path=folder, revision=revision, commit_message=message
            )
        except Exception as error:  # of the network or of the Hub
            raise _failed("a repository that you can write to", place, error) from error
    return str(commit.commit_url)


def _check_installed() -> None:
    if find_spec("huggingface_hub") is None:
        raise MissingExtraError("huggingface_hub", "hub")


def _failed(expected: str, place: str, error: Exception) -> LotteryError:
    return LotteryError(
        f"Expected {expected} at {place}. Received: {type(error).__name__}: {reason_of(error)} "
        "Check the name and the network; log in with `hf auth login` for private repositories."
    )
