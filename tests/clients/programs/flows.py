"""What every program of a client does: run its flows, print how each went as a line of JSON.

Standard library only: programs run in environments of their own, with nothing of the gateway's.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import traceback

URL = os.environ["TOLLGATE_URL"]
KEY = os.environ["TOLLGATE_KEY"]
LIMITED_KEY = os.environ["TOLLGATE_LIMITED_KEY"]
MODEL = os.environ["TOLLGATE_MODEL"]
WRONG_KEY = "sk-nobody-has-this-key"
SENTENCE = "Hello from the fake model, word by word."
SUNNY = "The tool says it is sunny."
CITY = "Bern"


def run(*flows) -> None:
    """Run the flows in order, each whatever became of those before it."""
    for flow in flows:
        try:
            made = flow()
            if inspect.isawaitable(made):
                import asyncio

                asyncio.run(made)
            result = "ok"
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            result = f"{type(error).__name__}: {error}"[:300]
        print(json.dumps({"flow": flow.__name__, "result": result}), flush=True)


def equal(expected, actual) -> None:
    """Raise AssertionError unless both are the same."""
    assert expected == actual, f"expected {expected!r}, not {actual!r}"


def raises(kind, do) -> None:
    """Raise AssertionError unless `do` raises that kind of error."""
    try:
        do()
    except kind:
        return
    raise AssertionError(f"expected {kind.__name__}")
