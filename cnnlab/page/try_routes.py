"""Drop an image, see what a run's network says of it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cnnlab.page.context import Context, is_fragment
from cnnlab.page.trials import MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES, Trial, Upload, try_it
from cnnlab.runs import Run

__all__ = ["try_router"]

_MOST_NAME = 200


def try_router(context: Context) -> APIRouter:
    """The routes of the page where images are tried."""
    router = APIRouter()

    def page(chosen: str | None, trials: list[Trial] | None = None) -> Response:
        lines = [line for line in context.listing.lines(context.index.all()) if line.usable]
        return context.page(
            "try.html",
            place="try",
            lines=[line for line in lines if line.status not in {"damaged", "newer"}],
            chosen=chosen,
            trials=trials,
            max_files=MAX_FILES,
            max_mib=MAX_FILE_BYTES >> 20,
            max_total_mib=MAX_TOTAL_BYTES >> 20,
        )

    @router.get("/try")
    def ask(run: str | None = None) -> Response:
        return page(run)

    @router.post("/try")
    async def answer(request: Request) -> Response:
        async with request.form(max_files=MAX_FILES, max_fields=8) as form:
            context.check_token(request, form.get("token"))
            key = form.get("run")
            run = context.run(key if isinstance(key, str) else "")
            uploads = await _uploads(form)
        trials = await run_in_threadpool(_tried, context, run, uploads)
        if is_fragment(request):
            return context.page("_trials.html", trials=trials)
        return page(str(key), trials)

    return router


async def _uploads(form: FormData) -> list[Upload]:
    """The files of a form; of one that is too large no more is read than shows it."""
    files = [file for file in form.getlist("image") if isinstance(file, UploadFile)]
    found = [
        Upload((file.filename or "image")[:_MOST_NAME], await file.read(MAX_FILE_BYTES + 1))
        for file in files
        if file.filename or file.size
    ]
    if not found:
        raise HTTPException(422, "choose an image first")
    return found


def _tried(context: Context, run: Run, uploads: list[Upload]) -> list[Trial]:
    return try_it(context.bundles.of(run), uploads)
