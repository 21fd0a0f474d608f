#!/usr/bin/env python3
"""Checks the golden vectors in tests/vectors/ with second implementations: cbor2, blake3 (both PyPI) and hashlib.

    python3 -m venv .venv && .venv/bin/pip install cbor2 blake3 && .venv/bin/python scripts/crosscheck_vectors.py

Nothing of this project is imported: the JSON projection (core/base/jcs.ts) is written here a second time from its
description. Prints one line per group; exits with 1 and names every vector that differs.
"""
import base64
import hashlib
import json
import re
import sys
from pathlib import Path

import cbor2
from blake3 import blake3

VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors"
problems: list[str] = []


def load(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def expect(found, wanted, what: str) -> None:
    if found != wanted:
        problems.append(f"{what}\n  wanted {wanted}\n  found  {found}")


def from_json(value):
    """The projection, read: $bytes, $int, one dollar taken off other keys that begin with one."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["$bytes"]:
        text = value["$bytes"]
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if list(value) == ["$int"]:
        return int(value["$int"])
    return {key[1:] if key.startswith("$") else key: from_json(item) for key, item in value.items()}


def to_json(value):
    """The projection, written."""
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return {"$bytes": base64.urlsafe_b64encode(value).decode().rstrip("=")}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53 - 1:
        return {"$int": str(value)}
    if isinstance(value, dict):
        return {("$" + key if key.startswith("$") else key): to_json(item) for key, item in value.items()}
    return value


def jcs(value) -> str:
    """RFC 8785 for text, integers and floats that Python and ECMAScript spell alike: keys by UTF-16 units."""

    def ordered(item):
        if isinstance(item, list):
            return [ordered(each) for each in item]
        if isinstance(item, dict):
            return {key: ordered(item[key]) for key in sorted(item, key=lambda key: key.encode("utf-16-be"))}
        return item

    return json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":"))


def check_cbor() -> int:
    cases = load(VECTORS / "cbor.json")["cases"]
    for case in cases:
        wire = bytes.fromhex(case["hex"])
        expect(cbor2.dumps(from_json(case["json"]), canonical=True).hex(), case["hex"], "cbor.json: encoding")
        expect(to_json(cbor2.loads(wire)), case["json"], f"cbor.json: decoding {case['hex']}")
    return len(cases)


def check_blake3() -> int:
    cases = load(VECTORS / "blake3.json")["cases"]
    for case in cases:
        data = bytes(i % 251 for i in range(case["length"]))
        expect(blake3(data).hexdigest(), case["hash"], f"blake3.json: length {case['length']}")
    return len(cases)


def check_sha2() -> int:
    cases = load(VECTORS / "sha2.json")["cases"]
    for case in cases:
        data = (case["text"] * case["times"]).encode()
        for name in ("sha256", "sha512"):
            expect(hashlib.new(name, data).hexdigest(), case[name], f"sha2.json: {name} of {len(data)} bytes")
    return len(cases)


MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}")


def artifact(value, wire: bytes) -> str:
    """The OCI manifest of a package, from the description in docs/guides/oci-packages.md."""

    def media_type(entry) -> str:
        given = entry["media_type"]
        return given if given is not None and MEDIA_TYPE.fullmatch(given) else "application/octet-stream"

    return jcs(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.artifactstore.package.v1",
            "config": {
                "mediaType": "application/vnd.artifactstore.package.manifest.v1+cbor",
                "digest": "sha256:" + hashlib.sha256(wire).hexdigest(),
                "size": len(wire),
            },
            "layers": [
                {
                    "mediaType": media_type(entry),
                    "digest": "sha256:" + entry["digests"]["sha256"],
                    "size": entry["size"],
                    "annotations": {"org.opencontainers.image.title": entry["path"]},
                }
                for entry in value["files"]
                if entry["kind"] == "file"
            ],
        }
    )


def check_manifests() -> int:
    paths = sorted((VECTORS / "manifest").glob("*.json"))
    for path in paths:
        golden = load(path)
        wire = bytes.fromhex(golden["cbor"])
        value = cbor2.loads(wire)
        expect(cbor2.dumps(value, canonical=True).hex(), golden["cbor"], f"{path.name}: decode and encode")
        expect(
            cbor2.dumps(from_json(json.loads(golden["jcs"])), canonical=True).hex(),
            golden["cbor"],
            f"{path.name}: CBOR from JSON",
        )
        expect(jcs(to_json(value)), golden["jcs"], f"{path.name}: JSON from CBOR")
        expect("blake3:" + blake3(wire).hexdigest(), golden["digest"], f"{path.name}: digest")
        expect(artifact(value, wire), golden["artifact"], f"{path.name}: OCI manifest")
        digest = hashlib.sha256(golden["artifact"].encode("utf-8")).hexdigest()
        expect("sha256:" + digest, golden["artifact_digest"], f"{path.name}: digest of the OCI manifest")
        names = [entry["path"].encode("utf-8") for entry in value["files"]]
        expect(names, sorted(set(names)), f"{path.name}: order of files")
    return len(paths)


for name, check in (
    ("cbor", check_cbor),
    ("blake3", check_blake3),
    ("sha2", check_sha2),
    ("manifest", check_manifests),
):
    print(f"{name}: {check()} vectors checked")
for problem in problems:
    print(problem, file=sys.stderr)
print("all equal" if not problems else f"{len(problems)} differ")
sys.exit(1 if problems else 0)
