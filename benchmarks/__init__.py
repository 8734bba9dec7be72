"""How fast Ontem is, compared with something else on the same machine: `make bench`."""
