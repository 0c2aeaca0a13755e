#include "fuzz/replay/subject_test/texts.hpp"

namespace slabproof {

const char* const source_of_test = R"text(@if refuses
/// Whether memory is refused, when somebody wants it: not to the next `after` of them, then once or always.
class Refusals {
 public:
  void begin(int after, bool always) {
    is_on_ = true;
    after_ = after;
    always_ = always;
  }
  void end() { is_on_ = false; }
  bool next() {
    if (!is_on_) return false;
    if (after_ > 0) return --after_, false;
    is_on_ = always_;
    return true;
  }

 private:
  bool is_on_ = false, always_ = false;
  int after_ = 0;
};

@end
@if source
enum class Reuse { Lifo, Fifo, Never };                      // of what came back
enum class Placement { Adjacent, Scattered, BarelyAligned };  // of what is new

/// Where the allocator takes its memory: junk, never zeros. Nobody may touch what it has not, or has no more. It lies
/// where the harness has it, and ends where that ends: what an allocator computes from addresses is the same.
class Source final : public slabproof::MemorySource {
 public:
  Source(std::uintptr_t first, Reuse reuse, Placement placement, std::uint8_t seed)
      : first_{first},
        reuse_{reuse},
        placement_{placement},
        junk_{seed < $FIRST_ONES$ ? 0xA5 : 0xFF},
        random_{seed * random_step + 1} {
    if (mmap(at(first_), bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != at(first_)) {
      std::fprintf(stderr, "the memory at %#zx, where the test wants to have some, is taken\n", first_);
      std::exit(2);
    }
    ASAN_POISON_MEMORY_REGION(at(first_), bytes);
  }
  ~Source() {
    ASAN_UNPOISON_MEMORY_REGION(at(first_), bytes);
    munmap(at(first_), bytes);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  void* take_memory(std::size_t size, std::size_t align) noexcept override {
    EXPECT_NE(user, nullptr) << "B20: memory is taken outside of a call";
@if refuses
    std::byte* const block = may_refuse && refusals.next() ? nullptr : place(size, align);
@else
    std::byte* const block = place(size, align);
@end
    has_refused |= !block;
    if (!block) return nullptr;
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    random();
    taken_[block] = {size, user};
    return std::memset(block, junk_, size);
  }
  void give_memory(void* memory) noexcept override {
    const auto block = taken_.find(static_cast<std::byte*>(memory));
    const bool is_its_own = user && block != taken_.end() && block->second.user == user;
    EXPECT_TRUE(is_its_own) << "B3: memory is given back that it has not taken, or has given back before";
    if (testing::Test::HasFailure()) return;
    const std::size_t size = block->second.size;
    std::memset(memory, 0xDB, size);
    ASAN_POISON_MEMORY_REGION(memory, size);
    returned_.push_back({block->first, size});
    taken_.erase(block);
  }

  /// Whether these bytes lie in one block that `whose` has taken.
  bool is_taken(const void* whose, const std::byte* begin, std::size_t size) const {
    const auto behind = taken_.upper_bound(const_cast<std::byte*>(begin));
    if (behind == taken_.begin()) return false;
    const auto& [block, taken] = *std::prev(behind);
    return taken.user == whose && begin < block + taken.size &&
           size <= static_cast<std::size_t>(block + taken.size - begin);
  }
  /// How many blocks it has.
  std::size_t blocks_of(const void* whose) const {
    return static_cast<std::size_t>(
        std::count_if(taken_.begin(), taken_.end(), [&](const auto& block) { return block.second.user == whose; }));
  }
@if written
  __attribute__((no_sanitize("address"))) bool is_written_after_return() const {
    for (const auto& [block, size] : returned_)
      for (std::size_t i = 0; i < size; ++i)
        if (block[i] != std::byte{0xDB}) return true;
    return false;
  }
@end

  const void* user = nullptr;  // the allocator that is called
  bool has_refused = false;    // anything in this call
@if refuses
  bool may_refuse = true;
  Refusals refusals;
@end

 private:
  struct Taken {
    std::size_t size;
    const void* user;
  };

  static constexpr std::uint64_t random_step = 0x9E3779B97F4A7C15u;
  static constexpr std::size_t bytes = $SIZE$;

  static std::byte* at(std::uintptr_t address) { return reinterpret_cast<std::byte*>(address); }
  std::byte* place(std::size_t size, std::size_t align) {
    for (std::size_t i = 0; i < returned_.size() && reuse_ != Reuse::Never; ++i) {
      const std::size_t which = reuse_ == Reuse::Lifo ? returned_.size() - 1 - i : i;
      const auto [block, length] = returned_[which];
      if (length != size || reinterpret_cast<std::uintptr_t>(block) % align != 0) continue;
      returned_.erase(returned_.begin() + static_cast<std::ptrdiff_t>(which));
      return block;
    }
    std::uintptr_t block = (next_ + align - 1) & ~(align - 1);
    if (placement_ == Placement::Scattered) block += random() % 5 * align;
    if (placement_ == Placement::BarelyAligned && block / align % 2 == 0) block += align;
    if (size > bytes || block + size > first_ + bytes) return nullptr;
    next_ = block + size;
    return at(block);
  }
  std::uint64_t random() {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return random_ >> 33;
  }

  const std::uintptr_t first_;
  std::uintptr_t next_ = first_;  // where nobody has been
  const Reuse reuse_;
  const Placement placement_;
  const int junk_;
  std::uint64_t random_;
  std::map<std::byte*, Taken> taken_;
  std::vector<std::pair<std::byte*, std::size_t>> returned_;
};

@end
)text";

}  // namespace slabproof
