#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "properties/explore/growing_array.hpp"
#include "properties/explore/key_hash.hpp"

namespace slabproof {

/// How a state was first reached.
struct Step {
  std::uint32_t parent;
  std::uint32_t transition;  // packed
};

/// The states seen, by the hashes of their keys. Each has an index, from 0.
class VisitedSet {
 public:
  /// Requires room for as many steps as states in `steps`.
  explicit VisitedSet(GrowingArray<Step>& steps)
      : hashes_{steps.most(), GrowingArray<Hash128>::Sharing::Private}, steps_{steps}, table_(std::size_t{1} << 12) {}

  /// True when the state is new; it then has the index size() - 1.
  bool insert(const Hash128& hash, const Step& step) {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash.a & mask;
    for (; table_[at] != 0; at = (at + 1) & mask) {
      const std::uint64_t entry = table_[at];
      if (entry >> 32 == hash.b >> 32 && hashes_[static_cast<std::uint32_t>(entry) - 1] == hash) return false;
    }
    if (size_ == hashes_.most()) return full_ = true, false;
    hashes_[size_] = hash;
    steps_[size_] = step;
    table_[at] = (hash.b >> 32 << 32) | ++size_;
    digest_ += (hash.a ^ hash.b >> 7) * 0x9E3779B97F4A7C15u;
    if (size_ * 5 > table_.size() * 3) grow();
    return true;
  }

  [[nodiscard]] const Hash128& hash(std::uint32_t index) const { return hashes_[index]; }
  /// The index of a state that was seen. Requires one.
  [[nodiscard]] std::uint32_t index_of(const Hash128& hash) const {
    return static_cast<std::uint32_t>(table_[find(hash)]) - 1;
  }
  [[nodiscard]] bool contains(const Hash128& hash) const { return table_[find(hash)] != 0; }

  [[nodiscard]] std::uint32_t size() const { return size_; }
  /// Of the set of states, in whatever order they came.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  /// There was no room for a state.
  [[nodiscard]] bool full() const { return full_; }
  /// Bytes of all states, including their steps.
  [[nodiscard]] std::size_t memory() const {
    return size_ * (sizeof(Hash128) + sizeof(Step)) + table_.size() * sizeof table_[0];
  }
  /// The largest that memory() may become while the next state is inserted.
  [[nodiscard]] std::size_t memory_to_grow() const {
    return size_ * 5 + 5 > table_.size() * 3 ? table_.size() * 16 : 0;
  }

 private:
  /// Where it is in the table, or would be.
  [[nodiscard]] std::size_t find(const Hash128& hash) const {
    const std::size_t mask = table_.size() - 1;
    std::size_t at = hash.a & mask;
    while (table_[at] != 0 && hashes_[static_cast<std::uint32_t>(table_[at]) - 1] != hash) at = (at + 1) & mask;
    return at;
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

  GrowingArray<Hash128> hashes_;
  GrowingArray<Step>& steps_;
  std::vector<std::uint64_t> table_;  // the upper half of the hash, and the index plus one; 0: nothing
  std::uint32_t size_ = 0;
  std::uint64_t digest_ = 0;
  bool full_ = false;
};

}  // namespace slabproof
