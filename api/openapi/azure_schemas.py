"""Components of the OpenAPI document for Azure classic, whose versions document fewer keys than there are. Pure.

Rule of this file: which keys there are is told by `api_versions.py`; how a key looks, by `schemas.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.edge.api_versions import API_VERSIONS
from api.edge.dialect import Dialect
from api.openapi.schemas import COMPONENTS, TEXT, Schema, or_null, page, ref

_VERSIONED = "In an answer are the keys that the asked api-version documents."


def _narrowed(name: str, oldest: frozenset[str], newest: frozenset[str]) -> Schema:
    """The component `name` with the keys of the `newest` version, of which those of the `oldest` are always there."""
    properties = {key: schema for key, schema in COMPONENTS[name]["properties"].items() if key in newest}
    return {
        "description": _VERSIONED,
        "type": "object",
        "properties": properties,
        "required": [key for key in properties if key in oldest],
    }


def _oldest_and_newest(name: str) -> tuple[frozenset[str], frozenset[str]]:
    keys = [version.file_keys if name == "File" else version.batch_keys for version in API_VERSIONS]
    return keys[0], keys[-1]


AZURE_COMPONENTS: Mapping[str, Schema] = {
    "AzureFile": _narrowed("File", *_oldest_and_newest("File")),
    "AzureFiles": {
        **page("AzureFile", TEXT, description="The other keys only when the caller's `limit` cuts the list."),
        "required": ["object", "data"],
    },
    "AzureUpload": {
        **COMPONENTS["Upload"],
        "properties": {**COMPONENTS["Upload"]["properties"], "file": or_null(ref("AzureFile"))},
    },
    "AzureBatch": _narrowed("Batch", *_oldest_and_newest("Batch")),
    "AzureBatches": page("AzureBatch", or_null(TEXT), description="The ids at the ends of an empty page are null."),
}


def spoken_by(dialect: Dialect, name: str) -> str:
    """The component that describes `name` in `dialect`: Azure classic has some of its own."""
    azure = f"Azure{name}"
    return azure if dialect.needs_api_version and azure in AZURE_COMPONENTS else name
