"""Where one activity call works: on which lane of which batch, in whose name, at which place of this process."""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.batches.batch import Batch
from shared.domain.batches.spending import Payer
from shared.domain.deployments.deployment import Deployment
from shared.domain.pace.fair_share import Claim
from shared.domain.pace.lane_room import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """`lane` of `lanes`; `batch` as it was when the call began; `holder` names the call (see `lease`).

    `source` has the request lines. `claim` is what the batch may ask of the deployment beside others;
    `payers` are those whose spend limit may stop it.
    """

    batch: Batch
    deployment: Deployment
    lane: int
    lanes: int
    holder: str
    place: Place
    claim: Claim
    payers: tuple[Payer, ...] = ()
    source: str = ""
