"""Files that are written as a whole or not at all, and names for contents."""

import hashlib
import os


def sha1(data):
    return hashlib.sha1(data).hexdigest()


def write_whole(path, content):
    """Writes a file such that after a power cut it is the old one or the new one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(unfinished, "wb") as file:
            file.write(content.encode(errors="surrogateescape") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
