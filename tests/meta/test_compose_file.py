"""docker-compose.yml names what its images have, what the code knows, and nothing that is open."""

import re
from pathlib import Path

import click
import pytest

from ontem.cli import main
from ontem.compose.secrets import READERS, folder_of
from service import batch_body
from service.request_content import MAX_BYTES
from tests.containers.compose_file import COMPLETED, HEALTHY, PROJECT, ComposeFile
from tests.image_files import all_instructions, image_files, last

FILE = ComposeFile(PROJECT / "docker-compose.yml")
SERVICES = list(FILE.services.values())
OWN = [each for each in SERVICES if each.target]
SERVERS = [each for each in SERVICES if each.runs_on]
STEPS = [each for each in SERVICES if not each.runs_on]
OF_IMAGES = {
    "postgres": {"POSTGRES_USER", "POSTGRES_PASSWORD_FILE", "POSTGRES_INITDB_ARGS"},
    "proxy": {"XDG_CONFIG_HOME", "XDG_DATA_HOME"},
}
"""The variables that the images of others read, by their documentation."""
OF_LIBRARIES = {"AWS_EC2_METADATA_DISABLED", "TMPDIR"}
"""Those that every AWS SDK and Python read by themselves."""


def named(services):
    return pytest.mark.parametrize("service", services, ids=lambda service: service.name)


def source_of(*folders):
    files = [path for folder in folders for path in (PROJECT / folder).rglob("*.py")]
    return "".join(path.read_text(encoding="utf-8") for path in files)


@named(OWN)
def test_a_container_of_ours_has_a_numbered_user_and_writes_to_scratch_and_volumes_only(service):
    assert service.user == last(service.target, "USER") == "10001:10001"
    assert service.fields["read_only"] is True
    (scratch,) = service.fields["tmpfs"]
    assert scratch.split(":") == ["/tmp", "exec,mode=1777"]  # noqa: S108  Java loads libraries there
    assert service.fields["cap_drop"] == ["ALL"]


@named(OWN)
def test_a_volume_that_a_container_of_ours_writes_takes_its_owner_from_the_image(service):
    made = [text for word, text in all_instructions(service.target) if word == "RUN"]
    owned = re.findall(r"install -d -o ontem -g ontem ([^&]+)", " && ".join(made))
    folders = {path for line in owned for path in line.split()}

    for mount in service.mounts:
        if mount.is_volume and not mount.is_read_only:
            assert mount.target in folders
            assert f"{mount.target}/" in image_files(service.target)


@named([each for each in OWN if each.target != "s3"])
def test_what_a_container_of_ours_runs_is_a_command_with_such_options(service):
    assert last(service.target, "ENTRYPOINT") == '["ontem"]'
    context, command = click.Context(main), main
    words = service.command
    if words == ["--help"]:
        return
    while isinstance(command, click.Group):
        name, *words = words
        command = command.get_command(context, name)
    assert command.make_context(command.name, words, parent=context)


def test_what_the_s3_server_runs_is_in_its_image():
    entry_point = last("s3", "ENTRYPOINT")
    files = image_files("s3")

    assert "/opt/java/openjdk/bin/java" in files
    assert set(re.findall(r"/opt/s3proxy/[\w.-]+", entry_point)) <= files
    assert [name for name in files if re.fullmatch(r"/opt/s3proxy/s3proxy-[\d.]+\.jar", name)]
    folders = re.findall(r"/var/lib/ontem/\w+", entry_point)
    assert set(folders) <= {mount.target for mount in FILE.services["s3"].mounts}


