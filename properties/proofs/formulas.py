"""What the allocator's headers compute, as terms. agree.cpp compares each of FORMULAS with the function of which it is
the formula."""

import dataclasses

from term import (TRUE, WORD, const, eq, ite, largest, low, ne, number, smallest, var, wide)

# agree.cpp compares these with the headers'.
CONSTANTS = {
    "min_page_size": 64, "max_slab_size": 1 << 30, "slab_info_header_size": 64, "slab_info_size": 64,
    "first_seal_key": 0x5A97, "region_page_size": 4096, "region_max_size": 1 << 43, "region_classes": 19,
    "most_added_bytes": (1 << 30) + 16,
}
MIN_PAGE, MAX_SLAB, HEADER = (CONSTANTS[name] for name in ("min_page_size", "max_slab_size", "slab_info_header_size"))
SMALL, LARGE = 0, 1
(NO_ERROR, PAGE_NOT_POWER, PAGE_TOO_SMALL, SLAB_NOT_POWER, SLAB_BELOW_PAGE, SLAB_TOO_LARGE, UNKNOWN_TYPE, SIZE_ZERO,
 ALIGN_NOT_POWER, ALIGN_ABOVE_PAGE, OBJECT_TOO_LARGE) = range(11)
SLAB_INFO_POINTER, TAIL_WASTE_POINTER, INTERIOR_POINTER, NEVER_ALLOCATED, DOUBLE_FREE = range(5)


def power_of_two(n):
    return ne(n, 0) & eq(n & (n - 1), 0)


def round_up(n, align):
    """To a power of two."""
    return (n + align - 1) & ~(align - 1)


def bit_width(n):
    """How many bits the number takes: 0 for 0."""
    width = const(0, n.width)
    for bit in range(n.width):
        width = ite(n >> bit >= 1, const(bit + 1, n.width), width)
    return width


def trailing_zeros(n):
    zeros = const(n.width, n.width)
    for bit in reversed(range(n.width)):
        zeros = ite(ne(n & (1 << bit), 0), const(bit, n.width), zeros)
    return zeros


def bit_ceil(n):
    return ite(n <= 1, const(1), const(1) << bit_width(n - 1))


# geometry.hpp


def no_slot(entry_size):
    return (1 << 8 * entry_size) - 2


def objects_with_table(entry_size, space, stride):
    """In Small rows, of Geometry::capacity_of(), before the entries' limit."""
    shared = 8 // entry_size
    block = shared * stride + 8
    rest = space % block
    return space // block * shared + ite(rest > 8, (rest - 8) // stride, const(0))


def capacity_of(space, stride, is_table_inside):
    """(objects, entry_size)"""
    best, best_entry = const(0), const(0)
    for entry_size in (1, 2, 4):
        most = no_slot(entry_size)
        inside, outside = objects_with_table(entry_size, space, stride), space // stride
        objects = ite(is_table_inside, smallest(inside, const(most)), ite(outside > most, const(0), outside))
        is_better = objects > best
        best, best_entry = ite(is_better, objects, best), ite(is_better, const(entry_size), best_entry)
    return best, best_entry


