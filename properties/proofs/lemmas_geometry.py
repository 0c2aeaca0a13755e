"""Geometry::make(), and where slots lie: for all 64-bit inputs."""

from formulas import (CONSTANTS, HEADER, LARGE, MAX_SLAB, MIN_PAGE, NO_ERROR, OBJECT_TOO_LARGE, SMALL, capacity_of,
                      count_of, make, no_slot, objects_with_table, power_of_two, reciprocal_of, round_up,
                      slab_info_size)
from lemma import Lemma
from term import (WORD, any_of, const, eq, every, exactness, implies, is_exact, ite, ne, nothing_wraps, smallest, var,
                  wide)

DOUBLE = 2 * WORD
MOST_ADDED = CONSTANTS["most_added_bytes"]
ENTRY_SIZES = (1, 2, 4)


def big(word):
    """The same number where sums and products of numbers that a slab has do not wrap."""
    return wide(word, DOUBLE)


def is_power(n, least=0, most=WORD - 1):
    """That n is one of these powers of two: what the words mean."""
    return any_of(*(eq(n, 1 << k) for k in range(least, most + 1)))


def table_size(n, entry_size):
    """8 * ceil(n * entry_size / 8), of numbers that do not wrap."""
    return (n * entry_size + 7) // 8 * 8


def fits(n, entry_size, space, stride):
    """docs/invariants.md, the layout: n slots, and in front of SlabInfo their table, take no more than `space`."""
    slots, table = big(n) * big(stride), table_size(big(n), entry_size)
    return wide(slots, DOUBLE + 1) + wide(table, DOUBLE + 1) <= wide(space, DOUBLE + 1)


x, a, b, c, n, m = (var(name) for name in ("x", "a", "b", "c", "n", "m"))
space, stride, offset = var("space"), var("stride"), var("offset")
IS_LAYOUT = (space <= MAX_SLAB, stride >= 8, stride <= 1 << 33)

POWER = Lemma(
    "power_of_two", "n != 0 && (n & (n - 1)) == 0 is true of the 64 powers of two and of nothing else",
    (), eq(power_of_two(x), is_power(x)) & nothing_wraps(power_of_two(x)))

ROUNDING = Lemma(
    "stride_is_rounded", "stride is the least multiple of the alignment, and of 8, in which the object and what the "
    "policy adds have room; nothing wraps",
    (is_power(b, 3, 30), a <= MAX_SLAB + MOST_ADDED), every(
        nothing_wraps(round_up(a, b)), round_up(a, b) >= a, round_up(a, b) - a < b,
        eq(round_up(a, b) & (b - 1), 0), eq(round_up(a, b) & 7, 0), round_up(a, b) <= 1 << 33))

MONOTONE = Lemma("product_grows", "a <= b gives a * c <= b * c", (a <= b,), big(a) * big(c) <= big(b) * big(c),
                 as_integers=True)

FITS_LESS = [Lemma(
    f"fewer_slots_fit_{e}", f"where m slots with entries of {e} bytes fit, fewer do",
    (*IS_LAYOUT, n <= m, m <= 1 << 32, fits(m, e, space, stride)), fits(n, e, space, stride), as_integers=True,
    uses=((MONOTONE, {"a": n, "b": m, "c": stride}),)) for e in ENTRY_SIZES]


def _is_largest(e):
    count = objects_with_table(e, space, stride)
    return every(nothing_wraps(count), count <= space, fits(count, e, space, stride),
                 ~fits(count + 1, e, space, stride))


LARGEST = [Lemma(
    f"blocks_of_{8 // e}_slots", f"with entries of {e} bytes, counting by blocks of {8 // e} slots finds the largest "
    "number that fits with its table; nothing wraps", IS_LAYOUT, _is_largest(e), as_integers=True) for e in ENTRY_SIZES]


