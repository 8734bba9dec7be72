"""The JSON value of a request's body, read strictly."""

from features_pkg.orders.fields import strict_json
from features_pkg.orders.fields.refusals import ValueRefused
from service.errors import BodyUnreadable, FieldRefused


def decode(content: bytes) -> object:
    """The value of the bytes of a body; see `features_pkg.orders.fields.strict_json`.

    Raises:
        BodyUnreadable: they are not one JSON value in UTF-8, or nested too deep.
        FieldRefused: a name appears twice, or its text can't be stored in a database.
    """
    try:
        return strict_json.decode(content.decode("utf-8"))
    except UnicodeDecodeError as cause:
        raise BodyUnreadable(f"the body is not UTF-8 from byte {cause.start} on") from None
    except strict_json.JsonUnreadable as cause:
        raise BodyUnreadable(f"the body {cause}") from None
    except ValueRefused as refused:
        raise FieldRefused(refused.field, refused.reason) from None
