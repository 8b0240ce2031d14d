"""What was said on the command line: which options a person gave, and the call as words that can be given again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

# What Typer raises for a wrong call is click's own class, or in later releases a copy of it that Typer carries.
WrongCall: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")

NOT_OF_THE_RESULT = ("out", "force")
"""Parameters that say where a result goes, and not what it is."""

OPTION_OF = {"margin": "margins", "group": "groups", "calls_of": "calls"}
"""What an option of the command line is called among `Options`, where the two differ."""


def given(context: typer.Context) -> tuple[str, ...]:
    """Return the parameters that were given, by their names among `Options`."""
    return tuple(OPTION_OF.get(name, name) for name in context.params if was_given(context, name))


def was_given(context: typer.Context, name: str) -> bool:
    """Return whether a parameter came from the command line and not from its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def words(context: typer.Context) -> tuple[str, ...]:
    """Return the call as its words, in one order however it was typed, without where the result goes."""
    said: list[str] = [str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        if name in NOT_OF_THE_RESULT or not was_given(context, name):
            continue
        said += words_of(parameter, context.params[name])
    return tuple(said)


def words_of(parameter: Any, value: Any) -> Sequence[str]:
    """Return the words of one parameter."""
    values = value if isinstance(value, list | tuple) else [value]
    if parameter.param_type_name == "argument":
        return [str(each) for each in values]
    if parameter.is_flag:
        return (
            [parameter.opts[0] if value else parameter.secondary_opts[0]] if value or parameter.secondary_opts else []
        )
    return [word for each in values for word in (parameter.opts[0], str(each))]
