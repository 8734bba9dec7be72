"""`python -m ontem.delivery`: for `make package`, `deploy/publish` and `make pin-images`."""

import sys

import click

from jobs.lazy_group import CommandEntry, LazyGroup

COMMANDS = {
    "package": CommandEntry(
        "ontem.delivery.commands", "package", "Build the wheel with the model that serves.", None
    ),
    "publish": CommandEntry(
        "ontem.delivery.commands", "publish", "Upload a wheel to the index, once.", None
    ),
    "pin-images": CommandEntry(
        "ontem.delivery.commands",
        "pin_images",
        "Write the digest of each image of others where the image is named.",
        None,
    ),
    "with-role": CommandEntry(
        "ontem.delivery.commands", "with_role", "Run a command as a role of AWS.", None
    ),
}


@click.command(cls=LazyGroup, entries=COMMANDS)
def main() -> None:
    """Make and publish what reaches production, from a checkout."""


if __name__ == "__main__":
    sys.exit(main(prog_name="python -m ontem.delivery"))
