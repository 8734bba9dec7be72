"""Order features: functions of one order and its instant. A flag is 1 or 0; unknown is null."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from features_pkg.definitions.phone_areas import zip_code_regions
from features_pkg.identifiers import Identifier
from features_pkg.orders.normalising import is_valid
from features_pkg.orders.order import Order

FREE_EMAIL_DOMAINS: Final = frozenset(
    """
    gmail.com hotmail.com outlook.com yahoo.com yahoo.com.br icloud.com live.com msn.com aol.com
    bol.com.br uol.com.br terra.com.br ig.com.br globo.com r7.com hotmail.com.br outlook.com.br
    protonmail.com proton.me gmx.com
    """.split()  # noqa: SIM905  a list of words reads better as words
)
DISPOSABLE_EMAIL_DOMAINS: Final = frozenset(
    """
    mailinator.com guerrillamail.com 10minutemail.com yopmail.com temp-mail.org tempmail.com
    trashmail.com sharklasers.com getnada.com maildrop.cc dispostable.com mohmal.com
    """.split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class OrderContext:
    """An order and what its features need beside it.

    `local` is its instant on the business clock, `history_days` how long its merchant is known.
    """

    order: Order
    local: datetime
    history_days: int | None


def amount_cents(context: OrderContext) -> int | None:
    """The order's amount."""
    return context.order.amount_cents


def local_hour(context: OrderContext) -> int | None:
    """Hour of the civil day, 0 to 23."""
    return context.local.hour


def local_weekday(context: OrderContext) -> int | None:
    """Monday is 0."""
    return context.local.weekday()


def different_products(product: tuple[str, ...]) -> int | None:
    """How many different products the order names."""
    return len(product)


def email_domain_kind(email: str | None) -> int | None:
    """0 a domain of its own, 1 a free mailbox, 2 a throw-away one; null without a valid e-mail."""
    if email is None or not is_valid("email", email):
        return None
    domain = email.rpartition("@")[2]
    if domain in DISPOSABLE_EMAIL_DOMAINS:
        return 2
    return int(domain in FREE_EMAIL_DOMAINS)


def document_valid(document: str | None) -> int | None:
    """Whether the document is a CPF or CNPJ with right check digits."""
    return _flag("document", document)


def document_is_company(document: str | None) -> int | None:
    """Whether the document is as long as a CNPJ, rather than a CPF; null for neither."""
    return {11: 0, 14: 1}.get(len(document or ""))


def phone_valid(phone: str | None) -> int | None:
    """Whether the phone number can exist."""
    return _flag("phone", phone)


def zip_code_valid(zip_code: str | None) -> int | None:
    """Whether the postal code is a whole CEP or its five-digit prefix."""
    return _flag("zip_code", zip_code)


def phone_area_matches_zip_code(phone: str | None, zip_code: str | None) -> int | None:
    """Whether the phone's area code lies in the region of the CEP; null where either is foreign."""
    if phone is None or zip_code is None or not zip_code[:5].isdigit():
        return None
    regions = zip_code_regions(phone)
    return None if regions is None else int(zip_code.startswith(regions))


def merchant_history_days(context: OrderContext) -> int | None:
    """Days from the day of the merchant's first order to the due day; 0 before its first night."""
    return context.history_days


def _flag(identifier: str, value: str | None) -> int | None:
    return None if value is None else int(is_valid(identifier, value))


class ValuePart(NamedTuple):
    """Values of one identifier, or their first `characters` (None: all of them).

    Of the products it is only how many different ones there are.
    """

    identifier: Identifier
    characters: int | None = None


@dataclass(frozen=True, slots=True)
class ValueFeature:
    """An order feature that depends on the order's values alone, not on its instant or merchant.

    `function` takes the values of `parts`, and answers alike where they are alike. So an engine
    over columns calls it once for each different combination of them.
    """

    function: Callable[..., int | None]
    parts: tuple[ValuePart, ...]

    def of_context(self, context: OrderContext) -> int | None:
        """The value for an order and what is beside it."""
        return self.function(*(getattr(context.order, part.identifier) for part in self.parts))


_DOCUMENT: Final = (ValuePart(Identifier.DOCUMENT),)
VALUE_FEATURES: Final[dict[str, ValueFeature]] = {
    feature.function.__name__: feature
    for feature in (
        ValueFeature(different_products, (ValuePart(Identifier.PRODUCT),)),
        ValueFeature(email_domain_kind, (ValuePart(Identifier.EMAIL),)),
        ValueFeature(document_valid, _DOCUMENT),
        ValueFeature(document_is_company, _DOCUMENT),
        ValueFeature(phone_valid, (ValuePart(Identifier.PHONE),)),
        ValueFeature(zip_code_valid, (ValuePart(Identifier.ZIP_CODE),)),
        # "+55" and the area code; as many digits as the prefix of a CEP has.
        ValueFeature(
            phone_area_matches_zip_code,
            (ValuePart(Identifier.PHONE, 5), ValuePart(Identifier.ZIP_CODE, 5)),
        ),
    )
}
CONTEXT_FEATURES: Final[dict[str, Callable[[OrderContext], int | None]]] = {
    function.__name__: function
    for function in (amount_cents, local_hour, local_weekday, merchant_history_days)
}
"""The other order features: of the amount, the instant and the merchant, without any identifier."""

ORDER_FEATURES: Final[tuple[str, ...]] = (
    "amount_cents",
    "local_hour",
    "local_weekday",
    *VALUE_FEATURES,
    "merchant_history_days",
)
NUMERIC_ORDER_FEATURES: Final = ("amount_cents", "different_products", "merchant_history_days")
"""Amounts and counts, which derived features may reckon with; the others are flags and codes."""

_FUNCTIONS: Final = tuple(
    VALUE_FEATURES[name].of_context if name in VALUE_FEATURES else CONTEXT_FEATURES[name]
    for name in ORDER_FEATURES
)


def order_feature_values(context: OrderContext) -> list[int | None]:
    """The values of all order features, in the order of `ORDER_FEATURES`."""
    return [function(context) for function in _FUNCTIONS]
