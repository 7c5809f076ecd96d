"""What the server answers: predictions, the model, its own state, and a page about all this."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route

from cnnlab.serving.docs import DOCS_POLICY, docs_page
from cnnlab.serving.forms import (
    PREDICT_BODY,
    REFUSALS,
    ModelAnswer,
    Prediction,
    ReadyAnswer,
)
from cnnlab.serving.metrics import CONTENT_TYPE, Metrics
from cnnlab.serving.predictions import RANKS, Predictions
from cnnlab.serving.predictor import Predictor
from cnnlab.serving.refusal import Refusal, problem
from cnnlab.serving.stages import MOST_RANKS

__all__ = ["build_app", "paths_of"]

_JSON = "application/json"


def build_app(predictions: Predictions, metrics: Metrics, version: str) -> FastAPI:
    """The application, without the door in front of it."""
    predictor = predictions.predictor
    app = FastAPI(
        title="cnnlab",
        version=version,
        description="Predictions of one convolutional network.",
        docs_url=None,  # FastAPI's own page loads its scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # what is no path is 404, not an answer without a word
        # Nothing is sent anywhere, whatever the environment asks FastAPI for.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    _add_errors(app)
    _add_predict(app, predictions)
    _add_model(app, predictor)
    _add_state(app, predictor, metrics)
    _add_description(app, predictor)
    return app


def paths_of(app: FastAPI) -> dict[str, frozenset[str]]:
    """The methods of each path; HEAD goes where GET does."""
    routes = [route for route in app.routes if isinstance(route, Route)]
    found: dict[str, frozenset[str]] = {}
    for route in routes:
        methods = set(route.methods or ())
        found[route.path] = frozenset(methods | ({"HEAD"} if "GET" in methods else set()))
    return found


def _add_predict(app: FastAPI, predictions: Predictions) -> None:
    @app.post(
        "/v1/predict",
        response_model=Prediction,
        responses=REFUSALS,
        openapi_extra=PREDICT_BODY,
        summary="What images show.",
    )
    async def predict(
        request: Request, top: Annotated[int, Query(ge=1, le=MOST_RANKS)] = RANKS
    ) -> Response:
        """Send one image as the body, or any number of files as multipart/form-data."""
        kind = request.headers.get("content-type", "")
        content = await predictions.answer(kind, request.receive, top)
        return Response(content, media_type=_JSON)


def _add_model(app: FastAPI, predictor: Predictor) -> None:
    content = json.dumps(predictor.facts.told) + "\n"

    @app.get(
        "/v1/model",
        response_model=ModelAnswer,
        responses=_only(401, 403, 421),
        summary="The model that is served.",
    )
    async def model() -> Response:
        return Response(content, media_type=_JSON)


def _add_state(app: FastAPI, predictor: Predictor, metrics: Metrics) -> None:
    @app.get("/healthz", responses=_only(403, 421), summary="Whether the server lives.")
    async def healthz() -> dict[str, bool]:
        return {"alive": True}

    @app.get(
        "/readyz",
        response_model=ReadyAnswer,
        responses={**_only(403, 421), 503: {"model": ReadyAnswer, "description": "Not now."}},
        summary="Whether images are answered now.",
    )
    async def readyz() -> Response:
        ready = predictor.ready
        content = json.dumps({"ready": ready}) + "\n"
        return Response(content, status_code=200 if ready else 503, media_type=_JSON)

    @app.get(
        "/metrics",
        response_class=Response,
        responses={**_only(401, 403, 421), 200: {"content": {"text/plain": {}}}},
        summary="Counts and times, for Prometheus.",
    )
    async def show_metrics() -> Response:
        return Response(metrics.text(), headers={"content-type": CONTENT_TYPE})


def _add_description(app: FastAPI, predictor: Predictor) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> Response:
        return Response(json.dumps(app.openapi()), media_type=_JSON)

    @app.get("/", include_in_schema=False)
    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        page = docs_page(app.openapi(), predictor.facts)
        headers = {"content-security-policy": DOCS_POLICY}
        return Response(page, media_type="text/html", headers=headers)


def _only(*codes: int) -> dict[int | str, dict[str, object]]:
    return {code: REFUSALS[code] for code in codes}


def _refusal_response(status: int, message: str, headers: Mapping[str, str] | None) -> Response:
    return Response(problem(message), status, dict(headers or {}), _JSON)


def _add_errors(app: FastAPI) -> None:
    """Every refusal has one form."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        return _refusal_response(error.status, error.message, error.headers)

    @app.exception_handler(HTTPException)
    async def of_framework(_: Request, error: HTTPException) -> Response:
        what = HTTPStatus(error.status_code).phrase.lower()
        return _refusal_response(error.status_code, what, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = first["loc"][-1]
        return _refusal_response(422, f"{where}: {first['msg'].lower()}", None)

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> Response:
        return _refusal_response(500, "the server failed over this request", None)
