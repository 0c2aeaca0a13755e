"""The source files of a checkout: neither builds nor what ci/fuzz keeps."""

import os
import pathlib

HIDDEN = {".ci", ".clusterfuzzlite", ".github"}  # others are tools' own
NOT_WRITTEN = {"CMakeFiles", "fuzz-out", "corpus", "__pycache__"}


def files_in(root):
    """Their paths relative to `root`, in the order of their names."""
    for folder, folders, files in os.walk(root):
        relative = pathlib.PurePosixPath(pathlib.Path(folder).relative_to(root).as_posix())
        folders[:] = sorted(name for name in folders
                            if (not name.startswith(".") or name in HIDDEN) and name not in NOT_WRITTEN
                            and not os.path.exists(f"{folder}/{name}/CMakeCache.txt"))
        yield from (relative / name for name in sorted(files))
