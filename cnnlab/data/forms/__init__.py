"""The forms in which a user's own images lie at a path; one file a form."""

from __future__ import annotations

from pathlib import Path

from cnnlab.data import fashion_mnist
from cnnlab.data.cifar10 import CIFAR10
from cnnlab.data.cifar100 import CIFAR100
from cnnlab.data.forms import csv_file, image_files, npz, parquet
from cnnlab.data.source import Found, PathForm

__all__ = ["FORMS", "form_of"]

#: The first form that knows a path reads it; the last one takes all folders and archives.
FORMS = (
    CIFAR10.path_form,
    CIFAR100.path_form,
    PathForm(fashion_mnist.recognise, fashion_mnist.read_path, follows_form=False),
    npz.FORM,
    csv_file.FORM,
    parquet.FORM,
    image_files.FORM,
)


def form_of(path: Path) -> tuple[PathForm, Found]:
    """Return the form of an existing path, and what lies there.

    Raises :class:`DataError` for what is of no form.
    """
    return next((form, found) for form in FORMS if (found := form.recognise(path)) is not None)
