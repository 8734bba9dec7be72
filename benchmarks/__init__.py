"""How fast Ontem is, against something that runs beside it: `make bench`."""
