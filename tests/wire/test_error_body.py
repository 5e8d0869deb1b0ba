from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequest, OverBudget, UnknownModel
from shared.wire.error_body import error_body


def test_an_error_body_has_litellms_four_fields_with_the_code_as_text() -> None:
    assert {
        "error": {
            "message": "Name a model.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "400",
        },
    } == error_body(BadRequest("Name a model.", param="model"))


def test_the_code_follows_a_status_that_is_a_setting() -> None:
    assert {
        "error": {
            "message": "Budget has been exceeded!",
            "type": "budget_exceeded",
            "param": None,
            "code": "400",
        },
    } == error_body(OverBudget("Budget has been exceeded!", status=400))


@given(st.text(st.characters()))
def test_whatever_an_error_quotes_its_body_can_be_encoded(model: str) -> None:
    body = error_body(UnknownModel(model, "/chat/completions"))

    assert orjson.loads(orjson.dumps(body)) == body
