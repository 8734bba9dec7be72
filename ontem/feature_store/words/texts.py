"""The sentences of definitions, in both languages, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from features_pkg.identifiers import Event, Identifier

ENGLISH: Final = "en"
PORTUGUESE: Final = "pt"


@dataclass(frozen=True, slots=True)
class Noun:
    """What an identifier is called: one of it, and several."""

    one: str
    several: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences of one language.

    `{one}` is the identifier, `{several}` the target, `{when}` the window, `{number}` its length.
    """

    nouns: Mapping[Identifier, Noun]
    count: Mapping[Event, str]
    distinct: Mapping[Event, str]
    amount: Mapping[Event, str]
    first: Mapping[Event, str]
    last: Mapping[Event, str]
    whole_days: Noun
    spans: Mapping[str, Noun]
    """Of recent windows, by their unit."""
    ever_distant: str
    ever_recent: str
    since_cutoff: str
    order_features: Mapping[str, str]


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

IN_PORTUGUESE: Final = Texts(
    nouns={
        Identifier.USER: Noun("usuário", "usuários"),
        Identifier.DOCUMENT: Noun("documento (CPF ou CNPJ)", "documentos (CPF ou CNPJ)"),
        Identifier.EMAIL: Noun("e-mail", "e-mails"),
        Identifier.PHONE: Noun("telefone", "telefones"),
        Identifier.ZIP_CODE: Noun("CEP", "CEPs"),
        Identifier.DEVICE: Noun("aparelho", "aparelhos"),
        Identifier.IP: Noun("IP", "IPs"),
        Identifier.CARD: Noun("cartão", "cartões"),
        Identifier.SELLER: Noun("vendedor", "vendedores"),
        Identifier.PRODUCT: Noun("produto", "produtos"),
    },
    count={
        Event.ORDER: "Quantos outros pedidos tiveram este {one} {when}.",
        Event.CHARGEBACK: (
            "Quantos chargebacks de pedidos com este {one} ficaram conhecidos {when}."
        ),
    },
    distinct={
        Event.ORDER: "Quantos {several} diferentes outros pedidos com este {one} tiveram {when}.",
        Event.CHARGEBACK: (
            "Quantos {several} diferentes tiveram os pedidos com este {one} cujo chargeback ficou "
            "conhecido {when}."
        ),
    },
    amount={
        Event.ORDER: "O valor total, em centavos, dos outros pedidos com este {one} {when}.",
        Event.CHARGEBACK: (
            "O valor total, em centavos, dos pedidos com este {one} cujo chargeback ficou "
            "conhecido {when}."
        ),
    },
    first={
        Event.ORDER: (
            "Há quantos segundos veio o primeiro pedido com este {one}; nulo se não houve nenhum."
        ),
        Event.CHARGEBACK: (
            "Há quantos segundos ficou conhecido o primeiro chargeback de um pedido com este "
            "{one}; nulo se não houve nenhum."
        ),
    },
    last={
        Event.ORDER: (
            "Há quantos segundos veio o último pedido antes deste com este {one}; nulo se não "
            "houve nenhum."
        ),
        Event.CHARGEBACK: (
            "Há quantos segundos ficou conhecido o último chargeback de um pedido com este "
            "{one}; nulo se não houve nenhum."
        ),
    },
    whole_days=Noun(
        "no último dia inteiro antes do corte", "nos {number} dias inteiros antes do corte"
    ),
    spans={
        "s": Noun("no segundo antes deste pedido", "nos {number} segundos antes deste pedido"),
        "m": Noun("no minuto antes deste pedido", "nos {number} minutos antes deste pedido"),
        "h": Noun("na hora antes deste pedido", "nas {number} horas antes deste pedido"),
        "d": Noun(
            "nas 24 horas antes deste pedido", "nos {number} dias de 24 horas antes deste pedido"
        ),
    },
    ever_distant="em todos os dias antes do corte",
    ever_recent="em qualquer momento antes deste pedido",
    since_cutoff="desde o corte, onde acaba o passado distante",
    order_features={
        "amount_cents": "O valor do próprio pedido, em centavos.",
        "local_hour": "A hora do dia, de 0 a 23, no relógio do negócio.",
        "local_weekday": "O dia da semana: 0 é segunda-feira, 6 é domingo.",
        "different_products": "Quantos produtos diferentes o pedido tem.",
        "email_domain_kind": (
            "Que tipo de caixa postal tem o e-mail: 0 um domínio próprio, 1 uma gratuita, 2 uma "
            "descartável; nulo sem um endereço válido."
        ),
        "document_valid": "Se o documento é um CPF ou CNPJ com dígitos verificadores corretos.",
        "document_is_company": "Se o documento é o CNPJ de uma empresa (1) ou um CPF (0).",
        "phone_valid": "Se o número de telefone pode existir.",
        "zip_code_valid": "Se o CEP está completo ou é o seu prefixo de cinco dígitos.",
        "phone_area_matches_zip_code": "Se o DDD do telefone fica na região do CEP.",
        "merchant_history_days": (
            "Há quantos dias a loja é conhecida: do seu primeiro pedido até o corte."
        ),
    },
)

TEXTS: Final[Mapping[str, Texts]] = {ENGLISH: IN_ENGLISH, PORTUGUESE: IN_PORTUGUESE}
