"""What makes a line a request, and every sentence said when it is none (contract 3.1 to 3.4).

Rule of this file: a line is judged from its raw JSON; of the body only the few fields that decide are looked at, and
nothing is re-encoded. What needs the whole file (order, limits, chunks) belongs to `input_scan`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

from shared.domain.batches.batch import BatchError
from shared.domain.deployments.deployment import Deployment
from shared.domain.json_problem import why_not_json
from shared.domain.keys.model_access import ModelAccess
from shared.domain.lines.request_line import LineFields, decode_line
from shared.domain.raw_json import ABSENT, TRUE, as_string, is_null, is_too_deep, is_utf8, kind_of, quoted
from shared.domain.validation.line_endpoint import LineEndpoint
from shared.domain.vendors.openai import NOT_JSON
from shared.domain.vendors.rules import rules_of
from shared.domain.vendors.vendor import Vendor

_NAMED_MODELS: Final = 8  # Every bad line names them, and the record holds all messages.


class _Body(msgspec.Struct, frozen=True, gc=False):
    model: msgspec.Raw = ABSENT
    stream: msgspec.Raw = ABSENT
    background: msgspec.Raw = ABSENT
    messages: msgspec.Raw = ABSENT
    input: msgspec.Raw = ABSENT
    prompt: msgspec.Raw = ABSENT
    previous_response_id: msgspec.Raw = ABSENT
    conversation: msgspec.Raw = ABSENT


_decode_body = msgspec.json.Decoder(_Body).decode


class LineRules:
    """Judges the lines of one file in order; remembers what they must share: one model, and no custom_id twice.

    Memory grows by one 16-byte digest per line, whatever the length of the custom_ids.
    """

    def __init__(
        self, *, vendor: Vendor, endpoint: str, deployments: Mapping[str, Deployment], access: ModelAccess
    ) -> None:
        self._vendor = rules_of(vendor)
        self.deployment: str | None = None
        self._where = LineEndpoint(vendor, endpoint)
        self._deployments = deployments
        self._access = access
        self._seen: set[bytes] = set()
        self._errors: list[BatchError] = []
        self._line = 0

    @property
    def endpoint(self) -> str:
        """Where the lines go, as far as the lines so far tell."""
        return self._where.name

    def check(self, line: bytes, number: int) -> bytes | list[BatchError]:
        """The body of a good line, or all that is wrong with it: custom_id, method, url, body (contract 3.3).

        `number` is the line's 1-based number in the file. Never raises, whatever the bytes.
        """
        self._line, self._errors = number, []
        fields = self._parse(line)
        if fields is None:
            return self._errors
        self._check_custom_id(fields.custom_id)
        self._check_method(fields.method)
        self._check_url(fields.url)
        self._check_body(fields.body)
        return self._errors or bytes(fields.body)

    def _parse(self, line: bytes) -> LineFields | None:
        try:
            fields = decode_line(line)
            if is_utf8(line) and not is_too_deep(line):
                return fields
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        why = why_not_json(line)
        message = f"{NOT_JSON} It {why}." if why else f"This line is not a JSON object: it is {kind_of(line)}."
        self._add("invalid_json_line", message, None)
        return None

    def _check_custom_id(self, raw: msgspec.Raw) -> None:
        custom_id = self._required_string(raw, "custom_id")
        if custom_id is None:
            return
        digest = hashlib.blake2b(custom_id.encode(), digest_size=16).digest()
        if digest in self._seen:
            self._add(
                "duplicate_custom_id",
                f"The custom_id {quoted(custom_id)} for this request is a duplicate of another request. "
                "The custom_id parameter must be unique for each request in a batch.",
                "custom_id",
            )
        self._seen.add(digest)

    def _check_method(self, raw: msgspec.Raw) -> None:
        method = self._required_string(raw, "method")
        if method is not None and method != "POST":
            self._add("invalid_value", f"Invalid value: {quoted(method)}. Supported values are: 'POST'.", "method")

    def _check_url(self, raw: msgspec.Raw) -> None:
        url = self._required_string(raw, "url")
        if url is not None and not self._where.accepts(url):
            self._add("invalid_url", "The URL provided for this request does not match the batch endpoint.", "url")

    def _check_body(self, raw: msgspec.Raw) -> None:
        if raw is ABSENT:
            self._missing("body")
            return
        try:
            body = _decode_body(raw)
        except msgspec.ValidationError:
            self._wrong_type("body", "an object", raw)
            return
        self._check_model(body.model)
        self._check_input(body)
        if body.stream == TRUE:
            message = f"{self._where.title}: Streaming is not supported in the Batch API."
            self._add("streaming_unsupported", message, "body.stream")
        if body.background == TRUE:  # Its answer would be a stub that nobody fetches (contract 9.5).
            message = f"{self._where.title}: Background mode is not supported in the Batch API. Leave it out."
            self._add("background_unsupported", message, "body.background")

    def _check_input(self, body: _Body) -> None:
        for name in self._where.needed:
            if not is_null(getattr(body, name)):
                return
        name = self._where.needed[0]
        self._add("invalid_request", f"{name.capitalize()} parameter is required.", f"body.{name}")

    def _check_model(self, raw: msgspec.Raw) -> None:
        model = None if is_null(raw) else as_string(raw)
        if model is None and not is_null(raw):
            self._wrong_type("body.model", "a string", raw)
        elif not model:
            self._add("invalid_request", "Model parameter is required.", "body.model")
        elif model != self.deployment:
            self._check_new_model(model)

    def _check_new_model(self, model: str) -> None:
        """A name not met yet: the first known one becomes the file's; every other is an error."""
        deployment = self._deployments.get(model)
        if deployment is None:
            message = f"The provided model {quoted(model)} is not supported by the Batch API. {self._models()}"
            self._add("model_not_found", message, "body.model")
        elif not self._access.allows(model):
            self._add("model_not_found", f"{self._access.refusal(model)} {self._models()}", "body.model")
        elif self.deployment is not None:
            message = (
                f"The model {quoted(model)} for this request does not match the rest of the batch. "
                "Each batch must contain requests for a single model."
            )
            self._add("mismatched_model", message, "body.model")
        elif self.endpoint not in deployment.endpoints:
            message = (
                f"The model {quoted(model)} does not serve the endpoint {self.endpoint}. "
                f"It serves: {', '.join(deployment.endpoints)}."
            )
            self._add("invalid_request", message, "body.model")
        else:
            self.deployment = model

    def _models(self) -> str:
        """What a caller can name in its place."""
        serving = [name for name, known in self._deployments.items() if self.endpoint in known.endpoints]
        names = [quoted(name) for name in serving if self._access.allows(name)]
        if not names:
            whose = "that you may use" if serving else "of this service"
            return f"No model {whose} serves {self.endpoint}."
        more = [f"{len(names) - _NAMED_MODELS} more"] if len(names) > _NAMED_MODELS else []
        return f"Models for {self.endpoint}: {', '.join([*names[:_NAMED_MODELS], *more])}."

    def _required_string(self, raw: msgspec.Raw, name: str) -> str | None:
        if raw is ABSENT:
            self._missing(name)
            return None
        text = as_string(raw)
        if text is None:
            self._wrong_type(name, "a string", raw)
        return text

    def _missing(self, name: str) -> None:
        self._add("missing_required_parameter", f"Missing required parameter: '{name}'.", name)

    def _wrong_type(self, name: str, wanted: str, raw: msgspec.Raw) -> None:
        found = kind_of(bytes(raw))
        message = f"Invalid type for '{name}': expected {wanted}, but got {found} instead."
        self._add("invalid_type", message, name)

    def _add(self, code: str, message: str, param: str | None) -> None:
        """`code` is OpenAI's name of what is wrong."""
        code = self._vendor.code(code)
        self._errors.append(BatchError(code=code, message=message, param=param, line=self._line))
