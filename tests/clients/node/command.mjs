// Run an installed command in an empty home of its own, and return what it said and how it ended.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const SECONDS = 120;

export async function command(name, args, environment) {
  const home = await mkdtemp(join(tmpdir(), "tollgate-client-"));
  const env = { PATH: process.env.PATH, HOME: home, CODEX_HOME: home, ...environment };
  try {
    return await ended(spawn(join(here, "node_modules", ".bin", name), args, { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] }));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function ended(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    child.stderr.on("data", (chunk) => (said += chunk) && process.stderr.write(chunk));
    const clock = setTimeout(() => child.kill("SIGKILL"), SECONDS * 1000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(clock);
      resolve({ code, said });
    });
  });
}
