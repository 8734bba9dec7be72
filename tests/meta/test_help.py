"""What `help` prints of the shared package can be read."""

import pydoc

import pytest

import features_pkg

MOST_LINES = 150
LONGEST_LINE = 300


def printed(thing):
    return pydoc.plain(pydoc.render_doc(thing)).splitlines()


@pytest.mark.parametrize("name", features_pkg.__all__)
def test_the_help_of_a_public_name_is_short(name):
    lines = printed(getattr(features_pkg, name))

    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= LONGEST_LINE


def test_the_help_of_the_package_is_that_of_its_public_names():
    lines = printed(features_pkg)

    assert len(lines) <= MOST_LINES * 3
    assert max(map(len, lines)) <= LONGEST_LINE
