"""Definitions in Portuguese."""

from __future__ import annotations

from typing import Final

from features_pkg.identifiers import Event, Identifier
from ontem.feature_store.words.texts import Noun, Texts

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
    mean={
        Event.ORDER: (
            "O valor médio, em centavos, dos outros pedidos com este {one} {when}; nulo se não "
            "houve nenhum."
        ),
        Event.CHARGEBACK: (
            "O valor médio, em centavos, dos pedidos com este {one} cujo chargeback ficou "
            "conhecido {when}; nulo se não houve nenhum."
        ),
    },
    chargeback_share=(
        "Quantos chargebacks de pedidos com este {one} ficaram conhecidos {when}, para cada outro "
        "pedido com ele no mesmo tempo; nulo sem nenhum pedido."
    ),
    amount_to_mean=(
        "O valor do próprio pedido, dividido pelo valor médio dos outros pedidos com este {one} "
        "{when}; nulo se não houve nenhum, e onde esse valor médio é 0."
    ),
    greatest="de vários produtos, vale o maior",
    least="de vários produtos, vale o menor",
    each_greatest="de vários produtos, vale o maior, em cada parte por si",
    quotient=("{first}, dividido por: {second}; nulo se um dos dois é nulo ou o segundo é 0."),
    difference="{first}, menos: {second}; nulo se um dos dois é nulo.",
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
    days=Noun("1 dia", "{number} dias"),
    delayed_days=Noun(
        "no dia inteiro que termina {delay} antes do corte",
        "nos {number} dias inteiros que terminam {delay} antes do corte",
    ),
    ever_delayed="em todos os dias até {delay} antes do corte",
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
