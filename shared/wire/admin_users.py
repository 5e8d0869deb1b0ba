"""The bodies of /user/*: what they ask for, and a user as they show it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from shared.wire.admin_fields import Duration, Identifier, Names, UserRole
from shared.wire.admin_keys import KeyInfo
from shared.wire.admin_policies import PolicyColumns, PolicyFields, PolicyInfo
from shared.wire.admin_teams import TeamInfo

Email = Annotated[Identifier, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
"""An address in so far as a gateway cares."""


class UserFields(PolicyFields):
    """What a user can be given when it is made or changed."""

    user_id: Identifier | None = None
    user_email: Email | None = None
    user_alias: Identifier | None = None
    user_role: UserRole | None = None


class NewUser(UserFields):
    """POST /user/new; alias and duration are those of the key that comes with the user."""

    teams: Names | None = None
    auto_create_key: bool = True
    key_alias: Identifier | None = None
    duration: Duration | None = None


class UpdateUser(UserFields):
    """POST /user/update: named by id, else by address; null empties a field."""


class UserColumns(PolicyColumns):
    """The columns of a user that an admin sets."""

    user_email: str | None = None
    user_alias: str | None = None
    user_role: str = "internal_user"


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


class UserInfoReply(BaseModel):
    """The answer to /user/info."""

    user_id: str
    user_info: UserInfo
    keys: list[KeyInfo]
    teams: list[TeamInfo]


class UpdatedUser(BaseModel):
    """The answer to /user/update."""

    user_id: str
    data: UserInfo
