"""Holds the shape of the tree: `python -m scripts.structure_gates` prints what breaks it and exits 1.

Long tails separate code that stays readable from code that does not, so tails are what is gated: the longest
file, the longest function, cycles, module state. Complexity and parameter counts are ruff's (C901, PLR0913).
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

PRODUCT: Final = ("lib", "api", "dev")
EVERYTHING: Final = (*PRODUCT, "scripts", "bench", "training", "tests")
FILE_LINES: Final = 400
FILE_LINES_MEDIAN: Final = 150
FUNCTION_LINES: Final = 60
FUNCTION_LINES_P90: Final = 30
API_FILES: Final = 12
"""Functions of one deployment on Vercel's Hobby plan."""
SDKS: Final = frozenset({"openai", "anthropic"})
"""Half a second of CPU each: a cold start must not pay for them."""
MUTABLE_CALLS: Final = frozenset({"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"})
VAGUE_NAMES: Final = frozenset({"utils", "util", "helpers", "helper", "manager", "common", "misc"})
UNFINISHED: Final = re.compile(r"\b(?:T[O]DO|FIX[M]E|X[X]X|HAC[K])\b")
ENTRY_POINTS: Final = frozenset({"index.py", "app.py", "main.py", "server.py"})
"""File names the builder takes for the entry point of a whole project when they stand under api/."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One parsed file; `path` is relative to the tree's root."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, str(self.path))

    @property
    def module(self) -> str:
        """Dotted import name."""
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")

    @property
    def lines(self) -> int:
        """Physical lines."""
        return self.text.count("\n")

    @property
    def functions(self) -> Iterator[tuple[str, int]]:
        """Name and length in lines, docstring included, of each function."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def read_tree(root: Path, folders: tuple[str, ...] = EVERYTHING) -> tuple[Source, ...]:
    """Every Python file below the folders of `root`."""
    files = (path for folder in folders for path in sorted((root / folder).rglob("*.py")))
    return tuple(Source(path.relative_to(root), path.read_text(encoding="utf-8")) for path in files)


def long_files(sources: tuple[Source, ...]) -> Iterator[str]:
    """Files over the limit, and a product median over its own."""
    for source in sources:
        if source.lines > FILE_LINES:
            yield f"{source.path}: {source.lines} lines, at most {FILE_LINES}"
    sizes = [source.lines for source in product(sources) if source.lines]
    if sizes and statistics.median(sizes) > FILE_LINES_MEDIAN:
        yield f"median file has {statistics.median(sizes):.0f} lines, at most {FILE_LINES_MEDIAN}"


def long_functions(sources: tuple[Source, ...]) -> Iterator[str]:
    """Functions over the limit, and a product p90 (nearest rank) over its own."""
    for source in sources:
        for name, lines in source.functions:
            if lines > FUNCTION_LINES:
                yield f"{source.path}: {name} has {lines} lines, at most {FUNCTION_LINES}"
    lengths = sorted(lines for source in product(sources) for _, lines in source.functions)
    if lengths and (p90 := lengths[-(-len(lengths) * 9 // 10) - 1]) > FUNCTION_LINES_P90:
        yield f"nine of ten functions have up to {p90} lines, at most {FUNCTION_LINES_P90}"


def import_cycles(sources: tuple[Source, ...]) -> Iterator[str]:
    """A circle of imports that run when the modules load; those inside functions do not count."""
    modules = {source.module: source for source in sources}
    graph = {name: set(_imports(source, modules)) - {name} for name, source in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield "import cycle: " + " → ".join(reversed(error.args[1]))


def _imports(source: Source, modules: Mapping[str, Source]) -> Iterator[str]:
    for node in _at_load(source.tree.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if (found := name if name in modules else node.module) in modules:
                    yield found


def _at_load(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported: not those of functions or type-checking blocks."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _at_load(node.orelse)
        elif not isinstance(node, Function):
            for block in _blocks(node):
                yield from _at_load(block)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    yield from (handler.body for handler in getattr(node, "handlers", []))


def module_state(sources: tuple[Source, ...]) -> Iterator[str]:
    """Names of a module that could change while requests run."""
    for source in product(sources):
        for node in source.tree.body:
            for name in _mutable_names(node):
                yield f"{source.path}:{node.lineno}: mutable module name {name} (a tuple, frozenset or CAPS constant)"
        for found in ast.walk(source.tree):
            if isinstance(found, ast.Global):
                yield f"{source.path}:{found.lineno}: global statement"


def _mutable_names(node: ast.stmt) -> Iterator[str]:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not _is_mutable(node.value):
        return
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    yield from (target.id for target in targets if isinstance(target, ast.Name) and not _is_constant(target.id))


def _is_constant(name: str) -> bool:
    return name.isupper() or name == "__all__"


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        called = value.func
        return getattr(called, "attr", getattr(called, "id", "")) in MUTABLE_CALLS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def eager_sdks(sources: tuple[Source, ...]) -> Iterator[str]:
    """Provider SDKs imported when a module of lib/ or api/ loads."""
    for source in product(sources):
        for node in _at_load(source.tree.body):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.partition(".")[0] in SDKS:
                    yield f"{source.path}:{node.lineno}: {name} imported at module top (import it where it is used)"


def api_files(sources: tuple[Source, ...]) -> Iterator[str]:
    """Each file under api/ is one function: a top-level `app`, and nothing of lib/ but lib.app."""
    files = [source for source in sources if source.path.parts[0] == "api" and source.path.name != "__init__.py"]
    if len(files) > API_FILES:
        yield f"{len(files)} files under api/, at most {API_FILES}: group routes by rewrites"
    for source in files:
        if source.path.name in ENTRY_POINTS or source.path.name.startswith("_"):
            yield f"{source.path}: the builder makes no function of a file with this name"
        if "app" not in _top_level_names(source.tree):
            yield f"{source.path}: no top-level `app`, so no function is built"
        foreign = (n.module for n in ast.walk(source.tree) if isinstance(n, ast.ImportFrom) and n.module != "lib.app")
        yield from (f"{source.path}: imports {name}" for name in foreign if name and name.partition(".")[0] == "lib")


def _top_level_names(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)


def unfinished_work(sources: tuple[Source, ...]) -> Iterator[str]:
    """Markers of work left undone."""
    for source in sources:
        for number, line in enumerate(source.text.splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{source.path}:{number}: unfinished work: {line.strip()}"


def vague_names(sources: tuple[Source, ...]) -> Iterator[str]:
    """Modules named for no concept."""
    yield from (f"{source.path}: says nothing" for source in sources if VAGUE_NAMES & {*source.module.split(".")})


def product(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """The files that run for users: the figures of tests and tools are not mixed into theirs."""
    return tuple(source for source in sources if source.path.parts[0] in PRODUCT)


GATES: Final[tuple[Callable[[tuple[Source, ...]], Iterator[str]], ...]] = (
    long_files,
    long_functions,
    import_cycles,
    module_state,
    eager_sdks,
    api_files,
    unfinished_work,
    vague_names,
)


def problems(root: Path) -> tuple[str, ...]:
    """Every gate's complaints about the tree at `root`, in a readable order."""
    sources = read_tree(root)
    found = [complaint for gate in GATES for complaint in gate(sources)]
    if (root / "pyproject.toml").exists():
        found.append(
            "pyproject.toml: with it the builder ignores requirements.txt (use ruff.toml, mypy.ini, pytest.ini)"
        )
    return tuple(found)


def main() -> int:
    """0 when the tree holds its shape."""
    found = problems(Path(__file__).resolve().parent.parent)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
