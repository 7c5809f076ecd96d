"""The list of runs, one run, and what its page asks for while it is looked at."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from cnnlab.evaluation.evaluate import Evaluation, SplitName
from cnnlab.page.answers import Answer, answers_at, cell_places, hardest
from cnnlab.page.context import Context, is_fragment
from cnnlab.page.guard import report_policy
from cnnlab.page.index import run_id
from cnnlab.page.pictures import dataset_id
from cnnlab.page.progress import ask_to_stop
from cnnlab.page.run_content import live_of, parts_of
from cnnlab.runs import Run
from cnnlab.workflows.tolerant import TolerantReader

__all__ = ["run_router"]

_MOST_IMAGES = 60
_HARDEST = 24
_MOST_REPORT_BYTES = 64 << 20


def run_router(context: Context) -> APIRouter:
    """The routes of the list and of single runs."""
    router = APIRouter()
    _add_pages(router, context)
    _add_parts(router, context)
    _add_stop(router, context)
    return router


def _add_pages(router: APIRouter, context: Context) -> None:
    """What has an address that one would keep: the list, a run, its report."""

    @router.get("/")
    def runs() -> Response:
        lines = context.listing.lines(context.index.all())
        groups = context.listing.groups(lines)
        return context.page("runs.html", place="runs", lines=lines, groups=groups)

    @router.get("/runs/{key}")
    def run(
        key: str,
        split: SplitName | None = None,
        true: Annotated[int | None, Query(ge=0)] = None,
        predicted: Annotated[int | None, Query(ge=0)] = None,
    ) -> Response:
        found = context.run(key)
        parts = parts_of(context, found, split)
        cell = None
        if parts["scored"] is not None and true is not None and predicted is not None:
            cell = _Cell(context, found, parts["scored"].evaluation, true, predicted)
        return context.page("run.html", place="runs", id=key, cell=cell, **parts)

    @router.get("/runs/{key}/report")
    def report(key: str) -> Response:
        return _document(context.run(key))


def _add_parts(router: APIRouter, context: Context) -> None:
    """What a run's page asks for while it is looked at."""

    @router.get("/runs/{key}/live")
    def live(key: str) -> Response:
        found = context.run(key)
        reader = TolerantReader(found)
        shown = live_of(context, found, reader)
        state = shown.progress.state if shown.progress else "done"
        headers = {"x-run-state": state}
        return context.page(
            "_live.html", headers=headers, live=shown, id=key, problems=reader.problems
        )

    @router.get("/runs/{key}/cell")
    def cell(
        key: str,
        true: Annotated[int, Query(ge=0)],
        predicted: Annotated[int, Query(ge=0)],
        split: SplitName = "validation",
    ) -> Response:
        found = context.run(key)
        shown = _Cell(context, found, _evaluated(context, found, split), true, predicted)
        return context.page("_cell.html", cell=shown)

    @router.get("/runs/{key}/hardest")
    def hard(key: str, split: SplitName = "validation") -> Response:
        found = context.run(key)
        evaluation = _evaluated(context, found, split)
        answers = answers_at(evaluation, hardest(evaluation, _HARDEST).tolist())
        problem = _image_problem(context, found)
        return context.page(
            "_hardest.html", answers=answers, data=dataset_id(found), problem=problem
        )


def _add_stop(router: APIRouter, context: Context) -> None:
    """What changes something."""

    @router.post("/runs/{key}/stop")
    async def stop(key: str, request: Request) -> Response:
        form = await request.form()
        context.check_token(request, form.get("token"))
        ask_to_stop(context.run(key))
        if is_fragment(request):
            return HTMLResponse("Asked to stop.", status_code=202)
        return RedirectResponse(f"/runs/{key}", status_code=303)


def _evaluated(context: Context, run: Run, split: SplitName) -> Evaluation:
    found = context.answers.of(run, split)
    if found is None:
        raise HTTPException(404, f"nothing was predicted of {split}; the page opens nothing")
    return found


class _Cell:
    """One cell of the confusion matrix with the first of its images.

    ``problem``: why these cannot be shown; None where they can. 404 for a class that is none.
    """

    def __init__(
        self, context: Context, run: Run, evaluation: Evaluation, true: int, predicted: int
    ) -> None:
        names = evaluation.class_names
        if max(true, predicted) >= len(names):
            raise HTTPException(404, "there is no such class")
        places = cell_places(evaluation, true, predicted)
        self.run, self.data, self.split = run_id(run.name), dataset_id(run), evaluation.split
        self.place = (true, predicted)
        self.true, self.predicted = names[true], names[predicted]
        self.count = len(places)
        self.of_class = int(evaluation.scores.matrix[true].sum())
        self.answers: list[Answer] = answers_at(evaluation, places[:_MOST_IMAGES].tolist())
        self.problem = _image_problem(context, run)


def _image_problem(context: Context, run: Run) -> str | None:
    """Why the images of a run cannot be shown; None where they can."""
    reader = TolerantReader(run)
    reader.read(lambda: context.images.of(run), what="the dataset")
    return reader.problems[0] if reader.problems else None


def _document(run: Run) -> Response:
    """The report as it was written; it may come from somebody else."""
    path = run.path / "report.html"
    if path.is_symlink():  # it may lead anywhere, and the run may come from somebody else
        raise HTTPException(404, "this run has no report yet")
    try:
        if path.stat().st_size > _MOST_REPORT_BYTES:
            raise HTTPException(413, "the report is too large to be shown here")
        content = path.read_bytes()
    except OSError:
        raise HTTPException(404, "this run has no report yet") from None
    headers = {"content-security-policy": report_policy()}
    return Response(content, media_type="text/html; charset=utf-8", headers=headers)
