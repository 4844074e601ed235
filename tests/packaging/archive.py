"""What must be in the source distribution and in the wheel, and what may not."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

#: What setuptools adds to the files of the repository.
ADDED = {"PKG-INFO", "setup.cfg"}


def files_of(archive: Path) -> set[str]:
    """The files in a source distribution, without its folder, or in a wheel."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name for name in wheel.namelist() if not name.endswith("/")}
    with tarfile.open(archive) as source:
        return {member.name.partition("/")[2] for member in source.getmembers() if member.isfile()}


def faults_of_source(files: set[str], tracked: Iterable[str]) -> list[str]:
    """Files of the repository that are missing, and files that come from elsewhere."""
    tracked = set(tracked)
    added = {name for name in files - tracked if name not in ADDED and not name.startswith("manualconv.egg-info/")}
    return [f"not in the source: {name}" for name in sorted(tracked - files)] + [
        f"only in the source: {name}" for name in sorted(added)
    ]


def faults_of_wheel(files: set[str], tracked: Iterable[str], version: str) -> list[str]:
    """Files of the package that are missing, and files beside the package and its description."""
    package = {name for name in tracked if PurePosixPath(name).parts[0] == "manualconv"}
    described = f"manualconv-{version}.dist-info/"
    beside = {name for name in files - package if not name.startswith(described)}
    return [f"not in the wheel: {name}" for name in sorted(package - files)] + [
        f"in the wheel beside the package: {name}" for name in sorted(beside)
    ]
