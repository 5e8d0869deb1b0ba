from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.controls import CacheControl
from shared.wire.cache_controls import cache_control
from shared.wire.checks import Unfit

if TYPE_CHECKING:
    from shared.domain import Json


def test_every_control_of_litellm_is_read() -> None:
    found = cache_control(
        {"no-cache": True, "no-store": False, "ttl": 60, "s-maxage": 5.5, "namespace": "a"}
    )

    assert (
        CacheControl(
            no_cache=True,
            ttl=60,
            max_age=5.5,
            namespace="a",
            asked=("no-cache", "no-store", "ttl", "s-maxage", "namespace"),
        )
        == found
    )


def test_null_is_silence() -> None:
    assert CacheControl(asked=("ttl",)) == cache_control({"ttl": None})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("on", "must be an object"),
        ({"forever": True}, "has no control named 'forever'"),
        ({"ttl": -1}, "ttl must be between"),
        ({"ttl": "60"}, "ttl must be a number"),
        ({"no-cache": 1}, "no-cache must be true or false"),
        ({"namespace": "a\n"}, "namespace must not hold control characters"),
    ],
)
def test_what_is_no_control_is_told(value: Json, sentence: str) -> None:
    with pytest.raises(Unfit, match=sentence):
        cache_control(value)
