"""Order features: functions of one order and its moment. A flag is 1 or 0; unknown is null."""

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
class Asked:
    """An order at its moment: `local` on the business clock, `history_days` its merchant's."""

    order: Order
    local: datetime
    history_days: int | None


def amount_cents(asked: Asked) -> int | None:
    """The order's amount."""
    return asked.order.amount_cents


def local_hour(asked: Asked) -> int | None:
    """Hour of the civil day, 0 to 23."""
    return asked.local.hour


def local_weekday(asked: Asked) -> int | None:
    """Monday is 0."""
    return asked.local.weekday()


def different_products(asked: Asked) -> int | None:
    """How many different products the order names."""
    return len(asked.order.product)


def email_domain_kind(asked: Asked) -> int | None:
    """0 a domain of its own, 1 a free mailbox, 2 a throw-away one; null without a valid e-mail."""
    email = asked.order.email
    if email is None or not is_valid("email", email):
        return None
    domain = email.rpartition("@")[2]
    if domain in DISPOSABLE_EMAIL_DOMAINS:
        return 2
    return int(domain in FREE_EMAIL_DOMAINS)


def document_valid(asked: Asked) -> int | None:
    """Whether the document is a CPF or CNPJ with right check digits."""
    return _flag("document", asked.order.document)


def document_is_company(asked: Asked) -> int | None:
    """Whether the document is as long as a CNPJ, rather than a CPF; null for neither."""
    return {11: 0, 14: 1}.get(len(asked.order.document or ""))


def phone_valid(asked: Asked) -> int | None:
    """Whether the phone number can exist."""
    return _flag("phone", asked.order.phone)


def zip_code_valid(asked: Asked) -> int | None:
    """Whether the postal code is a whole CEP or its five-digit prefix."""
    return _flag("zip_code", asked.order.zip_code)


def phone_area_matches_zip_code(asked: Asked) -> int | None:
    """Whether the phone's area code lies in the region of the CEP; null where either is foreign."""
    phone, zip_code = asked.order.phone, asked.order.zip_code
    if phone is None or zip_code is None or not zip_code[:5].isdigit():
        return None
    regions = zip_code_regions(phone)
    return None if regions is None else int(zip_code.startswith(regions))


def merchant_history_days(asked: Asked) -> int | None:
    """Days from the merchant's first event to the snapshot; 0 before its first night."""
    return asked.history_days


def _flag(identifier: str, value: str | None) -> int | None:
    return None if value is None else int(is_valid(identifier, value))


FUNCTIONS: Final[tuple[Callable[[Asked], int | None], ...]] = (
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


def order_feature_values(asked: Asked) -> list[int | None]:
    """The values of all order features, in the order of `ORDER_FEATURES`."""
    return [function(asked) for function in FUNCTIONS]
