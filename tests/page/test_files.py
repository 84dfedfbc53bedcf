"""What the page is made of and how it is served, without a browser."""

from __future__ import annotations

import gzip
import json
import re

import httpx
import pytest

from api.page.files import FOLDER, PageFile, build_page, first_modules, page
from bench.programs import ROOT, Service
from scripts.lib import vendor

TYPES = {f"vendor/{name}" for name in vendor.TYPES}

FIRST_VIEW_BYTES = 92_000
FIRST_VIEW_PACKED_BYTES = 37_000
INDEX = b'<link href="/ui/VERSION/a.css" />\n    MODULES\n'


def test_an_address_changes_with_any_file() -> None:
    """So that what is under an address may be kept for ever, and modules that import each other are of one version."""
    one, other = (build_page({"index.html": INDEX, "a.css": b"", "b.js": text}) for text in (b"1", b"2"))

    assert one.files.keys() == {f"/ui/{one.version}/a.css", f"/ui/{one.version}/b.js"}
    assert one.version != other.version
    assert f'href="/ui/{one.version}/a.css"' in one.index.content.decode()


def test_the_index_names_what_the_first_view_needs() -> None:
    """Whatever `main.js` leads to, and not what is imported when it is shown."""
    modules = {
        "main.js": b'import "x";import{a}from"./b/c.js";import("./late.js")',
        "b/c.js": b'export * from "../d.js"',
    }

    assert first_modules({**modules, "d.js": b"", "late.js": b"", "index.html": INDEX}) == {*modules, "d.js"}


def test_what_is_served_is_a_table() -> None:
    """Every file of the folder that a browser loads, and no other."""
    names = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    served = {address.split("/", 3)[3] for address in page().files}

    assert served == names - {"index.html", "vendor/manifest.json", "vendor/LICENCES.txt", *TYPES}


def test_the_page_is_small() -> None:
    """All that the first view loads: signing in, and the list of batches."""
    named = re.findall(r'(?:href|src)="(/ui/[^"]+)"', page().index.content.decode())
    files: list[PageFile] = [page().index, *(page().files[address] for address in set(named))]

    assert sum(len(file.content) for file in files) < FIRST_VIEW_BYTES
    assert sum(len(file.packed) for file in files) < FIRST_VIEW_PACKED_BYTES


def test_the_index_holds_no_code() -> None:
    """No script, style or handler in the markup: the policy would stop them."""
    text = page().index.content.decode()

    assert re.findall(r"<style|\son\w+=|\sstyle=|<script(?![^>]*\bsrc=)", text) == []


def test_what_is_opened_later_is_loaded_later() -> None:
    """Views in folders, with their style sheets."""
    later = {address for address in page().files if re.search(r"/views/[^/]+/", address)}

    assert any(address.endswith("/views/usage/usage.js") for address in later)
    assert [address for address in later if address in page().index.content.decode()] == []


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.js")), ids=lambda path: path.name)
def test_modules_import_what_is_there(path) -> None:
    """By relative names, for a browser knows no others."""
    names = re.findall(r'\b(?:from\s*|import\()"(\.[^"]+)"', path.read_text())

    assert [name for name in names if not (path.parent / name).is_file()] == []


@pytest.mark.parametrize("path", sorted(each for each in FOLDER.glob("**/*.js") if "vendor" not in each.parts), ids=str)
def test_our_files_are_small(path) -> None:
    """As those in Python are: at most 250 lines of at most 160 characters, and not a word about another origin."""
    written = path.read_text().splitlines()

    assert len(written) <= 250
    assert [line for line in written if len(line) > 160 or re.search(r"https?://", line)] == []


@pytest.mark.parametrize("path", sorted(each for each in FOLDER.glob("**/*.js") if "vendor" not in each.parts), ids=str)
def test_sentences_keep_their_distance(path) -> None:
    """White space with a line break in it is not shown: words that go on below an end of a sentence bring their own."""
    continued = re.findall(r"[\w%][.,:;]\n\s*\$\{([^}]*)", path.read_text())

    assert [words for words in continued if not re.search(r"""["`] """, words)] == []


def test_libraries_are_as_released() -> None:
    """`scripts/vendor` would write the same again from the packages that package-lock.json names."""
    written = {path.name: path.read_bytes() for path in (FOLDER / "vendor").iterdir()}

    assert vendor.build(ROOT) == written, "run scripts/vendor"


def test_libraries_may_be_given_on() -> None:
    """Their licences are known, and stand beside them."""
    manifest = json.loads((FOLDER / "vendor/manifest.json").read_text())

    assert {entry["licence"] for entry in manifest} <= {"MIT", "Apache-2.0"}
    assert all(entry["package"] in (FOLDER / "vendor/LICENCES.txt").read_text() for entry in manifest)


def test_an_unchanged_index_is_not_sent_again(service: Service) -> None:
    """It is asked for each time, and costs a few hundred bytes."""
    first = httpx.get(f"{service.url}/ui", timeout=30)
    again = httpx.get(f"{service.url}/ui", headers={"if-none-match": first.headers["etag"]}, timeout=30)

    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    assert (again.status_code, again.content) == (304, b"")
    assert "content-security-policy" in again.headers


@pytest.mark.parametrize("path", ["/ui/0123456789abcdef/main.js", "/ui/../function_app.py", "/ui/%2e%2e/host.json"])
def test_nothing_else_of_the_disk_is_served(service: Service, path: str) -> None:
    """An address of another version is told so, and is not kept by any cache."""
    response = httpx.get(httpx.URL(service.url).copy_with(raw_path=path.encode()), timeout=30)

    assert response.status_code == 404
    assert response.headers.get("cache-control", "no-store") == "no-store"


def test_packed_is_the_same() -> None:
    """What a browser unpacks is the file."""
    assert all(gzip.decompress(file.packed) == file.content for file in page().files.values())
