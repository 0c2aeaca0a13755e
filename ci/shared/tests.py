"""What the tests that are written in Python share: how they are started, and how they tell what is wrong."""

import unittest

from shared import command


def run(name, arguments):
    """Runs the unittest cases of the program, all or those that `arguments` name. The exit code."""
    program = unittest.main(module="__main__", argv=[name, *arguments], exit=False)
    return 0 if program.result.wasSuccessful() and program.result.testsRun else 1


def main(name, document):
    """For a test without arguments of its own: runs the cases that are named, or all. Returns the exit code."""
    parser = command.parser(name, document)
    parser.add_argument("tests", metavar="TEST", nargs="*", default=[],
                        help="only these, as unittest names them: Paths")
    return command.run(lambda: run(name, parser.parse_args().tests), name)


class Scene:
    """What the checks of a test share, and what they have found wrong."""

    def __init__(self):
        self.problems = []

    def expect(self, what, observed, expected):
        if observed != expected:
            self.problems.append(f"{what}: expected {expected!r}, observed {observed!r}")


def run_checks(scene, checks, names=()):
    """Calls each check with the scene, or those of the names, up to the first that finds something wrong: those after
    it go on with what it left. Prints what is wrong, and returns the exit code."""
    for check in checks:
        if not names or check.__name__ in names:
            check(scene)
        if scene.problems:
            break
    print("\n".join(scene.problems) or "nothing wrong")
    return 1 if scene.problems else 0
