"""What is wrong with a query, as far as can be told without running it.

Names of metrics, dimensions and actions must be declared in `shared.telemetry`; tables, columns and functions must be
known here; quotes and brackets must be balanced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.domain.batches.batch import Status
from shared.run.batches.survey import PAUSED, QUEUED
from shared.telemetry.actions import ACTIONS
from shared.telemetry.metrics import METRICS
from shared.telemetry.spans import LANE_SPAN, SPANS

COMMON = {"TimeGenerated", "Properties", "AppRoleInstance", "OperationId", "Type"}
TABLES = {
    "AppMetrics": COMMON | {"Name", "Sum", "Min", "Max", "ItemCount"},
    "AppTraces": COMMON | {"Message", "SeverityLevel"},
    "AppExceptions": COMMON | {"ExceptionType", "OuterMessage", "SeverityLevel", "Details"},
    "AppDependencies": COMMON | {"Name", "DurationMs", "Success", "ResultCode"},
    "AppRequests": COMMON | {"Name", "DurationMs", "Success", "ResultCode"},
}
_WORDS = (
    "where extend summarize project let and or by in order asc desc top union distinct print "  # operators
    "ago arg_max bin coalesce count countif dcount iff isnotempty matches max maxif min minif not percentile regex "
    "replace_regex round "
    "strcat sum sumif take_any todouble toint tolong tostring"
)
WORDS = frozenset(_WORDS.split())
VALUES = {  # column that a query made -> what it may be compared with
    "status": {*Status, PAUSED, QUEUED, "*"},
    "outcome": {"completed", "failed", "expired", "cancelled"},
    "type": {"input", "output"},
    "direction": {"upload", "result", "download"},
}
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ACTION = re.compile(r'Properties\["action"\]\)\s*(?:==|!=|in)\s*(\([^)]*\)|"[^"]*")')
_NAME = re.compile(r"\bName\s*(?:==|in)\s*(\([^)]*\)|\"[^\"]*\")")


def problems(query: str) -> list[str]:
    """One sentence for each; none for a query that may be right."""
    text = "\n".join(line for line in query.splitlines() if not line.lstrip().startswith("//"))
    return [*_balance(text), *_tables(text), *_names(text), *_dimensions(text), *_values(text), *_words(text)]


def _balance(text: str) -> Iterator[str]:
    if text.count('"') % 2:
        yield "a quote is not closed"
    bare, open_brackets = _STRING.sub('""', text), ""
    for sign in re.findall(r"[()\[\]]", bare):
        if sign in "([":
            open_brackets += sign
        elif not open_brackets or open_brackets[-1] + sign not in {"()", "[]"}:
            yield f"{sign} closes nothing"
        else:
            open_brackets = open_brackets[:-1]
    if open_brackets:
        yield f"{open_brackets} is not closed"


def tables(text: str) -> set[str]:
    """The tables a query reads."""
    bare = _STRING.sub('""', text)
    return set(re.findall(r"(?:^|[(,]|\bunion)\s*(App(?!Role)[A-Z]\w+)", bare, re.MULTILINE))


def _tables(text: str) -> Iterator[str]:
    read = tables(text)
    if not read:
        yield "it reads no table"
    yield from (f"no table is called {name}" for name in read - set(TABLES))


def _names(text: str) -> Iterator[str]:
    declared = {metric.name for metric in METRICS} | {LANE_SPAN.name}
    for name in _compared(_NAME, text):
        if name not in declared:
            yield f"no metric or span is called {name}"
    for action in _compared(_ACTION, text):
        if action not in ACTIONS:
            yield f"no log line has the action {action}"


def _compared(pattern: re.Pattern[str], text: str) -> set[str]:
    return {string for operand in pattern.findall(text) for string in _STRING.findall(operand)}


def _dimensions(text: str) -> Iterator[str]:
    known = _known_dimensions(text)
    for name in re.findall(r'Properties\["([^"]+)"\]', text):
        if name not in known:
            yield f"what it reads has no dimension {name}; it has {', '.join(sorted(known))}"
    if re.search(r"Properties(?!\[\")", text):
        yield 'a dimension is not written as Properties["name"]'


def _known_dimensions(text: str) -> set[str]:
    read, names = tables(text), _compared(_NAME, text)
    known: set[str] = set()
    if "AppMetrics" in read:
        known |= {each for metric in METRICS if metric.name in names or not names for each in metric.attributes}
    if "AppDependencies" in read:
        known |= {each for span in SPANS for each in span.attributes}
    if read & {"AppTraces", "AppExceptions"}:
        actions = _compared(_ACTION, text) or set(ACTIONS)
        known |= {"action", *(key for action in actions for key in ACTIONS.get(action, ()))}
    return known


def _values(text: str) -> Iterator[str]:
    for column, allowed in VALUES.items():
        for operand in re.findall(rf"\b{column}\s*(?:==|!=|in)\s*(\([^)]*\)|\"[^\"]*\")", text):
            yield from (f"{column} is never {value}" for value in set(_STRING.findall(operand)) - allowed)


def _words(text: str) -> Iterator[str]:
    """An identifier is a word of the language, a column of a table read, or one the query makes itself."""
    bare = _STRING.sub('""', text)
    made = set(re.findall(r"\b([a-z]\w*)\s*=(?!=|~)", bare))
    columns = {column for table in tables(text) for column in TABLES.get(table, ())}
    for word in dict.fromkeys(re.findall(r"(?<![\w.])[A-Za-z_]\w*", bare)):
        if word not in WORDS | made | columns | set(TABLES) | tables(text):
            yield f"{word} is neither a word of the language nor a column"
