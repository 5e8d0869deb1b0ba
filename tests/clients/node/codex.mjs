// Codex CLI: a question, a tool of its own called by the model, a key that nobody has.

import { CITY, KEY, MODEL, SENTENCE, SUNNY, URL_, WRONG_KEY, run, truth } from "./flows.mjs";
import { command } from "./command.mjs";

const provider = `{name="tollgate",base_url="${URL_}/v1",env_key="ASKED_KEY",wire_api="responses",request_max_retries=0,stream_max_retries=0}`;
const codex = (prompt, key = KEY) =>
  command(
    "codex",
    [
      ...["exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "--json", "-m", MODEL],
      ...["-c", 'model_provider="tollgate"', "-c", `model_providers.tollgate=${provider}`, prompt],
    ],
    { ASKED_KEY: key },
  );

await run({
  async text() {
    const { said } = await codex("Hello");
    truth(said.includes(SENTENCE), `the sentence, not ${said.slice(-300)}`);
    truth(said.includes('"type":"turn.completed"'), "a completed turn");
  },
  async tools() {
    const { said } = await codex(`CALL exec_command {"cmd":"echo ${CITY}"}`);
    truth(said.includes(SUNNY), `an answer to the tool's result, not ${said.slice(-300)}`);
  },
  async wrong_key() {
    const { code, said } = await codex("Hello", WRONG_KEY);
    truth(code !== 0 && /401/.test(said), `a refusal, not ${code} ${said.slice(-300)}`);
  },
});
