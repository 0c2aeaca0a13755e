"""Every input that a worker's process has run since its start, as the target records it (fuzz/chain/record_file.hpp).
An input that fails only after others is kept as the record that ends with it, which is a chain for slab_replay."""

import collections
import mmap
import struct

RECORD = "SLABPROOF_RECORD"
RECORD_BYTES = "SLABPROOF_RECORD_BYTES"
LARGEST = 256 << 20  # then its process ends, and another begins
CORPORA = 16  # times the corpus, since a process first reads the corpus, AFL++ many times
TAIL = 5 << 20  # of a record, at most, that is not written yet
LOOKS = 10  # for which the record of a dead process waits for the engine to save its input


class Record:
    def __init__(self, path):
        self.path = path
        self.looks = collections.Counter()

    def clear(self):
        for file in self._files():
            file.unlink(missing_ok=True)
        self.looks.clear()

    def environment(self, corpus):
        """For a process that is about to start: removes what the one before has left."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.clear()
        self.limit = max(LARGEST, CORPORA * sum(f.stat().st_size for f in corpus.iterdir()))
        return {RECORD: str(self.path), RECORD_BYTES: str(self.limit)}

    def is_full(self):
        """Whether its process has ended for that."""
        try:
            return self.path.stat().st_size >= self.limit
        except OSError:
            return False

    def keep(self, data, kept):
        """Copies the record that ends with this input. False if there is none."""
        for file in self._files():
            try:
                if end := _end_of(file, data):
                    _copy(file, kept, end)
                    return True
            except (OSError, ValueError):  # gone meanwhile, or empty
                kept.unlink(missing_ok=True)
        return False

    def forget_old(self):
        """Removes those of processes that have died for another reason, since AFL++ never stops."""
        for file in self._files():
            if file == self.path:
                continue
            try:
                number = file.stat().st_ino
                self.looks[number] += 1
                if self.looks[number] > LOOKS:
                    file.unlink()
                    del self.looks[number]
            except OSError:
                pass

    def _files(self):
        files = self.path.parent.glob(f"{self.path.name}*")
        return sorted(f for f in files if f == self.path or f.suffix[1:].isdigit())


def chain_of(kind, inputs):
    """The content of a chain, of inputs of one kind (docs/format.md)."""
    return f"slabproof chain 1 {kind}\n".encode() + b"".join(_entry(data) for data in inputs)


def _entry(data):
    return struct.pack("<II", 1, len(data)) + data


def records_of(target):
    """Removes the records of a target that a killed run has left."""
    folder = target.out / "records"
    return [Record(file) for file in sorted(folder.glob(f"{target.name}*")) if file.name.split(".")[0] == target.name]


def _end_of(file, data):
    """Where the record ends, if it ends with this input."""
    with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        last = _entry(data)
        at = content.rfind(last, max(0, len(content) - TAIL - len(last)))
        end = at + len(last)
        return end if at >= 0 and not content[end:].strip(b"\0") else 0


def _copy(file, kept, size):
    with open(file, "rb") as source, open(kept, "wb") as copy:
        while size and (piece := source.read(min(size, 1 << 20))):
            copy.write(piece)
            size -= len(piece)
