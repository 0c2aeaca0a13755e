#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace slabproof {

/// Disjoint blocks of memory in the order of their addresses, with what is known of each: `Record` has `base` and
/// `size`, in bytes. A record stays where it is until it is erased, and is then reused, so nothing is allocated unless
/// there are more blocks than ever before. Blocks mostly come and go at the end, and the same one is often looked up
/// several times in a row; both cost O(1).
template <class Record>
class BlockTable {
 public:
  /// The record of a new block, for the caller to fill in: except for `base` it may hold data of an earlier block.
  /// O(blocks behind it).
  Record& insert(std::uintptr_t base) {
    if (spare_.empty()) spare_.push_back(&records_.emplace_back());
    Record* const record = spare_.back();
    spare_.pop_back();
    record->base = base;
    by_base_.insert(behind(base), record);
    return *(last_ = record);
  }
  void erase(Record& record) {
    spare_.push_back(&record);
    by_base_.erase(behind(record.base) - 1);
    last_ = nullptr;
  }
  void clear() {
    spare_.insert(spare_.end(), by_base_.begin(), by_base_.end());
    by_base_.clear();
    last_ = nullptr;
  }

  /// The block that holds `address`, or null. O(log blocks).
  [[nodiscard]] Record* find(std::uintptr_t address) {
    if (last_ && address - last_->base < last_->size) return last_;
    const auto next = behind(address);
    if (next == by_base_.begin()) return nullptr;
    Record* const record = *(next - 1);
    return address - record->base < record->size ? last_ = record : nullptr;
  }
  /// The block that begins at `base`, or null. O(log blocks).
  [[nodiscard]] Record* at(std::uintptr_t base) {
    Record* const record = find(base);
    return record && record->base == base ? record : nullptr;
  }
  [[nodiscard]] std::size_t size() const { return by_base_.size(); }
  [[nodiscard]] auto begin() const { return by_base_.begin(); }
  [[nodiscard]] auto end() const { return by_base_.end(); }

 private:
  [[nodiscard]] auto behind(std::uintptr_t address) const {
    if (by_base_.empty() || by_base_.back()->base <= address) return by_base_.end();
    return std::upper_bound(by_base_.begin(), by_base_.end(), address,
                            [](std::uintptr_t at, const Record* record) { return at < record->base; });
  }

  std::deque<Record> records_;
  std::vector<Record*> spare_, by_base_;
  Record* last_ = nullptr;  // found or inserted
};

}  // namespace slabproof
