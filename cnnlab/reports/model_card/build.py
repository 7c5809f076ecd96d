"""From a run or a bundle to the text of a card, and to a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cnnlab.errors import InputError, StorageError
from cnnlab.files import write_text
from cnnlab.reports.markdown import escaped, render_plain
from cnnlab.reports.model_card.front_matter import (
    MARK,
    check_identifiers,
    front_matter,
    render_front_matter,
)
from cnnlab.reports.model_card.sections import CARD_SECTIONS, lead
from cnnlab.reports.model_card.subject import CardSubject, open_subject
from cnnlab.reports.model_card.words import WORDS_FILE, read_card_words, write_words_stub
from cnnlab.runs import Run
from cnnlab.tables import ShownAsText

__all__ = ["ModelCard", "write_model_card"]

_NAME = "README.md"

#: So far from its beginning a file says that it is a card of ours.
_HEAD_BYTES = 200


@dataclass(frozen=True)
class ModelCard(ShownAsText):
    """A card that was written.

    Attributes
    ----------
    path: the file.
    text: all of it.
    head: its front matter.
    stub: the file of hints for own words that was made for it, if one was.
    """

    path: Path
    text: str
    head: Mapping[str, Any]
    stub: Path | None

    def to_dict(self) -> dict[str, Any]:
        """What ``cnnlab card --json`` prints."""
        return {
            "card": str(self.path),
            "front_matter": dict(self.head),
            "hints": None if self.stub is None else str(self.stub),
        }

    def to_text(self) -> str:
        """What ``cnnlab card`` prints."""
        return str(self.path)


def write_model_card(
    source: Run | Path | str,
    out: Path | None = None,
    *,
    license: str | None = None,
    dataset_id: str | None = None,
    text: Path | None = None,
    runs: Path = Path("runs"),
) -> ModelCard:
    """Write the model card of a run (its directory or name) or of a bundle's file.

    Parameters
    ----------
    out: the file; ``README.md`` in the run, or beside the bundle, where None.
    license: an identifier that the hub knows, or any other licence's name.
    dataset_id: what the images are called on the hub, where that is not known here.
    text: the author's own words by heading; a new file is filled with hints. Without it
        ``card-words.md`` beside the card is taken, if there is one.
    runs: the folder in which a run's name is looked for.

    An earlier card is replaced, anything else is not: :class:`InputError`. Raises ``RunError``
    for no such network and ``StorageError`` where it cannot be written.
    """
    check_identifiers(license, dataset_id)
    subject = open_subject(source, runs=runs, dataset_id=dataset_id, license=license)
    place = subject.bundle.source
    path = out or (place if place.is_dir() else place.parent) / _NAME
    _check_replaceable(path)
    stub = text if text is not None and write_words_stub(text, list(CARD_SECTIONS)) else None
    beside = path.with_name(WORDS_FILE)
    said = text if text is not None else beside if beside.is_file() else None
    words = {} if said is None else read_card_words(said)
    content = _render(subject, words)
    write_text(path, content)
    return ModelCard(path, content, front_matter(subject), stub)


def _check_replaceable(path: Path) -> None:
    """Raise :class:`InputError` where a file stands that is no card of ours."""
    if path.is_dir():
        raise InputError("is a folder", where=path, expected="a file, e.g. README.md")
    if not path.exists():
        return
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"cannot read: {reason.lower()}", where=path) from error
    if MARK.encode() not in head:
        raise InputError(
            "exists already, and cnnlab card did not write it",
            where=path,
            todo="name another file with --out, or move it away",
        )


def _render(subject: CardSubject, words: Mapping[str, str]) -> str:
    """The whole file; own words stand at the head of their sections, further ones at the end."""
    own = {title.casefold(): text for title, text in words.items()}
    parts = [f"# {escaped(subject.bundle.name)}", own.pop("", ""), escaped(lead(subject))]
    for title, build in CARD_SECTIONS.items():
        parts += [f"## {title}", own.pop(title.casefold(), ""), render_plain(build(subject))]
    for title, text in words.items():
        if title.casefold() in own:
            parts += [f"## {title}", text]
    origin = f"the run {subject.bundle.name}" if subject.record else "a bundle"
    parts += ["---", f"Written by cnnlab {version('cnnlab')} from {escaped(origin)}."]
    return f"{render_front_matter(subject)}\n" + "\n\n".join(filter(None, parts)) + "\n"
