"""The languages of the published samples; `python -m tests.languages.toolchains` installs what Debian has of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_UNIREST = Path("/usr/share/java/unirest-java.jar")
_GUZZLE = Path("/usr/share/php/GuzzleHttp/autoload.php")
# The last RestSharp with the API that the sample uses, on any .NET from 8.
_PROJECT = """
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework><RollForward>LatestMajor</RollForward>
  </PropertyGroup>
  <ItemGroup><PackageReference Include="RestSharp" Version="106.15.0" /></ItemGroup>
</Project>
"""


@dataclass(frozen=True, slots=True)
class Language:
    """How the sample of a language is run: saved as `file`, with other files `beside` it, by `command`."""

    file: str
    command: tuple[str, ...]
    packages: tuple[str, ...] = ()
    """The Debian packages with the program and what the sample loads."""
    loads: Path | None = None
    """The library file that the sample loads; None if it loads none."""
    beside: Mapping[str, str] = field(default_factory=dict)
    frame: str = "{statements}"
    """The code around a fragment, below its imports, if it is not a complete program."""
    before: tuple[str, ...] = ()
    """The command that fetches its libraries, if Debian has none."""
    rejection: str = ""
    """The message with which the published sample is rejected before it sends a request; empty if it runs."""
    prints: bool = True
    """Whether the sample prints the response."""
    body: str = "{}"
    """The body that the server receives with its GET."""

    def missing(self) -> str | None:
        """Return the program or library file that is missing; None if both are there."""
        if shutil.which(self.command[0]) is None:
            return self.command[0]
        return str(self.loads) if self.loads and not self.loads.is_file() else None


LANGUAGES = {
    "python": Language("sample.py", ("python3", "{file}")),
    "javascript": Language("sample.mjs", ("node", "{file}"), rejection="Request with GET/HEAD method cannot have body"),
    "go": Language("sample.go", ("go", "run", "{file}"), ("golang-go",)),
    "ruby": Language("sample.rb", ("ruby", "{file}"), ("ruby",)),
    "php": Language(
        "sample.php",
        ("php", "-d", "curl.cainfo={authority}", "{file}"),
        ("php-cli", "php-curl", "php-guzzlehttp-guzzle"),
        _GUZZLE,
        {"vendor/autoload.php": f"<?php require_once('{_GUZZLE}');"},
    ),
    "java": Language(
        "Sample.java",
        ("javac", "-cp", str(_UNIREST), "{file}"),
        ("default-jdk-headless", "libunirest-java-java"),
        _UNIREST,
        frame="class Sample {{ static {{ {statements} }} }}",
        rejection="symbol:   method body(String)",
    ),
    "csharp": Language(
        "sample.cs",
        ("dotnet", "run", "--no-restore"),
        beside={"sample.csproj": _PROJECT},
        before=("dotnet", "restore"),
        prints=False,
        body="",
    ),
    "swift": Language(
        "sample.swift",
        ("swiftc", "-typecheck", "{file}"),
        ("swiftlang",),
        rejection="use [:] to get an empty dictionary literal",
    ),
}
"""By the name that the page gives the sample. The other tests need Python and Node too."""


def main() -> None:
    """Install missing toolchains if packages may be installed; elsewhere the tests report what is missing."""
    expected = [package for language in LANGUAGES.values() if language.missing() for package in language.packages]
    if sys.platform != "win32" and expected and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", *expected], check=True)


if __name__ == "__main__":
    main()
