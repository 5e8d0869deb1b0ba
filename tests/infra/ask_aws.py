"""Say as JSON what is deployed: `python ask_aws.py URL STAGE`, in the environment `aws`."""

from __future__ import annotations

import json
import sys
from functools import partial

import boto3

URL, STAGE = sys.argv[1:]
client = partial(
    boto3.client,
    region_name="eu-west-1",
    endpoint_url=URL,
    aws_access_key_id="x",
    aws_secret_access_key="x",
)


def of_stage(names: list[str]) -> list[str]:
    return sorted(name for name in names if f"tollgate-{STAGE}" in name)


functions = client("lambda").list_functions()["Functions"]
apis = [api for api in client("apigateway").get_rest_apis()["items"] if STAGE in api["name"]]
stages = [
    stage for api in apis for stage in client("apigateway").get_stages(restApiId=api["id"])["item"]
]
groups = client("logs").describe_log_groups()["logGroups"]
rules = client("events").list_rules()["Rules"]
alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
roles = client("iam").list_roles()["Roles"]
sys.stdout.write(
    json.dumps(
        {
            "functions": {
                each["FunctionName"]: [each["Runtime"], each["MemorySize"], each["Timeout"]]
                for each in functions
                if f"tollgate-{STAGE}-" in each["FunctionName"]
            },
            "variables": {
                each["FunctionName"]: each["Environment"]["Variables"]
                for each in functions
                if f"tollgate-{STAGE}-" in each["FunctionName"]
            },
            "stages": [stage["stageName"] for stage in stages],
            "retention": {
                each["logGroupName"]: each.get("retentionInDays")
                for each in groups
                if f"tollgate-{STAGE}-" in each["logGroupName"]
            },
            "rules": sorted(
                each["ScheduleExpression"] for each in rules if f"tollgate-{STAGE}-" in each["Name"]
            ),
            "alarms": of_stage([each["AlarmName"] for each in alarms]),
            "queues": of_stage(client("sqs").list_queues().get("QueueUrls", [])),
            "roles": len(of_stage([each["RoleName"] for each in roles])),
            "dashboards": of_stage(
                [
                    each["DashboardName"]
                    for each in client("cloudwatch").list_dashboards()["DashboardEntries"]
                ]
            ),
        }
    )
)
