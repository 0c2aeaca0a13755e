#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace slabproof {

struct Hash128 {
  std::uint64_t a, b;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

/// Hashes keys of up to `max_words` words of 8 bytes. Two independent functions of 64 bits each: NH (Black
/// and others, UMAC, CRYPTO 1999), whose sums of 128 bits two different keys of one length share with a
/// probability of at most 2^-64 over the choice of the constants, then a strongly universal function of the
/// sum and the length (Dietzfelbinger 1996), with at most 2^-64 again. Together two keys collide with at most 2^-126.
class KeyHash {
 public:
  explicit KeyHash(std::uint64_t seed, std::size_t max_words) : constants_(max_words + 4) {
    for (std::uint64_t& constant : constants_) constant = next(seed);
    for (auto& lane : last_)
      for (std::uint64_t& constant : lane) constant = next(seed);
  }

  [[nodiscard]] Hash128 operator()(const std::uint64_t* key, std::size_t words) const {
    Wide sums[2] = {};
    const std::uint64_t* const constant = constants_.data();
    std::size_t i = 0;
    for (; i + 1 < words; i += 2) {
      sums[0] += Wide{key[i] + constant[i]} * (key[i + 1] + constant[i + 1]);
      sums[1] += Wide{key[i] + constant[i + 2]} * (key[i + 1] + constant[i + 3]);
    }
    if (i < words) {
      sums[0] += Wide{key[i] + constant[i]} * constant[i + 1];
      sums[1] += Wide{key[i] + constant[i + 2]} * constant[i + 3];
    }
    return {finish(last_[0], sums[0], words), finish(last_[1], sums[1], words)};
  }

 private:
  __extension__ typedef unsigned __int128 Wide;  // __extension__: not ISO C++, says -Wpedantic

  static std::uint64_t next(std::uint64_t& state) {  // splitmix64, Steele and others 2014
    std::uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }
  static std::uint64_t finish(const std::uint64_t (&constants)[8], Wide sum, std::size_t words) {
    const auto wide = [&](std::size_t i) { return Wide{constants[i]} << 64 | constants[i + 1]; };
    return static_cast<std::uint64_t>((wide(0) + wide(2) * static_cast<std::uint64_t>(sum) +
                                       wide(4) * static_cast<std::uint64_t>(sum >> 64) + wide(6) * words) >>
                                      64);
  }

  std::vector<std::uint64_t> constants_;
  std::uint64_t last_[2][8];
};

/// An array that grows in place, in address space that is reserved at first and used as it is touched.
template <class T>
class GrowingArray {
 public:
  /// Shared with children that are forked, or their own.
  enum class Sharing : std::uint8_t { Shared, Private };

  GrowingArray(std::size_t most, Sharing sharing) : most_{most} {
    const int flags = (sharing == Sharing::Shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_NORESERVE;
    void* const memory = mmap(nullptr, most * sizeof(T), PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) {
      std::perror("slabproof: cannot reserve memory");
      std::exit(2);
    }
    items_ = static_cast<T*>(memory);
    (void)madvise(memory, most * sizeof(T), MADV_HUGEPAGE);  // faster where there are such
  }
  ~GrowingArray() { munmap(items_, most_ * sizeof(T)); }
  GrowingArray(const GrowingArray&) = delete;
  GrowingArray& operator=(const GrowingArray&) = delete;

  [[nodiscard]] T& operator[](std::size_t index) { return items_[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return items_[index]; }
  [[nodiscard]] T* data() { return items_; }
  [[nodiscard]] std::size_t most() const { return most_; }

 private:
  std::size_t most_;
  T* items_;
};

/// How a state was first reached.
struct Step {
  std::uint32_t parent;
  std::uint32_t transition;
};

/// The states seen, by hash, or in the exact mode by their keys. Each has an index, from 0.
class VisitedSet {
 public:
  enum class Mode : std::uint8_t { Hashed, Exact };

  /// Requires room for `most` steps in `steps`.
  VisitedSet(Mode mode, GrowingArray<Step>& steps)
      : mode_{mode},
        hashes_{steps.most(), GrowingArray<Hash128>::Sharing::Private},
        steps_{steps},
        table_(std::size_t{1} << 12) {}

  /// True when the state is new; it then has the index size() - 1.
  bool insert(const Hash128& hash, const std::uint64_t* key, std::size_t words, const Step& step) {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash.a & mask;
    for (; table_[at] != 0; at = (at + 1) & mask) {
      const std::uint64_t entry = table_[at];
      if (entry >> 32 != hash.b >> 32) continue;
      const std::uint32_t index = static_cast<std::uint32_t>(entry) - 1;
      if (hashes_[index] == hash && is_key(index, key, words)) return false;
    }
    if (size_ == hashes_.most()) return full_ = true, false;
    hashes_[size_] = hash;
    steps_[size_] = step;
    table_[at] = (hash.b >> 32 << 32) | ++size_;
    digest_ += (hash.a ^ hash.b >> 7) * 0x9E3779B97F4A7C15u;
    if (mode_ == Mode::Exact) {
      key_begins_.push_back(keys_.size());
      keys_.insert(keys_.end(), key, key + words);
    }
    if (size_ * 5 > table_.size() * 3) grow();
    return true;
  }

  [[nodiscard]] std::uint32_t size() const { return size_; }
  /// Of the set of states, whatever the order they came in.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  /// There was no room for a state.
  [[nodiscard]] bool full() const { return full_; }
  /// Of all states, their steps included, in bytes.
  [[nodiscard]] std::size_t memory() const {
    return size_ * (sizeof(Hash128) + sizeof(Step)) + (table_.size() + keys_.capacity() + key_begins_.capacity()) * 8;
  }
  /// What memory() may become while the next state is inserted.
  [[nodiscard]] std::size_t memory_to_grow() const {
    return size_ * 5 + 5 > table_.size() * 3 ? table_.size() * 16 : 0;
  }
  /// States that have the hash of another one; the exact mode tells them apart.
  [[nodiscard]] std::uint64_t collisions() const { return collisions_; }

 private:
  bool is_key(std::uint32_t index, const std::uint64_t* key, std::size_t words) {
    if (mode_ == Mode::Hashed) return true;
    const std::size_t begin = key_begins_[index], end = index + 1 < size_ ? key_begins_[index + 1] : keys_.size();
    const bool same = end - begin == words && std::memcmp(keys_.data() + begin, key, words * 8) == 0;
    collisions_ += !same;
    return same;
  }
  void grow() {
    std::vector<std::uint64_t> larger(table_.size() * 2);
    const std::size_t mask = larger.size() - 1;
    for (const std::uint64_t entry : table_) {
      if (entry == 0) continue;
      std::size_t at = hashes_[static_cast<std::uint32_t>(entry) - 1].a & mask;
      while (larger[at] != 0) at = (at + 1) & mask;
      larger[at] = entry;
    }
    table_ = std::move(larger);
  }

  Mode mode_;
  GrowingArray<Hash128> hashes_;
  GrowingArray<Step>& steps_;
  std::vector<std::uint64_t> table_;  // the upper half of the hash, and the index plus one; 0: nothing
  std::vector<std::uint64_t> keys_;
  std::vector<std::size_t> key_begins_;
  std::uint32_t size_ = 0;
  std::uint64_t digest_ = 0, collisions_ = 0;
  bool full_ = false;
};

}  // namespace slabproof
