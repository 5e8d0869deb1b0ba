"""One request's fields and headers: each is read, or refused on its route by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import orjson

from shared.controls import Handling, OwnFallbacks, Trace
from shared.errors import BadRequest, TooLarge
from shared.wire import checks
from shared.wire.bodies import parse_object
from shared.wire.checks import Unfit, listed, whole
from shared.wire.header_values import END_USER
from shared.wire.own_fallbacks import fallbacks_for, names_of
from shared.wire.own_fields import forbidden_in
from shared.wire.sessions import session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.domain import Json, JsonObject

    Check = Callable[[Json], object]

T = TypeVar("T")

MAX_METADATA_BYTES: Final = 64 * 1024
MAX_NOTES_BYTES: Final = 8 * 1024
MAX_TAGS: Final = 100
MAX_RETRIES: Final = 1_000


class RequestFields:
    """One body with its headers; reads a field or says on which route it is wrong."""

    def __init__(self, route: str, body: JsonObject, headers: Mapping[str, str]) -> None:
        self._route = route
        self._body = body
        self._headers = headers

    def check_allowed(self) -> None:
        """Refuse what only the configuration may say."""
        if field := forbidden_in(self._body):
            raise BadRequest(
                f"{self._route}: '{field}' is not allowed in a request body.", param=field
            )

    def check_optional(self, optional: Mapping[str, Check]) -> None:
        """Check the fields that are there."""
        for field in self._body:
            if field in optional:
                self.read(field, optional[field])

    def require(self, field: str, check: Callable[[Json], T]) -> T:
        """Read a field that must be there."""
        found = self.read(field, check)
        if found is None:
            raise BadRequest(f"{self._route}: Missing required parameter: '{field}'.", param=field)
        return found

    def read(self, field: str, check: Callable[[Json], T]) -> T | None:
        """Read a field that may be missing or null."""
        return self._checked(field, self._body.get(field), check)

    def header(self, field: str, check: Callable[[Json], T]) -> T | None:
        """Read a header that may be missing or empty."""
        value = self._headers.get(field, "").strip()
        return self._checked(field, value or None, check)

    def metadata(self) -> JsonObject:
        """Join both kinds of metadata; LiteLLM's own wins."""
        joined: JsonObject = {}
        for field in ("metadata", "litellm_metadata"):
            joined |= self.read(field, checks.mapping) or {}
        if len(orjson.dumps(joined)) > MAX_METADATA_BYTES:
            raise TooLarge(
                f"{self._route}: 'metadata' is larger than {MAX_METADATA_BYTES} bytes.",
                param="metadata",
            )
        return joined

    def end_user(self, metadata: JsonObject) -> str | None:
        """Tell for whom the caller calls; a header goes before the body."""
        in_header = self.header("x-litellm-customer-id", checks.name) or self.header(
            END_USER, checks.name
        )
        in_body = None if self._body.get("user") == "" else self.read("user", checks.name)
        return in_header or in_body or _named_in(metadata)

    def tags(self, metadata: JsonObject) -> tuple[str, ...]:
        """Join the tags of body, metadata and header."""
        check = listed(checks.name, most=MAX_TAGS)
        in_header = self._headers.get("x-litellm-tags", "").split(",")
        spoken: list[Json] = [tag.strip() for tag in in_header if tag.strip()]
        found = (
            *(self.read("tags", check) or ()),
            *(self._checked("metadata.tags", metadata.get("tags"), check) or ()),
            *(self._checked("x-litellm-tags", spoken, check) or ()),
        )
        return tuple(dict.fromkeys(found))

    def trace(self, metadata: JsonObject) -> Trace:
        """Read what the caller wants to find again; of its notes the header's win as a whole."""
        field = "x-litellm-spend-logs-metadata"
        in_header = self.header(field, _json_object)
        in_body = metadata.get("spend_logs_metadata")
        found = (in_body if isinstance(in_body, dict) else {}) if in_header is None else in_header
        notes = orjson.dumps(found)
        if len(notes) > MAX_NOTES_BYTES:
            raise TooLarge(
                f"{self._route}: 'spend_logs_metadata' is larger than {MAX_NOTES_BYTES} bytes.",
                param="spend_logs_metadata",
            )
        return Trace(
            reported_id=self.header("x-litellm-call-id", checks.name),
            session_id=session_of(self._headers, self._body, metadata),
            notes=notes,
        )

    def fallbacks(self, model: str) -> tuple[tuple[str, ...] | None, OwnFallbacks]:
        """Read the models to ask after that one, and what else the caller says of them."""
        check = fallbacks_for(model)
        own = self.read("fallbacks", check)
        return names_of(own), OwnFallbacks(
            context_window=names_of(self.read("context_window_fallbacks", check)),
            content_policy=names_of(self.read("content_policy_fallbacks", check)),
            messages={each.name: each.messages for each in own or () if each.messages is not None},
        )

    def handling(self) -> Handling:
        """Read what is to be done with parameters on their way to a vendor."""
        names = listed(checks.text, most=MAX_TAGS)
        return Handling(
            drop_params=self.read("drop_params", checks.flag) or False,
            modify_params=self.read("modify_params", checks.flag) or False,
            allowed_openai_params=self.read("allowed_openai_params", names) or (),
            additional_drop_params=self.read("additional_drop_params", names) or (),
        )

    def num_retries(self) -> int | None:
        """Read how often to try again; the header wins."""
        check = whole(0, MAX_RETRIES)
        in_header = self.header("x-litellm-num-retries", lambda value: check(_numeric(value)))
        in_body = self.read("num_retries", check)
        return in_body if in_header is None else in_header

    def timeout(self, *, is_stream: bool) -> float | None:
        """Read how long to wait; the headers win, and those for a stream where it is one."""
        told = [
            self.header("x-litellm-timeout", _seconds),
            self.read("timeout", checks.seconds),
        ]
        of_stream = [
            self.header("x-litellm-stream-timeout", _seconds),
            self.read("stream_timeout", checks.seconds),
        ]
        in_order = [of_stream[0], told[0], of_stream[1], told[1]] if is_stream else told
        return next((seconds for seconds in in_order if seconds is not None), None)

    def _checked(self, field: str, value: Json, check: Callable[[Json], T]) -> T | None:
        if value is None:
            return None
        try:
            return check(value)
        except Unfit as unfit:
            gap = "" if str(unfit).startswith("[") else " "
            raise BadRequest(
                f"{self._route}: Invalid parameter: {field}{gap}{unfit}.", param=field
            ) from None


def _named_in(metadata: JsonObject) -> str | None:
    """Tell whom the metadata names; agents put other things there too, which are not refused."""
    try:
        return checks.name(metadata.get("user_id"))
    except Unfit:
        return None


def _numeric(value: Json) -> Json:
    """Read a header's text as the number it spells."""
    try:
        return orjson.loads(str(value))
    except orjson.JSONDecodeError:
        raise Unfit("must be a number") from None


def _seconds(value: Json) -> float:
    return checks.seconds(_numeric(value))


def _json_object(value: Json) -> JsonObject:
    """Read a header's text as the JSON object it spells, as strictly as a body."""
    try:
        return parse_object(str(value).encode())
    except BadRequest:
        raise Unfit("must be a JSON object") from None
