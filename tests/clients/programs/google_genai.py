"""Google's Python SDK."""

from functools import cache

from flows import CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL, WRONG_KEY, equal, run
from google import genai
from google.genai import errors, types
from pydantic import BaseModel


class Town(BaseModel):
    name: str
    people: int


WEATHER = types.FunctionDeclaration(
    name="weather",
    parameters={"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
)
TOOLS = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[WEATHER])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)


@cache  # a client that nobody holds closes itself
def client(key=KEY):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=URL))


def text():
    reply = client().models.generate_content(model=MODEL, contents="Hello")
    equal((SENTENCE, "STOP"), (reply.text, reply.candidates[0].finish_reason.value))
    equal(21, reply.usage_metadata.total_token_count)


def stream():
    chunks = list(client().models.generate_content_stream(model=MODEL, contents="Hello"))
    pieces = [chunk.text for chunk in chunks if chunk.text]
    equal(SENTENCE, "".join(pieces))
    assert len(pieces) > 1
    equal(21, chunks[-1].usage_metadata.total_token_count)


def tools():
    asked = [types.Content(role="user", parts=[types.Part(text="Weather?")])]
    made = client().models.generate_content(model=MODEL, contents=asked, config=TOOLS)
    (call,) = made.function_calls
    equal(("weather", {"city": CITY}), (call.name, call.args))
    result = types.Part.from_function_response(name="weather", response={"result": "sunny"})
    said = [*asked, made.candidates[0].content, types.Content(role="user", parts=[result])]
    reply = client().models.generate_content(model=MODEL, contents=said, config=TOOLS)
    equal(SUNNY, reply.text)


def tools_streamed():
    chunks = client().models.generate_content_stream(model=MODEL, contents="Hello", config=TOOLS)
    (call,) = [call for chunk in chunks for call in chunk.function_calls or []]
    equal({"city": CITY}, call.args)


def json_schema():
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=Town
    )
    reply = client().models.generate_content(model=MODEL, contents="Hello", config=config)
    equal(Town(name=CITY, people=7), reply.parsed)


async def asynchronous():
    asked = client().aio.models
    events = await asked.generate_content_stream(model=MODEL, contents="Hello")
    pieces = [chunk.text or "" async for chunk in events]
    equal(SENTENCE, "".join(pieces))


def count_tokens():
    assert client().models.count_tokens(model=MODEL, contents="Hello").total_tokens > 0


def models():
    found = [model.name for model in client().models.list()]
    assert f"models/{MODEL}" in found, found
    equal(f"models/{MODEL}", client().models.get(model=MODEL).name)


def fails(status, words, key=KEY, model=MODEL):
    try:
        client(key).models.generate_content(model=model, contents="Hello")
    except errors.ClientError as error:
        equal((status, words), (error.code, error.status))
        return
    raise AssertionError(f"expected {status}")


def wrong_key():
    fails(401, "UNAUTHENTICATED", key=WRONG_KEY)


def too_often():
    fails(429, "RESOURCE_EXHAUSTED", key=LIMITED_KEY)


def bad_request():
    fails(400, "INVALID_ARGUMENT", model="nobody")


run(
    text,
    stream,
    tools,
    tools_streamed,
    json_schema,
    asynchronous,
    count_tokens,
    models,
    wrong_key,
    too_often,
    bad_request,
)
