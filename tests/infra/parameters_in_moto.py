"""Put a stage's parameters into a moto server: `python parameters_in_moto.py URL PATH NUMBER`.

Prints the access key of somebody who may read them as a function's role may, and nothing else;
from then on moto checks signatures and policies. Runs in the environment `aws`.
"""

from __future__ import annotations

import json
import sys
from functools import partial

import boto3
import requests

URL, PATH, NUMBER = sys.argv[1:]
client = partial(
    boto3.client,
    region_name="eu-west-1",
    endpoint_url=URL,
    aws_access_key_id="x",
    aws_secret_access_key="x",
)
ssm, iam = client("ssm"), client("iam")
for number in range(int(NUMBER)):
    ssm.put_parameter(Name=f"{PATH}/SECRET_{number}", Value=f"of {number}", Type="SecureString")
iam.create_user(UserName="reader")
may = {
    "Effect": "Allow",
    "Action": "ssm:GetParametersByPath",
    "Resource": "*",  # moto looks at actions alone
}
iam.put_user_policy(
    UserName="reader",
    PolicyName="reads",
    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
)
iam.create_user(UserName="stranger")
keys = {name: iam.create_access_key(UserName=name)["AccessKey"] for name in ("reader", "stranger")}
requests.post(f"{URL}/moto-api/reset-auth", data=b"0", timeout=10).raise_for_status()
sys.stdout.write(
    json.dumps({name: [key["AccessKeyId"], key["SecretAccessKey"]] for name, key in keys.items()})
)
