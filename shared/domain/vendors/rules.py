"""The vendors' rules by vendor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.domain.vendors.azure import AZURE
from shared.domain.vendors.compass import COMPASS
from shared.domain.vendors.deepinfra import DEEPINFRA
from shared.domain.vendors.openai import OPENAI
from shared.domain.vendors.vendor import Vendor, VendorRules

RULES: Final[Mapping[Vendor, VendorRules]] = {
    Vendor.OPENAI: OPENAI,
    Vendor.AZURE: AZURE,
    Vendor.DEEPINFRA: DEEPINFRA,
    Vendor.COMPASS: COMPASS,
}


def rules_of(vendor: Vendor) -> VendorRules:
    return RULES[vendor]
