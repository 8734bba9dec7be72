"""Values that stand for others: what an order feature says of the one, it says of them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Mask
from features_pkg.definitions.order_features import ValuePart
from features_pkg.identifiers import Identifier
from features_pkg.orders.normalising.emails import LONGEST_LOCAL_PART, PLAIN_LOCAL_PART
from features_pkg.orders.normalising.phones import MOBILE, assigned_mobile
from features_pkg.orders.normalising.zip_codes import CEP_OR_PREFIX


def stand_ins(part: ValuePart, column: pa.StringArray) -> pa.StringArray:
    """A column whose rows have the same features, and far fewer different values.

    A function is then asked a few times only. Here are the values that nearly all orders have; each
    of the others stands for itself, so that its rule has one place.
    """
    rule = _RULES.get(part)
    return column if rule is None else rule(column)


def _emails(column: pa.StringArray) -> pa.StringArray:
    """Of a short address with a plain local part, only the domain matters."""
    pattern = rf"^{PLAIN_LOCAL_PART.pattern}@([a-z0-9.-]*)$"
    is_short = pc.less_equal(pc.binary_length(column), LONGEST_LOCAL_PART)
    return pc.if_else(is_short, pc.replace_substring_regex(column, pattern, r"a@\1"), column)


def _documents(column: pa.StringArray) -> pa.StringArray:
    """One CPF with right check digits for all of them."""
    is_cpf = _matches(column, "[0-9]{11}")
    content = column.filter(pa.array(is_cpf)).cast(pa.binary()).cast(pa.binary(11)).buffers()[1]
    digits = np.frombuffer(content or b"", np.uint8, 11 * is_cpf.sum()).reshape(-1, 11) - 48
    digits = digits.astype(np.int32)
    first = -(digits[:, :9] @ np.arange(10, 1, -1)) % 11 % 10
    second = -(digits[:, :10] @ np.arange(11, 1, -1)) % 11 % 10
    right = (digits[:, 9] == first) & (digits[:, 10] == second)
    is_cpf[is_cpf] = right & (digits.min(axis=1) < digits.max(axis=1))
    return _first_for_all(column, is_cpf)


def _phones(column: pa.StringArray) -> pa.StringArray:
    """One assigned mobile number for all of them."""
    is_mobile = _matches(column, rf"\+55{MOBILE}")
    return _first_for_all(
        column, is_mobile & _matches(column, rf"\+55(?:{assigned_mobile().pattern})")
    )


def _zip_codes(column: pa.StringArray) -> pa.StringArray:
    """One CEP for all of them."""
    return _first_for_all(column, _matches(column, CEP_OR_PREFIX.pattern))


def _regions(column: pa.StringArray) -> pa.StringArray:
    """Of five digits only the first matters."""
    return pc.replace_substring_regex(column, r"^([0-9])[0-9]{4}$", r"\10000")


_RULES: Final[dict[ValuePart, Callable[[pa.StringArray], pa.StringArray]]] = {
    ValuePart(Identifier.EMAIL): _emails,
    ValuePart(Identifier.DOCUMENT): _documents,
    ValuePart(Identifier.PHONE): _phones,
    ValuePart(Identifier.ZIP_CODE): _zip_codes,
    ValuePart(Identifier.ZIP_CODE, 5): _regions,
}


def _matches(column: pa.StringArray, pattern: str) -> Mask:
    """Which rows match a pattern from end to end; null does not."""
    found = pc.fill_null(pc.match_substring_regex(column, f"^(?:{pattern})$"), fill_value=False)
    mask: Mask = found.to_numpy(zero_copy_only=False).copy()
    return mask


def _first_for_all(column: pa.StringArray, alike: Mask) -> pa.StringArray:
    """The first of the rows that are `alike` stands for all of them."""
    if not alike.any():
        return column
    return pc.if_else(pa.array(alike), column[int(alike.argmax())], column)
