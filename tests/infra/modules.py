"""Calls of modules: the file is there, it gets what it asks for and nothing else, and gives what is taken from it."""

from __future__ import annotations

import re

from tests.infra.bicep_tree import BicepFile, Declaration, named, properties, read, text_of, walk


def module_problems(file: BicepFile) -> list[str]:
    problems = []
    for call in file.of("module"):
        path = file.path.parent / call.source
        if not path.is_file():
            problems.append(f"{file.path.name}:{call.line}: there is no module {call.source}")
            continue
        module = read(path)
        problems += [f"{file.path.name}:{call.line}: {each}" for each in _parameters(file, call, module)]
        problems += [f"{file.path.name}: {each}" for each in _outputs(file, call, module)]
    return problems


def import_problems(file: BicepFile) -> list[str]:
    """What is imported is exported where it is taken from."""
    problems = []
    for node in named(file.root):
        if node.type == "import_functionality":
            *names, source = (text_of(child).strip("'") for child in named(node))
            path = file.path.parent / source
            exported = (
                {each.name for each in read(path).declarations if "export" in each.decorators}
                if path.is_file()
                else set()
            )
            problems += [f"{file.at(node)}: {source} exports no {name}" for name in names if name not in exported]
    return problems


def is_required(parameter: Declaration) -> bool:
    """It has a type and no default, and its type is not nullable."""
    return len(parameter.parts) == 1 and not text_of(parameter.parts[0]).endswith("?")


def _parameters(file: BicepFile, call: Declaration, module: BicepFile) -> list[str]:
    given = properties(call.properties["params"]) if "params" in call.properties else {}
    declared = {each.name: each for each in module.of("param")}
    missing = [name for name, each in declared.items() if is_required(each) and name not in given]
    secure = {each.name for each in file.of("param") if "secure" in each.decorators}
    leaks = [
        name
        for name, node in given.items()
        if name in declared and "secure" not in declared[name].decorators
        if secure & {text_of(part) for part in walk(node) if part.type == "identifier"}
    ]
    return (
        [f"{call.source} needs {name}" for name in missing]
        + [f"{call.source} has no parameter {name}" for name in given if name not in declared]
        + [f"{call.source} takes a secret as {name}, which is not @secure()" for name in leaks]
    )


def _outputs(file: BicepFile, call: Declaration, module: BicepFile) -> list[str]:
    used = set(re.findall(rf"\b{call.name}!?\.outputs\.(\w+)", file.text))
    return [f"{call.source} puts out no {name}" for name in sorted(used - {each.name for each in module.of("output")})]
