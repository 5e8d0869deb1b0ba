"""Run by an interpreter that has google-auth: how it asks for a token that AWS vouches for.

The credentials come on stdin; the requests go to stdout.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

from google.auth import aws  # pyright: ignore[reportMissingImports] - another environment's

ANSWERS = {
    "sts": {"access_token": "federated", "expires_in": 3599, "token_type": "Bearer"},
    "iam": {"accessToken": "ya29.lent", "expireTime": "2099-01-15T09:00:00Z"},
}


class Supplier(aws.AwsSecurityCredentialsSupplier):
    """What the test's deployment has."""

    def get_aws_security_credentials(self, *_: object) -> object:
        return aws.AwsSecurityCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI", "t0ken")

    def get_aws_region(self, *_: object) -> str:
        return "eu-central-1"


def main() -> None:
    told = json.loads(sys.stdin.read())
    made: list[dict[str, object]] = []

    def send(url: str, method: str, headers: dict[str, str], body: bytes, **_: object) -> object:
        text = body.decode()
        lowered = {name.lower(): value for name, value in headers.items()}
        made.append({"url": url, "method": method, "headers": lowered, "body": text})
        answer = ANSWERS["iam" if "iamcredentials" in url else "sts"]
        return SimpleNamespace(status=200, data=json.dumps(answer).encode(), headers={})

    credentials = aws.Credentials(
        audience=told["audience"],
        subject_token_type=told["subject_token_type"],
        token_url=told["token_url"],
        service_account_impersonation_url=told["service_account_impersonation_url"],
        aws_security_credentials_supplier=Supplier(),
        scopes=["https://www.googleapis.com/auth/cloud-platform"],
    )
    credentials.refresh(send)
    wanted = [one for one in made if "allowedLocations" not in str(one["url"])]
    sys.stdout.write(json.dumps(wanted))


main()
