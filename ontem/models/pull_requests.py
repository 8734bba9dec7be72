"""The one seam to GitHub: finding a pull request of a branch, and opening one."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from ontem.models.errors import GitHubRefused, GitHubUnavailable, RepositoryUnknown
from stores.errors import SettingsError
from stores.urls import shown_url

GITHUB: Final = "https://api.github.com"
LONGEST_BODY: Final = 65_536
"""What GitHub takes as the text of a pull request."""
REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
TIMEOUT_SECONDS: Final = 30
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class PullRequest(msgspec.Struct, frozen=True):
    """A pull request, and whether it is open or closed; merged is closed."""

    html_url: str
    state: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request that is to be opened."""

    branch: str
    base: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class PullRequests:
    """The pull requests of one repository, `owner/name`."""

    api_url: str
    repository: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raise SettingsError for an address to which the token must not be sent."""
        try:
            address = urlsplit(self.api_url)
            host, _ = address.hostname, address.port
        except ValueError:  # such as a port that is not a number
            host = None
        if host and (address.scheme == "https" or (address.scheme == "http" and host in LOOPBACK)):
            return
        raise SettingsError(
            variable="GITHUB_API_URL", value=self.api_url, remedy=f"use a URL such as {GITHUB}"
        )

    @property
    def git_url(self) -> str:
        """Where git finds the repository: the server of the API, over the same protocol.

        The API is the host `api.` before the server's, or a path of the server.
        """
        address = urlsplit(self.api_url)
        host = address.netloc.rpartition("@")[2]
        if not address.path.strip("/"):
            host = host.removeprefix("api.")
        return f"{address.scheme}://{host}/{self.repository}.git"

    def find(self, branch: str) -> PullRequest | None:
        """The newest pull request of a branch, also one that is closed; None without any."""
        owner = self.repository.partition("/")[0]
        head = quote(f"{owner}:{branch}", safe="")
        content = self._send("GET", f"/repos/{self.repository}/pulls?state=all&head={head}")
        found = self._decode(content, list[PullRequest])
        return found[0] if found else None

    def open(self, proposal: Proposal) -> PullRequest:
        """The pull request that is opened now, or the one that somebody has just opened."""
        content = {
            "title": proposal.title,
            "head": proposal.branch,
            "base": proposal.base,
            "body": _shortened(proposal.body),
        }
        try:
            answer = self._send("POST", f"/repos/{self.repository}/pulls", content)
        except GitHubRefused as refused:
            if refused.status == http.HTTPStatus.UNPROCESSABLE_ENTITY and (
                found := self.find(proposal.branch)
            ):
                return found
            raise
        opened: PullRequest = self._decode(answer, PullRequest)
        return opened

    def _send(self, method: str, path: str, content: dict[str, str] | None = None) -> bytes:
        """The body of a 2xx answer. No redirect is followed: the token is for this host alone."""
        address = urlsplit(self.api_url)
        is_https = address.scheme == "https"
        kind = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(
                method,
                address.path.rstrip("/") + path,
                None if content is None else msgspec.json.encode(content),
                {
                    "Accept": "application/vnd.github+json",
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/json",
                    "User-Agent": "ontem",
                    "X-GitHub-Api-Version": "2022-11-28",
                },
            )
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise GitHubUnavailable(host=address.netloc, reason=reason) from None
        finally:
            connection.close()
        if _can_pass(answer):
            raise GitHubUnavailable(host=address.netloc, reason=f"it answered {answer.status}")
        if answer.status >= http.HTTPStatus.MULTIPLE_CHOICES:
            raise GitHubRefused(
                request=f"{method} {path.partition('?')[0]}",
                status=answer.status,
                message=_message(body),
            )
        return body

    def _decode(self, content: bytes, kind: Any) -> Any:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            host = urlsplit(self.api_url).netloc
            reason = f"its answer is not that of GitHub: {error}"
            raise GitHubUnavailable(host=host, reason=reason) from None


def pull_requests(environ: Mapping[str, str], remote_url: Callable[[], str]) -> PullRequests:
    """The pull requests of the repository that CircleCI names, or else the remote's URL.

    Raises SettingsError and RepositoryUnknown.
    """
    token = github_token(environ)
    owner = environ.get("CIRCLE_PROJECT_USERNAME", "")
    name = environ.get("CIRCLE_PROJECT_REPONAME", "")
    repository = f"{owner}/{name}"
    if not REPOSITORY.fullmatch(repository):
        url = remote_url()
        found = repository_of(url)
        if found is None:
            raise RepositoryUnknown(shown_url(url))
        repository = found
    return PullRequests(environ.get("GITHUB_API_URL") or GITHUB, repository, token)


def github_token(environ: Mapping[str, str]) -> str:
    """The token for the repository. Raises SettingsError."""
    token = environ.get("GITHUB_TOKEN", "").strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(
            variable="GITHUB_TOKEN",
            value="not a token" if token else None,
            remedy="it opens the pull request: set it to a token that may write those of the "
            "repository",
        )
    return token


def repository_of(remote_url: str) -> str | None:
    """`owner/name` in the URL of a git remote; None when it has none."""
    found = re.fullmatch(
        r"(?:https?://|ssh://|git://)?(?:[^@/]+@)?[^/:]+(?::\d+)?[/:]([\w.-]+)/([\w.-]+?)(?:\.git)?/?",
        remote_url,
    )
    return f"{found[1]}/{found[2]}" if found else None


def _can_pass(answer: http.client.HTTPResponse) -> bool:
    """Whether GitHub refuses for now: it is out of order, or was asked too often."""
    too_often = (http.HTTPStatus.FORBIDDEN, http.HTTPStatus.TOO_MANY_REQUESTS)
    if answer.status in too_often:
        is_used_up = answer.headers.get("X-RateLimit-Remaining") == "0"
        is_429 = answer.status == http.HTTPStatus.TOO_MANY_REQUESTS
        return is_429 or is_used_up or "Retry-After" in answer.headers
    return answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR


def _shortened(body: str) -> str:
    if len(body) <= LONGEST_BODY:
        return body
    note = "\n\nThe report is longer than a pull request may be: the rest is in its file."
    return body[: LONGEST_BODY - len(note)] + note


def _message(body: bytes) -> str:
    """What GitHub says is wrong, in one line."""
    try:
        said = msgspec.json.decode(body)
        errors = [each.get("message", "") for each in said.get("errors", [])]
        text = "; ".join(each for each in (said.get("message", ""), *errors) if each)
    except (msgspec.DecodeError, AttributeError, TypeError):
        text = ""
    return " ".join((text or "no reason given").split())[:300]
