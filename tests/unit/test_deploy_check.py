"""The deploy check uploads what a deployment would upload, and names every reason not to deploy."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.deploy_check.build import Built
from scripts.deploy_check.bundle import Bundle, Output
from scripts.deploy_check.start import Started
from scripts.deploy_check.toolchain import cache_folder, find_pythons, without_python
from scripts.deploy_check.upload import upload

ROOT = Path(__file__).resolve().parent.parent.parent


def written(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", encoding="utf-8")


def bundle(root: Path, *names: str, path: str = "/api/ai/health") -> Bundle:
    written(root, *names)
    return Bundle(path, {"runtime": "python3.12"}, {name: root / name for name in names})


def test_what_runs_in_production_is_uploaded_and_nothing_else(tmp_path: Path) -> None:
    tree, target = tmp_path / "tree", tmp_path / "target"
    wanted = [".python-version", "api/ai/health.py", "lib/app.py", "lib/kv/lua/admit.lua", "lib/catalog/prices.json"]
    wanted += ["public/index.html", "requirements.txt", "vercel.json"]
    unwanted = [".env", ".env.local", ".env.production", ".git/config", ".github/x.yml", ".venv/x.py", ".ci/run"]
    unwanted += ["tests/test_a.py", "docs/a.md", "bench/b.py", "dev/server.py", "scripts/s.py", "README.md", "Makefile"]
    unwanted += ["mypy.ini", "ruff.toml", "requirements-dev.txt", "pyproject.toml", "lib/__pycache__/app.pyc"]
    written(tree, *wanted, *unwanted)
    (tree / ".vercelignore").write_bytes((ROOT / ".vercelignore").read_bytes())
    assert {str(path) for path in upload(tree, target)} == {*wanted, ".vercelignore"}
    assert (target / "lib/app.py").read_text(encoding="utf-8") == "x"


def test_a_clean_output_has_no_complaint(tmp_path: Path) -> None:
    output = Output((bundle(tmp_path, "lib/app.py", "lib/app.pyc", "_vendor/starlette/x.py"),), ("index.html",))
    assert list(output.complaints((Path("api/ai/health.py"),))) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tests/test_a.py", "tests is in the bundle"),
        ("dev/server.py", "dev is in the bundle"),
        ("lib/.env", ".env is in the bundle"),
        ("_vendor/pytest/__init__.py", "the test package pytest is in the bundle"),
    ],
)
def test_what_has_no_place_in_a_bundle_is_named(tmp_path: Path, name: str, expected: str) -> None:
    assert any(expected in said for said in bundle(tmp_path, "lib/app.pyc", name).complaints())


def test_a_bundle_without_bytecode_is_named(tmp_path: Path) -> None:
    assert "no bytecode" in next(bundle(tmp_path, "lib/app.py", "_vendor/a.pyc").complaints())


def test_published_source_a_missing_function_and_one_too_many_are_named(tmp_path: Path) -> None:
    bundles = tuple(bundle(tmp_path, "lib/app.pyc", path=f"/api/f{number}") for number in range(13))
    said = list(Output(bundles, ("lib/app.py",)).complaints((Path("api/ai/chat.py"),)))
    assert said == [
        "/api/ai/chat: no function was built",
        "13 functions, at most 12",
        "lib/app.py is published as a static file",
    ]


def test_a_warning_of_the_build_is_a_complaint_and_its_place_is_not() -> None:
    log = (
        "WARNING! Build not running on Vercel. System environment variables\nInstalling\n\x1b[33mWarning:\x1b[0m odd\n"
    )
    assert list(Built(0, log).complaints) == ["the build warns: Warning: odd"]


def test_a_failed_build_shows_its_last_lines() -> None:
    assert "Error: no" in next(Built(1, "start\nError: no\n").complaints)


@pytest.mark.parametrize(("status", "broken"), [(200, False), (401, False), (405, False), (500, True), (503, True)])
def test_a_server_error_on_the_first_request_is_a_complaint(status: int, *, broken: bool) -> None:
    assert bool(Started("/api/x", status, 0).complaint) is broken


def test_a_real_interpreter_is_found_before_a_shim(tmp_path: Path) -> None:
    written(
        tmp_path,
        "pyenv/versions/3.12.1/bin/python3.12",
        "pyenv/shims/python3.12",
        "pyenv/versions/3.11.1/bin/python3.11",
    )
    found = dict(find_pythons(tmp_path, {"PYENV_ROOT": str(tmp_path / "pyenv")}))
    assert found["3.12"] == tmp_path / "pyenv/versions/3.12.1/bin/python3.12"
    assert "3.11" not in found


def test_a_build_inherits_no_interpreter_and_no_account() -> None:
    assert without_python({"VIRTUAL_ENV": "v", "VERCEL_TOKEN": "t", "HOME": "h"}) == {"HOME": "h"}


def test_the_tools_are_kept_in_the_cache_of_the_user_or_of_the_tree(tmp_path: Path) -> None:
    assert cache_folder(tmp_path, {"XDG_CACHE_HOME": "/c"}) == Path("/c/ai-orchestrator/deploy-check")
    assert cache_folder(tmp_path, {}) == tmp_path / ".cache/deploy-check"
