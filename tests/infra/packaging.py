"""What `sls package` makes of serverless.yml: one stage's CloudFormation template."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMPILED = "cloudformation-template-update-stack.json"

Resource = dict[str, Any]


def sls(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the pinned osls, installed from its lock when it is not there yet."""
    npx, npm = shutil.which("npx"), shutil.which("npm")
    assert npx is not None, "packaging needs Node.js 20.19 or newer: apt install nodejs npm"
    assert npm is not None, "packaging needs npm: apt install npm"
    if not (ROOT / "node_modules/.bin/sls").exists():
        subprocess.run([npm, "ci", "--ignore-scripts"], cwd=ROOT, check=True, capture_output=True)
    return subprocess.run(
        [npx, "sls", *arguments],
        cwd=ROOT,
        env={**os.environ, "NODE_NO_WARNINGS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def package(stage: str, into: Path, **params: str) -> subprocess.CompletedProcess[str]:
    """Package a stage, with other parameters than its own where they are given."""
    given = [word for name, value in params.items() for word in ("--param", f"{name}={value}")]
    return sls("package", "--stage", stage, "--package", str(into), *given)


@dataclass
class Template:
    """The compiled template of one stage."""

    stage: str
    folder: Path
    params: dict[str, str] = field(default_factory=dict[str, str])
    resources: dict[str, Resource] = field(init=False)

    def __post_init__(self) -> None:
        done = package(self.stage, self.folder, **self.params)
        assert 0 == done.returncode, done.stdout + done.stderr
        whole = json.loads(self.path.read_text(encoding="utf-8"))
        self.resources = whole["Resources"]
        self.outputs: dict[str, Resource] = whole["Outputs"]

    @property
    def path(self) -> Path:
        return self.folder / COMPILED

    def of(self, kind: str) -> dict[str, Resource]:
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def statements(self, role: str) -> set[tuple[str, str]]:
        """Each action that a role may do, with the resource it may do it to."""
        policies = list(self.resources[role]["Properties"]["Policies"])
        policies += [
            policy
            for policy in self.of("AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Roles"]
        ]
        return {
            (action, _name_of(resource))
            for policy in policies
            for statement in policy["PolicyDocument"]["Statement"]
            for action in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        }

    def path_of(self, resource_id: Resource) -> str:
        if "Fn::GetAtt" in resource_id:
            return ""
        resource = self.resources[resource_id["Ref"]]["Properties"]
        return f"{self.path_of(resource['ParentId'])}/{resource['PathPart']}"

    def routes(self) -> dict[str, tuple[str, str, int]]:
        """Each path with its function, transfer mode and timeout."""
        found: dict[str, tuple[str, str, int]] = {}
        for method in self.of("AWS::ApiGateway::Method").values():
            integration = method["Integration"]
            [function] = [
                part["Fn::GetAtt"][0].removesuffix("LambdaFunction").lower()
                for part in integration["Uri"]["Fn::Join"][1]
                if isinstance(part, dict) and "Fn::GetAtt" in part
            ]
            assert "ANY" == method["HttpMethod"]
            found[self.path_of(method["ResourceId"]) or "/"] = (
                function,
                integration.get("ResponseTransferMode", "BUFFERED"),
                integration.get("TimeoutInMillis", 29_000),
            )
        return found


def _listed(one_or_many: Any) -> list[Any]:  # noqa: ANN401 - IAM writes lists of one as that one
    return one_or_many if isinstance(one_or_many, list) else [one_or_many]


def _name_of(resource: str | dict[str, Any]) -> str:
    if isinstance(resource, str):
        return resource
    if "Fn::GetAtt" in resource:
        return resource["Fn::GetAtt"][0]
    return resource["Fn::Sub"].rpartition(":")[2]
