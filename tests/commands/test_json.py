"""``--json`` keeps its contract, and its schema describes what is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bot.report import Report
from tests.support.authority import make_root
from tests.support.program import whichroot
from tests.support.servers import closing, raw_server, server_context, tls_server

#: What others build on: these keys stay.
CONTRACT = {
    *("target", "verdict", "recommended", "options", "request_text", "presented"),
    *("findings", "timings_ms"),
}


async def reports(tmp_path: Path) -> list[Any]:
    """A report of each verdict, with a client certificate, a missing issuer and what is installed."""
    root = make_root("Corp Root CA")
    (tmp_path / "root.pem").write_bytes(root.pem)
    company: Any = {"WHICHROOT_COMPANY_ROOTS": str(tmp_path)}
    found = []

    async def check(*arguments: str, **settings: Any) -> None:
        run = await whichroot("check", "--json", *arguments, **settings)
        found.append(run.json)

    context = server_context([root.leaf("127.0.0.1")], client_cas=[root])
    async with tls_server(context) as server:
        installed = str(tmp_path / "root.pem")
        await check(server.address, "--installed", installed, **company)
        await check(server.address)
    async with tls_server([root.leaf("127.0.0.1"), root]) as server:
        await check(server.address)
    async with raw_server(closing) as server:
        await check(server.address)
    await check("not a host")
    return found


async def test_reports_hold_to_the_contract_and_the_schema(tmp_path: Path) -> None:
    schema = (await whichroot("check", "--json-schema")).json
    adapter = TypeAdapter(Report)
    found = await reports(tmp_path)
    verdicts = [report["verdict"] for report in found]
    assert verdicts == ["validated", "not_found", "unproven", "unreachable", "refused"]
    for report in found:
        assert report.keys() >= CONTRACT
        conforms(report, schema, schema)
        # What is printed can be read back to the very report.
        assert json.loads(adapter.validate_python(report, strict=False).to_json()) == report


async def test_the_parts_of_a_report_have_the_keys_of_the_contract(tmp_path: Path) -> None:
    validated, missing, *_ = await reports(tmp_path)
    assert validated["target"].keys() >= {"input", "host", "port", "protocol"}
    option = validated["recommended"]
    assert option in validated["options"]
    assert option["option"] == "root"
    assert option["certificates"][0].keys() >= {
        *("subject", "issuer", "serial", "sha256", "not_before", "not_after", "source", "pem")
    }
    assert list(option["predictions"]) == ["11", "17", "21", "25"]
    for prediction in option["predictions"].values():
        assert prediction == {"accepted": True, "message": None}
    presented = validated["presented"][0]
    assert presented.keys() >= {"address", "tls", "chain", "client_certificate", "error"}
    assert presented["chain"][0].startswith("-----BEGIN CERTIFICATE-----\n")
    for finding in missing["findings"]:
        assert finding.keys() >= {"code", "severity", "message", "remedy", "source"}
        assert finding["severity"] in ("error", "warning", "info")
    assert missing["recommended"] is None
    assert "base64 encoded PEM" in missing["request_text"]
    assert {"connect", "handshake", "analysis", "total"} <= validated["timings_ms"].keys()


async def test_the_schema_explains_every_key() -> None:
    schema = (await whichroot("check", "--json-schema")).json
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for model in (schema, *schema["$defs"].values()):
        for name, described in model["properties"].items():
            # What a model says of itself is not repeated where it is used.
            model_used = described.get("$ref", "").rpartition("/")[2]
            explained = {**schema["$defs"].get(model_used, {}), **described}
            assert explained.get("description"), name
        assert set(model["required"]) == set(model["properties"])


async def test_one_host_is_indented_and_many_are_a_line_each() -> None:
    one = await whichroot("check", "--json", "x y z")
    many = await whichroot("check", "--json", "x y z", "a b c")
    assert len(one.output.splitlines()) > 10
    assert len(many.output.splitlines()) == 2
    assert one.output.isascii()


def conforms(value: Any, schema: Any, root: Any) -> None:
    """Asserts that ``value`` is as ``schema`` says, by the keywords that the report's schema uses."""
    known = {
        *("$ref", "$schema", "$defs", "anyOf", "type", "enum", "properties", "required", "items"),
        *("additionalProperties", "description", "title"),
    }
    assert schema.keys() <= known, schema.keys() - known
    if reference := schema.get("$ref"):
        conforms(value, root["$defs"][reference.rpartition("/")[2]], root)
    if choices := schema.get("anyOf"):
        assert any(_conforms(value, choice, root) for choice in choices), value
    if kind := schema.get("type"):
        types: dict[str, Any] = {
            "object": dict, "array": list, "string": str, "integer": int,
            "number": (int, float), "boolean": bool, "null": type(None),
        }  # fmt: skip
        assert isinstance(value, types[kind]), value
        assert kind == "boolean" or not isinstance(value, bool)
    if allowed := schema.get("enum"):
        assert value in allowed
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        assert set(schema.get("required", ())) <= value.keys()
        for name, item in value.items():
            rest = schema.get("additionalProperties")
            if name in properties:
                conforms(item, properties[name], root)
            elif rest:
                conforms(item, rest, root)
            else:
                assert not properties, f"{name} is in no schema"
    if isinstance(value, list) and "items" in schema:
        for item in value:
            conforms(item, schema["items"], root)


def _conforms(value: Any, schema: Any, root: Any) -> bool:
    try:
        conforms(value, schema, root)
    except AssertionError:
        return False
    return True