def _is_best_inside():
    """N is the largest number that fits, and e the smallest with which as many do."""
    objects, entry_size = capacity_of(space, stride, eq(const(0), const(0)))
    found = [implies(eq(entry_size, e), fits(objects, e, space, stride) & (objects <= no_slot(e))) for e in ENTRY_SIZES]
    best = [implies(fits(n, e, space, stride), n <= no_slot(e), (n <= objects) & implies(
        eq(n, objects), ne(n, 0), entry_size <= e)) for e in ENTRY_SIZES]
    return every(any_of(*(eq(entry_size, e) for e in ENTRY_SIZES), eq(objects, 0) & eq(entry_size, 0)),
                 objects <= space, *found, *best)


_COUNTS = [objects_with_table(e, space, stride) for e in ENTRY_SIZES]
CAPACITY_INSIDE = Lemma(
    "capacity_with_table", "G3: N is the largest number of slots that fits with its table and whose entries can be "
    "told "
    "apart, and their size is the smallest with which as many fit",
    (*IS_LAYOUT, n <= 1 << 32), _is_best_inside(), as_integers=True,
    uses=(*((lemma, {"space": space, "stride": stride}) for lemma in LARGEST),
          *((lemma, {"space": space, "stride": stride, "n": count + 1, "m": n})
            for lemma, count in zip(FITS_LESS, _COUNTS)),
          *((lemma, {"space": space, "stride": stride, "n": smallest(count, const(no_slot(e))), "m": count})
            for lemma, count, e in zip(FITS_LESS, _COUNTS, ENTRY_SIZES))),
    abstract=("mul", "div", "rem"))


