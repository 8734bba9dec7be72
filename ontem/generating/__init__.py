"""Made-up Brazilian orders: honest customers, several kinds of fraud, chargebacks weeks later."""

from ontem.generating.generate import generate

__all__ = ["generate"]
