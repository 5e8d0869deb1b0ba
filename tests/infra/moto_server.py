"""A moto server that takes our stacks; it prints its port. Runs in the environment `aws`.

moto (5.2.5) has no CloudFormation for some kinds of resource and skips them without a word. They
are added here as moto's own API makes them, so that a test finds them through boto3; what moto does
not have at all (WAF before a stage, dashboards' bodies) is only remembered.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import boto3
from moto.cloudformation import models
from moto.core.common_models import CloudFormationModel
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Callable

Properties = dict[str, Any]
NUMBERS = {"Threshold": float, "Period": int, "EvaluationPeriods": int, "DatapointsToAlarm": int}
RETRIES = {"MaximumRetryAttempts": int, "MaximumEventAgeInSeconds": int}

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)


def client(service: str, region: str) -> Any:  # noqa: ANN401 - boto3 has no types
    host, port = server.get_host_and_port()
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


class Taught:
    """What each taught kind of resource does alike; `makes` and `removes` are its own.

    Not `create` and `delete`: moto calls those of a resource that has them.
    """

    __module__ = "moto.taught"  # moto reads the service from it
    kind: str
    makes: Callable[[str, Properties], str]
    removes: Callable[[str, str], object]
    attributes: tuple[str, ...]

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.kind

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return attr in cls.attributes

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return f"{attribute_name}-of-{self.physical_resource_id}"

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
        **kwargs: Any,  # noqa: ANN401
    ) -> Taught:
        del account_id, kwargs
        told = {**cloudformation_json.get("Properties", {}), "LogicalName": resource_name}
        return cls(cls.makes(region_name, told))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Taught,
        new_resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
    ) -> Taught:
        del original_resource
        return cls.create_from_cloudformation_json(
            new_resource_name, cloudformation_json, account_id, region_name
        )

    @classmethod
    def delete_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
    ) -> None:
        del cloudformation_json, account_id
        cls.removes(region_name, resource_name)


def resource(
    kind: str,
    create: Callable[[str, Properties], str],
    delete: Callable[[str, str], object] = lambda _region, _name: None,
    attributes: tuple[str, ...] = (),
) -> type[Taught]:
    """Teach moto a kind of resource; moto finds it among the direct subclasses of its model."""
    own = {
        "__module__": Taught.__module__,
        "kind": kind,
        "makes": staticmethod(create),
        "removes": staticmethod(delete),
        "attributes": attributes,
    }
    return type(kind.replace("::", "_"), (Taught, CloudFormationModel), own)


def alarm(region: str, told: Properties) -> str:
    del told["LogicalName"]
    numbers = {name: NUMBERS[name](value) for name, value in told.items() if name in NUMBERS}
    client("cloudwatch", region).put_metric_alarm(**{**told, **numbers})
    return told["AlarmName"]


def dashboard(region: str, told: Properties) -> str:
    client("cloudwatch", region).put_dashboard(
        DashboardName=told["DashboardName"], DashboardBody=told["DashboardBody"]
    )
    return told["DashboardName"]


def retries(region: str, told: Properties) -> str:
    del told["LogicalName"], told["Qualifier"]
    numbers = {name: RETRIES[name](value) for name, value in told.items() if name in RETRIES}
    client("lambda", region).put_function_event_invoke_config(**{**told, **numbers})
    return told["FunctionName"]


def stage(region: str, told: Properties) -> str:
    api = client("apigateway", region)
    name, at = told["StageName"], {"restApiId": told["RestApiId"]}
    deployment = getattr(told["DeploymentId"], "id", told["DeploymentId"])  # moto's own object
    if name in [each["stageName"] for each in api.get_stages(**at)["item"]]:
        newest = {"op": "replace", "path": "/deploymentId", "value": deployment}
        api.update_stage(**at, stageName=name, patchOperations=[newest])
    else:
        api.create_stage(**at, stageName=name, deploymentId=deployment)
    return name


def remembered(_region: str, told: Properties) -> str:
    return told["LogicalName"]


TAUGHT = [
    resource(
        "AWS::CloudWatch::Alarm",
        alarm,
        lambda region, name: client("cloudwatch", region).delete_alarms(AlarmNames=[name]),
        ("Arn",),
    ),
    resource(
        "AWS::CloudWatch::Dashboard",
        dashboard,
        lambda region, name: client("cloudwatch", region).delete_dashboards(DashboardNames=[name]),
    ),
    resource("AWS::Lambda::EventInvokeConfig", retries),
    resource("AWS::ApiGateway::Stage", stage),
    # moto would obey the policy without its condition and refuse every upload that is not TLS.
    resource("AWS::S3::BucketPolicy", remembered),
]


def only_errors(template: str) -> list[Any]:
    return [each for each in linted(template) if getattr(each.rule, "severity", "error") == "error"]


linted = models.validate_template_cfn_lint
models.validate_template_cfn_lint = only_errors

if __name__ == "__main__":
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Event().wait()