def _is_best_outside():
    objects, entry_size = capacity_of(space, stride, ne(const(0), const(0)))
    return every(
        eq(objects, space // stride), objects <= space, big(objects) * big(stride) <= big(space),
        big(space) < big(objects + 1) * big(stride),
        any_of(eq(objects, 0) & eq(entry_size, 0), *(
            every(eq(entry_size, e), objects <= no_slot(e), *(objects > no_slot(less) for less in ENTRY_SIZES
                                                             if less < e)) for e in ENTRY_SIZES)))


CAPACITY_OUTSIDE = Lemma(
    "capacity_in_large_rows", "G4: N = floor(slab_size / stride), and the entries are the narrowest that can name N "
    "slots",
    IS_LAYOUT, _is_best_outside(), as_integers=True)

WITHOUT_TABLE = Lemma(
    "capacity_without_table", "without a table N = floor(what the slab has for slots / stride)",
    IS_LAYOUT, every(space // stride <= space, big(space // stride) * big(stride) <= big(space),
                     big(space) < big(space // stride + 1) * big(stride)), as_integers=True)

RECIPROCAL = Lemma(
    "reciprocal", "SIZE_MAX / stride + 1 is ceil(2^64 / stride), for every stride above 1; nothing wraps",
    (stride >= 2,), every(
        nothing_wraps(reciprocal_of(stride)),
        big(reciprocal_of(stride)) * big(stride) >= const(1 << WORD, DOUBLE),
        big(reciprocal_of(stride)) * big(stride) - const(1 << WORD, DOUBLE) < big(stride)), as_integers=True)

e = var("e")
INFO_SIZE = Lemma(
    "size_of_slab_info", "slab_info_size is 64 and 8 * ceil(N * e / 8); nothing wraps",
    (n <= MAX_SLAB, any_of(*(eq(e, size) for size in (0, *ENTRY_SIZES)))), every(
        nothing_wraps(slab_info_size(n, e)),
        *(implies(eq(e, size), eq(big(slab_info_size(n, e)), HEADER + table_size(big(n), size)))
          for size in (0, *ENTRY_SIZES))), as_integers=True)

# The number of slots, where space, stride, and whether there is a table may be anything.
is_inside, with_table = var("is_inside", 0), var("with_table", 0)
COUNT, ENTRY = count_of(with_table, is_inside, space, stride)
_one_needs = ite(with_table & is_inside, stride + 8, stride)
ONE_FITS = Lemma(
    "one_slot", "G5: there is a slot if and only if one object has room, with its entry of the table where it has one",
    IS_LAYOUT, eq(COUNT >= 1, _one_needs <= space), as_integers=True,
    uses=(*((lemma, {"space": space, "stride": stride}) for lemma in (*LARGEST, CAPACITY_OUTSIDE)),
          *((lemma, {"space": space, "stride": stride, "n": const(1), "m": count})
            for lemma, count in zip(FITS_LESS, _COUNTS)),
          *((lemma, {"space": space, "stride": stride, "n": count + 1, "m": const(1)})
            for lemma, count in zip(FITS_LESS, _COUNTS))))

# Geometry::make() as a whole.
INPUTS = {name: var(name) for name in ("added", "slab_size", "page_size", "type", "object_size", "object_align")}
has_table = var("has_table")
MADE = make(ne(has_table, 0), *INPUTS.values())
IS_MADE = eq(MADE.error, NO_ERROR)
is_small = eq(INPUTS["type"], SMALL)
is_added = INPUTS["added"] <= MOST_ADDED

# What G1 says, with 2^30 as the documented limit.
G1 = every(is_power(INPUTS["page_size"]), is_power(INPUTS["slab_size"]), INPUTS["slab_size"] >= INPUTS["page_size"],
           INPUTS["page_size"] >= MIN_PAGE, is_power(INPUTS["object_align"]),
           INPUTS["object_align"] <= INPUTS["page_size"],  # of powers of two: the page is a multiple of it
           INPUTS["object_size"] >= 1, INPUTS["slab_size"] <= MAX_SLAB,
           any_of(eq(INPUTS["type"], SMALL), eq(INPUTS["type"], LARGE)))

# The least slot, as a number of any size: `slot` is pinned down by what is said of it.
slot = var("slot", DOUBLE)
_object = big(INPUTS["object_size"]) + big(INPUTS["added"])
SLOT = (_object + big(MADE.slot_align) - 1) // big(MADE.slot_align) * big(MADE.slot_align)
IS_LEAST_SLOT = (slot >= _object, slot - _object < big(MADE.slot_align), eq(slot & (big(MADE.slot_align) - 1), 0))
_beside = ite(is_small, ite(ne(has_table, 0), const(HEADER + 8, DOUBLE), const(HEADER, DOUBLE)), const(0, DOUBLE))
_needed = INPUTS["object_size"] + INPUTS["added"]
_passes = eq(MADE.first_error, NO_ERROR)
BORDERS = Lemma(
    "make_refuses_by_name", "G1: whatever the five numbers, the tests before the first computation let through exactly "
    "what is as G1 says and has an object that is not larger than a slab",
    (), eq(_passes, G1 & (INPUTS["object_size"] <= INPUTS["slab_size"]))
    & implies(G1, ~_passes, eq(MADE.first_error, OBJECT_TOO_LARGE)), at="make")
ROUNDS = Lemma(
    "make_rounds", "G6: what they let through has as its stride the least multiple of the object's alignment and of 8 "
    "in "
    "which the object and what the policy adds have room; nothing wraps", (is_added, _passes), every(
        nothing_wraps(MADE.stride), nothing_wraps(MADE.space), implies(*IS_LEAST_SLOT, eq(big(MADE.stride), slot)),
        MADE.space <= MAX_SLAB, eq(big(INPUTS["slab_size"]), big(MADE.space) + ite(
            is_small, const(HEADER, DOUBLE), const(0, DOUBLE))), eq(INPUTS["slab_size"] & 7, 0),
        MADE.stride >= 8, MADE.stride <= 1 << 33, MADE.stride >= _needed,
        eq(MADE.stride & 7, 0), eq(MADE.stride & (INPUTS["object_align"] - 1), 0)),
    uses=((ROUNDING, {"a": _needed, "b": MADE.slot_align}),), at="make", depends={"slot": SLOT})

_layout = {"space": MADE.space, "stride": MADE.stride}
_one_fits = (ONE_FITS, {**_layout, "is_inside": is_small, "with_table": ne(has_table, 0)})
_steps = (BORDERS.itself(), ROUNDS.itself())
ACCEPTS = Lemma(
    "make_accepts_exactly", "G1, G5, G13: for all 64-bit numbers, any type and all that a policy may add, make() "
    "gives a "
    "geometry exactly where G1 holds and one object has room beside SlabInfo and its table; where G1 holds and it has "
    "not, the error is ObjectTooLarge",
    (is_added, *IS_LEAST_SLOT), every(
        eq(IS_MADE, G1 & (slot + _beside <= big(INPUTS["slab_size"]))),
        implies(G1, ~IS_MADE, eq(MADE.error, OBJECT_TOO_LARGE))),
    uses=(*_steps, _one_fits),
    cut=(MADE.objects, MADE.first_error, MADE.stride), at="make", depends={"slot": SLOT})

# What the steps have shown, of which nothing more is needed.
_cut = (MADE.stride, MADE.space, MADE.first_error, _needed,
        *(is_exact(term) for path, term in exactness(every(eq(MADE.stride, 0), eq(MADE.space, 0)))))
_fields = (MADE.stride, MADE.objects, MADE.entry_size, MADE.info_size, MADE.info_offset, MADE.reciprocal)
_result = MADE.error
for _field in _fields:
    _result = ite(IS_MADE, _field, const(0)) ^ _result
_steps_of_result = (*_steps, *((lemma, _layout) for lemma in LARGEST), (CAPACITY_OUTSIDE, _layout),
                    (WITHOUT_TABLE, _layout), _one_fits, (CAPACITY_INSIDE, {**_layout, "n": n}),
                    (INFO_SIZE, {"n": MADE.objects, "e": MADE.entry_size}), (RECIPROCAL, {"stride": MADE.stride}))
_of_result = {"uses": _steps_of_result, "as_integers": True, "abstract": ("mul", "div", "rem"), "cut": _cut,
              "at": "make"}
TESTS_DO_NOT_WRAP = Lemma(
    "make_tests_never_wrap", "G13: whatever the arguments, nothing wraps in the tests before the first computation", (),
    nothing_wraps(MADE.first_error), at="make")
NOTHING_WRAPS = Lemma(
    "make_never_wraps", "G13: whatever passes them, no addition, subtraction or multiplication of make() wraps, and it "
    "never divides by zero", (is_added, _passes, n <= 1 << 32), nothing_wraps(_result), **_of_result)

_tabled = ne(has_table, 0)
LAYS_OUT = Lemma(
    "make_lays_out", "G6, G9: where there is a geometry, slots, table and SlabInfo lie in this order in the slab and "
    "do "
    "not overlap, each slot's index can be told from the two other values of an entry, and the table begins at a "
    "multiple "
    "of 8",
    (is_added, _passes, n <= 1 << 32), implies(IS_MADE, every(
        MADE.objects >= 1, MADE.objects < 1 << 32, eq(MADE.stride & (INPUTS["object_align"] - 1), 0),
        eq(MADE.stride & 7, 0), MADE.stride >= 8, MADE.stride >= _needed, MADE.stride <= INPUTS["slab_size"],
        implies(_tabled, any_of(*(eq(MADE.entry_size, size) & (MADE.objects <= no_slot(size))
                                  for size in ENTRY_SIZES))),
        implies(~_tabled, eq(MADE.entry_size, 0)), eq(MADE.info_offset & 7, 0), eq(MADE.info_size & 7, 0),
        implies(is_small, eq(MADE.info_offset + MADE.info_size, INPUTS["slab_size"]) & (MADE.info_size >= HEADER)),
        implies(~is_small, eq(MADE.info_offset, INPUTS["slab_size"])),
        big(MADE.objects) * big(MADE.stride) <= big(MADE.info_offset))), **_of_result)

_best = [implies(fits(n, size, MADE.space, MADE.stride), n <= no_slot(size), (n <= MADE.objects) & implies(
    eq(n, MADE.objects), MADE.entry_size <= size)) for size in ENTRY_SIZES]
COUNTS = Lemma(
    "make_counts_slots", "G3, G4: its N is the largest number of slots for which there is room, and its entries are "
    "the "
    "narrowest with which as many have", (is_added, _passes, n <= 1 << 32), implies(IS_MADE, every(
        implies(_tabled, is_small, every(*_best)),
        implies(~(_tabled & is_small), eq(MADE.objects, MADE.space // MADE.stride)),
        implies(_tabled, ~is_small, every(*(implies(MADE.objects <= no_slot(size), MADE.entry_size <= size)
                                            for size in ENTRY_SIZES))))), **_of_result)
