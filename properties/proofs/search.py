"""Looks for values that make a claim false, where z3 has none that do: it may have been told too little."""

import random
import time

from term import values, variables


def _border(numbers, width):
    kind = numbers.randrange(6)
    if kind <= 1:
        value = 1 << numbers.randrange(32)
    elif kind == 2:
        value = (1 << numbers.randrange(width)) + numbers.randrange(-2, 3)
    elif kind == 3:
        value = numbers.randrange(300)
    elif kind == 4:
        value = 8 * numbers.randrange(5000)
    else:
        value = numbers.getrandbits(width) >> numbers.randrange(width)
    return value % (1 << width)


def _at_make(numbers):
    """Mostly what Geometry::make() makes something of."""
    page, slab = sorted(1 << numbers.randrange(6, 31) for _ in range(2))
    if numbers.randrange(3) == 0:
        slab = page
    size = slab // numbers.choice((1, 2, 3, 8, 9, 254, 255, 65534, 65535)) + numbers.randrange(-16, 17)
    return {"page_size": page, "slab_size": slab, "type": numbers.randrange(2), "has_table": numbers.randrange(2),
            "object_align": 1 << numbers.randrange(8), "added": numbers.randrange(3) * numbers.randrange(40),
            "object_size": max(0, size) if numbers.randrange(2) else numbers.randrange(1, slab + 2)}


def counterexample(claim, depends, seconds):
    """Values by name, or none. `depends`: variables that are what a term of others is."""
    numbers, names = random.Random(1), {term.value: term.width for term in variables(claim)}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = {name: numbers.randrange(2) == 1 if width == 0 else _border(numbers, width)
                 for name, width in names.items()}
        if "object_align" in names and numbers.randrange(4):
            found.update({name: value for name, value in _at_make(numbers).items() if name in names})
        for name, term in depends.items():
            found[name] = values(found, term)[0]
        if not values(found, claim)[0]:
            return found
    return None
