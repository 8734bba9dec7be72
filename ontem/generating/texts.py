"""The texts of entities: valid CPFs and CNPJs, CEPs and phones of one area, the rest made up."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from ontem.generating.drafts import Registry


class Area(NamedTuple):
    """A telephone area, its first and last CEP (as prefixes), and its share of customers."""

    code: int
    first_cep: int
    last_cep: int
    share: float


AREAS: Final = (
    Area(11, 1000, 9999, 0.30), Area(19, 13000, 13999, 0.07), Area(12, 12200, 12999, 0.03),
    Area(21, 20000, 26600, 0.13), Area(27, 29000, 29999, 0.03), Area(31, 30000, 34999, 0.09),
    Area(71, 40000, 42599, 0.05), Area(81, 50000, 54999, 0.05), Area(85, 60000, 61999, 0.04),
    Area(91, 66000, 68899, 0.02), Area(61, 70000, 72799, 0.04), Area(62, 74000, 76799, 0.03),
    Area(41, 80000, 83800, 0.05), Area(48, 88000, 88999, 0.03), Area(51, 90000, 94999, 0.04),
)  # fmt: skip
SHARES: Final = np.array([area.share for area in AREAS])
FIRST: Final = (
    "ana", "antonio", "bruna", "bruno", "camila", "carlos", "carla", "daniel", "debora", "diego",
    "eduardo", "elaine", "fabio", "felipe", "fernanda", "gabriel", "gustavo", "helena", "igor",
    "isabela", "joao", "jorge", "julia", "juliana", "larissa", "leandro", "lucas", "luana",
    "luiz", "marcelo", "marcia", "maria", "mariana", "mateus", "paula", "paulo", "pedro",
    "rafael", "renata", "ricardo", "rodrigo", "sandra", "sergio", "sofia", "thiago", "vanessa",
    "vinicius", "vitor",
)  # fmt: skip
LAST: Final = (
    "almeida", "alves", "andrade", "araujo", "barbosa", "batista", "borges", "campos", "cardoso",
    "carvalho", "castro", "costa", "cunha", "dias", "duarte", "ferreira", "freitas", "garcia",
    "gomes", "goncalves", "lima", "lopes", "machado", "marques", "martins", "melo", "mendes",
    "monteiro", "moraes", "moreira", "nascimento", "nunes", "oliveira", "pereira", "pinto",
    "ramos", "ribeiro", "rocha", "rodrigues", "santana", "santos", "silva", "soares", "souza",
    "teixeira", "vieira",
)  # fmt: skip
DOMAINS: Final = (
    ("gmail.com", 0.46), ("hotmail.com", 0.16), ("outlook.com", 0.08), ("yahoo.com.br", 0.09),
    ("icloud.com", 0.05), ("uol.com.br", 0.04), ("bol.com.br", 0.03), ("terra.com.br", 0.02),
    ("empresa-exemplo.com.br", 0.03), ("loja-exemplo.com.br", 0.02), ("mailinator.com", 0.02),
)  # fmt: skip
COMPANIES: Final = 0.03
MISTYPED: Final = 0.012
"""The share of documents with a wrong check digit: mistyped or invented."""


def entity_texts(registry: Registry, rng: np.random.Generator) -> dict[str, pa.Array]:
    """By identifier the text of every entity, in the order of their numbers."""
    size, seed = registry.counts, int(rng.integers(1, 10**6))
    phone_areas = np.concatenate(registry.areas["phone"])
    zip_areas = np.concatenate(registry.areas["zip_code"])
    return {
        "user": _array(f"u{n:010d}" for n in _scattered(size["user"], 10**10, seed)),
        "document": _documents(size["document"], rng, seed),
        "email": _emails(size["email"], rng),
        "phone": _phones(phone_areas, seed),
        "zip_code": _zip_codes(zip_areas, rng),
        "device": _array(f"{n:016x}" for n in _scattered(size["device"], 2**62, seed)),
        "ip": _array(_ip(n) for n in _scattered(size["ip"], 2**30, seed)),
        "card": _array(f"tok_{n:016x}" for n in _scattered(size["card"], 2**61, seed)),
        "seller": _array(f"s{n:08d}" for n in _scattered(size["seller"], 10**8, seed)),
    }


def _scattered(count: int, modulus: int, seed: int) -> list[int]:
    """`count` different numbers below `modulus`, far apart.

    Steps of one size, which has no divisor in common with `modulus`: so each number comes once
    before any comes again.
    """
    step = int(modulus * 0.6180339887) + seed
    while math.gcd(step, modulus) != 1:
        step += 1
    return [(seed * 7_654_321 + n * step) % modulus for n in range(count)]


def _array(values: object) -> pa.Array:
    return pa.array(values, pa.string())


def _documents(count: int, rng: np.random.Generator, seed: int) -> pa.Array:
    """CPFs and some CNPJs, a few of them with a wrong last check digit."""
    base = np.array(_scattered(count, 10**9, seed), dtype=np.int64)
    is_company = rng.random(count) < COMPANIES
    wrong = (rng.random(count) < MISTYPED).astype(np.int64)
    digits = base[:, None] // 10 ** np.arange(8, -1, -1, dtype=np.int64) % 10
    cpf = _with_checks(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2), wrong)
    branch = np.broadcast_to(np.array([0, 0, 1]), (count, 3))
    cnpj_base = np.concatenate([digits, branch], axis=1)[:, :12]
    cnpj = _with_checks(cnpj_base, (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2), wrong)
    rows = zip(cpf.tolist(), cnpj.tolist(), is_company.tolist(), strict=True)
    return _array(f"{b:014d}" if company else f"{a:011d}" for a, b, company in rows)


def _with_checks(digits: Ints, weights: tuple[int, ...], wrong: Ints) -> Ints:
    """The numbers with their two check digits (modulo 11); `wrong` is added to the last one."""
    first = _check(digits, np.array(weights))
    more = weights[0] + 1
    second = _check(np.column_stack([digits, first]), np.array((more, *weights)))
    whole = np.column_stack([digits, first, (second + wrong) % 10])
    number: Ints = whole @ 10 ** np.arange(whole.shape[1] - 1, -1, -1, dtype=np.int64)
    return number


def _check(digits: Ints, weights: Ints) -> Ints:
    rest = (digits * weights).sum(axis=1) % 11
    return np.where(rest < 2, 0, 11 - rest)


def _emails(count: int, rng: np.random.Generator) -> pa.Array:
    first, last = rng.integers(len(FIRST), size=count), rng.integers(len(LAST), size=count)
    domain = rng.choice(len(DOMAINS), size=count, p=[share for _, share in DOMAINS])
    parts = zip(first.tolist(), last.tolist(), domain.tolist(), range(count), strict=True)
    return _array(f"{FIRST[a]}.{LAST[b]}{n}@{DOMAINS[c][0]}" for a, b, c, n in parts)


def _phones(areas: Ints, seed: int) -> pa.Array:
    codes = [AREAS[area].code for area in areas.tolist()]
    numbers = _scattered(len(codes), 3 * 10**7, seed)
    return _array(f"+55{code}9{60_000_000 + n}" for code, n in zip(codes, numbers, strict=True))


def _zip_codes(areas: Ints, rng: np.random.Generator) -> pa.Array:
    """CEPs of these areas; two entities may get the same one by chance, as two houses have."""
    first = np.array([area.first_cep for area in AREAS])[areas]
    last = np.array([area.last_cep for area in AREAS])[areas]
    prefix = first + (rng.random(len(areas)) * (last - first + 1)).astype(np.int64)
    suffix = rng.integers(0, 1000, size=len(areas))
    return _array(f"{n:08d}" for n in (prefix * 1000 + suffix).tolist())


def _ip(number: int) -> str:
    """An address in 128.0.0.0/2; a home router gives out none from there."""
    value = 2**31 + number
    return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"
