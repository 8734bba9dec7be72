"""Prints a CSV file as a shop might export it: the made-up orders of `your-own-orders.md`.

    python docs/shop_export.py > pedidos.csv

4,000 orders of 360 days, the last of them two days before today. Two of the rows are wrong, so that
one sees what an import says of them. It needs no package; the same day gives the same file.
"""

import csv
import random
import sys
from datetime import UTC, datetime, timedelta

HEADER = (
    "pedido", "criado_em", "valor", "cliente", "cpf", "email", "cep", "aparelho", "cartao",
    "loja_fisica", "estornado_em",
)  # fmt: skip
ORDERS, DAYS = 4_000, 360
CUSTOMERS, FRAUDSTERS = 400, 20
REPORTED_AFTER = timedelta(days=14)
"""A chargeback comes weeks after its order; here always as many."""


def main() -> None:
    """Print the file."""
    draw = random.Random(2018)  # noqa: S311  nothing is secret here
    last_day = datetime.now(UTC).replace(hour=0, minute=0, second=0) - timedelta(days=2)
    first_second = last_day - timedelta(days=DAYS)
    seconds = sorted(draw.randrange(DAYS * 86_400) for _ in range(ORDERS))
    rows = csv.writer(sys.stdout, delimiter=";", lineterminator="\n")
    rows.writerow(HEADER)
    for number, second in enumerate(seconds, 1):
        at = first_second + timedelta(seconds=second)
        is_fraudster = draw.random() < 0.06
        customer = draw.randrange(FRAUDSTERS if is_fraudster else CUSTOMERS)
        is_fraud = draw.random() < (0.9 if is_fraudster else 0.01)
        reported_at = at + REPORTED_AFTER
        rows.writerow(
            (
                f"P-{number:05}",
                at.strftime("%d/%m/%Y %H:%M" if number == 1_700 else "%Y-%m-%d %H:%M:%S"),
                "" if number == 2_900 else in_reais(draw.randrange(1_500, 250_000)),
                f"cliente-{customer:03}",
                cpf(100_000_000 + 7_654_321 * customer % 800_000_000),
                f"cliente{customer:03}@exemplo.com.br",
                f"{1_000 + 37 * customer:05}-{customer % 1_000:03}",
                f"aparelho-{customer:03}",
                f"tok_{customer:03}",
                "",
                f"{reported_at:%Y-%m-%d}" if is_fraud and reported_at < last_day else "",
            )
        )


def in_reais(cents: int) -> str:
    """An amount as it is written in Brazil, such as 1.234,90."""
    return f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"


def cpf(number: int) -> str:
    """The CPF with these first nine digits, with its two check digits."""
    digits = [int(digit) for digit in f"{number:09}"]
    for _ in range(2):
        total = sum(place * digit for place, digit in enumerate(reversed(digits), 2))
        digits.append(total * 10 % 11 % 10)
    text = "".join(map(str, digits))
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


if __name__ == "__main__":
    main()
