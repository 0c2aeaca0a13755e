"""What a seal sees (seal.hpp), for all contents of a SlabInfo and all keys."""

from formulas import COUNT_ROTATIONS, ROTATIONS, links_seal, seal_change, slots_seal
from lemma import Lemma
from term import eq, every, low, ne, var, wide

key, seal = var("key", 16), var("seal", 16)
LINKS = {name: var(name) for name in ROTATIONS}
COUNTS = {name: var(name, 32) for name in COUNT_ROTATIONS}
new = var("new")
flipped, place = var("flipped", 8), var("place")


def within_a_byte(width):
    """What a change within one byte flips of a word: `flipped` of the byte `place`."""
    return wide(flipped, width) << low(8 * place, width)


def _seen(members, seal_of, name):
    width = members[name].width
    return ne(seal_of({**members, name: members[name] ^ within_a_byte(width)}, key), seal_of(members, key))


_is_change = (ne(flipped, 0), place < 8)
BYTE_OF_LINKS = Lemma(
    "seal_sees_a_byte_of_links", "M14: any change within one byte of owner, base or a link changes the "
    "seal", _is_change,
    every(*(_seen(LINKS, links_seal, name) for name in ROTATIONS)), at="links_seal")
BYTE_OF_COUNTS = Lemma(
    "seal_sees_a_byte_of_counts", "M14: the same of the first free slot and the counts", (ne(flipped, 0), place < 4),
    every(*(_seen(COUNTS, slots_seal, name) for name in COUNT_ROTATIONS)), at="slots_seal")
LINEAR = Lemma(
    "seal_follows_set_member", "set_member() leaves a right seal right, and a wrong one wrong by as much, whatever "
    "else "
    "the SlabInfo says", (), every(*(
        eq(seal ^ seal_change(LINKS[name], new, bits) ^ links_seal({**LINKS, name: new}, key),
           seal ^ links_seal(LINKS, key)) for name, bits in ROTATIONS.items() if name != "owner")), at="links_seal")

other, far = var("other", 8), var("far")


def _two(width):
    return within_a_byte(width) ^ wide(other, width) << low(8 * far, width)


def _unseen(members, seal_of, name):
    width = members[name].width
    return eq(seal_of({**members, name: members[name] ^ _two(width)}, key), seal_of(members, key))


_is_pair = (ne(flipped, 0), ne(other, 0), place < far)
_hides = eq(flipped, other) & eq((far - place) & 1, 0)
TWO_OF_LINKS = Lemma(
    "two_bytes_of_a_link_unseen", "a change of two bytes of owner, base or a link goes unseen exactly where they lie "
    "2, 4 "
    "or 6 apart and change alike", (*_is_pair, far < 8),
    every(*(eq(_unseen(LINKS, links_seal, name), _hides) for name in ROTATIONS)))
TWO_OF_COUNTS = Lemma(
    "two_bytes_of_a_count_unseen", "a change of two bytes of the first free slot or of a count goes unseen exactly "
    "where "
    "they lie 2 apart and change alike", (*_is_pair, far < 4),
    every(*(eq(_unseen(COUNTS, slots_seal, name), _hides) for name in COUNT_ROTATIONS)))
last = var("last", 16)
ONE_IN_65536 = Lemma(
    "one_change_in_65536_unseen", "of all changes that differ in the owner's last two bytes alone, which are 65,536, "
    "one "
    "and no other has the right seal", (), every(
        eq(eq(links_seal({**LINKS, "owner": LINKS["owner"] ^ wide(last, 64)}, key), seal),
           eq(last, links_seal(LINKS, key) ^ seal))))
