"""LangChain, through OpenAI's and Anthropic's integrations, and an agent of LangGraph's."""

from flows import CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL, WRONG_KEY, equal, raises, run
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class Town(BaseModel):
    """A town."""

    name: str
    people: int


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    equal(CITY, city)
    return "sunny"


def chat(key=KEY, model=MODEL, **more):
    return ChatOpenAI(base_url=f"{URL}/v1", api_key=key, model=model, max_retries=0, **more)


def claude():
    return ChatAnthropic(base_url=URL, api_key=KEY, model=MODEL, max_retries=0, max_tokens=100)


def text():
    reply = chat().invoke("Hello")
    equal((SENTENCE, 21), (reply.content, reply.usage_metadata["total_tokens"]))


def stream():
    pieces = [chunk.content for chunk in chat().stream("Hello") if chunk.content]
    equal(SENTENCE, "".join(pieces))
    assert len(pieces) > 1


def tools():
    made = chat().bind_tools([weather]).invoke("Weather?")
    (call,) = made.tool_calls
    said = [("user", "Weather?"), made, weather.invoke(call)]
    equal(SUNNY, chat().bind_tools([weather]).invoke(said).content)


def agent():
    from langgraph.prebuilt import create_react_agent

    done = create_react_agent(chat(), [weather]).invoke({"messages": [("user", "Weather?")]})
    equal(SUNNY, done["messages"][-1].content)


def json_schema():
    equal(Town(name=CITY, people=7), chat().with_structured_output(Town).invoke("Hello"))


def responses():
    equal(SENTENCE, chat(use_responses_api=True).invoke("Hello").text)


def messages():
    equal(SENTENCE, claude().invoke("Hello").content)


def messages_streamed():
    pieces = [chunk.text for chunk in claude().stream("Hello") if chunk.text]
    equal(SENTENCE, "".join(pieces))
    assert len(pieces) > 1


def messages_tools():
    (call,) = claude().bind_tools([weather]).invoke("Weather?").tool_calls
    equal({"city": CITY}, call["args"])


def embeddings():
    embedder = OpenAIEmbeddings(
        base_url=f"{URL}/v1",
        api_key=KEY,
        model="embed",
        check_embedding_ctx_length=False,  # it would fetch a tokenizer
    )
    equal(2, len(embedder.embed_documents(["a", "b"])))


def errors():
    import openai

    raises(openai.AuthenticationError, lambda: chat(WRONG_KEY).invoke("Hello"))
    raises(openai.RateLimitError, lambda: chat(LIMITED_KEY).invoke("Hello"))
    raises(openai.BadRequestError, lambda: chat(model="nobody").invoke("Hello"))


run(
    text,
    stream,
    tools,
    agent,
    json_schema,
    responses,
    messages,
    messages_streamed,
    messages_tools,
    embeddings,
    errors,
)
