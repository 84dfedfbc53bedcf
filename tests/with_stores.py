"""A service like another but for some of its stores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shared.services import Services


def with_stores(service: Services, **stores: Any) -> Services:
    """`stores` by their names in `Stores`, in place of those that `service` has."""
    return replace(service, stores=replace(service.stores, **stores))
