"""validate_input and the models that a project and a key may use."""

from __future__ import annotations

import msgspec
import pytest

from shared.domain.batches.batch import BatchError, Status
from shared.domain.keys.project import DEFAULT_PROJECT, ModelMode, ModelPermissions, default_project
from shared.services import Services
from tests.activities.test_validate_input import put, record, run
from tests.contracts.samples import START, a_project

NOT_SMALL = ModelPermissions(mode=ModelMode.DENY_LIST, model_ids=("small",))


def errors(said: str) -> tuple[BatchError, ...]:
    message = f"{said} does not have access to model `small`. Models for /v1/chat/completions: 'free'."
    return tuple(
        BatchError(code="model_not_found", message=message, param="body.model", line=line) for line in range(1, 6)
    )


async def test_a_model_that_the_project_may_not_use(service: Services) -> None:
    """Each line is named, and nothing runs."""
    project = a_project(1, model_permissions=NOT_SMALL)
    await service.stores.projects.insert(project)
    batch = await put(service, owner=project.id, file_owner=project.id)

    assert await run(batch) == {"outcome": "refused"}
    failed = await record(service, batch)
    assert (failed.status, failed.errors) == (Status.FAILED, errors(f"Project `proj_{project.id}`"))


async def test_the_project_counts_as_it_is_when_the_file_is_read(service: Services) -> None:
    """A permission that was given back after the create call is none; one that came is one."""
    project = a_project(1, model_permissions=NOT_SMALL)
    await service.stores.projects.insert(project)
    batch = await put(service, owner=project.id, file_owner=project.id)
    stored = await service.stores.projects.get(project.id)
    assert stored
    await service.stores.projects.replace(msgspec.structs.replace(project, model_permissions=None), stored.version)

    assert (await run(batch))["outcome"] == "accepted"


async def test_a_model_that_the_key_is_not_for(service: Services) -> None:
    """As the key was when the batch was made."""
    batch = await put(service, key_models=("free",))

    assert await run(batch) == {"outcome": "refused"}
    assert (await record(service, batch)).errors == errors("This API key")


@pytest.mark.parametrize("is_kept", [False, True])
async def test_the_default_project_needs_no_record(service: Services, is_kept: bool) -> None:
    """Without one it may use everything; with one it may what that says."""
    if is_kept:
        restricted = msgspec.structs.replace(default_project(START), model_permissions=NOT_SMALL)
        await service.stores.projects.insert(restricted)
    batch = await put(service, owner=DEFAULT_PROJECT, file_owner=DEFAULT_PROJECT)

    assert (await run(batch))["outcome"] == ("refused" if is_kept else "accepted")
