"""`python -m tests.docs.stand_ins venv DIR`, `… install REQUIREMENT…`: what environments and pip are to a page."""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

_THIS = "pytest-bctrl"


def make_environment(folder: Path) -> None:
    """Make a virtual environment that sees the packages and runs the programs of the one that runs this."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    here = sysconfig.get_paths()
    there = next(folder.glob("lib/python*/site-packages"))
    (there / "shared.pth").write_text(f"import site; site.addsitedir({here['purelib']!r})\n", "utf-8")
    for program in Path(here["scripts"]).iterdir():
        own = folder / "bin" / program.name
        if program.is_file() and not own.exists() and program.name not in ("pip", "pip3"):
            own.symlink_to(program)
    pip = shutil.which("pip")
    if pip is not None:
        (folder / "bin" / "pip").symlink_to(pip)


def missing(arguments: list[str]) -> list[str]:
    """Return what of the arguments of `pip install` is not installed here, each with the reason."""
    found = []
    wanted = [argument for argument in arguments if not argument.startswith("-")]
    if "-r" in arguments:
        file = wanted.pop(wanted.index(arguments[arguments.index("-r") + 1]))
        wanted += [line for line in Path(file).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    for text in wanted:
        local = re.fullmatch(r"(\.|[\w./*-]*\.whl)(\[[\w,]+\])?", text)
        try:
            requirement = Requirement(f"{_THIS}{local[2] or ''}" if local else text)
            found += _unmet(requirement)
        except InvalidRequirement:
            found.append(f"{text}: not a requirement")
    return found


def _unmet(requirement: Requirement) -> list[str]:
    try:
        installed = distribution(requirement.name)
    except PackageNotFoundError:
        return [f"{requirement}: not installed here; the dependency group 'test' should name it"]
    unmet = []
    offered = installed.metadata.get_all("Provides-Extra") or []
    for extra in requirement.extras:
        if extra not in offered:
            unmet.append(f"{requirement}: no such extra")
        for line in installed.requires or ():
            needed = Requirement(line)
            if needed.marker and needed.marker.evaluate({"extra": extra}) and not needed.marker.evaluate({"extra": ""}):
                unmet += _unmet(Requirement(needed.name))
    return unmet


def main() -> int:
    """Do what the first argument says; anything but `venv` and `install` is an error."""
    what, *arguments = sys.argv[1:]
    if what == "venv":
        make_environment(Path(arguments[0]))
        return 0
    if what != "install":
        print(f"pip {what}: a page may only install", file=sys.stderr)
        return 2
    problems = missing(arguments)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
