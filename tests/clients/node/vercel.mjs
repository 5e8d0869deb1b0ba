// Vercel's AI SDK: its OpenAI, OpenAI-compatible and Anthropic providers.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL_, WRONG_KEY, equal, fails, run, truth } from "./flows.mjs";

const baseURL = `${URL_}/v1`;
const prompt = "Hello";
const maxRetries = 0;
const compatible = (apiKey = KEY) =>
  createOpenAICompatible({ name: "tollgate", baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const openai = createOpenAI({ baseURL, apiKey: KEY });
const anthropic = createAnthropic({ baseURL, apiKey: KEY });
const weather = tool({
  description: "Tell the weather.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => (equal(CITY, city), "sunny"),
});
const town = z.object({ name: z.string(), people: z.int() });

async function streamed(model) {
  const pieces = [];
  const answer = streamText({ model, prompt, maxRetries });
  for await (const piece of answer.textStream) pieces.push(piece);
  equal([SENTENCE, 9], [pieces.join(""), (await answer.usage).outputTokens]);
  truth(pieces.length > 1, "several chunks");
}

async function with_tools(model) {
  const done = await generateText({ model, prompt, tools: { weather }, stopWhen: stepCountIs(3), maxRetries });
  equal(SUNNY, done.text);
}

await run({
  async text() {
    equal(SENTENCE, (await generateText({ model: compatible()(MODEL), prompt, maxRetries })).text);
  },
  stream: () => streamed(compatible()(MODEL)),
  tools: () => with_tools(compatible()(MODEL)),
  async json_schema() {
    const made = await generateObject({ model: compatible()(MODEL), prompt, schema: town, maxRetries });
    equal({ name: CITY, people: 7 }, made.object);
  },
  responses: () => with_tools(openai(MODEL)),
  responses_streamed: () => streamed(openai(MODEL)),
  messages: () => with_tools(anthropic(MODEL)),
  messages_streamed: () => streamed(anthropic(MODEL)),
  async embeddings() {
    const model = compatible().textEmbeddingModel("embed");
    equal(2, (await embedMany({ model, values: ["a", "b"], maxRetries })).embeddings.length);
  },
  async errors() {
    for (const [status, key, name] of [
      [401, WRONG_KEY, MODEL],
      [429, LIMITED_KEY, MODEL],
      [400, KEY, "nobody"],
    ])
      await fails(status, () => generateText({ model: compatible(key)(name), prompt, maxRetries }));
  },
});
