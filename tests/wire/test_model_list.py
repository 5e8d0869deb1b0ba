from __future__ import annotations

from shared.wire.model_list import model_entry, model_list


def test_a_model_is_shown_in_openais_shape_with_litellms_constants() -> None:
    assert {
        "id": "gpt-4o",
        "object": "model",
        "created": 1677610602,
        "owned_by": "openai",
    } == model_entry("gpt-4o")


def test_a_list_shows_each_name_once_in_its_order() -> None:
    assert {
        "object": "list",
        "data": [model_entry("b"), model_entry("a")],
    } == model_list(["b", "a", "b"])


def test_no_models_are_an_empty_list() -> None:
    assert {"object": "list", "data": []} == model_list([])
