"""Every client, and how its program is run against a gateway with fake vendors behind it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tests.clients.vendors import Vendors
from tests.outside import python_of
from tests.running import Running, post, started

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
NODE = HERE / "node"
CLAUDE_CODE = NODE / "node_modules" / "@anthropic-ai" / "claude-code"
SECONDS = 300


@dataclass(frozen=True)
class Client:
    """One client: its program, the environment it runs in, the packages it is tried at.

    Without an environment it is a program of Node.
    """

    name: str
    program: str
    packages: tuple[str, ...]
    models: tuple[str, ...]
    environment: str = ""


CLIENTS = (
    Client("OpenAI SDK", "openai_sdk", ("openai",), ("gpt", "claude", "flash"), "pydantic-ai"),
    Client(
        "Anthropic SDK", "anthropic_sdk", ("anthropic",), ("claude", "gpt", "flash"), "pydantic-ai"
    ),
    Client("google-genai", "google_genai", ("google-genai",), ("flash", "gpt", "claude"), "google"),
    Client(
        "LangChain",
        "langchain_client",
        ("langchain-openai", "langchain-anthropic", "langgraph"),
        ("gpt", "claude"),
        "langchain",
    ),
    Client(
        "LlamaIndex", "llamaindex_client", ("llama-index-core",), ("gpt", "claude"), "llamaindex"
    ),
    Client(
        "pydantic-ai", "pydantic_ai_client", ("pydantic-ai-slim",), ("gpt", "claude"), "pydantic-ai"
    ),
    Client("instructor", "instructor_client", ("instructor",), ("gpt", "claude"), "instructor"),
    Client("OpenAI SDK (Node)", "openai", ("openai",), ("gpt", "claude")),
    Client("Anthropic SDK (Node)", "anthropic", ("@anthropic-ai/sdk",), ("claude", "gpt")),
    Client("Google GenAI (Node)", "genai", ("@google/genai",), ("flash", "gpt")),
    Client("Vercel AI SDK", "vercel", ("ai",), ("gpt", "claude")),
    Client("Claude Code", "claude_code", ("@anthropic-ai/claude-code",), ("claude", "gpt")),
    Client("Codex CLI", "codex", ("@openai/codex",), ("gpt", "claude")),
)


@dataclass(frozen=True)
class Stack:
    """A running gateway with a key for everything, and one that may call no more."""

    url: str
    key: str
    limited_key: str
    vendors: Vendors


@contextmanager
def stack(home: Path) -> Iterator[Stack]:
    """Start the fake vendors and `./tollgate up` before them; stop both in the end."""
    vendors = Vendors()
    vendors.start()
    try:
        config = home / "config.yaml"
        config.write_text(json.dumps(_config(vendors.url)))
        with started(home / "data", "--config", str(config)) as running:
            keys = [_key(running, **limits) for limits in ({}, {"rpm_limit": 0})]
            yield Stack(running.url, keys[0], keys[1], vendors)
    finally:
        vendors.stop()


def run(client: Client, model: str, at: Stack) -> dict[str, str]:
    """Run a client's program; return how each flow went, `ok` or in words what went wrong."""
    done = subprocess.run(
        _argv(client),
        env={
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(PROGRAMS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TOLLGATE_URL": at.url,
            "TOLLGATE_KEY": at.key,
            "TOLLGATE_LIMITED_KEY": at.limited_key,
            "TOLLGATE_MODEL": model,
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"flow"')]
    results = {one["flow"]: one["result"] for one in told}
    if done.returncode or not results:
        results["program"] = f"ended with {done.returncode}: {done.stderr[-500:]}"
    return results


def _argv(client: Client) -> list[str]:
    if not client.environment:
        return ["node", str(node_home() / f"{client.program}.mjs")]
    return [str(python_of(client.environment)), str(PROGRAMS / f"{client.program}.py")]


@cache
def node_home() -> Path:
    """Return where Node's clients are installed, by their lock, the first time."""
    stamp = NODE / "node_modules" / ".stamp"
    asked = hashlib.sha256((NODE / "package-lock.json").read_bytes()).hexdigest()
    with (NODE / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != asked:
            npm, node = shutil.which("npm") or "npm", shutil.which("node") or "node"
            argv = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(argv, cwd=NODE, check=True, capture_output=True)
            # Of all scripts this one is needed: it puts the program in its place.
            subprocess.run([node, "install.cjs"], cwd=CLAUDE_CODE, check=True, capture_output=True)
            stamp.write_text(asked)
    return NODE


def versions(client: Client) -> str:
    """Tell the versions of a client's packages."""
    return ", ".join(f"{name} {_version(client, name)}" for name in client.packages)


def _version(client: Client, package: str) -> str:
    if not client.environment:
        told: Any = json.loads(
            (node_home() / "node_modules" / package / "package.json").read_text()
        )
        return told["version"]
    asked = f"import importlib.metadata as m; print(m.version({package!r}))"
    argv = [str(python_of(client.environment)), "-c", asked]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def _config(url: str) -> dict[str, Any]:
    def model(name: str, of: str, base: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        prices = {"input_cost_per_token": 0.000001, "output_cost_per_token": 0.000002}
        params = {"model": of, "api_base": f"{url}/{base}", "api_key": "sk-of-the-vendor", **prices}
        return {"model_name": name, "litellm_params": params, **more}

    return {
        "model_list": [
            model("gpt", "hosted_vllm/fake-gpt", "openai/v1"),
            model("claude", "anthropic/fake-claude", "anthropic"),
            model("flash", "gemini/fake-flash", "gemini/v1beta"),
            model("embed", "openai/fake-embed", "openai/v1", model_info={"mode": "embedding"}),
        ]
    }


def _key(running: Running, **limits: object) -> str:
    made = post(f"{running.url}/key/generate", limits, running.stack["master_key"])
    return cast("dict[str, str]", made)["key"]
