"""A run with curves to send."""

import pytest
from small_runs import make_run
from tracking_runs import curve_lines, write_lines


@pytest.fixture
def run(tmp_path):
    """A finished run of four epochs, with validation predictions."""
    made = make_run(tmp_path / "runs", "first")
    write_lines(made, curve_lines(4))
    return made
