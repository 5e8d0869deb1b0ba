"""Run by an interpreter that has google-genai: check JSON on stdin against the SDK's own types.

Each line is `{"request": …}` or `{"response": …}`; what does not fit is an error that ends it.
"""

from __future__ import annotations

import json
import sys

from google.genai import types  # pyright: ignore[reportMissingImports] - another environment's

PARTS = {
    "contents": types.Content,
    "tools": types.Tool,
    "safetySettings": types.SafetySetting,
}
ONES = {
    "systemInstruction": types.Content,
    "generationConfig": types.GenerationConfig,
    "toolConfig": types.ToolConfig,
}


def check_request(body: dict[str, object]) -> None:
    assert body.keys() <= PARTS.keys() | ONES.keys(), sorted(body)
    for name, kind in PARTS.items():
        for item in body.get(name) or []:
            kind.model_validate(item)
    for name, kind in ONES.items():
        if name in body:
            kind.model_validate(body[name])


def check_response(body: dict[str, object]) -> None:
    found = types.GenerateContentResponse.model_validate(body)
    assert found.candidates or found.prompt_feedback or found.usage_metadata


for line in sys.stdin:
    told = json.loads(line)
    if "request" in told:
        check_request(told["request"])
    else:
        check_response(told["response"])
sys.stdout.write("ok")
