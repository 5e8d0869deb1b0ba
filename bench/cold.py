"""Cold starts: what importing costs, how long until the first answer, and how much is then there.

`./tollgate bench cold` starts a fresh interpreter for each row, a few times, and prints medians.
Times are this machine's; the last column, a ratio within one run, is what can be compared.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
ROUNDS: Final = 5
# httpx imports them where a developer's tools have brought them; the bundle has none of them.
ABSENT: Final = ("rich", "click", "pygments")
COMPARED: Final = "bare FastAPI + Mangum"
LITELLM: Final = "LiteLLM's Lambda handler"

# Runs in the measured interpreter: CPU and wall time of the import and of the first answer.
PROBE: Final = """
import json, resource, sys, time
sys.modules.update(dict.fromkeys({absent}))
wall, cpu = time.perf_counter(), time.process_time()
before = set(sys.modules)
{load}
imported = time.perf_counter() - wall, time.process_time() - cpu
wall = time.perf_counter()
{answer}
first = time.perf_counter() - wall
try:  # a new program's own peak; what getrusage tells begins with its parent's
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0])
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([imported[0], imported[1], first, len(sys.modules), peak / 1024]))
"""
EVENT: Final = """
event = {
    "httpMethod": "GET", "path": "%s", "resource": "/{proxy+}", "headers": {"host": "a"},
    "multiValueHeaders": {"host": ["a"]}, "queryStringParameters": None,
    "multiValueQueryStringParameters": None, "body": None, "isBase64Encoded": False,
    "requestContext": {"identity": {"sourceIp": "192.0.2.1"}, "stage": "x"},
}
class Context:
    aws_request_id = "1"
    @staticmethod
    def get_remaining_time_in_millis():
        return 30000
reply = handler(event, Context)
assert reply["statusCode"] < 500, reply
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that starts: how it is loaded, and what it first answers."""

    name: str
    load: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """The medians of a subject's starts: seconds, modules, megabytes."""

    import_wall: float
    import_cpu: float
    first_answer: float
    modules: float
    megabytes: float


SUBJECTS: Final = (
    Subject("bare interpreter", "pass"),
    Subject(
        COMPARED,
        "from fastapi import FastAPI\nfrom mangum import Mangum\napp = FastAPI()\n"
        "app.get('/')(lambda: {})\nhandler = Mangum(app, lifespan='off')",
        EVENT % "/",
    ),
    Subject("proxy", "from functions.proxy.handler import handler", EVENT % "/"),
    Subject("admin", "from functions.admin.handler import handler", EVENT % "/health/liveliness"),
    Subject("ledger", "from functions.ledger.handler import handler"),
    Subject("resets", "from functions.resets.handler import handler"),
)

LITELLM_SUBJECT: Final = Subject(
    LITELLM,
    "from litellm.proxy.proxy_server import app\nfrom mangum import Mangum\n"
    "handler = Mangum(app, lifespan='off')",
    EVENT % "/health/liveliness",
)


def main() -> None:
    """Measure what is installed here and print a table."""
    found = {each.name: measure(each) for each in SUBJECTS}
    if python := litellm_python():
        found[LITELLM] = measure(LITELLM_SUBJECT, python, rounds=1)
    print(table(found))
    if LITELLM not in found:
        print(
            "\nLiteLLM is not installed beside this: TOLLGATE_LITELLM_PYTHON names a Python of it."
        )


def litellm_python() -> str | None:
    """Name an interpreter that has LiteLLM and Mangum, when there is one."""
    own = ROOT / ".venv-outside/litellm-lambda/bin/python"
    return os.environ.get("TOLLGATE_LITELLM_PYTHON") or (str(own) if own.exists() else None)


def measure(subject: Subject, python: str = sys.executable, rounds: int = ROUNDS) -> Start:
    """Start a subject a few times, after one start that fills the caches."""
    starts = [once(subject, python) for _ in range(rounds + 1)][1:]
    return Start(*(statistics.median(values) for values in zip(*starts, strict=True)))


def once(subject: Subject, python: str = sys.executable) -> list[float]:
    """Start a subject in an interpreter of its own."""
    absent = () if subject.name == LITELLM else ABSENT
    probe = PROBE.format(load=subject.load, answer=subject.answer, absent=absent)
    done = subprocess.run(
        [python, "-c", probe],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": os.environ.get("TOLLGATE_BUNDLE", str(ROOT)),
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_REGION": "eu-west-1",
            "TOLLGATE_MASTER_KEY": "sk-only-for-measuring-a-cold-start",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{subject.name} does not start:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def table(found: dict[str, Start]) -> str:
    """Write one line for each subject."""
    line = "{:<26} {:>11} {:>10} {:>13} {:>8} {:>8} {:>20}"
    lines = [
        line.format(
            "", "import ms", "CPU ms", "first reply", "modules", "RSS MB", "CPU by FastAPI's"
        )
    ]
    base = found[COMPARED].import_cpu
    lines += [
        line.format(
            name,
            f"{start.import_wall * 1000:.0f}",
            f"{start.import_cpu * 1000:.0f}",
            f"{start.first_answer * 1000:.1f}",
            f"{start.modules:.0f}",
            f"{start.megabytes:.0f}",
            f"{start.import_cpu / base:.2f}",
        )
        for name, start in found.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
