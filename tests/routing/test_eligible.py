from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.errors import NotAuthenticated
from shared.routing.eligible import eligible
from tests.routing.builders import call, config, deployment

if TYPE_CHECKING:
    from shared.domain import Deployment

FREE = deployment(id="free", tags=("free",))
PAID = deployment(id="paid", tags=("paid", "eu"))
DEFAULT = deployment(id="default", tags=("default",))
OF_TEAM = deployment(id="team", team_id="t1")


def ids(
    group: list[Deployment],
    *tags: str,
    team: str | None = None,
    on: bool = True,
    any_of: bool = True,
) -> list[str]:
    router = config(enable_tag_filtering=on, tag_filtering_match_any=any_of).router
    return [each.id for each in eligible(group, call(tags=tags), team, router)]


def test_without_tag_filtering_tags_choose_nothing() -> None:
    assert ["free", "paid"] == ids([FREE, PAID], "free", on=False)


def test_a_tag_chooses_the_deployments_that_have_it() -> None:
    assert ["paid"] == ids([FREE, PAID, DEFAULT], "paid")
    assert ["free", "paid"] == ids([FREE, PAID], "eu", "free")
    assert ["paid"] == ids([FREE, PAID], "eu", "paid", any_of=False)


def test_what_fits_no_tag_goes_to_the_default_or_is_refused() -> None:
    assert ["default"] == ids([FREE, DEFAULT], "other")
    with pytest.raises(NotAuthenticated, match="tags configuration"):
        ids([FREE, PAID], "other")


def test_a_call_without_tags_goes_to_the_default_else_anywhere() -> None:
    assert ["default"] == ids([FREE, DEFAULT])
    assert ["free", "paid"] == ids([FREE, PAID])


def test_a_teams_own_deployments_are_its_alone_and_go_first() -> None:
    group = [FREE, OF_TEAM]

    assert ["team"] == ids(group, team="t1", on=False)
    assert ["free"] == ids(group, team="t2", on=False)
    assert ["free"] == ids(group, on=False)
