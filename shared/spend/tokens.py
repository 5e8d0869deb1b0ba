"""How many tokens a call may need, before anybody has counted them.

Pure. A bound holds for every tokenizer: a token stands for at least one byte of UTF-8, and what
a chat template adds is counted generously. An estimate is what is likely: four bytes a token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Endpoint, Usage
from shared.spend.cost import ANY_KIND, Kinds
from shared.spend.searches import tools_bound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Json, JsonObject

PER_CALL: Final = 256
"""For the headers and default system prompts of chat templates: some dozens of tokens."""
PER_MESSAGE: Final = 16
WITH_TOOLS: Final = 1024
"""For the instructions that come with tools: Anthropic documents up to 530 tokens."""
UNKNOWN_CONTEXT: Final = 200_000
"""What an image or a file may take where the model's context window is not known."""
BYTES_PER_TOKEN: Final = 4
TOKENS_PER_ATTACHMENT: Final = 1000

# What bounds, shapes or labels the answer is no part of the prompt.
_NOT_PROMPT: Final = frozenset(
    {
        *("model", "stream", "stream_options", "n", "best_of", "max_tokens"),
        *("max_completion_tokens", "temperature", "top_p", "seed", "user", "metadata", "store"),
        *("service_tier", "encoding_format", "dimensions", "logprobs", "top_logprobs"),
        *("presence_penalty", "frequency_penalty", "logit_bias", "reasoning_effort"),
        *("max_output_tokens", "include", "client_metadata", "prompt_cache_key", "truncation"),
    }
)
TOKENS_PER_IMAGE: Final = 8_192
"""More than the largest picture at high quality takes at OpenAI: 6,240 (docs, read 2026-11)."""
DOCUMENTS_PER_SEARCH: Final = 100
BYTES_PER_CHUNK: Final = 500
SLOWEST_MS: Final = 200
"""What a character may take to be said."""
LEAST_BYTES_PER_SECOND: Final = 1_000
"""Of speech at the lowest common bit rate, 8 kbit/s."""
TOKENS_PER_SECOND: Final = 32
_WRITTEN: Final = frozenset(
    {
        *(Endpoint.CHAT, Endpoint.COMPLETION, Endpoint.RESPONSES, Endpoint.MESSAGES),
        *(Endpoint.COMPACT, Endpoint.CONTENT, Endpoint.PASS_THROUGH),
    }
)
_READABLE: Final = _WRITTEN - {Endpoint.PASS_THROUGH}
"""Where we know what a prompt is made of."""
_FOR_LONG: Final = (b'"ttl":"1h"', b'"ttl":"12h"')
"""How prompts of Anthropic's and OpenAI's ask for the dearer cache: within a text, quotes would be
escaped."""
_STORED: Final = ("previous_response_id", "prompt", "conversation")
_LIMITS: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_GOOGLES_LIMITS: Final = ("maxOutputTokens", "max_output_tokens")
_CANDIDATES: Final = ("candidateCount", "candidate_count")
_ATTACHED: Final = frozenset({"inlineData", "inline_data", "fileData", "file_data"})
_TEXT_PARTS: Final = frozenset({"text", "input_text", "output_text", "refusal", "thinking"})


@dataclass(frozen=True, slots=True)
class PromptSize:
    """What there is to read: bytes of text as JSON, attachments, ready-made tokens.

    `inputs` are read one by one, so each has the whole context window to itself.
    """

    text_bytes: int
    attachments: int = 0
    tokens: int = 0
    messages: int = 0
    inputs: int = 1
    has_tools: bool = False
    kinds: Kinds = ANY_KIND

    def bound(self, max_input_tokens: int | None) -> int:
        """Return a number of tokens that no tokenizer exceeds.

        Images, audio and files may fill the model's context window, which also caps the rest.
        """
        bound = self.text_bytes + self.tokens + PER_CALL + PER_MESSAGE * self.messages
        if self.has_tools:
            bound += WITH_TOOLS
        if self.attachments:
            bound += (max_input_tokens or UNKNOWN_CONTEXT) * self.inputs
        return min(bound, max_input_tokens * self.inputs) if max_input_tokens else bound

    @property
    def estimate(self) -> int:
        """Return how many tokens it probably is, at least 1."""
        attached = TOKENS_PER_ATTACHMENT * self.attachments
        return max(tokens_of_bytes(self.text_bytes) + self.tokens + attached, 1)


def prompt_size(call: Call) -> PromptSize:
    """Measure what the call gives a model to read."""
    prompt: JsonObject = {k: v for k, v in call.body.items() if k not in _NOT_PROMPT}
    size = _size(call, prompt)
    is_readable = call.endpoint in _READABLE
    text = orjson.dumps(prompt) if is_readable else b""
    is_for_long = any(asks in text for asks in _FOR_LONG)
    return replace(size, kinds=Kinds(not is_readable or size.attachments > 0, is_for_long))


