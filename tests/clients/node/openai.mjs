// OpenAI's Node SDK.

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL_, WRONG_KEY, equal, fails, run, truth } from "./flows.mjs";

const client = (apiKey = KEY) => new OpenAI({ baseURL: `${URL_}/v1`, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "weather", parameters } }];
const chat = (more = {}, key = KEY) => client(key).chat.completions.create({ model: MODEL, messages, ...more });

await run({
  async text() {
    const reply = await chat();
    equal([SENTENCE, 21], [reply.choices[0].message.content, reply.usage.total_tokens]);
  },
  async stream() {
    const pieces = [];
    let usage;
    for await (const chunk of await chat({ stream: true, stream_options: { include_usage: true } })) {
      if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content);
      usage = chunk.usage ?? usage;
    }
    equal([SENTENCE, 21], [pieces.join(""), usage.total_tokens]);
    truth(pieces.length > 1, "several chunks");
  },
  async tools() {
    const made = (await chat({ tools })).choices[0].message;
    equal({ city: CITY }, JSON.parse(made.tool_calls[0].function.arguments));
    const result = { role: "tool", tool_call_id: made.tool_calls[0].id, content: "sunny" };
    const reply = await chat({ tools, messages: [...messages, made, result] });
    equal(SUNNY, reply.choices[0].message.content);
  },
  async tools_streamed() {
    const runner = client().chat.completions.stream({ model: MODEL, messages, tools });
    const made = (await runner.finalChatCompletion()).choices[0].message;
    equal({ city: CITY }, JSON.parse(made.tool_calls[0].function.arguments));
  },
  async json_schema() {
    const town = z.object({ name: z.string(), people: z.number().int() });
    const format = zodResponseFormat(town, "town");
    const reply = await client().chat.completions.parse({ model: MODEL, messages, response_format: format });
    equal({ name: CITY, people: 7 }, reply.choices[0].message.parsed);
  },
  async responses() {
    equal(SENTENCE, (await client().responses.create({ model: MODEL, input: "Hello" })).output_text);
  },
  async responses_streamed() {
    const kinds = [];
    for await (const event of await client().responses.create({ model: MODEL, input: "Hello", stream: true }))
      kinds.push(event.type);
    equal("response.completed", kinds.at(-1));
    truth(kinds.filter((kind) => kind === "response.output_text.delta").length > 1, "several deltas");
  },
  async embeddings() {
    const reply = await client().embeddings.create({ model: "embed", input: ["a", "b"] });
    equal([2, "number"], [reply.data.length, typeof reply.data[0].embedding[0]]);
  },
  async models() {
    const found = [];
    for await (const model of client().models.list()) found.push(model.id);
    truth(found.includes(MODEL), MODEL);
  },
  async wrong_key() {
    truth((await fails(401, () => chat({}, WRONG_KEY))) instanceof OpenAI.AuthenticationError, "its class");
  },
  async too_often() {
    truth((await fails(429, () => chat({}, LIMITED_KEY))) instanceof OpenAI.RateLimitError, "its class");
  },
  async bad_request() {
    truth((await fails(400, () => chat({ model: "nobody" }))) instanceof OpenAI.BadRequestError, "its class");
  },
});
