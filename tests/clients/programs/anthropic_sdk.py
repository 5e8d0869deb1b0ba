"""Anthropic's Python SDK."""

import anthropic
from flows import CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL, WRONG_KEY, equal, raises, run

HELLO = [{"role": "user", "content": "Hello"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"name": "weather", "input_schema": SCHEMA}
ASK = {"model": MODEL, "max_tokens": 100, "messages": HELLO}


def client(key=KEY):
    return anthropic.Anthropic(base_url=URL, api_key=key, max_retries=0)


def text():
    reply = client().messages.create(**ASK)
    equal((SENTENCE, "end_turn"), (reply.content[0].text, reply.stop_reason))
    equal((MODEL, 9), (reply.model, reply.usage.output_tokens))
    assert reply._request_id


def stream():
    with client().messages.stream(**ASK) as events:
        pieces = list(events.text_stream)
        final = events.get_final_message()
    equal(SENTENCE, "".join(pieces))
    assert len(pieces) > 1
    equal(("end_turn", 9), (final.stop_reason, final.usage.output_tokens))


def tools():
    made = client().messages.create(**ASK, tools=[TOOL])
    (call,) = [block for block in made.content if block.type == "tool_use"]
    equal(("weather", {"city": CITY}), (call.name, call.input))
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    said = [
        *HELLO,
        {"role": "assistant", "content": made.content},
        {"role": "user", "content": [result]},
    ]
    reply = client().messages.create(**{**ASK, "messages": said}, tools=[TOOL])
    equal(SUNNY, reply.content[0].text)


def tools_streamed():
    with client().messages.stream(**ASK, tools=[TOOL]) as events:
        final = events.get_final_message()
    equal({"city": CITY}, final.content[-1].input)


def json_schema():
    shape = {"format": {"type": "json_schema", "schema": SCHEMA}}
    reply = client().messages.create(**ASK, output_config=shape)
    assert CITY in reply.content[0].text, reply.content


def count_tokens():
    assert client().messages.count_tokens(model=MODEL, messages=HELLO).input_tokens > 0


def models():
    assert MODEL in [model.id for model in client().models.list()]
    equal(MODEL, client().models.retrieve(MODEL).id)


def wrong_key():
    raises(anthropic.AuthenticationError, lambda: client(WRONG_KEY).messages.create(**ASK))


def too_often():
    raises(anthropic.RateLimitError, lambda: client(LIMITED_KEY).messages.create(**ASK))


def bad_request():
    ask = {**ASK, "model": "nobody"}
    raises(anthropic.BadRequestError, lambda: client().messages.create(**ask))


run(
    text,
    stream,
    tools,
    tools_streamed,
    json_schema,
    count_tokens,
    models,
    wrong_key,
    too_often,
    bad_request,
)