def _size(call: Call, prompt: JsonObject) -> PromptSize:
    match call.endpoint:
        case Endpoint.CHAT:
            return _chat_size(prompt)
        case Endpoint.COMPLETION:
            return _inputs_size(prompt, "prompt")
        case Endpoint.EMBEDDING:
            return _inputs_size(prompt, "input")
        case Endpoint.MESSAGES | Endpoint.COUNT_TOKENS:
            return _messages_size(prompt)
        case Endpoint.RESPONSES | Endpoint.RESPONSE_TOKENS | Endpoint.COMPACT:
            return _response_size(prompt)
        case Endpoint.CONTENT | Endpoint.CONTENT_TOKENS:
            return _content_size(prompt)
        case _:
            return _media_size(call, prompt)


def prompt_bound(call: Call, max_input_tokens: int | None = None) -> int:
    """Return a number of prompt tokens that no tokenizer exceeds."""
    return prompt_size(call).bound(max_input_tokens)


def estimate(call: Call) -> int:
    """Return how many prompt tokens the call probably has: what tpm limits reserve."""
    return prompt_size(call).estimate


def tokens_of_bytes(count: int) -> int:
    """Return how many tokens so many bytes of text probably are."""
    return -(-count // BYTES_PER_TOKEN)


def completion_bound(call: Call, max_output_tokens: int | None, default: int) -> int:
    """Return the most tokens one completion may have.

    What the caller allows, else what the model can, else the configured default.
    """
    if call.endpoint in {Endpoint.IMAGE, Endpoint.IMAGE_EDIT}:
        return TOKENS_PER_IMAGE
    if call.endpoint not in _WRITTEN:
        return 0
    asked = _whole_numbers(call.body, *_LIMITS)
    asked += _whole_numbers(_generation(call), *_GOOGLES_LIMITS)
    allowed = max(asked) if asked else max_output_tokens or default
    if max_output_tokens is not None:
        allowed = min(allowed, max_output_tokens)
    # OpenAI bills the tokens of a prediction as output, those it rejects too.
    prediction = call.body.get("prediction")
    return max(allowed, 0) + (0 if prediction is None else _bytes(prediction))


def completions(call: Call) -> int:
    """Return how many completions are asked for: `n` or `best_of` for each prompt."""
    match call.endpoint:
        case Endpoint.CHAT | Endpoint.IMAGE | Endpoint.IMAGE_EDIT:
            return max(1, *_whole_numbers(call.body, "n"), 1)
        case Endpoint.CONTENT:
            return max(1, *_whole_numbers(_generation(call), *_CANDIDATES), 1)
        case Endpoint.COMPLETION:
            prompts = _inputs_size(call.body, "prompt").inputs
            return max(1, *_whole_numbers(call.body, "n", "best_of"), 1) * prompts
        case _:
            return 1


def counted_bound(call: Call) -> Usage:
    """Return the most a call may use of what is not billed in tokens."""
    match call.endpoint:
        case Endpoint.RERANK:
            documents = call.body.get("documents")
            count = len(documents) if isinstance(documents, list) else 1
            # Long documents are cut into several, each of which counts (docs.cohere.com, 2026-11).
            chunks = max(count, _bytes(documents) // BYTES_PER_CHUNK)
            return Usage(queries=-(-chunks // DOCUMENTS_PER_SEARCH))
        case Endpoint.IMAGE | Endpoint.IMAGE_EDIT:
            return Usage(images=completions(call))
        case Endpoint.SPEECH:
            spoken = call.body.get("input")
            characters = len(spoken) if isinstance(spoken, str) else 0
            return Usage(characters=characters, milliseconds=characters * SLOWEST_MS)
        case Endpoint.TRANSCRIPTION:
            return Usage(milliseconds=_upload_bytes(call) * 1000 // LEAST_BYTES_PER_SECOND)
        case _:
            return tools_bound(call.body)


def _chat_size(prompt: JsonObject) -> PromptSize:
    messages = prompt.get("messages")
    if not isinstance(messages, list):
        return PromptSize(_bytes(prompt))
    texts: list[Json] = []
    attachments = 0
    for message in messages:
        text, attached = _without_attachments(message)
        texts.append(text)
        attachments += attached
    return PromptSize(
        text_bytes=_bytes({**prompt, "messages": texts}),
        attachments=attachments,
        messages=len(messages),
        has_tools="tools" in prompt or "functions" in prompt,
    )


def _media_size(call: Call, prompt: JsonObject) -> PromptSize:
    """Measure a request of images, sound or documents; files are counted by what they may hold."""
    tokens = 0
    if call.endpoint is Endpoint.IMAGE_EDIT:
        tokens = TOKENS_PER_IMAGE * len(call.uploads)
    elif call.endpoint is Endpoint.TRANSCRIPTION:
        seconds = _upload_bytes(call) // LEAST_BYTES_PER_SECOND + 1
        tokens = seconds * TOKENS_PER_SECOND
    return PromptSize(_bytes(prompt), tokens=tokens, messages=1)


def _upload_bytes(call: Call) -> int:
    return sum(len(upload.content) for upload in call.uploads)


def _messages_size(prompt: JsonObject) -> PromptSize:
    """Measure an Anthropic request: what is attached may also lie within a tool's result."""
    attachments = 0

    def text_of(value: Json) -> Json:
        nonlocal attachments
        match value:
            case list():
                return [text_of(item) for item in value]
            case {"type": "image" | "document" | "container_upload"}:
                attachments += 1
                return None
            case {"content": content}:
                return {**value, "content": text_of(content)}
            case _:
                return value

    messages = text_of(prompt.get("messages"))
    return PromptSize(
        text_bytes=_bytes({**prompt, "messages": messages}),
        attachments=attachments,
        messages=len(messages) if isinstance(messages, list) else 1,
        has_tools="tools" in prompt,
    )


def _response_size(prompt: JsonObject) -> PromptSize:
    """Measure a response's input; what the provider has stored of it counts as an attachment."""
    items = prompt.get("input")
    stored = sum(prompt.get(name) is not None for name in _STORED)
    if not isinstance(items, list):
        return PromptSize(
            _bytes(prompt), attachments=stored, messages=1, has_tools="tools" in prompt
        )
    texts: list[Json] = []
    attachments = stored
    for item in items:
        if isinstance(item, dict) and item.get("type") == "item_reference":
            attachments += 1
            continue
        text, attached = _without_attachments(item)
        texts.append(text)
        attachments += attached
    return PromptSize(
        text_bytes=_bytes({**prompt, "input": texts}),
        attachments=attachments,
        messages=len(items),
        has_tools="tools" in prompt,
    )


def _content_size(prompt: JsonObject) -> PromptSize:
    """Measure a request of Google's: what its parts hold or point to is attached."""
    attachments = int(bool(prompt.get("cachedContent") or prompt.get("cached_content")))

    def text_of(value: Json) -> Json:
        nonlocal attachments
        match value:
            case list():
                return [text_of(item) for item in value]
            case dict() if _ATTACHED & value.keys():
                attachments += 1
                return None
            case dict():
                return {name: text_of(inner) for name, inner in value.items()}
            case _:
                return value

    contents = prompt.get("contents")
    return PromptSize(
        text_bytes=_bytes(text_of(prompt)),
        attachments=attachments,
        messages=len(contents) if isinstance(contents, list) else 1,
        has_tools="tools" in prompt,
    )


def _generation(call: Call) -> JsonObject:
    """Return what a request of Google's says about its answer; nothing in any other."""
    names = ("generationConfig", "generation_config") if call.endpoint is Endpoint.CONTENT else ()
    found: JsonObject = {}
    for name in names:
        if isinstance(config := call.body.get(name), dict):
            found |= config
    return found


def _without_attachments(message: Json) -> tuple[Json, int]:
    """Split a message into what is text and the number of parts that are not."""
    if not isinstance(message, dict):
        return message, 0
    content = message.get("content")
    past_audio = 1 if message.get("audio") else 0
    if not isinstance(content, list):
        return message, past_audio
    texts = [part for part in content if _is_text(part)]
    return {**message, "content": texts}, past_audio + len(content) - len(texts)


def _is_text(part: Json) -> bool:
    return not isinstance(part, dict) or part.get("type") in _TEXT_PARTS


def _inputs_size(prompt: Mapping[str, Json], name: str) -> PromptSize:
    """Measure one input or several, each a text or a list of tokens."""
    rest: JsonObject = {key: value for key, value in prompt.items() if key != name}
    given = prompt.get(name)
    items = given if isinstance(given, list) and not _are_tokens(given) else [given]
    text_bytes = tokens = attachments = 0
    for item in items:
        if isinstance(item, list) and _are_tokens(item):
            tokens += len(item)
        else:
            text_bytes += _bytes(item)
            attachments += isinstance(item, dict)
    return PromptSize(
        text_bytes=_bytes(rest) + text_bytes,
        attachments=attachments,
        tokens=tokens,
        messages=len(items),
        inputs=max(len(items), 1),
    )


def _are_tokens(values: list[Json]) -> bool:
    return bool(values) and all(type(value) is int for value in values)


def _whole_numbers(body: Mapping[str, Json], *names: str) -> list[int]:
    values = [body.get(name) for name in names]
    return [value for value in values if isinstance(value, int) and not isinstance(value, bool)]


def _bytes(value: Json) -> int:
    return len(orjson.dumps(value))
