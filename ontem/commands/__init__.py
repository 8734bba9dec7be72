"""The commands that only need the stores: `ontem migrate` and `ontem merchant`."""
