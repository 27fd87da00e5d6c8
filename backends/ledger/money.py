"""Money as the ledger writes it: plain decimal text, never an exponent, never finer than 10^-12 dollars."""

from decimal import Decimal

FINEST = Decimal("1E-12")
"""Sums of amounts no finer than this are exact in Decimal's 28 digits up to 10^16 dollars."""


def text(usd: Decimal) -> str:
    """Decimal form as text ("0.0000001"). Raises ValueError for what is no amount: negative, NaN or infinite."""
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"{usd} is no amount of money")
    return format(usd, "f")


def rounded(usd: Decimal) -> Decimal:
    """The same amount, rounded where it is finer than the ledger keeps."""
    exponent = usd.as_tuple().exponent
    return usd.quantize(FINEST) if isinstance(exponent, int) and exponent < -12 else usd
