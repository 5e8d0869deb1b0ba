"""Kinds of resource that moto's CloudFormation (5.2.5) skips without a word, taught to it.

Each is made as moto's own API makes it, so that a test finds it through boto3.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto.core.common_models import CloudFormationModel
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Properties = dict[str, Any]
NONE: Final[Mapping[str, Callable[[str, str], str]]] = MappingProxyType({})

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
    attributes: Mapping[str, Callable[[str, str], str]]

    def __init__(self, name: str, region: str) -> None:
        self.physical_resource_id = name
        self.region = region

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
        return type(self).attributes[attribute_name](self.region, self.physical_resource_id)

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
        return cls(cls.makes(region_name, told), region_name)

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
    attributes: Mapping[str, Callable[[str, str], str]] = NONE,
) -> type[Taught]:
    """Teach moto a kind of resource; moto finds it among the direct subclasses of its model.

    `create` returns its physical id, by which `delete` and `attributes` know it.
    """
    own = {
        "__module__": Taught.__module__,
        "kind": kind,
        "makes": staticmethod(create),
        "removes": staticmethod(delete),
        "attributes": attributes,
    }
    return type(kind.replace("::", "_"), (Taught, CloudFormationModel), own)
