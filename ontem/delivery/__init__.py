"""How package and images are made and published from a checkout: `python -m ontem.delivery`."""
