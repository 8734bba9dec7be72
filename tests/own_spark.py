"""In the tests' own process Spark is the fixture's: a test that takes it fails, by its name."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REMEDY: Final = "run what needs a Spark of its own in a subprocess, or hand it the fixture's"
SHARED: Final = pytest.StashKey[bool]()
"""Whether the fixture has started its Spark, from its setup on."""


@contextmanager
def shared(spark: "SparkSession") -> Iterator[None]:
    """Inside, nobody in this process gets a session from the builder, and nobody stops this one."""

    def refuse(*_: Any) -> NoReturn:
        pytest.fail(f"this test would take the Spark of the other tests: {REMEDY}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(spark.builder), "getOrCreate", refuse)
        patch.setattr(type(spark), "stop", refuse)
        yield


def end_of_a_stranger() -> bool:
    """Whether a Spark was started in this process; its Java is ended, so the fixture's is new."""
    module: Any = sys.modules.get("pyspark.core.context")
    if module is None or module.SparkContext._gateway is None:
        return False
    gateway, context = module.SparkContext._gateway, module.SparkContext._active_spark_context
    if context is not None:
        context.stop()
    gateway.shutdown()
    module.SparkContext._gateway = module.SparkContext._jvm = None
    return True
