#include "model/region.hpp"

#include "model/sanitizer.hpp"

namespace slabproof {
namespace {

// Not one byte eight times: compilers would make memset of that, which ASan checks once more.
constexpr std::uint64_t returned_word = 0xDBDA'D9D8'D7D6'D5D4u;

// Not instrumented: a returned block is poisoned, and the judge looks at it all the same. In steps of
// a length that compilers make vectors of.
SLABPROOF_NOT_SANITIZED bool is_untouched(std::uintptr_t begin, std::size_t size) {
  const auto* word = reinterpret_cast<const std::uint64_t*>(begin);
  const auto* const end = word + size / 8;
  while (word != end) {
    const auto* const step_end = end - word < 64 ? end : word + 64;
    std::uint64_t difference = 0;
    for (; word != step_end; ++word) difference |= *word ^ returned_word;
    if (difference != 0) return false;
  }
  return true;
}

// Not instrumented for speed: a slab is filled each time it is handed out, and again when it comes back.
SLABPROOF_NOT_SANITIZED void fill(std::uintptr_t begin, std::size_t size, std::uint64_t first, std::uint64_t step) {
  constexpr std::size_t lanes = 8;  // added to side by side: a vector has no product of such words
  std::uint64_t next[lanes];
  for (std::size_t lane = 0; lane < lanes; ++lane) next[lane] = first + lane * step;
  auto* word = reinterpret_cast<std::uint64_t*>(begin);
  for (auto* const end = word + size / (8 * lanes) * lanes; word != end; word += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      word[lane] = next[lane];
      next[lane] += lanes * step;
    }
  for (std::size_t lane = 0; lane < size / 8 % lanes; ++lane) word[lane] = next[lane];
}

}  // namespace

void Region::reset(const BackendSpec& spec) {
  if (held_ != 0) forbid(reinterpret_cast<void*>(begin_), next_ - begin_);  // what came back is forbidden already
  held_ = 0;
  next_ = begin_;
  returned_.clear();
  spec_ = spec;
  random_state_ = spec.seed * 0x9E3779B97F4A7C15u + 1;
  written_before_reuse_ = 0;
}

std::uint64_t Region::random() {  // Knuth's MMIX generator
  random_state_ = random_state_ * 6364136223846793005u + 1442695040888963407u;
  return random_state_ >> 33;
}

std::uintptr_t Region::take(std::size_t size, std::size_t align) {
  std::uintptr_t block = take_returned(size, align);
  if (block && !is_untouched(block, size)) written_before_reuse_ = block;
  if (!block) block = take_fresh(size, align);
  if (!block) return 0;
  ++held_;
  permit(reinterpret_cast<void*>(block), size);
  fill(block, size, random_state_ | 1, 0xD1342543DE82EF95u);
  random();
  return block;
}

std::uintptr_t Region::take_returned(std::size_t size, std::size_t align) {
  if (spec_.reuse == Reuse::Never) return 0;
  const std::size_t count = returned_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = spec_.reuse == Reuse::Lifo ? count - 1 - i : i;
    const Block block = returned_[at];
    if (block.size != size || block.begin % align != 0) continue;
    returned_.erase(returned_.begin() + static_cast<std::ptrdiff_t>(at));
    return block.begin;
  }
  return 0;
}

std::uintptr_t Region::take_fresh(std::size_t size, std::size_t align) {
  std::uintptr_t block = (next_ + align - 1) & ~(align - 1);
  if (spec_.placement == Placement::Scattered) block += random() % 5 * align;
  if (spec_.placement == Placement::BarelyAligned && block / align % 2 == 0) block += align;
  if (size > size_ || block + size > begin_ + size_) return 0;
  next_ = block + size;
  return block;
}

void Region::give(std::uintptr_t block, std::size_t size) {
  fill(block, size, returned_word, 0);
  forbid(reinterpret_cast<void*>(block), size);
  returned_.push_back({block, size});
  --held_;
}

std::uintptr_t Region::find_written() const {
  for (const Block& block : returned_)
    if (!is_untouched(block.begin, block.size)) return block.begin;
  return written_before_reuse_;
}

}  // namespace slabproof
