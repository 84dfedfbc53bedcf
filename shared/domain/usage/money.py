"""Money: whole numbers of picos, the millionth of a millionth of a currency's unit (ADR 0014).

Rule of this file: sums and comparisons are of picos, exact in any order; only what is shown becomes a fraction.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

PICO_DIGITS: Final = 12
PICOS: Final = 10**PICO_DIGITS  # One dollar, one euro, one yen.


def as_decimal(picos: int) -> Decimal:
    """The amount in units of its currency, exactly, however large: `Decimal("0.000388")`."""
    digits = tuple(int(digit) for digit in str(abs(picos)))
    return Decimal((int(picos < 0), digits, -PICO_DIGITS))


def shown(picos: int | None) -> float | None:
    """What an answer says: the number next to the exact amount, which it is itself up to 15 digits."""
    return None if picos is None else float(as_decimal(picos))
