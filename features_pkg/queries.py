"""The queries of `sql/queries`: one template each, for drivers with and without parameters.

What reads or writes events (orders, their products, chargebacks, evaluations) is a template there,
unless it is a line or two. Short statements about merchants, keys, loads, imports, locks and clocks
are beside the code that runs them.

A template never sees a value as text: every `{{ value }}` becomes a parameter or a quoted literal.
It may not contain a per cent sign, which psycopg would take for a parameter.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from jinja2.meta import find_referenced_templates, find_undeclared_variables
from jinjasql import JinjaSql
from markupsafe import Markup

from features_pkg.errors import FeatureError
from features_pkg.identifiers import SINGLE_VALUED


class QueryRefused(FeatureError):
    """A value that the template does not know: left out silently, it would be no filter at all."""

    def __init__(self, *, template: str, value: str, names: list[str]) -> None:
        super().__init__(f"{template} has no value {value!r}: it knows {', '.join(names)}")
        self.template, self.value, self.names = template, value, names


def with_parameters(name: str, values: Mapping[str, object]) -> tuple[str, dict[str, object]]:
    """The SQL of template `name` with `%(…)s` in it, and the values to execute it with.

    Raises QueryRefused for a value the template does not know. One that it needs and does not get
    stays undefined, which no driver takes for a value.
    """
    engine = _engine()
    template = _template(engine.env, name, values)
    sql, parameters = engine.prepare_query(template, dict(values))
    return str(sql), parameters


def with_literals(name: str, values: Mapping[str, object], quote: Callable[[object], str]) -> str:
    """The SQL of template `name` with each value written into it by `quote`.

    `quote` makes a safe literal of any value, as `stores.postgres.connection.quote` does. Raises as
    `with_parameters` does.
    """
    env = _environment()
    JinjaSql(env)  # adds the extension that binds every value
    env.filters["bind"] = lambda value, _name="": _literal(value, quote)
    env.filters["inclause"] = lambda values: _in_clause(values, quote)
    return _template(env, name, values).render(values)


@cache
def _engine() -> Any:
    return JinjaSql(_environment(), param_style="pyformat")


def _environment() -> Environment:
    env = Environment(
        loader=PackageLoader("sql", "queries"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals["single_valued"] = SINGLE_VALUED
    return env


def _template(env: Environment, name: str, values: Mapping[str, object]) -> Template:
    """The template of that name, once each of `values` is one that it knows."""
    names = _value_names(name)
    for value in values:
        if value not in names:
            raise QueryRefused(template=name, value=value, names=names)
    return env.get_template(f"{name}.sql.j2")


@cache
def _value_names(name: str) -> list[str]:
    """The names of the values that a template reads, itself or in the templates it includes."""
    env = cast(Environment, _engine().env)
    names: set[str] = set()
    files = [f"{name}.sql.j2"]
    while files:
        source, _, _ = cast(PackageLoader, env.loader).get_source(env, files.pop())
        tree = env.parse(source)
        names |= find_undeclared_variables(tree)
        files += [file for file in find_referenced_templates(tree) if file is not None]
    return sorted(names - env.globals.keys())


def _literal(value: object, quote: Callable[[object], str]) -> Markup:
    return value if isinstance(value, Markup) else Markup(quote(value))  # noqa: S704 (quoted)


def _in_clause(values: list[object], quote: Callable[[object], str]) -> Markup:
    return Markup("({})").format(Markup(",").join(_literal(value, quote) for value in values))
