"""Events as AWS sends them, one builder per entrance."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    Builder = Callable[..., "Event"]

Event = dict[str, Any]
Pairs = list[tuple[str, str]]


def rest_api(method: str, target: str, headers: Pairs | None = None, body: bytes = b"") -> Event:
    """API Gateway REST API, payload format 1.0, proxy resource."""
    path, query = _split(target)
    many = _grouped([("Host", "abc.execute-api.eu-west-1.amazonaws.com"), *(headers or [])])
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {n: v[-1] for n, v in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": path[1:]},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "r",
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/dev{path}",
            "stage": "dev",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "requestId": "8b5b1d5e",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "test"},
            "apiId": "abc",
        },
        **_encoded(body),
    }


def http_api(
    method: str,
    target: str,
    headers: Pairs | None = None,
    body: bytes = b"",
    *,
    stage: str = "$default",
) -> Event:
    """API Gateway HTTP API, payload format 2.0."""
    path, _ = _split(target)
    raw = path if stage == "$default" else f"/{stage}{path}"
    many = _grouped([("host", "abc.execute-api.eu-west-1.amazonaws.com"), *(headers or [])])
    cookies = many.pop("cookie", None)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw,
        "rawQueryString": urlsplit(target).query,
        "headers": {name.lower(): ",".join(values) for name, values in many.items()},
        **({"cookies": cookies} if cookies else {}),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": "abc.execute-api.eu-west-1.amazonaws.com",
            "http": {
                "method": method,
                "path": raw,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "test",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": stage,
            "timeEpoch": 1583348638390,
        },
        **_encoded(body),
    }


def function_url(
    method: str,
    target: str,
    headers: Pairs | None = None,
    body: bytes = b"",
) -> Event:
    """A Function URL: payload format 2.0 with its own domain."""
    event = http_api(method, target, headers, body)
    event["headers"]["host"] = "xyz.lambda-url.eu-west-1.on.aws"
    event["requestContext"]["domainName"] = "xyz.lambda-url.eu-west-1.on.aws"
    return event


def load_balancer(
    method: str,
    target: str,
    headers: Pairs | None = None,
    body: bytes = b"",
) -> Event:
    """An Application Load Balancer with multi-value headers switched on."""
    path, query = _split(target)
    many = _grouped([("host", "lb.example.com"), ("x-forwarded-for", "192.0.2.1")])
    return {
        "requestContext": {
            "elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/t/1"},
        },
        "httpMethod": method,
        "path": path,
        "multiValueQueryStringParameters": query,
        "multiValueHeaders": {**many, **_grouped(headers or [])},
        **_encoded(body),
    }


def schedule(rule: str = "ledger") -> Event:
    """An EventBridge rule that is due."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-24T10:00:00Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:events:eu-west-1:123456789012:rule/{rule}"],
        "detail": {},
    }


ENTRANCES: dict[str, Builder] = {
    "rest api": rest_api,
    "http api": http_api,
    "function url": function_url,
    "load balancer": load_balancer,
}


def _split(target: str) -> tuple[str, dict[str, list[str]]]:
    parts = urlsplit(target)
    return parts.path, parse_qs(parts.query)


def _grouped(headers: Pairs) -> dict[str, list[str]]:
    many: dict[str, list[str]] = {}
    for name, value in headers:
        many.setdefault(name, []).append(value)
    return many


def _encoded(body: bytes) -> Event:
    if not body:
        return {"body": None, "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
