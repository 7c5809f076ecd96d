"""The application: routes behind a guard, errors as pages."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cnnlab.errors import CnnlabError
from cnnlab.page.compare_routes import compare_router
from cnnlab.page.context import Context, is_fragment
from cnnlab.page.data_routes import data_router
from cnnlab.page.guard import LOOPBACK, Guard, is_loopback
from cnnlab.page.index import RunIndex
from cnnlab.page.run_routes import run_router
from cnnlab.page.templating import static_file
from cnnlab.page.try_routes import try_router

__all__ = ["PageSettings", "create_app"]


@dataclass(frozen=True)
class PageSettings:
    """Where runs and audits lie, and where the page listens.

    ``allowed_hosts``: names, beside this machine's own, that the page may be called by.
    """

    runs: Path = Path("runs")
    audits: Path = Path("audits")
    host: str = "127.0.0.1"
    port: int = 8080
    allowed_hosts: tuple[str, ...] = field(default=())

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


def create_app(settings: PageSettings) -> FastAPI:
    """The page over a folder of runs; nothing in it is read before it is asked for."""
    context = Context(RunIndex(settings.runs), settings.audits)
    app = FastAPI(title="cnnlab", openapi_url=None, docs_url=None, redoc_url=None)
    for router in (run_router, compare_router, try_router, data_router):
        app.include_router(router(context))
    _add_static(app)
    _add_errors(app, context)
    own = [] if settings.is_local else [socket.gethostname()]
    app.add_middleware(
        Guard,
        hosts=[*LOOPBACK, settings.host, *own, *settings.allowed_hosts],
        addresses=not settings.is_local,
    )
    return app


def _add_static(app: FastAPI) -> None:
    @app.get("/static/{name}")
    def static(name: str) -> Response:
        found = static_file(name)
        if found is None:
            raise HTTPException(404, "there is no such file")
        headers = {"cache-control": "no-cache"}
        return Response(found[0], media_type=found[1], headers=headers)


def _add_errors(app: FastAPI, context: Context) -> None:
    def said(request: Request, status: int, text: str) -> Response:
        name = "_error.html" if is_fragment(request) else "error.html"
        return context.page(name, status=status, place="", text=text, code=status)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        text = "there is no such page" if error.detail == "Not Found" else str(error.detail)
        return said(request, error.status_code, text)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        del error  # it repeats what was sent
        return said(request, 422, "the address has a part that cannot be")

    @app.exception_handler(CnnlabError)
    async def ours(request: Request, error: CnnlabError) -> Response:
        return said(request, 409, str(error))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        what = f"unexpected {type(error).__name__}: {' '.join(str(error).split())}"
        return said(request, 500, f"{what}; this is a bug, please report it")
