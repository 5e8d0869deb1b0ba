// Claude Code: a question, a tool of its own called by the model, a key that nobody has.

import { CITY, KEY, MODEL, SENTENCE, SUNNY, URL_, WRONG_KEY, equal, run, truth } from "./flows.mjs";
import { command } from "./command.mjs";

const claude = (args, key = KEY) =>
  command("claude", ["-p", ...args, "--model", MODEL], {
    ANTHROPIC_BASE_URL: URL_,
    ANTHROPIC_AUTH_TOKEN: key,
    ANTHROPIC_SMALL_FAST_MODEL: MODEL,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: "0",
  });

await run({
  async text() {
    const { said } = await claude(["Hello"]);
    truth(said.includes(SENTENCE), `the sentence, not ${said.slice(0, 200)}`);
  },
  async stream() {
    const asked = ["Hello", "--output-format", "stream-json", "--include-partial-messages", "--verbose"];
    const { said } = await claude(asked);
    const lines = said.trim().split("\n").map((line) => JSON.parse(line));
    const pieces = lines.filter((line) => line.event?.delta?.type === "text_delta");
    equal(SENTENCE, pieces.map((line) => line.event.delta.text).join(""));
    truth(pieces.length > 1, "several chunks");
  },
  async tools() {
    const { said } = await claude([`CALL Bash {"command":"echo ${CITY}"}`, "--allowedTools", "Bash"]);
    truth(said.includes(SUNNY), `an answer to the tool's result, not ${said.slice(0, 200)}`);
  },
  async wrong_key() {
    const { code, said } = await claude(["Hello"], WRONG_KEY);
    truth(code !== 0 && /401|authenticat/i.test(said), `a refusal, not ${code} ${said.slice(0, 200)}`);
  },
});
