"""Claude on Bedrock in its own words: InvokeModel around a dialect of Anthropic's.

By docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html and
the shapes InvokeModel, ResponseStream of botocore 1.44.5, read 2026-11: the model is in the path,
betas are in the body, and each frame of a stream holds one event of Anthropic's in base64.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import orjson

from shared.errors import BadRequest
from shared.providers.bedrock.frames import Frame, FrameDecoder
from shared.providers.bedrock.place import bedrock_failure, bedrock_headers, bedrock_url
from shared.providers.claude_elsewhere import refuse_urls, taken_betas
from shared.providers.failures import malformed
from shared.providers.reading import mapping, parsed, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Dialect, Reply, StreamEvent

_VERSION: Final = "bedrock-2023-05-31"
_ROUTE: Final = "invoke/"
_BETA: Final = "anthropic-beta"


@dataclass(frozen=True, slots=True)
class BedrockClaude:
    """Around a dialect of Anthropic's: the chat's, or the Messages API's own."""

    anthropic: Dialect

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Build Anthropic's request, then address it."""
        model = to.model.removeprefix(_ROUTE)
        if "anthropic" not in model and "claude" not in model:
            raise BadRequest(
                f"{to.provider} is asked for {model} by Converse; leave out `{_ROUTE}`.",
                param="model",
            )
        made = self.anthropic.request(call, to)
        body = parsed(made.body)
        refuse_urls(body)
        betas = taken_betas("bedrock", made.headers.get(_BETA, ""))
        kept = {name: body[name] for name in body if name not in ("model", "stream")}
        if betas:
            kept["anthropic_beta"] = [*betas]
        kept["anthropic_version"] = _VERSION
        method = "invoke-with-response-stream" if call.is_stream else "invoke"
        url = bedrock_url(to, model, method)
        return replace(made, url=url, headers=bedrock_headers(to), body=orjson.dumps(kept))

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole message."""
        return self.anthropic.reply(call, body)

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed message."""
        return FrameDecoder(_Unwrapping(self.anthropic.decoder(call)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return bedrock_failure(status, headers, body)


@dataclass(slots=True)
class _Unwrapping:
    """Frames as the events that Anthropic's decoder reads."""

    inner: Decoder

    def read(self, frame: Frame) -> list[StreamEvent]:
        """Unwrap one frame."""
        held = text(mapping(parsed(frame.payload)).get("bytes"))
        try:
            return self.inner.feed(b"data: " + b64decode(held, validate=True) + b"\n\n")
        except NotBase64:
            raise malformed("holds no base64") from None

    def close(self) -> list[StreamEvent]:
        """Return what is left."""
        return self.inner.end()
