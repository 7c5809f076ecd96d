"""Keras's files: read without Keras and without running anything in them, and written by Keras."""

from __future__ import annotations

from cnnlab.interop.keras.importing import Imported, import_keras

__all__ = ["Imported", "import_keras"]
