"""Exact token counts by toktok-rs, for the deployments whose vocabulary is known.

Rule of this file: a vocabulary (half a second, 50 to 65 MB) is loaded by the first count that needs it, never by an
import. What goes wrong with the package costs exactness, not a batch: from then on the counter estimates, and says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from shared.domain.deployments.deployment import Deployment
from shared.domain.usage.tokens import EstimatedTokens, TokenCounter, TokenMethod

CountTexts = Callable[[list[str], str, int], list[int]]
"""Tokens of each text; with the name of the vocabulary and a number of threads."""

log = logging.getLogger(__name__)


def counter_for(deployment: Deployment) -> TokenCounter:
    """What counts the tokens of one file for the deployment."""
    method = deployment.token_method
    return EstimatedTokens() if method is TokenMethod.ESTIMATE else ExactTokens(method)


def load_toktok() -> CountTexts:
    """Raises ImportError where the platform has no build of it."""
    from toktok import batch_count  # a compiled package of some MB, only for whoever counts

    return batch_count


class ExactTokens:
    """Counts with one vocabulary, for one file: what it had to estimate shows in `method`."""

    def __init__(self, method: TokenMethod, load: Callable[[], CountTexts] = load_toktok) -> None:
        self._method = method
        self._load = load

    @property
    def method(self) -> TokenMethod:
        return self._method

    def count(self, texts: list[str]) -> int:
        """Reads in the calling thread, without the interpreter's lock once the vocabulary is there."""
        if self._method is not TokenMethod.ESTIMATE:
            try:
                return sum(self._load()(texts, self._method.value, 1))
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # A panic in compiled code is no Exception.
                log.warning(
                    "Tokens of a file are estimated, because toktok-rs cannot count them.",
                    extra={"action": "count_tokens", "method": self._method.value, "error": type(error).__name__},
                )
                self._method = TokenMethod.ESTIMATE
        return EstimatedTokens().count(texts)
