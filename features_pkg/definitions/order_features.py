"""Order features: functions of one order and its instant. A flag is 1 or 0; unknown is null."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from features_pkg.definitions.phone_areas import zip_code_regions
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


def different_products(context: OrderContext) -> int | None:
    """How many different products the order names."""
    return len(context.order.product)


def email_domain_kind(context: OrderContext) -> int | None:
    """0 a domain of its own, 1 a free mailbox, 2 a throw-away one; null without a valid e-mail."""
    email = context.order.email
    if email is None or not is_valid("email", email):
        return None
    domain = email.rpartition("@")[2]
    if domain in DISPOSABLE_EMAIL_DOMAINS:
        return 2
    return int(domain in FREE_EMAIL_DOMAINS)


def document_valid(context: OrderContext) -> int | None:
    """Whether the document is a CPF or CNPJ with right check digits."""
    return _flag("document", context.order.document)


def document_is_company(context: OrderContext) -> int | None:
    """Whether the document is as long as a CNPJ, rather than a CPF; null for neither."""
    return {11: 0, 14: 1}.get(len(context.order.document or ""))


def phone_valid(context: OrderContext) -> int | None:
    """Whether the phone number can exist."""
    return _flag("phone", context.order.phone)


def zip_code_valid(context: OrderContext) -> int | None:
    """Whether the postal code is a whole CEP or its five-digit prefix."""
    return _flag("zip_code", context.order.zip_code)


def phone_area_matches_zip_code(context: OrderContext) -> int | None:
    """Whether the phone's area code lies in the region of the CEP; null where either is foreign."""
    phone, zip_code = context.order.phone, context.order.zip_code
    if phone is None or zip_code is None or not zip_code[:5].isdigit():
        return None
    regions = zip_code_regions(phone)
    return None if regions is None else int(zip_code.startswith(regions))


def merchant_history_days(context: OrderContext) -> int | None:
    """Days from the day of the merchant's first order to the due day; 0 before its first night."""
    return context.history_days


def _flag(identifier: str, value: str | None) -> int | None:
    return None if value is None else int(is_valid(identifier, value))


FUNCTIONS: Final[tuple[Callable[[OrderContext], int | None], ...]] = (
    amount_cents,
    local_hour,
    local_weekday,
    different_products,
    email_domain_kind,
    document_valid,
    document_is_company,
    phone_valid,
    zip_code_valid,
    phone_area_matches_zip_code,
    merchant_history_days,
)
ORDER_FEATURES: Final[tuple[str, ...]] = tuple(function.__name__ for function in FUNCTIONS)


def order_feature_values(context: OrderContext) -> list[int | None]:
    """The values of all order features, in the order of `ORDER_FEATURES`."""
    return [function(context) for function in FUNCTIONS]
