"""Builds the fuzz targets as a fuzzing service would, and checks what came out as the service checks it.

Runs .clusterfuzzlite/build.sh on a copy of the source, with the compilers, flags and folders of ClusterFuzzLite
and OSS-Fuzz (without their container), moves the result and deletes the rest. Takes some minutes.
--self-test shows that each check refuses a build that is broken in that respect.

exit: 0 a service would take the builds, 1 something is refused, 2 they could not be made or checked"""

import pathlib
import subprocess
import sys
import tempfile

if __name__ == "__main__":
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])  # modules are named from ci/ on

from service.build import BUILDS, Service
from service.requirements import CHECKS, Expected, examine, last_line
from service.self_test import self_test
from shared import command
from shared.command import CannotWork
from shared.targets import OF_SLABS, ROOT, TARGETS
from shared.text import table


def deliver(name, folder):
    """Builds the checkout: the files that git knows, as they are in the working tree."""
    service = Service(name, folder)
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True)
    if listed.returncode:
        raise CannotWork(f"git cannot list the source: {last_line(listed.stderr.decode())}")
    for path in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / path).exists():
            (service.source / path).parent.mkdir(parents=True, exist_ok=True)
            (service.source / path).write_bytes((ROOT / path).read_bytes())
            (service.source / path).chmod((ROOT / path).stat().st_mode & 0o555)
    expected = {}
    for target in OF_SLABS:
        kind, inputs = TARGETS[target], list((ROOT / "corpus" / target).iterdir())
        expected[target] = Expected(kind.max_len, len(inputs), kind.input == "text")
    return service.build(ROOT / ".clusterfuzzlite" / "build.sh", expected)


def parse_arguments():
    parser = command.parser("ci/service-check", __doc__)
    parser.add_argument("--build", metavar="B", action="append", choices=BUILDS,
                        help="only this build; may be given again: " + ", ".join(BUILDS))
    parser.add_argument("--self-test", action="store_true",
                        help="show that broken builds are refused; takes about a minute")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.self_test:
        return self_test()
    names = [name for name in BUILDS if name in (arguments.build or BUILDS)]
    columns = {}
    with tempfile.TemporaryDirectory(prefix="service-check-") as folder:
        for name in names:
            print(f"{name}: building", flush=True)
            delivery = deliver(name, pathlib.Path(folder) / name)
            print(f"{name}: checking", flush=True)
            columns[name] = examine(delivery)
    rows = [["check", *names]]
    for check in CHECKS:
        results = [columns[name][check] for name in names]
        rows.append([check, *(None if r is None else "refused" if r else "ok" for r in results)])
    print("\n" + "\n".join(table(rows)))
    refused = [f"{name}: {check}: {problem}" for name in names for check in CHECKS for problem in columns[name][check]
               or []]
    print("\n" + ("\n".join(refused) or "A service would take these builds."))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(command.run(main, "ci/service-check"))
