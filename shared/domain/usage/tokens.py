"""Counting the input tokens of requests: what the enqueued-token quota is measured in.

Which vocabulary a model reads text with follows from its name, matched whole up to a separator and never guessed; what
matches nothing is estimated.
Only input counts for that, never `max_tokens` (contract 3.5), by which money is reserved. A request is weighed: its
texts, decoded, and the tokens that are no text (messages, images, ready-made tokens). A `TokenCounter` then counts the
texts of many requests at once.
The estimate needs no vocabulary: four bytes of UTF-8 are one token. Against o200k_base that is within 5 % for English
and code, too many for most other languages (up to 1.8 times, Hindi), and down to 28 % too few for JSON.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from shared.domain.raw_json import ABSENT
from shared.domain.usage.expected_answers import Answers


class TokenMethod(StrEnum):
    """Exactly, with one of OpenAI's vocabularies, or by the length of the text."""

    O200K_BASE = "o200k_base"
    CL100K_BASE = "cl100k_base"
    ESTIMATE = "estimate"


# OpenAI's models by the vocabulary they read. gpt-oss has o200k_base and more control tokens, which no text holds.
_O200K: Final = re.compile(r"(chatgpt-4o|gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5(\.\d+)?|gpt-oss|o1|o3|o4)(?![a-z0-9.])")
_CL100K: Final = re.compile(r"(gpt-4|gpt-3\.5|gpt-35|text-embedding-3|text-embedding-ada-002)(?![a-z0-9.])")


def method_of_model(name: str) -> TokenMethod:
    """By the name of a model, such as `gpt-5-mini`, `openai/gpt-oss-20b` or `ft:gpt-4o-mini-2024-07-18:org::id`."""
    model = name.lower().removeprefix("ft:").rpartition("/")[2]
    if _O200K.match(model):
        return TokenMethod.O200K_BASE
    return TokenMethod.CL100K_BASE if _CL100K.match(model) else TokenMethod.ESTIMATE


BYTES_PER_TOKEN: Final = 4
TOKENS_PER_MESSAGE: Final = 4  # Three, and one for the role.
TOKENS_PER_ANSWER: Final = 3  # What primes the answer.
TOKENS_PER_IMAGE: Final = 765  # 1024 x 1024 in high detail.
TOKENS_PER_SMALL_IMAGE: Final = 85  # `"detail": "low"`.
HELD_CHARACTERS: Final = 65_536  # One call of an exact counter costs as much as some 4,000 characters do.

# Where text may be inside messages and input items. Files and sound have no key here: they count as nothing.
_TEXT_KEYS: Final = frozenset(
    {"arguments", "content", "function", "name", "output", "refusal", "text", "tool_calls"},
)
_IMAGES: Final = ("image_url", "input_image")


class TokenCounter(Protocol):
    """Counts text for one model."""

    @property
    def method(self) -> TokenMethod:
        """How all texts so far were counted."""
        ...

    def count(self, texts: list[str]) -> int:
        """Tokens of all texts together, each by itself; at least one for each. None is empty. Never raises."""
        ...


class EstimatedTokens:
    """The estimate described above, for any model."""

    method: Final = TokenMethod.ESTIMATE

    def count(self, texts: list[str]) -> int:
        return sum([-(-_utf8_bytes(text) // BYTES_PER_TOKEN) for text in texts])


class TokenTally:
    """Input tokens of one request after the other, and the `answers` that they ask for.

    At most `HELD_CHARACTERS` and one request wait to be counted.
    """

    def __init__(self, counter: TokenCounter) -> None:
        self._counter = counter
        self.answers = Answers()
        self._texts: list[str] = []
        self._characters = 0
        self._tokens = 0

    @property
    def method(self) -> TokenMethod:
        """How the tokens taken so far were counted."""
        return self._counter.method

    def add(self, body: bytes) -> list[str]:
        """Add one request, which is at least one token. `body` is one valid JSON object, whatever is in it.

        Returns its texts, the last one of its prompt first.
        """
        texts, tokens, prompt = _weigh_all(body)
        self.answers = self.answers.and_of(prompt)
        self._tokens += tokens
        self._texts += texts
        self._characters += sum(map(len, texts))
        if self._characters >= HELD_CHARACTERS:
            self._count()
        return texts

    def take(self) -> int:
        """Tokens of the requests added since the last time."""
        self._count()
        taken, self._tokens = self._tokens, 0
        return taken

    def _count(self) -> None:
        if self._texts:
            self._tokens += self._counter.count(self._texts)
            self._texts, self._characters = [], 0


class _Prompt(msgspec.Struct, frozen=True, gc=False):
    messages: object = None
    input: object = None
    prompt: object = None
    instructions: object = None
    n: object = None
    max_tokens: object = None
    max_completion_tokens: object = None
    max_output_tokens: object = None
    tools: msgspec.Raw = ABSENT
    response_format: msgspec.Raw = ABSENT


_NOTHING: Final = _Prompt()
_decode_prompt = msgspec.json.Decoder(_Prompt).decode


def weigh(body: bytes) -> tuple[list[str], int]:
    """The texts of a request, none of them empty, and its tokens beside them; together at least one token.

    A body that cannot be looked into (half a surrogate pair, a number too large for Python) counts by its length.
    """
    texts, tokens, _ = _weigh_all(body)
    return texts, tokens


def _weigh_all(body: bytes) -> tuple[list[str], int, _Prompt]:
    """The same, and the request."""
    try:
        prompt = _decode_prompt(body)
        schemas = [_compact(schema) for schema in (prompt.tools, prompt.response_format) if schema is not ABSENT]
    except (msgspec.DecodeError, RecursionError):
        return [], max(1, len(body) // BYTES_PER_TOKEN), _NOTHING
    texts, tokens = _weigh([prompt.instructions, prompt.prompt, prompt.input, prompt.messages])
    texts += schemas
    tokens += _message_overhead(prompt.messages if prompt.messages is not None else prompt.input)
    return texts, tokens if texts else max(1, tokens), prompt


def _compact(schema: msgspec.Raw) -> str:
    """Its JSON without blanks and escapes: how it was written makes no difference to the model."""
    return msgspec.json.encode(msgspec.json.decode(schema)).decode()


def _message_overhead(messages: object) -> int:
    """Tokens around the texts of a conversation; 0 where `messages` is none (embeddings, completions)."""
    if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
        return 0
    return TOKENS_PER_MESSAGE * len(messages) + TOKENS_PER_ANSWER


def _weigh(found: list[object]) -> tuple[list[str], int]:
    """The texts in what was found, from the last to the first, and tokens that are no text: ready-made ones, images."""
    texts: list[str] = []
    tokens = 0
    while found:
        item = found.pop()
        if isinstance(item, str):
            if item:
                texts.append(item)
        elif isinstance(item, list):
            found += item
        elif isinstance(item, dict):
            if item.get("type") in _IMAGES:
                tokens += _image_tokens(item)
            else:
                for key, part in item.items():
                    if key in _TEXT_KEYS:
                        found.append(part)
        elif isinstance(item, int):
            tokens += 1
    return texts, tokens


def _image_tokens(part: dict[str, object]) -> int:
    nested = part.get("image_url")
    detail = nested.get("detail") if isinstance(nested, dict) else part.get("detail")
    return TOKENS_PER_SMALL_IMAGE if detail == "low" else TOKENS_PER_IMAGE


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
