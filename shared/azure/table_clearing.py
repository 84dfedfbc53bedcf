"""Clearing a table of old rows, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from itertools import groupby

from azure.data.tables import TableEntity, TableTransactionError
from azure.data.tables.aio import TableClient

from shared.azure.faults import translated
from shared.azure.names import Key
from shared.azure.tables import MOST_IN_ONE_CALL, Table


async def delete_some(table: Table, first: Key, last: Key, most: int) -> int:
    """Remove rows of partitions from `first` up to `last`, which is left out; returns how many, at most `most`.

    In order of partition and key. Others may remove them at the same time.
    """
    return await _delete_found(table, "PartitionKey ge @first and PartitionKey lt @last", first, last, most)


async def delete_between(table: Table, partition: Key, past: Key, before: Key, most: int) -> int:
    """The same of one partition: rows whose keys lie strictly between these."""
    condition = "PartitionKey eq @partition and RowKey gt @first and RowKey lt @last"
    return await _delete_found(table, condition, past, before, most, partition=partition)


async def delete_rows(table: Table, partition: Key, keys: Sequence[Key]) -> None:
    """Remove these, as many in one call as it takes; one that is not there is no error."""
    with translated():
        client = await table.ready()
        await _delete(client, [TableEntity(PartitionKey=partition, RowKey=key) for key in keys])


async def _delete_found(table: Table, condition: str, first: Key, last: Key, most: int, **values: Key) -> int:
    with translated():
        client, rows = await table.ready(), list[TableEntity]()
        entities = client.query_entities(
            condition,
            parameters={"first": first, "last": last, **values},
            select=["PartitionKey", "RowKey"],
            results_per_page=min(most, 1000),
        )
        async for entity in entities:
            rows.append(entity)
            if len(rows) == most:
                break
        for _, of_partition in groupby(rows, lambda row: row["PartitionKey"]):
            await _delete(client, list(of_partition))
    return len(rows)


async def _delete(client: TableClient, rows: Sequence[TableEntity]) -> None:
    for start in range(0, len(rows), MOST_IN_ONE_CALL):
        some = rows[start : start + MOST_IN_ONE_CALL]
        if len(some) == 1:  # A transaction of one costs twice, and fails if it is not there.
            await client.delete_entity(some[0])
            continue
        try:
            await client.submit_transaction([("delete", row) for row in some])
        except TableTransactionError as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            for row in some:  # Somebody else has removed one of them; alone, that is no error.
                await client.delete_entity(row)
