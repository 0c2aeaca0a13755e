#include "model/memory/region.hpp"

#include <algorithm>
#include <cstring>

#include "model/memory/sanitizer.hpp"

namespace slabproof {
namespace {

// Not one repeated byte: compilers would turn that into memset, which ASan checks again.
constexpr std::uint64_t returned_word = 0xDBDA'D9D8'D7D6'D5D4u;

typedef std::uint64_t Vector __attribute__((vector_size(64)));
constexpr std::size_t lanes = 8;  // of a Vector; copied whole, since g++ takes one to be aligned

// The judge reads returned blocks although they are poisoned.
SLABPROOF_BULK bool is_untouched(std::uintptr_t begin, std::size_t size) {
  Vector difference{}, found;
  std::uintptr_t at = begin;
  for (const std::uintptr_t end = begin + size / sizeof found * sizeof found; at != end; at += sizeof found) {
    std::memcpy(&found, reinterpret_cast<const void*>(at), sizeof found);
    difference |= found ^ returned_word;
  }
  std::uint64_t any = 0;
  for (; at + 8 <= begin + size; at += 8) any |= *reinterpret_cast<const std::uint64_t*>(at) ^ returned_word;
  for (std::size_t i = 0; at + i < begin + size; ++i)
    any |= *reinterpret_cast<const unsigned char*>(at + i) ^ (returned_word >> 8 * i & 0xFF);
  for (std::size_t lane = 0; lane < lanes; ++lane) any |= difference[lane];
  return any == 0;
}

// A slab is filled each time it is handed out, and again when it comes back.
SLABPROOF_BULK void fill(std::uintptr_t begin, std::size_t size, std::uint64_t first, std::uint64_t step) {
  Vector next;
  for (std::size_t lane = 0; lane < lanes; ++lane) next[lane] = first + lane * step;
  const Vector steps = Vector{} + lanes * step;
  std::uintptr_t at = begin;
  for (const std::uintptr_t end = begin + size / sizeof next * sizeof next; at != end; at += sizeof next, next += steps)
    std::memcpy(reinterpret_cast<void*>(at), &next, sizeof next);
  std::size_t lane = 0;
  for (; at + 8 <= begin + size; at += 8) *reinterpret_cast<std::uint64_t*>(at) = next[lane++];
  for (std::size_t i = 0; at + i < begin + size; ++i)  // of memory that is no number of words
    *reinterpret_cast<unsigned char*>(at + i) = static_cast<unsigned char>(next[lane] >> 8 * i);
}

// Like the two above, it ignores poison that the last user may have left.
SLABPROOF_BULK void copy_words(const std::uint64_t* from, std::uint64_t* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
}

}  // namespace

void Region::reset(const BackendSpec& spec) {
  if (held_ != 0)
    forbid(reinterpret_cast<void*>(where_.begin()), touched_bytes());  // returned blocks are forbidden already
  held_ = 0;
  where_.reset(spec);
  returned_.clear();
  written_before_reuse_ = 0;
  places_ = 0;
}

std::uint64_t* Region::end_words(std::uintptr_t block, std::size_t size) {
  return reinterpret_cast<std::uint64_t*>(block + size - sizeof(Leftover));
}

std::uintptr_t Region::take(std::size_t size, std::size_t align) {
  Leftover leftover;
  std::uintptr_t block = take_returned(size, align, leftover);
  const bool reused = block != 0;
  if (reused && !is_untouched(block, size)) written_before_reuse_ = block;
  if (!reused) block = take_fresh(size, align);
  if (!block) return 0;
  ++held_;
  permit(reinterpret_cast<void*>(block), size);
  const bool ones = where_.spec().is_junk_all_ones();
  fill(block, size, ones ? ~std::uint64_t{0} : where_.random_state() | 1, ones ? 0 : 0xD1342543DE82EF95u);
  where_.random();
  if (reused && places_ == 0 && where_.spec().seed % 2 == 1 && size >= sizeof leftover)
    copy_words(leftover.data(), end_words(block, size), leftover.size());
  return block;
}

std::uintptr_t Region::take_returned(std::size_t size, std::size_t align, Leftover& leftover) {
  if (places_ > 0) return size == size_of_places_ ? take_place(size) : 0;
  const std::size_t at = where_.reused(returned_.size(), [&](std::size_t number) {
    return returned_[number].size == size && returned_[number].begin % align == 0;
  });
  if (at == returned_.size()) return 0;
  const std::uintptr_t block = returned_[at].begin;
  leftover = returned_[at].leftover;
  returned_.erase(returned_.begin() + static_cast<std::ptrdiff_t>(at));
  return block;
}

std::uintptr_t Region::take_place(std::size_t size) {
  // Blocks of other sizes lie behind all places.
  std::sort(returned_.begin(), returned_.end(), [](const Block& a, const Block& b) { return a.begin < b.begin; });
  free_places_.clear();
  for (const Block& block : returned_)
    if (block.size == size) free_places_.push_back(block.begin);
  const std::uintptr_t place = chooser_->choose(free_places_);
  if (place) std::erase_if(returned_, [place](const Block& block) { return block.begin == place; });
  return place;
}

std::uintptr_t Region::take_fresh(std::size_t size, std::size_t align) {
  return size == size_of_places_ && places_ > 0 ? 0 : where_.fresh(size, align);
}

void Region::give(std::uintptr_t block, std::size_t size) {
  returned_.push_back({block, size});
  Leftover& leftover = returned_.back().leftover;
  if (size >= sizeof leftover) copy_words(end_words(block, size), leftover.data(), leftover.size());
  fill(block, size, returned_word, 0);
  forbid(reinterpret_cast<void*>(block), size);
  --held_;
}

std::uintptr_t Region::find_written() const {
  for (const Block& block : returned_)
    if (!is_untouched(block.begin, block.size)) return block.begin;
  return written_before_reuse_;
}

}  // namespace slabproof
