"""Of which format a fuzz-out is. One that another version made is left alone by everything that writes there."""

import os

from shared.command import CannotWork
from shared.files import write_whole
from shared.text import shown_path

FORMAT = "2"
READ_FORMATS = ("1", "2")  # as properties/saved_program.cpp has them; 1 knows less of a crash, and is gone on with


def check(out):
    """Raises CannotWork where the folder is another version's."""
    if os.path.lexists(out) and not out.is_dir():
        raise CannotWork(f"{shown_path(out)} is no folder, but a {'link to nothing' if out.is_symlink() else 'file'}; "
                         "mend that, or move it away")
    version = out / "format"
    if version.exists() and (found := version.read_text(errors="replace").strip()) not in READ_FORMATS:
        raise CannotWork(f"{shown_path(out)} is of format {found[:20] or 'unknown'}, "
                         f"and this version writes format {FORMAT}; "
                         "use the version that made it, or move the folder away: nothing in it was changed")


def claim(out):
    """Whoever holds the lock makes it a folder of this format."""
    check(out)
    write_whole(out / "format", f"{FORMAT}\n")
