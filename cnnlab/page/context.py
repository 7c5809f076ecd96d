"""What the routes share: the runs, what was read of them, and how a page is made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from cnnlab.page.answers import Answers
from cnnlab.page.index import RunIndex
from cnnlab.page.listing import Listing
from cnnlab.page.pictures import ImageStore
from cnnlab.page.progress import ProgressReader
from cnnlab.page.templating import environment
from cnnlab.page.trials import BundleStore
from cnnlab.runs import Run

__all__ = ["Context", "is_fragment"]

_TOKEN_HEADER = "x-cnnlab-token"  # noqa: S105 - a header's name
_FRAGMENT_HEADER = "x-fragment"


def is_fragment(request: Request) -> bool:
    """Whether our script asks, which wants a part of a page."""
    return _FRAGMENT_HEADER in request.headers


@dataclass
class Context:
    """One application's state; ``token`` is in each of its forms, and in nobody else's."""

    index: RunIndex
    audits: Path
    listing: Listing = field(default_factory=Listing)
    answers: Answers = field(default_factory=Answers)
    progress: ProgressReader = field(default_factory=ProgressReader)
    bundles: BundleStore = field(default_factory=BundleStore)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def __post_init__(self) -> None:
        self.images = ImageStore(self.index, self.listing)

    def run(self, key: str) -> Run:
        """The run that an address names; 404 where there is none."""
        run = self.index.find(key)
        if run is None:
            raise HTTPException(404, "there is no such run (any more)")
        return run

    def check_token(self, request: Request, sent: object = None) -> None:
        """403 unless a form of ours, or our script, sent it."""
        token = sent if isinstance(sent, str) else request.headers.get(_TOKEN_HEADER, "")
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            raise HTTPException(403, "the page was started anew since; load it again")

    def page(
        self, name: str, *, status: int = 200, headers: dict[str, str] | None = None, **content: Any
    ) -> HTMLResponse:
        """A template with its content."""
        template = environment().get_template(name)
        text = template.render(folder=self.index.folder, token=self.token, **content)
        # A file's name need not be UTF-8; what is not is shown by its numbers.
        encoded = text.encode("utf-8", "backslashreplace")
        return HTMLResponse(encoded, status_code=status, headers=headers)
