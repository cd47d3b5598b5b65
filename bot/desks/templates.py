"""What a template of the itsm API has, against what the desk file names.

The description is read in the two shapes that are known: ``allowedFolders`` with ``folderCode``,
``attributes`` by their code, ``values`` of static ones; or lists of things with a ``code``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.desks.checking import Check, some
from bot.desks.configuration import ProfessionalTable
from bot.desks.web import text_of
from bot.text import visible

_CODES: Final = ("code", "templateCode", "folderCode")


def codes(listed: Any) -> dict[str, Mapping[str, Any]]:
    """Things by their code: a list of them, bare or wrapped, or an object that has them by it."""
    if isinstance(listed, Mapping):
        wrapped = next((value for value in listed.values() if isinstance(value, list)), None)
        if wrapped is None:
            return {str(c): item for c, item in listed.items() if isinstance(item, Mapping)}
        listed = wrapped
    found = {}
    for item in listed if isinstance(listed, list) else ():
        code = _code(item) if isinstance(item, Mapping) else ""
        if code:
            found[code] = item
    return found


def check_template(check: Check, table: ProfessionalTable, described: Any) -> None:
    """Tells ``check`` what ``described``, the template, lacks of what ``table`` names."""
    if not isinstance(described, Mapping):
        described = {}
    attributes = codes(described.get("attributes"))
    if not attributes:
        check.remark(
            "Matrix42 describes the template in a way that is not known: folder, attributes and "
            "values of the desk file could not be compared."
        )
        return
    problems = [
        *_missing_folder(table, codes(described.get("allowedFolders") or described.get("folders"))),
        *_missing_attributes(table, attributes),
        *_missing_values(table, attributes),
        *_demanded(table, attributes),
        *_wrong_kinds(table, attributes),
    ]
    for text in problems:
        check.missing(text)
    if not problems:
        check.done("Every folder, attribute and value of the desk file exists.")
    if not table.states:
        check.remark("states is empty: states are shown as Matrix42 names them.")
    values = _static_values(attributes.get(table.status, {}))
    labels = {text_of(value.get("value")) for value in values.values()}
    unknown = [code for code in table.states if values and code not in labels.union(values)]
    if unknown:
        check.remark(f"states: “{table.status}” has no {some(unknown)}. There are: {some(values)}.")


def _missing_folder(table: ProfessionalTable, folders: Mapping[str, Any]) -> Iterator[str]:
    if folders and table.folder not in folders:
        shown = visible(table.folder, 60)
        yield f"folder: the template has no folder “{shown}”. There are: {some(folders)}."


def _missing_attributes(table: ProfessionalTable, attributes: Mapping[str, Any]) -> Iterator[str]:
    used = {
        "subject": table.subject,
        "description": table.description,
        "status": table.status,
        "worklog": table.worklog,
        "attachment": table.attachment,
        **({"number": table.number} if table.number else {}),
        **{f"values.{name}": name for name in table.values},
        **{f"codes.{name}": name for name in table.codes},
    }
    absent = {setting: name for setting, name in used.items() if name not in attributes}
    for setting, name in absent.items():
        yield f"{setting}: the template has no attribute “{visible(name, 60)}”."
    if absent:
        yield f"The attributes of the template are: {some(attributes)}."


def _missing_values(
    table: ProfessionalTable, attributes: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Static values that the desk file names. An attribute that lists none may take any."""
    wanted = [(f"codes.{name}", name, code) for name, code in table.codes.items()]
    wanted += [(f"set_states.{s}", table.status, code) for s, code in table.set_states.items()]
    for setting, name, code in wanted:
        values = _static_values(attributes.get(name, {}))
        if values and code not in values:
            shown = f"“{visible(name, 60)}” has no value “{visible(code, 60)}”"
            yield f"{setting}: {shown}. There are: {some(values)}."


def _demanded(
    table: ProfessionalTable, attributes: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    given = {table.subject, table.description, *table.values, *table.codes}
    for code, attribute in attributes.items():
        if attribute.get("mandatory") is True and code not in given:
            yield f"The template demands “{visible(code, 60)}”, which no setting gives: add it to codes or values."


def _wrong_kinds(
    table: ProfessionalTable, attributes: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    attachment, shown = attributes.get(table.attachment, {}), visible(table.attachment, 60)
    if attachment.get("file") is False:
        yield f"attachment: “{shown}” is no attribute for files."
    elif attachment.get("multiValue") is False:
        yield f"attachment: “{shown}” holds one file: a second one would replace the first."
    kind, shown = attributes.get(table.worklog, {}).get("type"), visible(table.worklog, 60)
    if isinstance(kind, str) and "worklog" not in kind.lower():
        yield f"worklog: “{shown}” is no worklog, it is of the type {visible(kind, 40)}."


def _static_values(attribute: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return codes(attribute.get("values") or attribute.get("staticValues") or [])


def _code(item: Mapping[str, Any]) -> str:
    return next((str(item[name]) for name in _CODES if item.get(name)), "")
