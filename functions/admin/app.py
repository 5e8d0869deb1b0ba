"""The management API as an ASGI app; state comes with the first request (state.py)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fastapi import FastAPI

from functions.admin.openapi import document_of
from functions.admin.routes import (
    activity,
    budgets,
    cache,
    config,
    customers,
    health,
    keys,
    models,
    organizations,
    own_reports,
    reports,
    spend,
    tags,
    team_callbacks,
    teams,
    users,
)
from shared.runtime.http import guard

if TYPE_CHECKING:
    from functions.admin.state import State

SUBJECTS = (
    keys,
    users,
    teams,
    team_callbacks,
    organizations,
    budgets,
    customers,
    tags,
    spend,
    reports,
    own_reports,
    activity,
    models,
    config,
    cache,
    health,
)


def make_app(state: State | None = None) -> FastAPI:
    """Build the app; without a state it makes its own from the environment, on first use."""
    app = FastAPI(title="Tollgate", summary="The management routes of the gateway.")
    for subject in SUBJECTS:
        # As they are: of a router that is included FastAPI makes every route anew at a request.
        app.routes.extend(subject.router.routes)
    app.openapi = partial(document_of, app)
    app.state.admin = state
    guard(app)
    return app


app = make_app()
