"""Where a pointer lies in a slab: the products that stand for divisions, what a misuse is called, and reserve()."""

from formulas import (DOUBLE_FREE, INTERIOR_POINTER, MAX_SLAB, NEVER_ALLOCATED, SLAB_INFO_POINTER, TAIL_WASTE_POINTER,
                      base_of, exact_quotient, has_addresses_for, locate, misuse_kind, owner_of, reciprocal_of,
                      slabs_kept, slabs_needed, table_of, turned_right, wrapping_product)
from lemma import Lemma
from lemmas_geometry import MONOTONE, RECIPROCAL, big, is_power
from term import WORD, const, eq, every, implies, ite, low, ne, nothing_wraps, var, wide

DOUBLE = 2 * WORD
a, b, c, m, n, q, r, t = (var(name) for name in ("a", "b", "c", "m", "n", "q", "r", "t"))
stride, offset, carved, count, info_offset = (
    var(name) for name in ("stride", "offset", "carved", "count", "info_offset"))
index, begins_slot = locate(m, offset)
two_64 = const(1 << WORD, DOUBLE)
most = const((1 << WORD) - 1)

# In the words of geometry.hpp: d is the stride, e = m * d - 2^64, offset = q * d + r.
d, e = var("d"), var("e")
TRIPLE = 3 * WORD + 8


def huge(word):
    return wide(word, TRIPLE)


_m_is_reciprocal = eq(huge(m) * huge(d), huge(two_64) + huge(e))
PRODUCT = Lemma(
    "product_of_locate", "where m * d = 2^64 + e and the offset is q * d + r, its product with m is q * 2^64 + q * e "
    "+ r * m",
    (_m_is_reciprocal, eq(huge(n), huge(q) * huge(d) + huge(r))),
    eq(huge(n) * huge(m), huge(q) * huge(two_64) + huge(q) * huge(e) + huge(r) * huge(m)), as_integers=True)
SMALL_REST = Lemma(
    "rest_of_locate", "q * e + r * m is below 2^64; where r is 0 it is below m, and where not it is at least m",
    (_m_is_reciprocal, d >= 2, d <= MAX_SLAB, e < d, r < d, huge(q) * huge(d) <= MAX_SLAB), every(
        huge(q) * huge(e) < 1 << 30, m >= 1 << 34, huge(r) * huge(m) + huge(m) <= huge(m) * huge(d),
        huge(q) * huge(e) + huge(r) * huge(m) < 1 << WORD,
        implies(eq(r, 0), huge(q) * huge(e) + huge(r) * huge(m) < huge(m)),
        implies(r >= 1, huge(q) * huge(e) + huge(r) * huge(m) >= huge(m))), as_integers=True,
    uses=((MONOTONE, {"a": e, "b": d, "c": q}), (MONOTONE, {"a": r, "b": d - 1, "c": m}),
          (MONOTONE, {"a": const(1), "b": r, "c": m})))

