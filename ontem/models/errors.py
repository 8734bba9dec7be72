"""Why a model does not become the one that serves."""

from collections.abc import Sequence
from pathlib import Path

from features_pkg.errors import OntemError


class ModelUnknown(OntemError):
    """No model of that name is where it must be."""

    def __init__(self, *, name: str, place: str, present: Sequence[str], remedy: str) -> None:
        super().__init__(
            f"there is no model {name!r} in {place}, which has {', '.join(present) or 'none'}: "
            f"{remedy}"
        )
        self.name, self.place, self.present = name, place, tuple(present)


class ModelExists(OntemError):
    """A model of that name ships already."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a model {name} ships already: choose it with `ontem models use {name}`, "
            "or remove its folder first"
        )
        self.name = name


class PackageInstalled(OntemError):
    """The models of an installed package are part of it and are not changed."""

    def __init__(self, shipped: Path) -> None:
        super().__init__(
            f"{shipped} belongs to an installed package, whose models and current model are fixed: "
            "set ONTEM_MODEL to the folder of another model, or run this in a checkout"
        )
        self.shipped = shipped


class GitFailed(OntemError):
    """A command of git that did not do what it should."""

    def __init__(self, *, step: str, reason: str) -> None:
        super().__init__(
            f"git could not do its part ({step}: {reason}): look whether the repository answers "
            "and takes a new branch, then run the same command again"
        )
        self.step, self.reason = step, reason


class TokenRefused(OntemError):
    """The server of the repository does not let the token do what git asked for."""

    def __init__(self, *, step: str, reason: str) -> None:
        super().__init__(
            f"GitHub does not take the token for git ({step}: {reason}): set GITHUB_TOKEN to a "
            "token that is still good and may write the repository's contents, and look whether "
            "GITHUB_API_URL and the repository are right"
        )
        self.step, self.reason = step, reason


class RemoteUnknown(OntemError):
    """This is not a checkout, or the repository has no such branch."""

    def __init__(self, *, step: str, reason: str) -> None:
        super().__init__(
            f"git does not know where to ask ({step}: {reason}): run this in a checkout of the "
            "repository, and name a branch with --base that it has"
        )
        self.step, self.reason = step, reason


class BranchTaken(OntemError):
    """The repository has the branch of a model, with something else in it."""

    def __init__(self, *, branch: str, repository: str) -> None:
        super().__init__(
            f"the branch {branch} of {repository} has other files than the model in the store: "
            "look at it, and delete it before you run the same command again"
        )
        self.branch, self.repository = branch, repository


class GitHubRefused(OntemError):
    """GitHub does not do what was asked."""

    def __init__(self, *, request: str, status: int, message: str) -> None:
        super().__init__(
            f"GitHub answered {status} to {request} ({message}): set GITHUB_TOKEN to a token that "
            "may read and write the repository's pull requests, and look whether GITHUB_API_URL "
            "and the repository are right"
        )
        self.request, self.status, self.message = request, status, message


class GitHubUnavailable(OntemError):
    """GitHub does not answer, or not as it should."""

    def __init__(self, *, host: str, reason: str) -> None:
        super().__init__(
            f"{host} does not answer as GitHub does ({reason}): run the same command again later; "
            "what is pushed is found again"
        )
        self.host, self.reason = host, reason


class RepositoryUnknown(OntemError):
    """Nothing says on GitHub which repository this checkout is."""

    def __init__(self, remote_url: str) -> None:
        super().__init__(
            f"the remote {remote_url!r} does not name a repository of GitHub: set "
            "CIRCLE_PROJECT_USERNAME and CIRCLE_PROJECT_REPONAME to its owner and name"
        )
        self.remote_url = remote_url
