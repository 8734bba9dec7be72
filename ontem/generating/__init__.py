"""Made-up Brazilian orders: honest customers, patterns of fraud, chargebacks weeks later."""

from ontem.generating.generate import generate

__all__ = ["generate"]
