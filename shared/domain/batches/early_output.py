"""The id under which the output of a batch can be read before there is an output file (an extension).

Rule of this file: it follows from the batch's id and leads back to it, so that nothing is stored of it.
"""

from __future__ import annotations


def early_output_id(batch_id: str) -> str:
    """Canonical, of a canonical one; no new id is the same, but by chance of its 74 random bits."""
    return f"{int(batch_id, 16) ^ 1:032x}"


def batch_promised_by(file_id: str) -> str:
    """The id of the batch whose output it would be."""
    return early_output_id(file_id)
