"""OpenAI's Python SDK."""

import json

import openai
from flows import CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL, WRONG_KEY, equal, raises, run
from pydantic import BaseModel

HELLO = [{"role": "user", "content": "Hello"}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}


class Town(BaseModel):
    name: str
    people: int


def client(key=KEY):
    return openai.OpenAI(base_url=f"{URL}/v1", api_key=key, max_retries=0)


def text():
    reply = client().chat.completions.create(model=MODEL, messages=HELLO)
    equal(SENTENCE, reply.choices[0].message.content)
    equal((MODEL, 21), (reply.model, reply.usage.total_tokens))


def stream():
    options = {"include_usage": True}
    chunks = list(
        client().chat.completions.create(
            model=MODEL, messages=HELLO, stream=True, stream_options=options
        )
    )
    pieces = [
        c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content
    ]
    equal(SENTENCE, "".join(pieces))
    assert len(pieces) > 1
    equal(21, chunks[-1].usage.total_tokens)


def tools():
    made = client().chat.completions.create(model=MODEL, messages=HELLO, tools=[TOOL])
    (call,) = made.choices[0].message.tool_calls
    equal(("weather", {"city": CITY}), (call.function.name, json.loads(call.function.arguments)))
    said = [
        *HELLO,
        made.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    reply = client().chat.completions.create(model=MODEL, messages=said, tools=[TOOL])
    equal(SUNNY, reply.choices[0].message.content)


def tools_streamed():
    with client().chat.completions.stream(model=MODEL, messages=HELLO, tools=[TOOL]) as events:
        final = events.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    equal({"city": CITY}, json.loads(call.function.arguments))


def json_schema():
    reply = client().chat.completions.parse(model=MODEL, messages=HELLO, response_format=Town)
    equal(Town(name=CITY, people=7), reply.choices[0].message.parsed)


def responses():
    reply = client().responses.create(model=MODEL, input="Hello")
    equal(SENTENCE, reply.output_text)


def responses_streamed():
    with client().responses.stream(model=MODEL, input="Hello") as events:
        kinds = [event.type for event in events]
        final = events.get_final_response()
    assert kinds.count("response.output_text.delta") > 1, kinds
    equal(("response.completed", SENTENCE), (kinds[-1], final.output_text))


def responses_parsed():
    reply = client().responses.parse(model=MODEL, input="Hello", text_format=Town)
    equal(Town(name=CITY, people=7), reply.output_parsed)


def embeddings():
    reply = client().embeddings.create(model="embed", input=["a", "b"])
    equal(2, len(reply.data))
    assert isinstance(reply.data[0].embedding[0], float)


def models():
    assert MODEL in [model.id for model in client().models.list()]
    equal(MODEL, client().models.retrieve(MODEL).id)


def raw():
    reply = client().chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert reply.headers["x-request-id"]
    assert reply.headers["x-litellm-response-cost"]


def wrong_key():
    asked = client(WRONG_KEY).chat.completions
    raises(openai.AuthenticationError, lambda: asked.create(model=MODEL, messages=HELLO))


def too_often():
    asked = client(LIMITED_KEY).chat.completions
    raises(openai.RateLimitError, lambda: asked.create(model=MODEL, messages=HELLO))


def bad_request():
    asked = client().chat.completions
    raises(openai.BadRequestError, lambda: asked.create(model="nobody", messages=HELLO))


run(
    text,
    stream,
    tools,
    tools_streamed,
    json_schema,
    responses,
    responses_streamed,
    responses_parsed,
    embeddings,
    models,
    raw,
    wrong_key,
    too_often,
    bad_request,
)
