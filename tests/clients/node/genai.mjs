// Google's Node SDK.

import { GoogleGenAI, Type } from "@google/genai";
import { CITY, KEY, LIMITED_KEY, MODEL, SENTENCE, SUNNY, URL_, WRONG_KEY, equal, fails, run, truth } from "./flows.mjs";

const client = (apiKey = KEY) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: URL_ } });
const parameters = { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ["city"] };
const tools = [{ functionDeclarations: [{ name: "weather", parameters }] }];
const ask = { model: MODEL, contents: "Hello" };

await run({
  async text() {
    const reply = await client().models.generateContent(ask);
    equal([SENTENCE, 21], [reply.text, reply.usageMetadata.totalTokenCount]);
  },
  async stream() {
    const pieces = [];
    for await (const chunk of await client().models.generateContentStream(ask)) if (chunk.text) pieces.push(chunk.text);
    equal(SENTENCE, pieces.join(""));
    truth(pieces.length > 1, "several chunks");
  },
  async tools() {
    const asked = { role: "user", parts: [{ text: "Weather?" }] };
    const made = await client().models.generateContent({ ...ask, contents: [asked], config: { tools } });
    equal([["weather", { city: CITY }]], made.functionCalls.map((call) => [call.name, call.args]));
    const result = { functionResponse: { name: "weather", response: { result: "sunny" } } };
    const contents = [asked, made.candidates[0].content, { role: "user", parts: [result] }];
    equal(SUNNY, (await client().models.generateContent({ ...ask, contents, config: { tools } })).text);
  },
  async json_schema() {
    const responseSchema = { type: Type.OBJECT, properties: { name: { type: Type.STRING } } };
    const config = { responseMimeType: "application/json", responseSchema };
    equal({ name: CITY }, JSON.parse((await client().models.generateContent({ ...ask, config })).text));
  },
  async count_tokens() {
    truth((await client().models.countTokens(ask)).totalTokens > 0, "a count");
  },
  async errors() {
    await fails(401, () => client(WRONG_KEY).models.generateContent(ask));
    await fails(429, () => client(LIMITED_KEY).models.generateContent(ask));
    await fails(400, () => client().models.generateContent({ ...ask, model: "nobody" }));
  },
});
