"""pydantic-ai: agents on chat completions, the Responses API and Anthropic's Messages."""

from flows import CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL, WRONG_KEY, equal, run
from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


class Town(BaseModel):
    name: str
    people: int


def provider(key=KEY):
    return OpenAIProvider(base_url=f"{URL}/v1", api_key=key)


def chat(key=KEY, model=MODEL):
    return OpenAIChatModel(model, provider=provider(key))


def claude():
    return AnthropicModel(MODEL, provider=AnthropicProvider(api_key=KEY, base_url=URL))


def weather(city: str) -> str:
    """Tell the weather."""
    equal(CITY, city)
    return "sunny"


async def text():
    done = await Agent(chat()).run("Hello")
    equal((SENTENCE, 12), (done.output, done.usage.input_tokens))


async def stream():
    async with Agent(chat()).run_stream("Hello") as events:
        pieces = [piece async for piece in events.stream_text(delta=True, debounce_by=None)]
    equal(SENTENCE, "".join(pieces))
    assert len(pieces) > 1


async def tools():
    equal(SUNNY, (await Agent(chat(), tools=[weather]).run("Weather?")).output)


async def json_schema():
    done = await Agent(chat(), output_type=Town).run("Hello")
    equal(Town(name=CITY, people=7), done.output)


async def responses():
    model = OpenAIResponsesModel(MODEL, provider=provider())
    equal(SUNNY, (await Agent(model, tools=[weather]).run("Weather?")).output)


async def messages():
    equal(SUNNY, (await Agent(claude(), tools=[weather]).run("Weather?")).output)


async def messages_streamed():
    async with Agent(claude()).run_stream("Hello") as events:
        pieces = [piece async for piece in events.stream_text(delta=True, debounce_by=None)]
    equal(SENTENCE, "".join(pieces))
    assert len(pieces) > 1


async def errors():
    for status, model in (
        (401, chat(WRONG_KEY)),
        (429, chat(LIMITED_KEY)),
        (400, chat(model="nobody")),
    ):
        try:
            await Agent(model).run("Hello")
        except ModelHTTPError as error:
            equal(status, error.status_code)
        else:
            raise AssertionError(f"expected {status}")


run(text, stream, tools, json_schema, responses, messages, messages_streamed, errors)
