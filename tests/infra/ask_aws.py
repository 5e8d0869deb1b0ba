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


def firewall_of(api: str, stage: str) -> list[str]:
    """Name the firewall before a stage, and its rules."""
    arn = f"arn:aws:apigateway:eu-west-1::/restapis/{api}/stages/{stage}"
    found = client("wafv2").get_web_acl_for_resource(ResourceArn=arn).get("WebACL")
    return [found["Name"], *[rule["Name"] for rule in found["Rules"]]] if found else []


def web_function() -> dict[str, object]:
    """Say how a web function runs, and where its calls go."""
    web, name = client("lambda-web"), f"tollgate-{STAGE}-gateway"
    try:
        endpoint = web.get_web_function_endpoint(functionName=name, endpointName="gateway")
    except web.exceptions.ResourceNotFoundException:
        return {}
    [weight] = endpoint["revisionWeights"]
    revision = web.get_web_function_revision(functionName=name, revisionId=weight["revisionId"])
    code = revision["buildConfig"]["codeConfig"]["s3Object"]
    zipped = client("s3").head_object(Bucket=code["bucket"], Key=code["key"])
    service = revision["serviceConfig"]
    held = web.list_web_function_revisions(functionName=name)["revisions"]
    return {
        "revisions": [each["revisionId"] for each in held],
        "url": f"https://{endpoint['domainName']}",
        "weight": weight["weight"],
        "auth": endpoint["authType"],
        "environments": endpoint["scalingConfig"]["maxEnvironments"],
        "code": zipped["ContentLength"],
        "runtime": revision["buildConfig"]["runtimeConfig"]["runtime"],
        "role": service["executionRoleArn"],
        "seconds": service["timeoutSeconds"],
        "at once": service["maxConcurrencyPerEnvironment"],
        "variables": service["environmentVariables"],
        "log": service["telemetryConfig"]["loggingConfig"]["logGroup"],
    }


functions = client("lambda").list_functions()["Functions"]
apis = [api for api in client("apigateway").get_rest_apis()["items"] if STAGE in api["name"]]
stages = [
    stage for api in apis for stage in client("apigateway").get_stages(restApiId=api["id"])["item"]
]
groups = client("logs").describe_log_groups()["logGroups"]
rules = client("events").list_rules()["Rules"]
alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
gateway = client("apigateway")
domains = {
    each["domainName"]: [
        [mapping["restApiId"], mapping["stage"]]
        for mapping in gateway.get_base_path_mappings(domainName=each["domainName"])["items"]
    ]
    for each in gateway.get_domain_names()["items"]
}
outputs = [
    output
    for stack in client("cloudformation").describe_stacks()["Stacks"]
    if stack["StackName"] == f"tollgate-{STAGE}"
    for output in stack.get("Outputs", [])
]
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
            "apis": [api["id"] for api in apis],
            "firewalls": [firewall_of(api["id"], STAGE) for api in apis],
            "all firewalls": [
                each["Name"] for each in client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"]
            ],
            "domains": domains,
            "outputs": {each["OutputKey"]: each["OutputValue"] for each in outputs},
            "web function": web_function(),
            "stages": [stage["stageName"] for stage in stages],
            "retention": {
                each["logGroupName"]: int(each.get("retentionInDays", 0))
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
