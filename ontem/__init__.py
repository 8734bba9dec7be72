"""The command line, the local stack, the demo, and the generator of made-up orders."""
