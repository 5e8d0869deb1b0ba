// What every program of a client does: run its flows, print how each went as a line of JSON.

const { TOLLGATE_URL, TOLLGATE_KEY, TOLLGATE_LIMITED_KEY, TOLLGATE_MODEL } = process.env;

export const URL_ = TOLLGATE_URL;
export const KEY = TOLLGATE_KEY;
export const LIMITED_KEY = TOLLGATE_LIMITED_KEY;
export const MODEL = TOLLGATE_MODEL;
export const WRONG_KEY = "sk-nobody-has-this-key";
export const SENTENCE = "Hello from the fake model, word by word.";
export const SUNNY = "The tool says it is sunny.";
export const CITY = "Bern";

export async function run(flows) {
  for (const [flow, work] of Object.entries(flows)) {
    let result = "ok";
    try {
      await work();
    } catch (error) {
      console.error(error);
      result = `${error?.constructor?.name}: ${error?.message}`.slice(0, 300);
    }
    console.log(JSON.stringify({ flow, result }));
  }
}

export function equal(expected, actual) {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(actual)];
  if (a !== b) throw new Error(`expected ${a}, not ${b}`);
}

export function truth(value, what) {
  if (!value) throw new Error(`expected ${what}`);
}

export async function fails(status, work) {
  try {
    await work();
  } catch (error) {
    equal(status, error.status ?? error.statusCode ?? error.code);
    return error;
  }
  throw new Error(`expected ${status}`);
}
