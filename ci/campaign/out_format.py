"""The format of a fuzz-out. Everything that writes there leaves a folder of another version alone."""

import os

from shared.command import CannotWork
from shared.files import write_whole
from shared.text import shown_path

FORMAT = "2"
READ_FORMATS = ("1", "2")  # as properties/saved_program.cpp has them; 1 has less about a crash, and can be continued


def check(out):
    """Raises CannotWork if the folder belongs to another version."""
    if os.path.lexists(out) and not out.is_dir():
        raise CannotWork(f"{shown_path(out)} is no folder, but a {'link to nothing' if out.is_symlink() else 'file'}; "
                         "mend that, or move it away")
    version = out / "format"
    if version.exists() and (found := version.read_text(errors="replace").strip()) not in READ_FORMATS:
        raise CannotWork(f"{shown_path(out)} is of format {found[:20] or 'unknown'}, "
                         f"and this version writes format {FORMAT}; "
                         "use the version that made it, or move the folder away: nothing in it was changed")


def claim(out):
    """The holder of the lock makes it a folder of this format."""
    check(out)
    write_whole(out / "format", f"{FORMAT}\n")
