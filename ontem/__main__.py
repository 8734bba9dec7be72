"""`python -m ontem` is `ontem`."""

from ontem.cli import main

main(prog_name="ontem")
