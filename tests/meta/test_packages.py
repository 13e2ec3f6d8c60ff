"""What is installed is what is in the tree, once, and it works from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

import fusegrad

from .tree import ROOMS, ROOT, modules, pyproject

LINKS = [folder for folder in ROOMS if folder != "fusegrad"]
SHIPPED = [*ROOMS, "pyproject.toml", "README.md", "LICENSE"]


def setuptools_table() -> dict[str, Any]:
    tool: Any = pyproject()["tool"]
    return tool["setuptools"]


def test_the_package_list_is_the_tree() -> None:
    packages = sorted(module.name for module in modules() if module.is_package)
    assert setuptools_table()["packages"] == packages


def test_every_folder_with_code_is_a_package() -> None:
    folders = {module.path.parent for module in modules()}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_the_folders_are_mapped() -> None:
    assert setuptools_table()["package-dir"] == {name: folder for folder, name in ROOMS.items()}


@pytest.mark.parametrize("room", LINKS)
def test_the_link_is_relative(room: str) -> None:
    link = ROOT / "fusegrad" / room
    assert link.is_symlink()
    assert Path(os.readlink(link)) == Path("..", room)


def test_types_are_shipped() -> None:
    assert (ROOT / "fusegrad" / "py.typed").is_file()
    assert setuptools_table()["package-data"] == {"fusegrad": ["py.typed"]}


def test_no_compatibility_mode() -> None:
    """The old way of editable installs loses the mapping."""
    assert "editable_mode" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_version_is_one() -> None:
    project: Any = pyproject()["project"]
    assert getattr(fusegrad, "__version__", None) == project["version"]


def expected_files() -> list[str]:
    """The installed package's files, by their paths in the wheel."""
    names = [
        module.name.replace(".", "/") + ("/__init__.py" if module.is_package else ".py")
        for module in modules()
    ]
    return sorted([*names, "fusegrad/py.typed"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source archive and a wheel, built from a copy so that the checkout stays clean."""
    pytest.importorskip("build", reason="the wheel is built with the dev extra's `build`")
    copy = tmp_path_factory.mktemp("build") / "checkout"
    copy.mkdir()
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=skip)
        else:
            shutil.copy(ROOT / name, copy / name)
    command = [sys.executable, "-m", "build", "--outdir", str(copy / "dist"), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=copy.parent)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return copy / "dist"


@pytest.mark.slow
def test_the_wheel_holds_every_module_once(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert sorted(name for name in names if ".dist-info/" not in name) == expected_files()
    assert wheel.name.endswith("-py3-none-any.whl")
    assert wheel.stat().st_size < 1_000_000


@pytest.mark.slow
def test_the_source_archive_holds_every_file_once(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        members = archive.getmembers()
    inner = [member.name.partition("/")[2] for member in members if member.name.endswith(".py")]
    sources = sorted(str(module.path.relative_to(ROOT)) for module in modules())
    assert sorted(inner) == sources
    assert not any(member.issym() or member.islnk() for member in members)
    assert path.stat().st_size < 1_000_000
