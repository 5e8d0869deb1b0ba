"""instructor: typed answers by tools and by JSON schema."""

import instructor
import openai
from flows import CITY, KEY, LIMITED_KEY, MODEL, URL, WRONG_KEY, equal, run
from pydantic import BaseModel

HELLO = [{"role": "user", "content": "Hello"}]


class Town(BaseModel):
    name: str
    people: int


def client(mode=instructor.Mode.TOOLS, key=KEY):
    asked = openai.OpenAI(base_url=f"{URL}/v1", api_key=key, max_retries=0)
    return instructor.from_openai(asked, mode=mode)


def town(mode):
    made = client(mode).create(model=MODEL, messages=HELLO, response_model=Town, max_retries=0)
    equal({"name": CITY, "people": 7}, made.model_dump())


def tools():
    town(instructor.Mode.TOOLS)


def json_schema():
    town(instructor.Mode.JSON_SCHEMA)


def stream():
    parts = list(client().create_partial(model=MODEL, messages=HELLO, response_model=Town))
    equal((CITY, 7), (parts[-1].name, parts[-1].people))
    assert len(parts) > 1


def several():
    made = client().create_iterable(model=MODEL, messages=HELLO, response_model=Town)
    equal([{"name": CITY, "people": 7}], [town.model_dump() for town in made])


def errors():
    for status, key, model in (
        (401, WRONG_KEY, MODEL),
        (429, LIMITED_KEY, MODEL),
        (400, KEY, "no"),
    ):
        try:
            client(key=key).create(model=model, messages=HELLO, response_model=Town, max_retries=0)
        except Exception as error:
            found = error
            while not isinstance(found, openai.APIStatusError) and found.__cause__:
                found = found.__cause__
            assert str(status) in str(found), f"expected {status}, not {found}"
        else:
            raise AssertionError(f"expected {status}")


run(tools, json_schema, stream, several, errors)
