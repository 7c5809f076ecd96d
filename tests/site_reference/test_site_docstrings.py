"""Our docstrings as Markdown."""

from __future__ import annotations

import inspect
import textwrap

from site_reference.docstrings import markdown_of

from cnnlab.data.cache import load_or_build


def test_sections_become_lists_and_references_code():
    text = textwrap.dedent("""\
        Read images.

        Some are :class:`cnnlab.errors.DataError`, others :meth:`Source.read`.

        Parameters
        ----------
        low, high: the ends; what is between
            counts.
        seed: of what.

        Raises :class:`ConfigError` once: when it is wrong.

        Returns
        -------
        float32 ``[N]``.
        """)
    assert markdown_of(text) == textwrap.dedent("""\
        Read images.

        Some are `DataError`, others `Source.read`.

        **Parameters**

        - `low`, `high`: the ends; what is between
            counts.
        - `seed`: of what.

        Raises `ConfigError` once: when it is wrong.

        **Returns**

        float32 ``[N]``.
        """)


def test_code_follows_a_double_colon():
    assert markdown_of("As functions::\n\n    import cnnlab\n") == (
        "As functions:\n\n    import cnnlab\n"
    )


def test_a_sentence_with_a_colon_is_no_entry():
    shown = markdown_of(inspect.getdoc(load_or_build))
    assert "- `read`: decodes; called at most once" in shown
    assert "\n\nSeveral processes may ask at once: one decodes" in shown
    assert ":class:" not in shown
    assert "\n---" not in shown
