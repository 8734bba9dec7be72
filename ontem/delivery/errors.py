"""What stops a delivery."""

from features_pkg.errors import OntemError


class DeliveryError(OntemError):
    """Base of every refusal of a delivery."""


class NotPackaged(DeliveryError):
    """A checkout of which no wheel is made."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"nothing is packaged: {reason}")
        self.reason = reason


class WheelRefused(DeliveryError):
    """A wheel that is incomplete, or whose model is not what its manifest says."""

    def __init__(self, wheel: str, reason: str) -> None:
        super().__init__(f"the wheel {wheel} is refused: {reason}")
        self.wheel, self.reason = wheel, reason


class OtherWheelThere(DeliveryError):
    """The index has this version with other bytes; a version is never written twice."""

    def __init__(self, *, url: str, there: str, here: str) -> None:
        super().__init__(
            f"{url} is there with sha256 {there}, and this wheel has {here}: a published version "
            "never changes, so commit what is new and publish that commit's version"
        )
        self.url, self.there, self.here = url, there, here


class IndexRefused(DeliveryError):
    """The index can't be reached, or refuses."""

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(
            f"the index {url} refused: {reason}. Look at the role's rights (s3:GetObject, "
            "s3:PutObject, s3:ListBucket) and at the address, then publish again"
        )
        self.url, self.reason = url, reason


class IndexUnknown(DeliveryError):
    """What is set does not say which index, or with whose rights."""

    def __init__(self, *, url: str, reason: str) -> None:
        super().__init__(
            f"{url!r} can't be used as an index ({reason}): set ONTEM_INDEX to an address such as "
            "s3://bucket/simple, and the variables of AWS as the AWS CLI knows them"
        )
        self.url, self.reason = url, reason


class RegistryRefused(DeliveryError):
    """Some images have no digest, because their registry did not answer."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(f"not pinned: {'; '.join(reasons)}. Run `make pin-images` again")
        self.reasons = reasons


class RoleRefused(DeliveryError):
    """AWS does not give out the role."""

    def __init__(self, *, role: str, reason: str) -> None:
        super().__init__(
            f"AWS does not let this job be {role} ({reason}): look at what the role trusts, and "
            "for how long it may be given out"
        )
        self.role, self.reason = role, reason


class RoleUnavailable(DeliveryError):
    """AWS can't be asked for the role."""

    def __init__(self, *, role: str, reason: str) -> None:
        super().__init__(f"AWS does not answer who asks for {role} ({reason}): try again later")
        self.role, self.reason = role, reason
