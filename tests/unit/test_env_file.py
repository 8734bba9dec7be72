"""The file of variables that a container mounts."""

import pytest

from stores.errors import SettingsError
from stores.settings import environment_of


@pytest.fixture
def env_file(tmp_path):
    """Writes a file of variables; the environment that names it."""

    def write(content):
        path = tmp_path / "variables"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return {"ONTEM_ENV_FILE": str(path)}

    return write


def test_a_file_that_is_named_is_read_in_place_of_that_of_the_local_stack(tmp_path, env_file):
    (tmp_path / ".ontem").mkdir()
    (tmp_path / ".ontem" / "env").write_text("A=local stack\nC=local stack\n")
    named = env_file("# made once\n\nA=file\nB = with=equals # and all \n")

    assert environment_of(tmp_path, {**named, "A": "real"}) == {
        **named,
        "A": "real",
        "B": "with=equals # and all",
    }


def test_a_file_that_an_editor_marked_as_utf_8_is_read(tmp_path, env_file):
    assert environment_of(tmp_path, env_file("\ufeffA=1\n"))["A"] == "1"


def test_an_empty_name_of_a_file_names_none(tmp_path):
    assert environment_of(tmp_path, {"ONTEM_ENV_FILE": " "}) == {"ONTEM_ENV_FILE": " "}


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        ("A=1\nhunter2\n", "line 2 is not KEY=VALUE: correct it"),
        ("export A=hunter2\n", "line 1 is not KEY=VALUE"),
        ("=hunter2\n", "line 1 is not KEY=VALUE"),
        ("A=1\nB=2\nA=hunter2\n", "line 3 sets A once more: keep one of its lines"),
        (b"A=hunter2\xff", "it is not UTF-8"),
        (b"A=1\nB=hunter2\0", "line 2 has a zero byte: write it as text"),
    ],
)
def test_a_malformed_file_of_variables_is_refused_and_not_shown(
    tmp_path, env_file, content, remedy
):
    named = env_file(content)

    with pytest.raises(SettingsError) as caught:
        environment_of(tmp_path, named)

    assert str(caught.value).startswith(f"ONTEM_ENV_FILE is {named['ONTEM_ENV_FILE']!r}: {remedy}")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "remedy"),
    [("missing", "there is no such file"), (".", r"it can't be read \(Is a directory\)")],
)
def test_a_file_of_variables_that_can_t_be_read_is_named(tmp_path, path, remedy):
    with pytest.raises(SettingsError, match=f"^ONTEM_ENV_FILE is .*: {remedy}"):
        environment_of(tmp_path, {"ONTEM_ENV_FILE": str(tmp_path / path)})
