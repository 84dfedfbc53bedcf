"""What is said of an input file as a whole, vendor by vendor (contract 3.3, 3.4); sentences about its lines are in
`line_rules`.

Rule of this file: a literal of a vendor stays byte for byte; what helps beyond it is appended or said on its own.
"""

from __future__ import annotations

from collections.abc import Iterable

from shared.domain import ids
from shared.domain.batches.batch import Batch, BatchError
from shared.domain.parameters import unsupported
from shared.domain.vendors.openai import NOT_JSON
from shared.domain.vendors.rules import rules_of
from shared.domain.vendors.vendor import Vendor


def file_not_found(batch: Batch, file_id: str | None = None) -> BatchError:
    """The file (the input file) does not exist, has expired or is somebody else's."""
    spelled = _spelled(batch, file_id or batch.input_file_id)
    message = f"Cannot find file {spelled}, or organization {batch.owner} does not have access to it."
    return BatchError(code="invalid_request", message=message, param="file_id")


def wrong_purpose(batch: Batch, purpose: str) -> BatchError:
    """Ours: the vendors' sentence for it is not known (contract 9.2)."""
    message = (
        f"The file {_spelled(batch, batch.input_file_id)} has the purpose '{purpose}', and the input of a batch must "
        "have the purpose 'batch'. Upload the file again with that purpose, and create a batch of it."
    )
    return BatchError(code="invalid_request", message=message, param="file_id")


def _spelled(batch: Batch, given: str) -> str:
    """The file's id as the vendor's callers know it; what was no id is shown as it was given."""
    return given if ids.parse(given) is None else batch.rules.upload_id(given)


def blob_unreadable(url: str) -> BatchError:
    """Azure's code (contract 3.4). Whether there is such a blob is nobody's business who may not read it."""
    message = (
        f"The input blob {url} does not exist, or this service may not read it. Check the address, and give the "
        "service's identity the role Storage Blob Data Reader on it."
    )
    return BatchError(code="input_no_permissions", message=message, param="input_blob")


def blob_modified(url: str) -> BatchError:
    """Azure's code (contract 3.4)."""
    message = f"The input blob {url} was changed while it was being read. Create the batch again."
    return BatchError(code="input_modified", message=message, param="input_blob")


def folder_unwritable(url: str) -> BatchError:
    """Ours: nobody's results are lost because a folder went away."""
    message = (
        f"The results could not be written to the output folder {url}: it does not exist, or this service may not "
        "write to it. They are kept as files: see `output_file_id` and `error_file_id`."
    )
    return BatchError(code="output_no_permissions", message=message, param="output_folder")


def empty() -> BatchError:
    message = "The input file is empty. Please ensure that the batch contains at least one request."
    return BatchError(code="empty_file", message=message)


def too_large(max_bytes: int, model: str | None) -> BatchError:
    """OpenAI's words; its code is not known, this one is ours. `model` is None if the file named none so far."""
    of_model = f" for the {model} model" if model else ""
    message = f"The batch input file is larger than the {max_bytes} maximum{of_model}."
    return BatchError(code="file_too_large", message=message)


def too_many_requests(maximum: int, lines: int) -> BatchError:
    """Azure's code; OpenAI's is not known, so both have the same."""
    message = (
        f"The input file holds more than the maximum of {maximum:,} requests: it has {lines:,} lines. "
        "Split it into several files and create a batch for each."
    )
    return BatchError(code="too_many_tasks", message=message)


def too_many_inputs(maximum: int, inputs: int) -> BatchError:
    """Neither vendor's code is known; this one is ours (contract 3.3, 3.5)."""
    message = (
        f"The input file holds more than the maximum of {maximum:,} embedding inputs: its lines have {inputs:,} "
        "together. Split it into several files and create a batch for each."
    )
    return BatchError(code="too_many_embedding_inputs", message=message)


def unsupported_window(batch: Batch, supported: Iterable[str]) -> BatchError:
    """Azure finds this out in the batch, not in the request (contract 1.5.5)."""
    refusal = unsupported("completion_window", batch.completion_window, supported)
    code = batch.rules.code(refusal.code or "invalid_value")
    return BatchError(code=code, message=refusal.message, param=refusal.param)


def line_too_long(max_bytes: int, line: int) -> BatchError:
    """Ours: the vendors have no such limit."""
    message = f"This line is longer than the maximum of {max_bytes:,} bytes. Shorten the request."
    return BatchError(code="invalid_request", message=message, line=line)


def byte_order_mark(vendor: Vendor) -> BatchError:
    """Each vendor's literal, which misses the point, and then the point."""
    said = rules_of(vendor).byte_order_mark
    hint = "The file begins with a byte order mark (BOM): save it as UTF-8 without one."
    return BatchError(code=said.code, message=f"{said.message} {hint}", line=said.line)


def foreign_file(vendor: Vendor, what: str) -> BatchError:
    """`what` is of `file_format`: no line of such a file is worth a word of its own."""
    code = rules_of(vendor).code("invalid_json_line")
    return BatchError(code=code, message=f"{NOT_JSON} In fact {what}", line=1)


def more_problems(count: int) -> BatchError:
    """The last entry of a list that was cut."""
    message = f"{count:,} more problems were found. Correct those listed and validate the file again."
    return BatchError(code="invalid_request", message=message)


def lost_requests(count: int) -> BatchError:
    """The plan of a batch is damaged, and no other can take its place."""
    return BatchError(
        code="internal_error",
        message=f"This service has lost track of {count:,} requests; they have no line in the result files and count "
        "as failed. Everything else is delivered. Send the requests whose custom_id is in neither file again in a new "
        "batch, and tell the operator of this service; its log has the cause.",
    )
