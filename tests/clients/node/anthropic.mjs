// Anthropic's Node SDK.

import Anthropic from "@anthropic-ai/sdk";
import { CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL_, WRONG_KEY, equal, fails, run, truth } from "./flows.mjs";

const client = (apiKey = KEY) => new Anthropic({ baseURL: URL_, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ name: "weather", input_schema: schema }];
const ask = { model: MODEL, max_tokens: 100, messages };

await run({
  async text() {
    const reply = await client().messages.create(ask);
    equal([SENTENCE, "end_turn"], [reply.content[0].text, reply.stop_reason]);
    truth(reply._request_id, "a request id");
  },
  async stream() {
    const pieces = [];
    const final = await client().messages.stream(ask).on("text", (piece) => pieces.push(piece)).finalMessage();
    equal([SENTENCE, 9], [pieces.join(""), final.usage.output_tokens]);
    truth(pieces.length > 1, "several chunks");
  },
  async tools() {
    const made = await client().messages.create({ ...ask, tools });
    const call = made.content.find((block) => block.type === "tool_use");
    equal({ city: CITY }, call.input);
    const result = { type: "tool_result", tool_use_id: call.id, content: "sunny" };
    const said = [...messages, { role: "assistant", content: made.content }, { role: "user", content: [result] }];
    equal(SUNNY, (await client().messages.create({ ...ask, messages: said, tools })).content[0].text);
  },
  async tools_streamed() {
    const final = await client().messages.stream({ ...ask, tools }).finalMessage();
    equal({ city: CITY }, final.content.at(-1).input);
  },
  async count_tokens() {
    truth((await client().messages.countTokens({ model: MODEL, messages })).input_tokens > 0, "a count");
  },
  async models() {
    const found = [];
    for await (const model of client().models.list()) found.push(model.id);
    truth(found.includes(MODEL), MODEL);
  },
  async wrong_key() {
    const error = await fails(401, () => client(WRONG_KEY).messages.create(ask));
    truth(error instanceof Anthropic.AuthenticationError, "its class");
  },
  async too_often() {
    const error = await fails(429, () => client(LIMITED_KEY).messages.create(ask));
    truth(error instanceof Anthropic.RateLimitError, "its class");
  },
  async bad_request() {
    const error = await fails(400, () => client().messages.create({ ...ask, model: "nobody" }));
    truth(error instanceof Anthropic.BadRequestError, "its class");
  },
});