# The same of offset and stride.
IS_STRIDE = (stride >= 8, eq(stride & 7, 0))
_reciprocal = reciprocal_of(stride)
_error = low(big(_reciprocal) * big(stride) - two_64, WORD)
_named = {"m": _reciprocal, "d": stride, "e": _error, "q": offset // stride, "r": offset % stride}
_product = ((RECIPROCAL, {"stride": stride}), (PRODUCT, {**_named, "n": offset}))
_index, _begins_slot = locate(_reciprocal, offset)
LOCATE = Lemma(
    "locate", "for every stride up to 2^30 and every offset below 2^30, the multiplication gives offset / stride, "
    "and says that a slot begins there exactly where the division leaves no rest",
    (*IS_STRIDE, stride <= MAX_SLAB, offset < MAX_SLAB), every(
        eq(_index, offset // stride), eq(_begins_slot, eq(offset % stride, 0))), as_integers=True,
    uses=(*_product, (SMALL_REST, _named)), at="locate")
OUTSIDE = Lemma(
    "locate_outside", "for every 64-bit offset the multiplication gives at least offset / stride: a pointer outside "
    "of a "
    "slab has no index inside of it", IS_STRIDE, _index >= offset // stride, as_integers=True, uses=_product,
    at="locate")

_quotient = offset // stride


def _is_behind(slots, term):
    """Of the uses: slots * stride <= offset if and only if slots <= offset / stride."""
    return ((MONOTONE, {"a": slots, "b": term, "c": stride}), (MONOTONE, {"a": term + 1, "b": slots, "c": stride}))


FOREIGN = Lemma(
    "free_takes_no_foreign_pointer", "whatever 64-bit address is freed: where its index is below the number of carved "
    "slots, it lies in these slots of the current slab", (*IS_STRIDE, carved <= MAX_SLAB, _index < carved),
    big(offset) < big(carved) * big(stride), as_integers=True,
    uses=((OUTSIDE, {"stride": stride, "offset": offset}), *_is_behind(carved, _quotient)), at="locate")

_before = every(*IS_STRIDE, stride <= MAX_SLAB, offset < MAX_SLAB, carved <= count,
                big(count) * big(stride) <= big(info_offset), info_offset <= MAX_SLAB)
_expected = ite(
    offset >= info_offset, const(SLAB_INFO_POINTER), ite(
        big(offset) >= big(count) * big(stride), const(TAIL_WASTE_POINTER), ite(
            ne(offset % stride, 0), const(INTERIOR_POINTER), ite(
                big(offset) >= big(carved) * big(stride), const(NEVER_ALLOCATED), const(DOUBLE_FREE)))))
MISUSE = Lemma(
    "misuse_is_named_rightly", "M1 to M4, M7: of every offset in a slab misuse_at() says SlabInfo, tail waste, "
    "interior, "
    "never allocated or double free as the layout says it", (_before,),
    eq(misuse_kind(_index, _begins_slot, offset, count, info_offset, carved), _expected), as_integers=True,
    uses=((LOCATE, {"stride": stride, "offset": offset}), *_is_behind(carved, _quotient),
          *_is_behind(count, _quotient)), at="misuse_at")

# exact_quotient.hpp: the divisor is odd * 2^zeros, and odd * inverse = 1 + s * 2^64.
odd, inverse, zeros, s = (var(name) for name in ("odd", "inverse", "zeros", "s"))
_product_of = wrapping_product(n, inverse)
_power = const(1) << zeros
_quotient_found = exact_quotient(n, inverse, zeros)
_is_inverse = eq(huge(odd) * huge(inverse), huge(const(1)) + huge(s) * huge(two_64))
p, u = var("p"), var("u")
REGROUPED = Lemma(
    "products_regroup", "(a * b) * c = (c * b) * a and a * b = b * a, of numbers",
    (), eq((huge(a) * huge(b)) * huge(c), (huge(c) * huge(b)) * huge(a)) & eq(huge(a) * huge(b), huge(b) * huge(a)),
    as_integers=True)
SPREAD = Lemma(
    "products_spread", "(a + b * 2^64) * c = a * c + b * c * 2^64", (),
    eq((huge(a) + huge(b) * huge(two_64)) * huge(c), huge(a) * huge(c) + (huge(b) * huge(c)) * huge(two_64)),
    as_integers=True)
_is_product = eq(huge(n) * huge(inverse), huge(p) + huge(u) * huge(two_64))
_one = const(1)
INVERSE = Lemma(
    "inverse", "where odd * inverse = 1 modulo 2^64, and p is a number's product with the inverse modulo 2^64: p * "
    "odd is "
    "that number if it is below 2^64", (_is_inverse, _is_product, huge(p) * huge(odd) < 1 << WORD),
    eq(huge(p) * huge(odd), huge(n)), as_integers=True, abstract=("mul",),
    uses=((REGROUPED, {"a": n, "b": inverse, "c": odd}), (SPREAD, {"a": p, "b": u, "c": odd}),
          (SPREAD, {"a": _one, "b": s, "c": n})))
INVERSE_OF_MULTIPLE = Lemma(
    "inverse_of_a_multiple", "and of a multiple t * odd it is t",
    (_is_inverse, _is_product, eq(huge(n), huge(t) * huge(odd))), eq(p, t), as_integers=True, abstract=("mul",),
    uses=((REGROUPED, {"a": t, "b": odd, "c": inverse}), (REGROUPED, {"a": inverse, "b": odd, "c": t}),
          (SPREAD, {"a": _one, "b": s, "c": t})))
_rotated = turned_right(p, zeros)
TURNED = Lemma(
    "turned_right", "turned right by k bits, a product whose last k bits are 0 is divided by 2^k, and another is at "
    "least "
    "2^(64 - k); each k from 1 to 63", (zeros >= 1, zeros <= 63), every(
        implies(eq(p & (_power - 1), 0), eq(_rotated, p >> zeros)),
        implies(ne(p & (_power - 1), 0), _rotated >= const(1) << (64 - zeros)), nothing_wraps(_power)))

GROWS = Lemma("huge_product_grows", "a <= b gives a * c <= b * c, in the bits that these need", (a <= b,),
              huge(a) * huge(c) <= huge(b) * huge(c), as_integers=True)
SAME_PRODUCT = Lemma("same_product", "a product of two words is the same in 128 bits and in more", (),
                     eq(huge(a) * huge(b), wide(big(a) * big(b), TRIPLE)), as_integers=True)
divisor = var("divisor")
_p, _u = _product_of, low((big(n) * big(inverse)) >> WORD, WORD)
_named = {"odd": odd, "inverse": inverse, "s": s, "n": n, "p": _p, "u": _u}
_by_divisor = {"a": _power, "b": divisor}
QUOTIENT = Lemma(
    "exact_quotient", "for every even divisor and every 64-bit number: exact_quotient() is the quotient of a "
    "multiple, and "
    "of another number it is so large that the divisor times it is no 64-bit number: more than every quotient",
    (zeros >= 1, zeros <= 63, odd >= 1, _is_inverse, eq(huge(divisor), huge(odd) * huge(_power))), every(
        implies(huge(divisor) * huge(_quotient_found) < 1 << WORD, eq(huge(divisor) * huge(_quotient_found), huge(n))),
        implies(eq(huge(n), huge(divisor) * huge(t)), eq(_quotient_found, t))), as_integers=True, abstract=("mul",),
    cases=("zeros", range(1, 64)),
    uses=((SAME_PRODUCT, {"a": n, "b": inverse}), (TURNED, {"p": _p, "zeros": zeros}), (INVERSE, _named),
          *((REGROUPED, {"a": term, "b": _power, "c": odd}) for term in (_quotient_found, t)),
          *((GROWS, {**_by_divisor, "c": term}) for term in (_quotient_found, t)),
          (INVERSE_OF_MULTIPLE, {**_named, "t": ite(t <= const((1 << WORD) - 1) // _power, t * _power, const(0))})))

# cache_state.hpp
slab, info_size = var("slab"), var("info_size")
_info = owner_of(slab + offset, var("slab_size"))
OWNER = Lemma(
    "owner_of_a_pointer", "row 1, M6: any pointer into a slab of any size, wherever the slab lies, leads to its last "
    "64 bytes, and from there to its first byte and to its table of slots",
    (is_power(var("slab_size"), 6, 30), eq(slab & (var("slab_size") - 1), 0), offset < var("slab_size"),
     info_size <= var("slab_size")), every(
        eq(_info, slab + var("slab_size") - 64), eq(base_of(_info, var("slab_size")), slab),
        eq(table_of(_info, info_size), slab + (var("slab_size") - info_size))))
free, slots, slabs, slab_size = (var(name) for name in ("free", "slots", "slabs", "slab_size"))
_needed = slabs_needed(n, free, slots)
_most_slabs = most // slab_size
_given = (n > free, slots >= 1, slots <= MAX_SLAB, slab_size >= 64, slab_size <= MAX_SLAB)
NEEDED = Lemma(
    "reserve_counts_slabs", "B20: for all 64-bit n reserve() makes exactly as many slabs as are missing: with one less "
    "there would be too few free objects; nothing wraps", _given, every(
        nothing_wraps(_needed), huge(_needed) * huge(slots) + huge(free) >= huge(n),
        (huge(_needed) - 1) * huge(slots) + huge(free) < huge(n)), as_integers=True)
ADDRESSES = Lemma(
    "reserve_refuses_early", "B20: with all slabs that there are, those that it makes have no more bytes than there "
    "are "
    "addresses, and it refuses at once only where they had more; nothing wraps",
    (slab_size >= 64, slab_size <= MAX_SLAB, huge(slabs) * huge(slab_size) < 1 << WORD), every(
        nothing_wraps(has_addresses_for(n, slab_size, slabs)),
        eq(has_addresses_for(n, slab_size, slabs), (huge(slabs) + huge(n)) * huge(slab_size) < 1 << WORD)),
    as_integers=True)
STATISTICS = Lemma(
    "statistics_never_wrap", "S3: the slots of all slabs that there can be are a 64-bit number",
    (slots <= slab_size, huge(slabs) * huge(slab_size) < 1 << WORD), nothing_wraps(slabs * slots), as_integers=True,
    uses=((GROWS, {"a": slots, "b": slab_size, "c": slabs}),))
KEPT = Lemma(
    "reserve_keeps_slabs", "L6: it keeps ceil(n / N) empty slabs, for all 64-bit n; nothing "
    "wraps", (slots >= 2,), every(
        nothing_wraps(slabs_kept(n, slots)), huge(slabs_kept(n, slots)) * huge(slots) >= huge(n),
        huge(slabs_kept(n, slots)) * huge(slots) < huge(n) + huge(slots)), as_integers=True)
KEPT_OF_ONE = Lemma(
    "reserve_keeps_slabs_of_one", "the same where a slab has one object", (), eq(slabs_kept(n, const(1)), n))
