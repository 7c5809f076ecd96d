"""What goes over the wire, as the OpenAPI description tells it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

__all__ = ["PREDICT_BODY", "REFUSALS", "ModelAnswer", "Prediction", "Problem", "ReadyAnswer"]


class Guess(BaseModel):
    """A class and how likely it is."""

    name: str = Field(alias="class")
    probability: float = Field(ge=0, le=1)


class ImageAnswer(BaseModel):
    """What one image shows."""

    file: str | None = Field(alias="name", description="As it was sent; null for a raw body.")
    best: str = Field(alias="class", description="The likeliest class.")
    probability: float = Field(ge=0, le=1, description="At the model's temperature.")
    top: list[Guess] = Field(description="The likeliest classes, the likeliest first.")


class Prediction(BaseModel):
    """An answer for each file, in the order of the files."""

    model: str
    images: list[ImageAnswer]


class ModelAnswer(BaseModel):
    """The model that is served."""

    name: str
    classes: list[str] = Field(description="In the order of the network's outputs.")
    input_shape: list[int] = Field(description="Height, width, channels; images are brought to it.")
    temperature: float | None = Field(description="Divides logits; null: never fitted, 1 is taken.")
    origin: dict[str, Any] = Field(description="Run, dataset, digest of the weights, version.")
    engine: str
    engine_reason: str
    device: str
    threads: int
    threads_reason: str


class ReadyAnswer(BaseModel):
    """Whether images are answered now."""

    ready: bool


class Problem(BaseModel):
    """Why there is no answer."""

    error: str = Field(description="One line, which names the file that it is about.")


def _refusal(told: str) -> dict[str, Any]:
    return {"model": Problem, "description": told}


_BUSY = _refusal("Too much at once; Retry-After says when to come again.")
_BUSY["headers"] = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds."}}
#: What a request may be refused with, whatever it asks for.
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: _refusal("The request is broken."),
    401: _refusal("No valid API key."),
    403: _refusal("A page of another site asks."),
    408: _refusal("The body took too long."),
    413: _refusal("Too many bytes or files."),
    415: _refusal("A body of another type."),
    421: _refusal("A host name that is not served."),
    422: _refusal("A file is no image that can be used."),
    503: _BUSY,
}

_BINARY = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "properties": {"image": {"type": "array", "items": _BINARY, "minItems": 1}},
    "required": ["image"],
}
#: The body of a prediction: a form with files under any name, or one image as it is.
PREDICT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/octet-stream": {"schema": _BINARY},
            "image/png": {"schema": _BINARY},
            "image/jpeg": {"schema": _BINARY},
        },
    }
}
