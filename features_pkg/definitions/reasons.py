"""Why features matter in fraud, in sentences; which feature has which is in `reason_groups.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """Why features of a group tell fraud, in both languages, and what people call that."""

    english: str
    portuguese: str
    words: str
    """Phrases of both languages, with a comma between them."""


CARD_TESTING: Final = Reason(
    "Card testing: who has a list of stolen cards tries one after the other, from a single device, "
    "address, e-mail or account, or on a single cheap product.",
    "Teste de cartões: quem tem uma lista de cartões roubados experimenta um depois do outro, de "
    "um só aparelho, IP, e-mail ou conta, ou em um só produto barato.",
    "card testing, test card, try card, try, tried, testing, carding, bin attack, teste cartao, "
    "testa cartao, testam cartao, testar cartao, teste, testa, testam, testar, experimenta",
)
STOLEN_IDENTITY: Final = Reason(
    "Stolen identity: others order in a person's name, so one document or card appears with many "
    "addresses, cards, phones or people.",
    "Identidade roubada: outros compram em nome de uma pessoa, e um só documento ou cartão aparece "
    "com muitos endereços, cartões, telefones ou pessoas.",
    "stolen identity, identity theft, impersonation, identidade roubada, roubo identidade, "
    "falsidade ideologica, laranja",
)
RING: Final = Reason(
    "Ring: invented or stolen people share what is expensive to get, such as phones, devices and "
    "delivery addresses.",
    "Quadrilha: pessoas inventadas ou roubadas dividem o que é caro de conseguir, como telefones, "
    "aparelhos e endereços de entrega.",
    "ring, fraud ring, gang, farm, fake account, synthetic identity, shared, share, quadrilha, "
    "bando, conta falsa, compartilhado, compartilha, dividido",
)
TAKEOVER: Final = Reason(
    "Account takeover: an account in other hands shows up on new devices and networks.",
    "Conta invadida: uma conta em outras mãos aparece em aparelhos e redes novos.",
    "takeover, account takeover, taken over, hijacked, hacked, ato, invadida, invasao conta, "
    "conta invadida, conta roubada, tomada conta",
)
SELLER_IN_IT: Final = Reason(
    "A seller in it: stolen cards and invented people buy from the seller who takes part.",
    "Vendedor envolvido: cartões roubados e pessoas inventadas compram do vendedor que participa.",
    "collusion, colluding, fake seller, seller fraud, conluio, vendedor falso, vendedor envolvido",
)
SELLER_TO_SELLER: Final = Reason(
    "From seller to seller: a stolen card or identity goes around a marketplace, so that no seller "
    "alone sees much of it.",
    "De vendedor em vendedor: um cartão ou uma identidade roubada circula pelo marketplace, e "
    "nenhum vendedor vê muito sozinho.",
    "seller to seller, hopping, vendedor em vendedor, vendedor vendedor, varios vendedores",
)
BURST: Final = Reason(
    "Burst: a stolen card or account is used as often as possible before somebody blocks it.",
    "Rajada: um cartão ou uma conta roubada é usada tantas vezes quanto possível antes do "
    "bloqueio.",
    "burst, velocity, rajada, velocidade, sequencia",
)
CHARGED_BACK_AGAIN: Final = Reason(
    "Charged back again: fraud comes back to the cards, devices and addresses that it used before.",
    "Contestado de novo: a fraude volta aos cartões, aparelhos e endereços que já usou.",
    "repeat offender, charged back again, reincidente, reincidencia",
)
DROP: Final = Reason(
    "Drop: charged back orders of different cards, phones or people meet at one address, device or "
    "phone that the same fraudster stands behind.",
    "Ponto de fraude: pedidos contestados de cartões, telefones ou pessoas diferentes se encontram "
    "em um endereço, aparelho ou telefone do mesmo fraudador.",
    "drop, drop address, mule, ponto fraude, ponto entrega",
)
CASH_OUT: Final = Reason(
    "Cash-out: stolen cards and accounts are emptied in little time, so much money at once warns.",
    "Saque: cartões e contas roubadas são esvaziados em pouco tempo; muito dinheiro de uma vez é "
    "um aviso.",
    "cash out, cashing out, emptied, limit, saque, esvaziado, limite",
)
LOSS: Final = Reason(
    "Loss: it counts what was lost, since one chargeback of a telephone costs more than ten of a "
    "cable.",
    "Prejuízo: conta quanto se perdeu, porque um chargeback de um telefone custa mais que dez de "
    "um cabo.",
    "loss, lost, damage, prejuizo, perda, perdido",
)
NEWCOMER: Final = Reason(
    "Newcomer: fraud comes with what was never seen before; what is known for long is mostly "
    "honest.",
    "Novato: a fraude vem com o que nunca foi visto; o que se conhece há muito tempo costuma ser "
    "honesto.",
    "newcomer, never seen, unknown, first time buyer, novato, nunca visto, desconhecido, "
    "recem criado",
)
SILENCE: Final = Reason(
    "Silence: what wakes after a long time may be in other hands, and what was used seconds ago "
    "may be in a burst.",
    "Silêncio: o que acorda depois de muito tempo pode estar em outras mãos; o que foi usado há "
    "segundos pode estar em uma rajada.",
    "silence, silent, quiet, asleep, dormant, inactive, sleeping, silencio, quieto, inativo, "
    "parado, dormente",
)

UNUSUAL_AMOUNT: Final = Reason(
    "Unusual amount: a stolen card or account pays much more, or much less, than its owner usually "
    "does.",
    "Valor incomum: com um cartão ou uma conta roubada se paga muito mais, ou muito menos, do que "
    "o dono costuma pagar.",
    "unusual amount, out of pattern, out of character, fora padrao, valor incomum, valor atipico",
)
CHARGED_BACK_SHARE: Final = Reason(
    "Share charged back: ten chargebacks are many for a device and few for a large product, so "
    "they are compared with all orders.",
    "Taxa de chargeback: dez chargebacks são muitos para um aparelho e poucos para um produto "
    "grande; por isso se comparam com todos os pedidos.",
    "chargeback rate, fraud rate, dispute rate, taxa chargeback, taxa fraude, taxa contestacao",
)
SPEED_UP: Final = Reason(
    "Speed-up: it is the haste that warns, compared with how often the same card, device or CPF "
    "usually orders.",
    "Aceleração: o que avisa é a pressa, comparada com a frequência normal do mesmo cartão, "
    "aparelho ou CPF.",
    "speed up, spike, sudden burst, aceleracao, pico, rajada repentina",
)
SETTLED: Final = Reason(
    "Settled: a chargeback comes weeks after its order, so windows that end some days ago compare "
    "orders of which more is known by now.",
    "Maduro: um chargeback chega semanas depois do pedido; janelas que terminam alguns dias atrás "
    "comparam pedidos dos quais já se sabe mais.",
    "settled, mature, matured, known label, label delay, maduro, maturado, rotulo conhecido",
)

REASONS: Final = (
    CARD_TESTING,
    STOLEN_IDENTITY,
    RING,
    TAKEOVER,
    SELLER_IN_IT,
    SELLER_TO_SELLER,
    BURST,
    CHARGED_BACK_AGAIN,
    DROP,
    CASH_OUT,
    LOSS,
    NEWCOMER,
    SILENCE,
    UNUSUAL_AMOUNT,
    CHARGED_BACK_SHARE,
    SPEED_UP,
    SETTLED,
)
"""Those of velocities and derived features."""

ORDER_FEATURE_REASONS: Final = {
    "amount_cents": Reason(
        "Fraud buys what is easily sold again, and so has other amounts than honest customers.",
        "A fraude compra o que se revende fácil, e por isso tem outros valores que os clientes "
        "honestos.",
        "",
    ),
    "local_hour": Reason(
        "Fraud works at night, when nobody looks at the messages of a bank.",
        "A fraude trabalha de noite, quando ninguém olha as mensagens do banco.",
        "",
    ),
    "local_weekday": Reason(
        "Weekends have other customers, and nobody who reviews orders.",
        "Fins de semana têm outros clientes, e ninguém que revise pedidos.",
        "",
    ),
    "different_products": Reason(
        "A customer fills a basket; fraud takes the one thing that is easily sold again.",
        "Um cliente enche o carrinho; a fraude leva a única coisa que se revende fácil.",
        "",
    ),
    "email_domain_kind": Reason(
        "Throw-away mailboxes are made for one order, and a domain of its own costs money.",
        "Caixas descartáveis são feitas para um só pedido, e um domínio próprio custa dinheiro.",
        "",
    ),
    "document_valid": Reason(
        "An invented number rarely has the right check digits.",
        "Um número inventado raramente tem os dígitos verificadores corretos.",
        "",
    ),
    "document_is_company": Reason(
        "Companies buy other things and other amounts than people.",
        "Empresas compram outras coisas e outros valores que pessoas.",
        "",
    ),
    "phone_valid": Reason(
        "A number that can't exist was made up.",
        "Um número que não pode existir foi inventado.",
        "",
    ),
    "zip_code_valid": Reason(
        "A postal code that can't exist hides where the goods go.",
        "Um CEP que não pode existir esconde para onde vai a mercadoria.",
        "",
    ),
    "phone_area_matches_zip_code": Reason(
        "Who orders in a stolen name gives a phone of his own and an address elsewhere.",
        "Quem compra em nome roubado dá um telefone próprio e um endereço em outro lugar.",
        "",
    ),
    "merchant_history_days": Reason(
        "At a merchant known for few days everybody is new, and new says little.",
        "Em uma loja conhecida há poucos dias todos são novos, e ser novo diz pouco.",
        "",
    ),
}