@named(SERVICES)
def test_each_variable_is_one_that_somebody_reads(service):
    ours = source_of("stores", "jobs", "service", "ontem") if service.target else ""
    ours += (PROJECT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    ours += (PROJECT / "deploy" / "postgres-role.sh").read_text(encoding="utf-8")
    unknown = {name for name in service.environment if not re.search(rf"\b{name}\b", ours)}

    assert unknown <= OF_IMAGES.get(service.name, OF_LIBRARIES)


@named(SERVICES)
def test_a_path_in_a_variable_or_a_command_is_mounted_or_in_the_image(service):
    texts = [*service.environment.values(), *service.command, *service.healthcheck]
    named_paths = {path for text in texts for path in re.findall(r"(?<![\w/.:])/\w[\w./-]+", text)}
    mounted = tuple(mount.target for mount in service.mounts)

    for path in named_paths - {"/bin/sh", "/dev/null"}:
        assert path.startswith((*mounted, "/tmp", "/dev/tcp/")), path  # noqa: S108


@named(SERVICES)
def test_a_file_that_is_mounted_exists_and_is_read_only(service):
    for mount in service.mounts:
        if not mount.is_volume:
            assert (PROJECT / mount.source).exists()
            assert mount.is_read_only


def test_each_volume_is_declared_and_used():
    mounts = [mount for each in SERVICES for mount in each.mounts if not mount.is_anonymous]
    used = {mount.source for mount in mounts if mount.is_volume}

    assert used == set(FILE.content["volumes"])


@pytest.mark.parametrize(
    ("volume", "writers"), [("secrets", {"secrets"}), ("model", {"model", "jobs"}), ("s3", {"s3"})]
)
def test_a_volume_is_written_by_whom_it_is_made_for(volume, writers):
    mounts = [(each.name, mount) for each in SERVICES for mount in each.mounts]

    assert writers == {
        name for name, mount in mounts if mount.source == volume and not mount.is_read_only
    }


def test_each_container_has_the_secrets_that_it_needs():
    found = {
        each.name: mount.source
        for each in SERVICES
        for mount in each.mounts
        if mount.target == "/var/lib/ontem/secrets"
    }

    assert found == {
        "secrets": "secrets",
        **dict.fromkeys(("model", "jobs"), "secrets"),  # they train, and sign what they trained
        **dict.fromkeys(("bucket", "migrate", "merchant", "history", "night"), "secrets-steps"),
        **{name: f"secrets-{name}" for name in ("service", "postgres", "redis", "s3")},
    }


def test_the_step_of_secrets_has_each_volume_beside_its_own():
    mounts = {mount.target: mount.source for mount in FILE.services["secrets"].mounts}
    folder = Path(FILE.services["secrets"].command[2])

    readers = [folder_of(reader, folder) for reader in READERS]
    assert mounts == {str(each): each.name for each in (folder, *readers)}


@pytest.mark.parametrize("name", ["history", "night", "model", "jobs"])
def test_large_files_are_on_a_disk_that_goes_with_the_container(name):
    service = FILE.services[name]
    (scratch,) = (mount for mount in service.mounts if mount.is_anonymous)

    assert service.environment["TMPDIR"] == scratch.target
    assert not [each for each in service.fields["tmpfs"] if each.startswith(scratch.target)]


@named(SERVERS)
def test_a_server_comes_back_by_itself_and_says_when_it_is_ready(service):
    assert service.fields["restart"] == "unless-stopped"
    assert service.healthcheck


@named(SERVICES)
def test_who_waits_waits_for_what_will_come(service):
    for name, condition in service.waits_for.items():
        assert condition == (HEALTHY if FILE.services[name].runs_on else COMPLETED)


@named([each for each in OWN if each.name != "secrets"])
def test_nothing_of_ours_starts_before_there_are_secrets(service):
    assert "secrets" in [each.name for each in FILE.in_order([service.name])]


@named(SERVERS)
def test_a_health_check_asks_the_port_at_which_the_server_listens(service):
    assert str(FILE.ports[service.name]) in " ".join(service.healthcheck) or service.name == "s3"
    paths = set(re.findall(r"127\.0\.0\.1:\d+(/\w+)", " ".join(service.healthcheck)))

    assert all(f'"{path}"' in source_of("service") for path in paths)


def test_containers_listen_on_this_machine_alone():
    ports = [port for each in SERVICES for port in each.published_ports]

    assert ports == ["127.0.0.1:8080:8080"]


def test_redis_never_evicts():
    command = FILE.services["redis"].command

    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_proxy_takes_whole_what_the_service_takes():
    text = (PROJECT / "deploy" / "Caddyfile").read_text(encoding="utf-8")

    for option in ("max_size", "request_buffers", "response_buffers"):
        assert f"{option} {MAX_BYTES // 1024}KiB" in text


def test_the_proxy_lets_the_largest_batch_pass():
    text = (PROJECT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    (path,) = re.findall(r"@batch path (\S+)\n", text)
    (most,) = re.findall(r"request_body @batch \{\s+max_size (\d+)MiB\s+\}", text)

    assert path == "/orders/batch"
    assert int(most) * 1024 * 1024 == batch_body.MOST_BYTES


def test_no_secret_is_in_the_file():
    text = FILE.text
    assert not re.search(r"(PASSWORD|KEY|SECRET)\w*:(?! /var/lib/ontem/secrets/)", text)
    assert "requirepass" not in text


def test_no_variable_has_to_be_set():
    assert not re.search(r"\$\{\w+(\}|:\?)", FILE.text)
