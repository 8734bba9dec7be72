"""The commands that only need the stores: `ontem migrate`, `ontem merchant`, `ontem chargeback`."""
