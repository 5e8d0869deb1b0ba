"""What stands before the functions, for moto: a firewall, a domain, and web functions.

moto has an API for the first two. Web functions it does not know at all: they are kept here, every
call checked against AWS's own description of the service, and told over the same paths as AWS does.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import botocore.session
from botocore.validate import validate_parameters
from moto.awslambda import urls
from moto_kinds import Properties, client, resource

WEB: Final = botocore.session.get_session().get_service_model("lambda-web")
BORN: Final = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
AVAILABLE: Final = {"state": "Active", "stateReason": "", "createdAt": BORN, "updatedAt": BORN}
web: Final[dict[str, dict[str, Any]]] = {}
"""What AWS would tell of each web function, revision and endpoint, by the path of its URL."""


def firewall(region: str, told: Properties) -> str:
    del told["LogicalName"]
    rate = told["Rules"][0]["Statement"]["RateBasedStatement"]
    rate["Limit"] = int(rate["Limit"])  # as text in the template, which CloudFormation takes
    made = client("wafv2", region).create_web_acl(**_typed(told))
    return made["Summary"]["ARN"]


def no_firewall(region: str, arn: str) -> None:
    waf = client("wafv2", region)
    [found] = [
        each for each in waf.list_web_acls(Scope="REGIONAL")["WebACLs"] if each["ARN"] == arn
    ]
    waf.delete_web_acl(
        Name=found["Name"], Scope="REGIONAL", Id=found["Id"], LockToken=found["LockToken"]
    )


def guard(region: str, told: Properties) -> str:
    client("wafv2", region).associate_web_acl(
        WebACLArn=told["WebACLArn"], ResourceArn=told["ResourceArn"]
    )
    return told["ResourceArn"]


def domain(region: str, told: Properties) -> str:
    made = client("apigateway", region).create_domain_name(
        domainName=told["DomainName"],
        regionalCertificateArn=told["RegionalCertificateArn"],
        endpointConfiguration={"types": told["EndpointConfiguration"]["Types"]},
        securityPolicy=told["SecurityPolicy"],
    )
    return made["domainName"]


def mapping(region: str, told: Properties) -> str:
    api, name = client("apigateway", region), told["DomainName"]
    api.create_base_path_mapping(domainName=name, restApiId=told["RestApiId"], stage=told["Stage"])
    return name


def web_function(_region: str, told: Properties) -> str:
    del told["LogicalName"]
    kept = _camel(told)
    name = kept["functionName"]
    _keep(name, {**kept, "functionArn": f"arn:aws:lambda:::{name}", **AVAILABLE})
    return name


def revision(_region: str, told: Properties) -> str:
    del told["LogicalName"]
    kept = _checked("CreateWebFunctionRevision", told)
    owner = f"{kept['functionName']}/revisions"
    number = str(1 + sum(path.startswith(owner) for path in web))
    arn = f"arn:aws:lambda:::{kept['functionName']}"
    told_back = {"functionArn": arn, "revisionArn": f"{arn}:{number}", "revisionId": number}
    _keep(f"{owner}/{number}", {**kept, **told_back, **AVAILABLE})
    return f"{owner}/{number}"


def endpoint(region: str, told: Properties) -> str:
    del told["LogicalName"]
    kept = _checked("CreateWebFunctionEndpoint", told)
    path = f"{kept['functionName']}/endpoints/{kept['endpointName']}"
    for each in kept["revisionWeights"]:
        assert f"{kept['functionName']}/revisions/{each['revisionId']}" in web, each
    arn = f"arn:aws:lambda:::{path}"
    told_back = {
        "functionArn": arn,
        "endpointArn": arn,
        "domainName": f"{kept['functionName']}.lambda-web.{region}.on.aws",
        "autoDeploymentMode": "Disabled",
        "regions": [region],
        "regionalEndpoints": {},
    }
    _keep(path, {**kept, **told_back, **AVAILABLE})
    return path


def _keep(path: str, told: dict[str, Any]) -> None:
    web[path] = told


def _forget(_region: str, path: str) -> None:
    del web[path]


def _checked(operation: str, told: Properties) -> dict[str, Any]:
    """Say it as the API does; raise for what the API would not take."""
    kept = _camel(told)
    validate_parameters(kept, WEB.operation_model(operation).input_shape)
    return kept


def _camel(told: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(told, list):
        return [_camel(each) for each in told]
    if not isinstance(told, dict):
        return int(told) if isinstance(told, str) and told.isdecimal() else told
    return {
        name[0].lower() + name[1:]: (
            each if name == "EnvironmentVariables" or name.endswith("Id") else _camel(each)
        )
        for name, each in told.items()
    }


def _typed(told: Any) -> Any:  # noqa: ANN401 - JSON
    """Return it with truth values, which a template may have as words."""
    if isinstance(told, list):
        return [_typed(each) for each in told]
    if isinstance(told, dict):
        return {name: _typed(each) for name, each in told.items()}
    return {"true": True, "false": False}.get(told, told) if isinstance(told, str) else told


def tell(request: Any, full_url: str, headers: Any) -> tuple[int, dict[str, str], str]:  # noqa: ANN401, ARG001 - moto's
    """Answer what boto3 asks about web functions."""
    path = full_url.partition("/web-functions")[2].partition("?")[0].strip("/")
    if path in web:
        return 200, {}, json.dumps(web[path])
    if path.endswith("/list-revisions"):
        below = path.replace("/list-revisions", "/revisions/")
        held = [told for name, told in web.items() if name.startswith(below)]
        return 200, {}, json.dumps({"revisions": held})
    return 404, {"x-amzn-errortype": "ResourceNotFoundException"}, "{}"


urls.url_paths[r"{0}/2025-03-07/web-functions/(?P<path>.+)$"] = tell

FRONTS: Final = (
    resource("AWS::WAFv2::WebACL", firewall, no_firewall, {"Arn": lambda _region, arn: arn}),
    resource(
        "AWS::WAFv2::WebACLAssociation",
        guard,
        lambda region, arn: client("wafv2", region).disassociate_web_acl(ResourceArn=arn),
    ),
    resource(
        "AWS::ApiGateway::DomainName",
        domain,
        lambda region, name: client("apigateway", region).delete_domain_name(domainName=name),
        {
            "RegionalDomainName": lambda region, name: client("apigateway", region).get_domain_name(
                domainName=name
            )["regionalDomainName"]
        },
    ),
    resource("AWS::ApiGateway::BasePathMapping", mapping),
    resource("AWS::Lambda::WebFunction", web_function, _forget),
    resource(
        "AWS::Lambda::WebFunctionRevision",
        revision,
        _forget,
        {"RevisionId": lambda _region, path: path.rpartition("/")[2]},
    ),
    resource(
        "AWS::Lambda::WebFunctionEndpoint",
        endpoint,
        _forget,
        {"DomainName": lambda _region, path: web[path]["domainName"]},
    ),
)
