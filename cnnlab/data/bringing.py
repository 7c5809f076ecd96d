"""A known dataset -> files on this machine that were read from end to end."""

from __future__ import annotations

from pathlib import Path

from cnnlab.data.opening import open_dataset
from cnnlab.data.places import downloads
from cnnlab.data.source import SOURCES, Found, Say, unsaid
from cnnlab.errors import DataError

__all__ = ["bring"]


def bring(
    name: str,
    *,
    say: Say = unsaid,
    download: bool = True,
    time_limit_seconds: float | None = None,
) -> Found | None:
    """Find a dataset, or download it; either way verify and decode it.

    Parameters
    ----------
    download: whether to, where it is not here or where an earlier download is damaged.
    time_limit_seconds: of the download, as :meth:`cnnlab.data.source.Source.fetch` has it.

    Returns
    -------
    None: it is not here, and was not to be downloaded.

    Raises :class:`DataError` where files that are not ours to replace are damaged,
    :class:`DownloadError`, and :class:`StorageError` where it cannot be kept.
    """
    source = SOURCES.get(name)
    found = source.find()
    if found is not None:
        try:
            open_dataset(name, say=say, tell_notes=False)
        except DataError as error:
            if not found.path.is_relative_to(downloads()):
                raise _of_the_user(name, found, error) from error
            if not download:
                raise
            say(f"{error.where}: {error.what}; getting it again")
        else:
            return found
    if not download:
        return None
    found = source.fetch(say, time_limit_seconds=time_limit_seconds)
    open_dataset(name, say=say, tell_notes=False)
    return found


def _of_the_user(name: str, found: Found, error: DataError) -> DataError:
    """The same error: a damaged file of the user's is theirs to replace."""
    path = error.where if isinstance(error.where, Path) else found.path
    return type(error)(
        error.what,
        where=error.where,
        expected=error.expected,
        todo=f"replace {path} or remove it, then: cnnlab data fetch {name}",
    )
