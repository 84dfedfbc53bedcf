"""The task hub of a host that is down, robbed of its messages: what a lost queue message leaves, in its storage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
from azure.data.tables import TableServiceClient
from azure.storage.blob import AccountSasPermissions, ResourceTypes, Services, generate_account_sas

from tests.azurite import ACCOUNT, KEY

HUB = "CoreTools"  # serve_on_core_tools.py
PARTITIONS = 4  # host.json


def lose_messages(storage: str) -> None:
    """Every start, timer, activity and answer that was on its way."""
    endpoints = dict(part.split("=", 1) for part in storage.split(";"))
    token = generate_account_sas(
        ACCOUNT,
        KEY,
        ResourceTypes(object=True, container=True),
        AccountSasPermissions(delete=True),
        datetime.now(UTC) + timedelta(hours=1),
        services=Services(queue=True),
    )
    queues = [f"{HUB}-control-{number:02}" for number in range(PARTITIONS)] + [f"{HUB}-workitems"]
    for queue in queues:
        url = f"{endpoints['QueueEndpoint']}/{queue.lower()}/messages?{token}"
        httpx.delete(url, headers={"x-ms-version": "2021-12-02"}, timeout=60).raise_for_status()


def forget_start(storage: str, instance_id: str) -> None:
    """The instance as it is between its start call and its first turn."""
    with TableServiceClient.from_connection_string(storage) as tables:
        history = tables.get_table_client(f"{HUB}History")
        for event in list(history.query_entities(f"PartitionKey eq '{instance_id}'")):
            history.delete_entity(event)
        instances = tables.get_table_client(f"{HUB}Instances")
        instance = next(iter(instances.query_entities(f"PartitionKey eq '{instance_id}'")))
        instances.update_entity({**instance, "RuntimeStatus": "Pending"})
