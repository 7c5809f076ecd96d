"""The datasets of the runs, their images, and what audits found in them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cnnlab.page.audits import find_audit
from cnnlab.page.context import Context
from cnnlab.page.data_content import Known, data_page, known_datasets, samples_of
from cnnlab.page.guard import report_policy
from cnnlab.runs import Run
from cnnlab.workflows.tolerant import TolerantReader

__all__ = ["data_router"]

#: The address names the content, so it is never another one.
_FOR_GOOD = {"cache-control": "private, max-age=31536000, immutable"}


def data_router(context: Context) -> APIRouter:
    """The routes of datasets and images."""
    router = APIRouter()
    _add_pages(router, context)
    _add_images(router, context)
    return router


def _add_pages(router: APIRouter, context: Context) -> None:
    """The list of datasets, one of them, and its audit."""

    @router.get("/data")
    def datasets() -> Response:
        found = known_datasets(context.listing.lines(context.index.all()))
        audited = {one.id for one in found if find_audit(context.audits, one.id) is not None}
        return context.page("datasets.html", place="data", datasets=found, audited=audited)

    @router.get("/data/{key}")
    def dataset(key: str, run: str | None = None) -> Response:
        found, through = _known(context, key, run)
        return context.page(
            "data.html",
            place="data",
            known=found,
            through=context.listing.line(through),
            shown=data_page(context, through),
            audit=find_audit(context.audits, key),
        )

    @router.get("/data/{key}/audit")
    def audit(key: str) -> Response:
        found = find_audit(context.audits, key)
        if found is None or found.report is None:
            raise HTTPException(404, "no audit of this dataset was found")
        headers = {"content-security-policy": report_policy()}
        content = found.report.read_bytes()
        return Response(content, media_type="text/html; charset=utf-8", headers=headers)


def _add_images(router: APIRouter, context: Context) -> None:
    """Images: some of each class, and single ones."""

    @router.get("/data/{key}/samples")
    def samples(key: str, run: str | None = None) -> Response:
        _, through = _known(context, key, run)
        reader = TolerantReader(through)
        shown = reader.read(
            lambda: samples_of(context.images.of(through), through), what="split.json"
        )
        return context.page("_samples.html", samples=shown, data=key, problems=reader.problems)

    @router.get("/images/{key}/{row}.png")
    def image(key: str, row: int) -> Response:
        content = context.images.png(key, row)
        if content is None:
            raise HTTPException(404, "there is no such image")
        return Response(content, media_type="image/png", headers=_FOR_GOOD)


def _known(context: Context, key: str, run: str | None) -> tuple[Known, Run]:
    """A dataset, and the run through which it is seen: the one asked for, or the newest."""
    lines = context.listing.lines(context.index.all())
    found = next((one for one in known_datasets(lines) if one.id == key), None)
    if found is None:
        raise HTTPException(404, "no run here was trained on such a dataset")
    chosen = next((line for line in found.lines if line.id == run), found.lines[0])
    return found, context.run(chosen.id)