def count_of(has_table, is_table_inside, space, stride):
    """(objects, entry_size), as make() asks for them."""
    objects, entry_size = capacity_of(space, stride, is_table_inside)
    return ite(has_table, objects, space // stride), ite(has_table, entry_size, const(0))


@dataclasses.dataclass
class Made:
    """What Geometry::make() gives. Where there is an error the rest means nothing."""
    first_error: object  # of those that need no division
    error: object
    slot_align: object
    stride: object
    space: object
    objects: object
    entry_size: object
    info_size: object
    info_offset: object
    reciprocal: object
    row: object


def reciprocal_of(stride):
    return const((1 << WORD) - 1) // stride + 1


def slab_info_size(objects, entry_size):
    return HEADER + (objects * entry_size + 7) // 8 * 8


def make(has_table, added, slab_size, page_size, type_, object_size, object_align):
    cascade = [
        (~power_of_two(page_size), PAGE_NOT_POWER), (page_size < MIN_PAGE, PAGE_TOO_SMALL),
        (~power_of_two(slab_size), SLAB_NOT_POWER), (slab_size < page_size, SLAB_BELOW_PAGE),
        (slab_size > MAX_SLAB, SLAB_TOO_LARGE), (ne(type_, SMALL) & ne(type_, LARGE), UNKNOWN_TYPE),
        (eq(object_size, 0), SIZE_ZERO), (~power_of_two(object_align), ALIGN_NOT_POWER),
        (object_align > page_size, ALIGN_ABOVE_PAGE), (object_size > slab_size, OBJECT_TOO_LARGE)]
    slot_align = ite(object_align < 8, const(8), object_align)
    stride = round_up(object_size + added, slot_align)
    is_small = eq(type_, SMALL)
    space = ite(is_small, slab_size - HEADER, slab_size)
    objects, entry_size = count_of(has_table, is_small, space, stride)
    first_error = const(NO_ERROR)
    for condition, number_of_error in reversed(cascade):
        first_error = ite(condition, const(number_of_error), first_error)
    last_error = ite(eq(objects, 0), const(OBJECT_TOO_LARGE), const(NO_ERROR))
    error = ite(ne(first_error, NO_ERROR), first_error, last_error)
    info_size = slab_info_size(objects, entry_size)
    info_offset = ite(is_small, slab_size - info_size, slab_size)
    row = ite(is_small, ite(eq(slab_size, page_size), const(0), const(1)), const(2))
    return Made(first_error, error, slot_align, stride, space, objects, entry_size, info_size, info_offset,
                reciprocal_of(stride), row)


def locate(reciprocal, offset):
    """(index, begins_slot)"""
    product = wide(offset, 2 * WORD) * wide(reciprocal, 2 * WORD)
    return low(product >> WORD, WORD), low(product, WORD) < reciprocal


def misuse_kind(index, begins_slot, offset, objects, info_offset, carved):
    """Of misuse_at()."""
    kind = ite(index >= carved, const(NEVER_ALLOCATED), const(DOUBLE_FREE))
    kind = ite(~begins_slot, const(INTERIOR_POINTER), kind)
    kind = ite(index >= objects, const(TAIL_WASTE_POINTER), kind)
    return ite(offset >= info_offset, const(SLAB_INFO_POINTER), kind)


# exact_quotient.hpp


def wrapping_product(one, other):
    """Modulo 2^64, on purpose."""
    return low(wide(one, 2 * WORD) * wide(other, 2 * WORD), WORD)


def turned_right(word, bits):
    """By 1 to 63 bits."""
    shifted = word >> bits
    lost = word - (shifted << bits)
    return shifted + (lost << (WORD - bits))


def exact_quotient(number_, inverse, zeros):
    """`zeros`: how many of the divisor's last bits are 0, 1 to 63."""
    return turned_right(wrapping_product(number_, inverse), zeros)


# cache_slabs.hpp


def slabs_needed(n, free_objects, objects_per_slab):
    """slabs_missing_to(), where n > free_objects."""
    return (n - free_objects - 1) // objects_per_slab + 1


def has_addresses_for(needed, slab_size, slabs):
    return needed <= const((1 << WORD) - 1) // slab_size - slabs


def owner_of(pointer, page_size):
    """The SlabInfo at the end of the pointer's page: find_owner() of a SmallSinglePage cache."""
    return (pointer & ~(page_size - 1)) + page_size - HEADER


def base_of(info, slab_size):
    """In Small rows."""
    return info + HEADER - slab_size


def table_of(info, info_size):
    return info + HEADER - info_size


def slabs_kept(n, objects_per_slab):
    """Of reserve()."""
    return n // objects_per_slab + number(ne(n % objects_per_slab, 0))


# seal.hpp

ROTATIONS = {"owner": 0, "slab": 9, "next": 19, "previous": 28, "next_slab": 39, "previous_slab": 53}
COUNT_ROTATIONS = {"free_head": 0, "used": 11, "carved": 22}


def rotated(word, bits):
    return word if bits == 0 else word << bits | word >> (word.width - bits)


def folded(word):
    if word.width == WORD:
        word = low(word ^ word >> 32, 32)
    return low(word ^ word >> 16, 16)


def _sealed(members, rotations, key):
    words = None
    for name, bits in rotations.items():
        turned = rotated(members[name], bits)
        words = turned if words is None else words ^ turned
    return folded(words) ^ key


def links_seal(members, key):
    return _sealed(members, ROTATIONS, key)


def slots_seal(members, key):
    return _sealed(members, COUNT_ROTATIONS, key)


def seal_change(before, after, bits):
    """What set_member() changes the seal by."""
    return folded(rotated(before ^ after, bits))


# size_table.hpp, size_classes.hpp


def class_in_all(bytes_):
    """Of QuarterSteps<8, …>; `bytes_` is at least 1."""
    doubling = bit_width(bytes_ - 1)
    above = 4 * (doubling - 5) + ((bytes_ - 1) >> (doubling - 3)) % 4
    return ite(bytes_ <= 64, (bytes_ - 1) // 8, above)


def size_in_all(size_class):
    return ite(size_class < 8, 8 * (size_class + 1), (5 + size_class % 4) << (size_class // 4 + 2))


def class_of(bytes_, least, skipped):
    return class_in_all(largest(bytes_, const(least))) - skipped


KERNEL = {"least": 16, "skipped": 1, "count": 35, "largest": 8192, "page": 4096}


def class_for(size, align):
    """Of SizeClasses with KernelSizes, whose table of steps gives class_of() of the next multiple of 8."""
    def of_steps(n):
        steps = (n + 7) // 8
        return class_of(ite(eq(steps, 0), const(1), 8 * steps), KERNEL["least"], KERNEL["skipped"])
    bytes_ = round_up(largest(size, const(1)), align)
    none = const(KERNEL["count"])
    aligned = ite(bytes_ > KERNEL["largest"], none, of_steps(bytes_))
    is_alignment = power_of_two(align) & (align <= KERNEL["page"])
    return ite((size > KERNEL["largest"]) | ~is_alignment, none, ite(align <= 8, of_steps(size), aligned))


def block_size(size):
    return bit_ceil(largest(ite(eq(size, 0), const(1), size), const(KERNEL["page"])))


def bit_floor(n):
    return ite(eq(n, 0), const(0), const(1) << (bit_width(n) - 1))


def run_size(size):
    """Of a backend that has runs of pages."""
    step = largest(bit_floor(size - 1) // 8, const(KERNEL["page"]))
    return round_up(size, step)


def slab_size_for(size):
    return largest(smallest(bit_ceil(16 * size), const(16 * KERNEL["page"])), const(2 * KERNEL["page"]))


# hosted/region.hpp

REGION_PAGE, REGION_CLASSES = CONSTANTS["region_page_size"], CONSTANTS["region_classes"]


def region_class_of(slab_size):
    return bit_width(slab_size // REGION_PAGE) - 1


def frontier_class(frontier, page):
    """Of move_frontier(), where frontier < page."""
    return smallest(trailing_zeros(frontier), region_class_of((page - frontier) * REGION_PAGE),
                    const(REGION_CLASSES - 1))


def fresh_page(frontier, size_class):
    """Of take_fresh()."""
    size = const(1) << size_class
    return (frontier + size - 1) & ~(size - 1)


def other_half(page, size_class):
    return page ^ (const(1) << size_class)


def largest_slab_in(size):
    """std::clamp(std::bit_floor(size), …)"""
    return smallest(largest(bit_floor(size), const(REGION_PAGE)), const(MAX_SLAB))


@dataclasses.dataclass
class Formula:
    """`outputs`: names and terms over variables named as the inputs."""
    name: str
    inputs: tuple
    outputs: dict


def _formulas():
    inputs = ("has_table", "added", "slab_size", "page_size", "type", "object_size", "object_align")
    words = [var(name) for name in inputs]
    made = make(ne(words[0], 0), *words[1:])
    fields = {"stride": made.stride, "objects": made.objects, "entry_size": made.entry_size,
              "slab_info_size": made.info_size, "slab_info_offset": made.info_offset, "row": made.row}
    is_ok = eq(made.error, NO_ERROR)
    yield Formula("make", inputs,
                  {"error": made.error, **{name: ite(is_ok, term, const(0)) for name, term in fields.items()}})
    stride, offset, carved = var("stride"), var("offset"), var("carved")
    index, begins_slot = locate(reciprocal_of(stride), offset)
    yield Formula("locate", ("stride", "offset"), {"index": index, "begins_slot": number(begins_slot)})
    kind = misuse_kind(*locate(made.reciprocal, offset), offset, made.objects, made.info_offset, carved)
    yield Formula("misuse_at", (*inputs, "offset", "carved"),
                  {"kind": ite(is_ok, kind, const(99))})
    yield Formula("exact_quotient", ("number", "inverse", "zeros"),
                  {"quotient": exact_quotient(var("number"), var("inverse"), var("zeros"))})
    members = {name: var(name) for name in ROTATIONS}
    yield Formula("links_seal", (*ROTATIONS, "key"),
                  {"seal": wide(links_seal(members, low(var("key"), 16)), WORD)})
    counts = {name: low(var(name), 32) for name in COUNT_ROTATIONS}
    yield Formula("slots_seal", (*COUNT_ROTATIONS, "key"),
                  {"seal": wide(slots_seal(counts, low(var("key"), 16)), WORD)})
    yield Formula("set_member", ("before", "after"),
                  {name: wide(seal_change(var("before"), var("after"), bits), WORD)
                   for name, bits in ROTATIONS.items() if name != "owner"})
    size, align = var("size"), var("align")
    yield Formula("class_of", ("bytes",), {"class": class_in_all(var("bytes")),
                                           "kernel": class_of(var("bytes"), KERNEL["least"], KERNEL["skipped"])})
    yield Formula("large_class_of", ("bytes",), {"class": class_in_all(var("bytes"))})
    yield Formula("size_of", ("class",), {"size": size_in_all(var("class"))})
    size_class = class_for(size, align)
    is_class = size_class < KERNEL["count"]
    is_block = (size <= MAX_SLAB) & power_of_two(align) & (align <= KERNEL["page"])
    usable = ite(is_class, size_in_all(size_class + KERNEL["skipped"]), ite(is_block, block_size(size), const(0)))
    yield Formula("usable_size", ("size", "align"), {"size": usable})
    yield Formula("slab_size_for", ("size",), {"slab_size": slab_size_for(size)})
    yield Formula("run_size_for", ("size",), {"bytes": run_size(size)})
    free, slots, slab_size, slabs = (var(name) for name in ("free_objects", "objects_per_slab", "slab_size", "slabs"))
    needed = slabs_needed(var("n"), free, slots)
    asked = ite((var("n") > free) & has_addresses_for(needed, slab_size, slabs), needed, const(0))
    yield Formula("reserve", ("n", "free_objects", "objects_per_slab", "slab_size", "slabs"), {"asked_for": asked})
    slab_size, object_size = var("slab_size"), var("object_size")
    of_page = make(TRUE, const(0), slab_size, slab_size, const(SMALL), object_size, const(1))
    info = owner_of(var("pointer"), slab_size)
    yield Formula("addresses", ("pointer", "slab_size", "object_size"),
                  {"info": info, "slab": base_of(info, slab_size), "table": table_of(info, of_page.info_size)})
    yield Formula("region_class_of", ("slab_size",), {"class": region_class_of(var("slab_size"))})
    yield Formula("region_largest_slab", ("size",), {"slab_size": largest_slab_in(size)})
    frontier, page = var("frontier"), var("page")
    yield Formula("region_frontier", ("frontier", "page"), {"class": frontier_class(frontier, page)})
    yield Formula("region_fresh_page", ("frontier", "class"), {"page": fresh_page(frontier, var("class"))})


FORMULAS = {formula.name: formula for formula in _formulas()}
