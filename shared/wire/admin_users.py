"""The bodies of /user/*: what they ask for, and a user as they show it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.wire.admin_fields import (
    MAX_AT_ONCE,
    MAX_ENTRIES,
    AdminModel,
    AdminRequest,
    Aliases,
    Document,
    Dollars,
    Duration,
    Identifier,
    Names,
    UserRole,
)
from shared.wire.admin_keys import KeyInfo
from shared.wire.admin_policies import PolicyColumns, PolicyFields, PolicyInfo
from shared.wire.admin_teams import TeamInfo

MAX_LISTED: Final = 16_384

_OF_ONE_USER: Final = frozenset({"user_id", "user_email", "sso_user_id"})

Email = Annotated[Identifier, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
"""An address in so far as a gateway cares."""


class UserFields(PolicyFields):
    """What a user can be given when it is made or changed."""

    user_id: Identifier | None = None
    user_email: Email | None = None
    user_alias: Identifier | None = None
    user_role: UserRole | None = None
    sso_user_id: Identifier | None = None


class TeamOfUser(AdminRequest):
    """A team that a new user is put into, as what, and what they may spend there."""

    team_id: Identifier
    user_role: Literal["user", "admin"] = "user"
    max_budget_in_team: Dollars | None = None


class NewUser(UserFields):
    """POST /user/new; from the alias on, the fields are those of the key that comes with the user.

    `team_id` is a team that the user joins and that the key is of.
    """

    team_id: Identifier | None = None
    teams: Annotated[list[Identifier | TeamOfUser], Field(max_length=MAX_ENTRIES)] | None = None
    organizations: Names | None = None
    auto_create_key: bool = True
    key_alias: Identifier | None = None
    duration: Duration | None = None
    aliases: Aliases | None = None
    config: Document | None = None
    permissions: Document | None = None
    allowed_cache_controls: Names | None = None


class UpdateUser(UserFields):
    """POST /user/update: named by id, else by address; null empties a field."""


class UpdateUsers(AdminRequest):
    """POST /user/bulk_update: each user with the fields that change, or the same for all users."""

    users: Annotated[list[UpdateUser], Field(min_length=1, max_length=MAX_AT_ONCE)] | None = None
    all_users: bool = False
    user_updates: UpdateUser | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.users is not None) == self.all_users:
            raise ValueError("give either users, or all_users with user_updates")
        changed = self.user_updates.model_fields_set if self.user_updates else frozenset[str]()
        if self.all_users and not (changed and changed.isdisjoint(_OF_ONE_USER)):
            raise ValueError("user_updates must hold fields, and none that is one user's alone")
        return self


class DeleteUsers(AdminRequest):
    """POST /user/delete."""

    user_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_AT_ONCE)]


UserSort = Literal["created_at", "user_id", "user_email", "user_alias", "user_role", "spend"]
"""The columns that users may be listed by."""


class RoleInfo(AdminModel):
    """What a role may do, in a word."""

    description: str
    ui_label: str


AVAILABLE_ROLES: Final = {
    "proxy_admin": RoleInfo(
        description="admin over litellm proxy, has all permissions",
        ui_label="Admin (All Permissions)",
    ),
    "proxy_admin_viewer": RoleInfo(
        description="view all keys, view all spend", ui_label="Admin (View Only)"
    ),
    "internal_user": RoleInfo(
        description="view/create/delete their own keys, view their own spend",
        ui_label="Internal User (Create/Delete/View)",
    ),
    "internal_user_viewer": RoleInfo(
        description="view their own keys, view their own spend",
        ui_label="Internal Viewer (View Only)",
    ),
}
"""LiteLLM's words for the roles that a user can have."""


class ListUsers(BaseModel):
    """GET /user/list; ids are parted by commas."""

    model_config = ConfigDict(frozen=True)

    role: UserRole | None = None
    user_ids: Annotated[str, Field(max_length=MAX_LISTED)] | None = None
    sso_user_ids: Annotated[str, Field(max_length=MAX_LISTED)] | None = None
    user_email: Identifier | None = None
    search: Identifier | None = None
    team: Identifier | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 25
    sort_by: UserSort = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"


class UserColumns(PolicyColumns):
    """The columns of a user that an admin sets."""

    user_email: str | None = None
    user_alias: str | None = None
    user_role: str = "internal_user"
    sso_user_id: str | None = None


class UserInfo(UserColumns, PolicyInfo):
    """A user as the API shows it."""

    user_id: str
    teams: list[str] = Field(default_factory=list[str])


class CreatedUser(UserInfo):
    """The answer to /user/new; without `auto_create_key` there is no key in it."""

    key: str | None = None
    key_name: str | None = None
    key_alias: str | None = None
    token: str | None = None
    token_id: str | None = None
    expires: datetime | None = None


class UserInfoReply(AdminModel):
    """The answer to /user/info."""

    user_id: str
    user_info: UserInfo
    keys: list[KeyInfo]
    teams: list[TeamInfo]


class ListedUser(UserInfo):
    """A user as /user/list shows them."""

    key_count: int


class UserPage(AdminModel):
    """The answer to /user/list."""

    users: list[ListedUser]
    total: int
    page: int
    page_size: int
    total_pages: int


class UserResult(AdminModel):
    """What became of one user of a bulk update."""

    user_id: str | None
    user_email: str | None
    success: bool
    error: str | None = None
    updated_user: UserInfo | None = None


class UpdatedUsers(AdminModel):
    """The answer to /user/bulk_update."""

    results: list[UserResult]
    total_requested: int
    successful_updates: int
    failed_updates: int


class UpdatedUser(AdminModel):
    """The answer to /user/update."""

    user_id: str
    data: UserInfo
