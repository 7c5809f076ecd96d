"""Zip and tar archives of class folders.

Silently wrong: a picture more, fewer or other than the archive's members say; a file outside the
case's folder; a member that should have been refused. The zip is read again with ``zipfile``, whole
and with every checksum; the tar with the reader below, from POSIX.1-1988 (ustar), which knows
plain files and folders and takes no header with a wrong checksum.
"""

from __future__ import annotations

from fuzzing.tars import TarFamily
from fuzzing.zips import ZipFamily

__all__ = ["ARCHIVES"]

ARCHIVES = (ZipFamily(), TarFamily())
