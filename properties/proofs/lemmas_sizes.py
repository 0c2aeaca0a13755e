"""SizeClasses, blocks of pages and the hosted region: roundings to powers of two and to classes."""

from formulas import (CONSTANTS, KERNEL, MAX_SLAB, REGION_CLASSES, REGION_PAGE, block_size, class_for, class_in_all,
                      fresh_page, frontier_class, largest_slab_in, other_half, region_class_of, run_size,
                      size_in_all, slab_size_for)
from lemma import Lemma
from lemmas_geometry import is_power
from term import const, eq, every, implies, ne, nothing_wraps, smallest, var

bytes_, size, align, size_class = (var(name) for name in ("bytes", "size", "align", "class"))
_class = class_in_all(bytes_)
QUARTERS = Lemma(
    "quarter_steps", "for all sizes up to 1 GiB: class_of() is the smallest class whose objects are large enough; "
    "nothing wraps", (bytes_ >= 1, bytes_ <= MAX_SLAB), every(
        size_in_all(_class) >= bytes_, implies(_class >= 1, size_in_all(_class - 1) < bytes_), _class < 256,
        nothing_wraps(eq(size_in_all(_class), 0))), at="large_class_of")
WASTE = Lemma(
    "quarter_steps_waste", "above 32 bytes less than a fifth of an object is unused, below 64 at most 7 bytes are",
    (bytes_ >= 1, bytes_ <= MAX_SLAB), every(
        implies(bytes_ > 32, (size_in_all(_class) - bytes_) * 5 < size_in_all(_class)),
        implies(bytes_ <= 64, size_in_all(_class) - bytes_ <= 7)))
ALIGNED = Lemma(
    "quarter_steps_align", "the size of a class is a multiple of each power of two that divides what it was chosen for",
    (bytes_ >= 1, bytes_ <= MAX_SLAB, is_power(align, 3, 30), eq(bytes_ & (align - 1), 0)),
    eq(size_in_all(_class) & (align - 1), 0))

_found = class_for(size, align)
_real = size_in_all(_found + KERNEL["skipped"])
_is_align = is_power(align, 0, 12)
other = var("other")
_other = size_in_all(other + KERNEL["skipped"])
CLASS_FOR = Lemma(
    "class_for", "for all 64-bit sizes and alignments: the class that alloc() takes has objects of that size and that "
    "alignment, and no smaller one has; there is none exactly where no class has such objects, or the alignment is no "
    "power of two up to a page", (), every(
        implies(_found < KERNEL["count"], every(_is_align, _real >= size, eq(_real & (align - 1), 0))),
        implies(other < KERNEL["count"], _other >= size, _is_align, eq(_other & (align - 1), 0), _found <= other),
        _found <= KERNEL["count"]), at="usable_size")
SIZES_WRAP = Lemma(
    "class_for_never_wraps", "nothing wraps in class_for(), whatever the size and the alignment",
    (), nothing_wraps(eq(_found, 0)), at="usable_size")

_block = block_size(size)
BLOCKS = Lemma(
    "block_size", "a block for up to 1 GiB is a power of two of whole pages, at least as large as was asked for and, "
    "above a page, less than twice as large", (size <= MAX_SLAB,), every(
        nothing_wraps(eq(_block, 0)), _block >= size, is_power(_block, 12, 30), implies(size > KERNEL["page"],
                                                                                     _block < 2 * size)),
    at="usable_size")
_run = run_size(size)
RUNS = Lemma(
    "run_size", "a run of pages for 1 byte to 1 GiB is whole pages, at least as large as was asked for, at most 1 GiB, "
    "and by less than a page or an eighth too large; nothing wraps", (size >= 1, size <= MAX_SLAB), every(
        nothing_wraps(eq(_run, 0)), _run >= size, _run <= MAX_SLAB, eq(_run & (KERNEL["page"] - 1), 0),
        ((_run - size) * 8 < size) | (_run - size < KERNEL["page"])), at="run_size_for")
SLAB_SIZES = Lemma(
    "slab_size_of_a_class", "for objects of up to 8192 bytes KernelSizes has slabs of 2, 4, 8 or 16 "
    "pages", (size <= 8192,),
    is_power(slab_size_for(size), 13, 16), at="slab_size_for")

# hosted/region.hpp. Pages are counted, of which the largest region has 2^31.
frontier, page = var("frontier"), var("page")
MOST_PAGES = CONSTANTS["region_max_size"] // REGION_PAGE
_step = frontier_class(frontier, page)
ORDER = Lemma(
    "region_order", "the order of a slab is that of which a block has exactly its bytes, and the last class is the "
    "largest "
    "slab's", (is_power(size, 12, 30),),
    eq(const(REGION_PAGE) << region_class_of(size), size) & (region_class_of(size) < REGION_CLASSES))
FRONTIER = Lemma(
    "region_frontier", "each block that the frontier leaves behind lies at a multiple of its size, ends where the "
    "frontier "
    "is to go or before, and is as large as that allows; nothing wraps in a region of any size", (
        frontier < page, page <= MOST_PAGES), every(
            nothing_wraps(eq(_step, 0)), _step < REGION_CLASSES, (const(1) << _step) <= page - frontier,
            eq(frontier & ((const(1) << _step) - 1), 0),
            implies(_step + 1 < REGION_CLASSES, ((const(2) << _step) > page - frontier)
                    | ne(frontier & ((const(2) << _step) - 1), 0))))
_fresh = fresh_page(frontier, size_class)
FRESH = Lemma(
    "region_fresh_page", "a slab from behind the frontier begins at the first multiple of its size there; nothing "
    "wraps",
    (frontier <= MOST_PAGES, size_class < REGION_CLASSES), every(
        nothing_wraps(_fresh), _fresh >= frontier, _fresh - frontier < const(1) << size_class,
        eq(_fresh & ((const(1) << size_class) - 1), 0)))
_half, _both = other_half(page, size_class), smallest(page, other_half(page, size_class))
HALVES = Lemma(
    "region_halves", "page ^ 2^class is the other half: the two lie beside each other, do not overlap, and together "
    "are "
    "the block of the next class that begins at the lower one",
    (page < MOST_PAGES, size_class < REGION_CLASSES - 1, eq(page & ((const(1) << size_class) - 1), 0)), every(
        eq(other_half(_half, size_class), page), eq(_half & ((const(1) << size_class) - 1), 0),
        eq(_both & ((const(2) << size_class) - 1), 0), eq(_half ^ page, const(1) << size_class),
        eq((_half - _both) + (page - _both), const(1) << size_class)))
LARGEST_SLAB = Lemma(
    "region_largest_slab", "the largest slab of a region is the largest power of two of bytes in it, from a page to 1 "
    "GiB",
    (size >= REGION_PAGE,), every(is_power(largest_slab_in(size), 12, 30), largest_slab_in(size) <= size,
                                  (largest_slab_in(size) >= MAX_SLAB) | (size < 2 * largest_slab_in(size))))
