"""The words of queries and what they mean, in both languages, as data.

Phrases stand in the singular and without accents, with a comma between them. One that ends in `?`
means it less surely: "people" are documents rather than users.
"""

from __future__ import annotations

from typing import Final

from features_pkg.identifiers import Event, Identifier
from ontem.feature_store.words.concepts import Entry, Kind, Said
from ontem.feature_store.words.roles import PAST_WORDS, ROLE_WORDS

IDENTIFIER_WORDS: Final = (
    Entry(
        Kind.IDENTIFIER,
        Identifier.USER,
        "user, account, login, customer, client, member, buyer?, people?, person?, shopper",
        "usuario, conta, cliente, comprador?, pessoa?, cadastro",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.DOCUMENT,
        "document, cpf, cnpj, tax id, taxpayer, identity, person, people, buyer, customer?, ssn",
        "documento, pessoa, comprador, cliente?, identidade, gente, titular, rg",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.EMAIL,
        "email, email address, mail, mailbox?",
        "email, endereco email, correio eletronico, correio",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.PHONE,
        "phone, telephone, phone number, mobile?, cell phone, cellphone, cell, mobile phone, "
        "mobile number, telephone number",
        "telefone, celular?, fone, numero telefone, numero celular, telefone celular, whatsapp",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.ZIP_CODE,
        "zip code, zip, zipcode, postcode, postal code, cep, address, delivery address, "
        "shipping address, place, location, house, destination",
        "cep, endereco, endereco entrega, codigo postal, lugar, local, casa, destino",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.DEVICE,
        "device, machine, browser, fingerprint, computer, smartphone, handset, mobile",
        "aparelho, dispositivo, celular, maquina, computador, navegador, tablet",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.IP,
        "ip, ip address, network, internet connection",
        "ip, endereco ip, rede, conexao",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.CARD,
        "card, credit card, debit card, card number, pan, payment method",
        "cartao, cartao credito, cartao debito, numero cartao, meio pagamento",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.SELLER,
        "seller, vendor, shop, store, place?, merchant?",
        "vendedor, loja, lojista",
    ),
    Entry(
        Kind.IDENTIFIER,
        Identifier.PRODUCT,
        "product, item, sku, article, good",
        "produto, item, mercadoria, artigo",
    ),
)
EVENT_WORDS: Final = (
    Entry(
        Kind.EVENT,
        Event.ORDER,
        "order, purchase, bought, buy, transaction, ordered, purchased, shop?, before order",
        "pedido, antes pedido, compra, comprou, compram, comprar, transacao, encomenda",
    ),
    Entry(
        Kind.EVENT,
        Event.CHARGEBACK,
        "chargeback, charged back, charge back, dispute, disputed, contested, fraud, refund?, "
        "fraudulent, fraudster",
        "chargeback, estorno, estornado, contestacao, contestado, disputa, fraude, devolucao?, "
        "fraudulento, fraudador",
    ),
)
MEASURE_WORDS: Final = (
    Entry(
        Kind.MEASURE,
        Said.AMOUNT,
        "amount, money, value, spent, spend, spending, total, sum, worth, cent, sold, paid, pay, "
        "revenue, expensive, ticket",
        "valor, gasto, gasta, gastou, gastaram, gastar, dinheiro, total, soma, montante, centavo, "
        "reais, faturamento, vendido, pago, pagou, caro",
    ),
    Entry(
        Kind.MEASURE,
        Said.FIRST,
        "first, age, how long?, how long know, know, oldest, how old, first seen",
        "primeiro, primeira, primeira vez, idade, ha quanto tempo?, conhecemos, conhece, "
        "mais antigo",
    ),
    Entry(
        Kind.MEASURE,
        Said.LAST,
        "last, latest, most recent, time since?, day since?, second since?, previous",
        "ultimo, ultima, mais recente, dia desde?, tempo desde?, segundo desde?, anterior",
    ),
    Entry(
        Kind.MEASURE,
        Said.MEAN,
        "mean, average, avg, typical, usual, usually, normal, normally",
        "medio, media, ticket medio, habitual, tipico, usual, costuma, normal, normalmente",
    ),
    Entry(
        Kind.MEASURE,
        Said.UNUSUAL,
        "unusual, unusually, compared, relative, above, more expensive, atypical, outlier, usual?, "
        "usually?, higher",
        "incomum, atipico, acima, comparado, relacao, mais caro, fora normal, habitual?, costuma?",
    ),
    Entry(
        Kind.MEASURE,
        Said.SHARE,
        "share, rate, fraction, percentage, percent, proportion, ratio?, for each other order",
        "taxa, proporcao, percentual, porcentagem, parcela, fracao, indice, para cada outro pedido",
    ),
    Entry(
        Kind.MEASURE,
        Said.SPEED_UP,
        "burst, spike, sudden, suddenly, acceleration, faster, jump",
        "rajada, pico, aceleracao, repentino, repente, mais rapido",
    ),
    Entry(
        Kind.MEASURE,
        Said.QUOTIENT,
        "ratio, quotient, divided",
        "razao, quociente, dividido, por cada",
    ),
    Entry(
        Kind.MEASURE,
        Said.DIFFERENCE,
        "difference, minus, less, gap",
        "diferenca, menos",
    ),
)
ORDER_FEATURE_WORDS: Final = (
    Entry(Kind.ORDER_FEATURE, "amount_cents", "price, order amount?", "preco, valor pedido?"),
    Entry(
        Kind.ORDER_FEATURE,
        "local_hour",
        "local hour, time of day, hour of day, hour, night, nighttime",
        "hora do dia, hora, horario, madrugada, noite",
    ),
    Entry(
        Kind.ORDER_FEATURE,
        "local_weekday",
        "weekday, day of week, weekend, local weekday, sunday, monday",
        "dia da semana, fim de semana, final de semana, domingo, segunda feira",
    ),
    Entry(
        Kind.ORDER_FEATURE,
        "different_products",
        "basket, cart, shopping cart",
        "carrinho, cesta, sacola",
    ),
    Entry(
        Kind.ORDER_FEATURE,
        "email_domain_kind",
        "throwaway, throw away, disposable, temporary, mailbox, email domain, domain, free, gmail, "
        "hotmail, provider",
        "descartavel, temporario, dominio, provedor, gratuito, caixa postal, gratis",
    ),
    *(
        Entry(
            Kind.ORDER_FEATURE,
            f"{identifier}_valid",
            "valid, invalid, validity, check digit, exist?, malformed",
            "valido, invalido, validade, digito verificador, existe?, existir?, inexistente",
        )
        for identifier in ("document", "phone", "zip_code")
    ),
    Entry(
        Kind.ORDER_FEATURE,
        "document_is_company",
        "company, cnpj?, business?, legal entity, firm",
        "empresa, cnpj?, pessoa juridica, companhia, firma",
    ),
    Entry(
        Kind.ORDER_FEATURE,
        "phone_area_matches_zip_code",
        "area code, ddd, region, area, match, matches, agree, same city, same state",
        "ddd, regiao, area, codigo area, bate, combina, confere, mesma cidade, mesmo estado",
    ),
    Entry(
        Kind.ORDER_FEATURE,
        "merchant_history_days",
        "merchant?, merchant history, shop history, store history, history?",
        "loja?, lojista?, historico loja, historico?",
    ),
)
ENTRIES: Final = (
    *IDENTIFIER_WORDS,
    *EVENT_WORDS,
    *MEASURE_WORDS,
    *ORDER_FEATURE_WORDS,
    *ROLE_WORDS,
    *PAST_WORDS,
)
