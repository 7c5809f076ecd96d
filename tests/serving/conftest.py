"""A server that most tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running import MOST_BYTES, Running, stub_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With tight limits; its class of an image is the number in the image's first pixel."""
    folder = tmp_path_factory.mktemp("server")
    with stub_server(
        folder, max_body_bytes=MOST_BYTES, header_seconds=3, body_seconds=2, max_connections=400
    ) as running:
        yield running
