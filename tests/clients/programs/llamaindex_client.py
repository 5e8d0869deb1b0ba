"""LlamaIndex, through its OpenAI-like integrations."""

from flows import CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, URL, WRONG_KEY, equal, raises, run
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel


class Town(BaseModel):
    """A town."""

    name: str
    people: int


HELLO = [ChatMessage(role="user", content="Hello")]


def chat(key=KEY, model=MODEL):
    return OpenAILike(
        api_base=f"{URL}/v1",
        api_key=key,
        model=model,
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=0,
    )


def weather(city: str) -> str:
    """Tell the weather."""
    return "sunny"


def text():
    equal(SENTENCE, chat().chat(HELLO).message.content)


def stream():
    pieces = [chunk.delta for chunk in chat().stream_chat(HELLO) if chunk.delta]
    equal(SENTENCE, "".join(pieces))
    assert len(pieces) > 1


def tools():
    made = chat().chat_with_tools([FunctionTool.from_defaults(weather)], user_msg="Weather?")
    (call,) = chat().get_tool_calls_from_response(made)
    equal(("weather", {"city": CITY}), (call.tool_name, call.tool_kwargs))


def json_schema():
    reply = chat().as_structured_llm(Town).chat(HELLO)
    equal(Town(name=CITY, people=7), reply.raw)


def embeddings():
    embedder = OpenAILikeEmbedding(model_name="embed", api_base=f"{URL}/v1", api_key=KEY)
    equal(2, len(embedder.get_text_embedding_batch(["a", "b"])))


def errors():
    import openai

    raises(openai.AuthenticationError, lambda: chat(WRONG_KEY).chat(HELLO))
    raises(openai.RateLimitError, lambda: chat(LIMITED_KEY).chat(HELLO))
    raises(openai.BadRequestError, lambda: chat(model="nobody").chat(HELLO))


run(text, stream, tools, json_schema, embeddings, errors)
