"""Packages of Debian, PyPI and npm: installed if they are missing, and which version is there.

Debian's go to the system; the others to a folder of their own under `target/real-servers/`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[3] / "target" / "real-servers"
INSTALL_SECONDS = 600


def debian(package, program):
    """Installs a package if `program` (a path) is missing; its service is not started."""
    if Path(program).exists():
        return
    _say(f"installing {package}")
    # Without a runlevel, Debian's scripts start no service.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", package]
    if _run(install, env=environment, check=False) != 0:
        _run(["apt-get", "update", "-q"], env=environment)
        _run(install, env=environment)


def debian_version(package):
    return subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", package],
        capture_output=True, text=True, check=True, timeout=30,
    ).stdout


def python(name, requirements):
    """Installs requirements (with their versions) into a virtual environment; returns its folder."""
    folder = HOME / "python" / name
    if _marked(folder, requirements):
        return folder
    _say(f"installing {' '.join(requirements)}")
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    _run([str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *requirements])
    _mark(folder, requirements)
    return folder


def npm(name, requirements):
    """Installs packages (with their versions) below a prefix; returns the folder of its programs."""
    folder = HOME / "npm" / name
    if not _marked(folder, requirements):
        for package, program in [("nodejs", "node"), ("npm", "npm")]:
            if shutil.which(program) is None:
                debian(package, f"/usr/bin/{program}")
        _say(f"installing {' '.join(requirements)}")
        folder.mkdir(parents=True, exist_ok=True)
        # No install scripts: nothing here needs compiled code.
        _run(["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", *requirements])
        _mark(folder, requirements)
    return folder / "node_modules" / ".bin"


# A folder counts as installed only after the whole of it was, from the same requirements, and in its place: programs of a
# virtual environment name the interpreter by its path.
def _marked(folder, requirements):
    mark = folder / "installed.json"
    return mark.exists() and json.loads(mark.read_text()) == [str(folder), *requirements]


def _mark(folder, requirements):
    (folder / "installed.json").write_text(json.dumps([str(folder), *requirements]))


def _say(what):
    print(what, file=sys.stderr, flush=True)


def _run(command, check=True, **options):
    # What is installed is told on standard error: standard output is for what a caller reads.
    ended = subprocess.run(command, stdout=sys.stderr, timeout=INSTALL_SECONDS, **options)
    if check:
        ended.check_returncode()
    return ended.returncode
