"""A moto server that takes our stacks; it prints its port. Runs in the environment `aws`.

What moto skips is taught to it (moto_kinds.py, moto_fronts.py). It serves no request through what
it has made: a firewall before a stage refuses nobody, and a domain leads nowhere.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any

from moto.cloudformation import models
from moto_fronts import FRONTS
from moto_kinds import Properties, client, resource, server

NUMBERS = {"Threshold": float, "Period": int, "EvaluationPeriods": int, "DatapointsToAlarm": int}
RETRIES = {"MaximumRetryAttempts": int, "MaximumEventAgeInSeconds": int}


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
        {"Arn": lambda _region, name: f"Arn-of-{name}"},
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
    *FRONTS,
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
