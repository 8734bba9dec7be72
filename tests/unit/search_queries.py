"""Queries and the features they mean, written down before the search that they test.

Where a query says no window, the feature of any window of the catalogue is meant (`*`), and one of
those must be among the first hits.
"""

REQUIRED = {
    "how often did this device try cards in the last hour": "device_distinct_card_orders_1h_recent",
    # Whether this CPF ever ordered to this CEP is a question about a pair, and no timeline keeps
    # pairs. The count of its CEPs is what the catalogue has for it.
    "new address for a known CPF": "document_distinct_zip_code_orders_*",
    "phones shared by many people": "phone_distinct_document_orders_*",
    "CEP with chargebacks": "zip_code_chargebacks_*",
    "how long do we know this card": "card_first_order_age_seconds",
    "money spent by this user in a month": "user_amount_cents_orders_30d_distant",
    "many users on one device": "device_distinct_user_orders_ever_distant",
    "card used in many places": "card_distinct_zip_code_orders_*",
    "orders from this IP in ten minutes": "ip_orders_10m_recent",
    "chargebacks on this product": "product_chargebacks_*",
    "quantos cartões diferentes neste aparelho": "device_distinct_card_orders_*",
    "CPF em muitos CEPs": "document_distinct_zip_code_orders_*",
    "telefone usado por vários CPFs": "phone_distinct_document_orders_*",
    "valor gasto no cartão em 24 horas": "card_amount_cents_orders_24h_recent",
    "quando este e-mail comprou pela primeira vez": "email_first_order_age_seconds",
    "chargebacks neste CEP": "zip_code_chargebacks_*",
    "pedidos do mesmo IP em uma hora": "ip_orders_1h_recent",
    "aparelho novo do usuário": "user_distinct_device_orders_*",
    "dias desde o último pedido do documento": "document_last_order_age_seconds",
    "produto que muitos cartões compram": "product_distinct_card_orders_1h_recent",
}
"""What the search was asked to find."""

HELD_OUT = {
    "total amount sold by this seller in the last 30 days": (
        "seller_amount_cents_orders_30d_distant"
    ),
    "time since the customer's last purchase": "user_last_order_age_seconds",
    "stolen identity shipped to several postcodes within a week": (
        "document_distinct_zip_code_orders_7d_distant"
    ),
    "account used from different IP addresses": "user_distinct_ip_orders_*",
    "card testing from one IP": "ip_distinct_card_orders_*",
    "is the phone number from the same region as the CEP": "phone_area_matches_zip_code",
    "throwaway email": "email_domain_kind",
    "time of day of the purchase": "local_hour",
    "disputes of this card ever": "card_chargebacks_ever_distant",
    "age of the e-mail address": "email_first_order_age_seconds",
    "cards charged back at this address in 90 days": (
        "zip_code_distinct_card_chargebacks_90d_distant"
    ),
    "buyer who goes from seller to seller": "document_distinct_seller_orders_24h_recent",
    "orders of this seller today": "seller_orders_since_cutoff_recent",
    "amount lost to chargebacks on this card": "card_amount_cents_chargebacks_ever_distant",
    "invalid CPF": "document_valid",
    "is the buyer a company": "document_is_company",
    "number of different items in the basket": "different_products",
    "quantas contas neste celular": "device_distinct_user_orders_ever_distant",
    "compras com este e-mail nos últimos 7 dias": "email_orders_7d_distant",
    "contestações do vendedor no último mês": "seller_chargebacks_30d_distant",
    "valor total gasto por CPF em um mês": "document_amount_cents_orders_30d_distant",
    "há quanto tempo conhecemos este usuário": "user_first_order_age_seconds",
    "dia da semana": "local_weekday",
    "cartão usado por vários CPFs": "card_distinct_document_orders_*",
    "estornos no telefone": "phone_chargebacks_*",
    "várias pessoas no mesmo endereço": "zip_code_distinct_document_orders_*",
    "e-mails que testam cartões": "email_distinct_card_orders_*",
    "último chargeback do cartão": "card_last_chargeback_age_seconds",
    "pedidos deste produto nos últimos 10 minutos": "product_orders_10m_recent",
    "quantos produtos diferentes o CPF comprou em 30 dias": (
        "document_distinct_product_orders_30d_distant"
    ),
    "quanto este aparelho gastou hoje": "device_amount_cents_orders_24h_recent",
    "vendedor com muitos cartões": "seller_distinct_card_orders_*",
}
"""Queries by which the search was not tuned: written first, tried last."""

HELD_OUT_DERIVED = {
    "mean amount of this card in 30 days": "card_mean_amount_cents_orders_30d_distant",
    "share charged back on this device": "device_chargeback_share_*",
    "usual amount of this card": "*card_mean_amount*",
    "is this order more expensive than what the card usually pays": "amount_to_card_mean_amount_*",
    "valor médio dos pedidos do documento": "document_mean_amount_cents_orders_*",
    "taxa de chargeback do CEP": "zip_code_chargeback_share_*",
}
"""The same for derived features."""

HELD_OUT_DELAYED = {
    # Written for a card, of which the catalogue has no such chargebacks.
    "chargebacks on this device more than a week ago": "device_chargebacks_*_delay_7d_distant",
    "pedidos do aparelho em 30 dias, com 7 dias de atraso": "device_orders_30d_delay_7d_distant",
}
"""The same for windows with a delay."""

LATER = {
    "devices shared by many documents within an hour": "device_distinct_document_orders_24h_recent",
    "how many times was this credit card used today": "card_orders_*",
    "customer shops with lots of different cards": "user_distinct_card_orders_*",
    "goods delivered to the same house for different people": "zip_code_distinct_document_orders_*",
    "spending of this taxpayer over the past day": "document_amount_cents_orders_24h_recent",
    "has this card been charged back before": "card_*chargeback*",
    "account that was quiet for a long time": "user_last_order_age_seconds",
    "brand new email": "email_first_order_age_seconds",
    "gmail or company domain": "email_domain_kind",
    "night orders": "local_hour",
    "sales of this item in the last ten minutes": "product_orders_10m_recent",
    "seller that many stolen cards buy from": "seller_distinct_card_orders_*",
    "logins from several networks": "user_distinct_ip_orders_*",
    "quantas vezes o cartão passou na última hora": "card_orders_1h_recent",
    "mesmo CPF com vários telefones": "document_distinct_phone_orders_*",
    "cartões clonados neste dispositivo": "device_distinct_card_orders_*",
    "endereço de entrega nunca visto": "zip_code_first_order_age_seconds",
    "DDD não bate com o CEP": "phone_area_matches_zip_code",
    "prejuízo com chargeback neste endereço em 3 meses": (
        "zip_code_amount_cents_chargebacks_90d_distant"
    ),
    "quanto o cliente já gastou nos últimos trinta dias": "user_amount_cents_orders_30d_distant",
    "faz quanto tempo que o CPF comprou pela última vez": "document_last_order_age_seconds",
    "conta acessada de aparelhos diferentes": "user_distinct_device_orders_*",
    "quantos itens no carrinho": "different_products",
    "loja nova, sem histórico": "merchant_history_days",
}
"""Queries that were written when the lexicon was finished."""

MENDED = {
    "card with a history of chargebacks": "card_chargebacks_*",
    "chargebacks da loja": "seller_chargebacks_*",
    "how long is this merchant known": "merchant_history_days",
    "does this CPF exist": "document_valid",
    "orders per hour": "*_orders_1h_recent",
    "fraudadores no mesmo endereço": "zip_code_chargebacks_*",
    "ticket": "amount_cents",
}
"""Queries that were not found at first."""
