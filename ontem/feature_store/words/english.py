"""Definitions in English."""

from __future__ import annotations

from typing import Final

from features_pkg.identifiers import Event, Identifier
from ontem.feature_store.words.texts import Noun, Texts

IN_ENGLISH: Final = Texts(
    nouns={
        Identifier.USER: Noun("user", "users"),
        Identifier.DOCUMENT: Noun("document (CPF or CNPJ)", "documents (CPF or CNPJ)"),
        Identifier.EMAIL: Noun("e-mail address", "e-mail addresses"),
        Identifier.PHONE: Noun("phone number", "phone numbers"),
        Identifier.ZIP_CODE: Noun("postal code (CEP)", "postal codes (CEP)"),
        Identifier.DEVICE: Noun("device", "devices"),
        Identifier.IP: Noun("IP address", "IP addresses"),
        Identifier.CARD: Noun("card", "cards"),
        Identifier.SELLER: Noun("seller", "sellers"),
        Identifier.PRODUCT: Noun("product", "products"),
    },
    count={
        Event.ORDER: "How many other orders had this {one} {when}.",
        Event.CHARGEBACK: "How many chargebacks of orders with this {one} became known {when}.",
    },
    distinct={
        Event.ORDER: "How many different {several} other orders with this {one} had {when}.",
        Event.CHARGEBACK: (
            "How many different {several} the orders with this {one} had whose chargeback became "
            "known {when}."
        ),
    },
    amount={
        Event.ORDER: "The total amount, in cents, of the other orders with this {one} {when}.",
        Event.CHARGEBACK: (
            "The total amount, in cents, of the orders with this {one} whose chargeback became "
            "known {when}."
        ),
    },
    first={
        Event.ORDER: "How many seconds ago the first order with this {one} came; null without one.",
        Event.CHARGEBACK: (
            "How many seconds ago the first chargeback of an order with this {one} became known; "
            "null without one."
        ),
    },
    last={
        Event.ORDER: (
            "How many seconds ago the last order before this one with this {one} came; null "
            "without one."
        ),
        Event.CHARGEBACK: (
            "How many seconds ago the last chargeback of an order with this {one} became known; "
            "null without one."
        ),
    },
    mean={
        Event.ORDER: (
            "The mean amount, in cents, of the other orders with this {one} {when}; null without "
            "one."
        ),
        Event.CHARGEBACK: (
            "The mean amount, in cents, of the orders with this {one} whose chargeback became "
            "known {when}; null without one."
        ),
    },
    chargeback_share=(
        "How many chargebacks of orders with this {one} became known {when}, for each other order "
        "with it in the same time; null without an order."
    ),
    amount_to_mean=(
        "The order's own amount, divided by the mean amount of the other orders with this {one} "
        "{when}; null without one, and where that mean is 0."
    ),
    greatest="of several products, the greatest is taken",
    least="of several products, the least is taken",
    each_greatest="of several products, the greatest is taken, for each part by itself",
    quotient=(
        "{first}, divided by {second}; null where one of the two is null, or the second is 0."
    ),
    difference="{first}, less {second}; null where one of the two is null.",
    whole_days=Noun(
        "on the last whole day before the cutoff", "in the {number} whole days before the cutoff"
    ),
    spans={
        "s": Noun("in the second before this order", "in the {number} seconds before this order"),
        "m": Noun("in the minute before this order", "in the {number} minutes before this order"),
        "h": Noun("in the hour before this order", "in the {number} hours before this order"),
        "d": Noun(
            "in the 24 hours before this order",
            "in the {number} days of 24 hours before this order",
        ),
    },
    days=Noun("1 day", "{number} days"),
    delayed_days=Noun(
        "on the whole day that ends {delay} before the cutoff",
        "in the {number} whole days that end {delay} before the cutoff",
    ),
    ever_delayed="on all days up to {delay} before the cutoff",
    ever_distant="on all days before the cutoff",
    ever_recent="at any time before this order",
    since_cutoff="since the cutoff, where the distant past ends",
    order_features={
        "amount_cents": "The order's own amount, in cents.",
        "local_hour": "The hour of the day, 0 to 23, on the clock of the business.",
        "local_weekday": "The day of the week: 0 is Monday, 6 is Sunday.",
        "different_products": "How many different products the order names.",
        "email_domain_kind": (
            "What kind of mailbox the e-mail is at: 0 a domain of its own, 1 a free one, 2 a "
            "throw-away one; null without a valid address."
        ),
        "document_valid": "Whether the document is a CPF or CNPJ with right check digits.",
        "document_is_company": "Whether the document is a company's CNPJ (1) or a CPF (0).",
        "phone_valid": "Whether the phone number can exist.",
        "zip_code_valid": "Whether the postal code is a whole CEP or its five-digit prefix.",
        "phone_area_matches_zip_code": (
            "Whether the phone's area code (DDD) lies in the region of the postal code (CEP)."
        ),
        "merchant_history_days": (
            "For how many days the merchant is known: from its first order to the cutoff."
        ),
    },
)
