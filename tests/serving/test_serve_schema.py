"""The OpenAPI description holds: whatever schemathesis makes of it, answers are as it says."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from in_process import Served
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

_SERVED = Served(allow_hosts=("*",))
_CHECKS = (
    *(not_a_server_error, status_code_conformance, content_type_conformance),
    *(response_headers_conformance, response_schema_conformance),
)
_schema = schemathesis.openapi.from_dict(_SERVED.ask("GET", "/openapi.json").json())
_schema.app = _SERVED.door


@_schema.parametrize()
@settings(
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,  # benchmarks/serve.py looks for new ones
    suppress_health_check=[*HealthCheck],
)
def test_answers_are_as_described(case: Any) -> None:
    case.call_and_validate(checks=_CHECKS)
