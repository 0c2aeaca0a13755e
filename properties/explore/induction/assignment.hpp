#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slabproof {

/// Fields with a few values each, of which a predicate reads some: goes through all that it can tell apart. Whatever
/// it has not read of an assignment makes no difference to its answer, so of all assignments that agree in what it has
/// read one is tried. After Boyapati, Khurshid and Marinov, "Korat", ISSTA 2002.
class Assignment {
 public:
  /// The index of a new field, which is the first value at first.
  std::size_t add(std::vector<std::uint64_t> values) {
    fields_.push_back({std::move(values), 0, false});
    return fields_.size() - 1;
  }

  /// The predicate reads a field.
  std::uint64_t read(std::size_t field) {
    Field& read = fields_[field];
    if (!read.is_read) {
      read.is_read = true;
      order_.push_back(field);
    }
    return read.values[read.at];
  }
  [[nodiscard]] std::uint64_t value(std::size_t field) const { return fields_[field].values[fields_[field].at]; }
  [[nodiscard]] bool is_read(std::size_t field) const { return fields_[field].is_read; }

  /// To the next assignment, when the predicate has answered: the field that it read last gets its next value, or if
  /// it has had all, the one that was read before. False when there are no more.
  bool advance() {
    while (!order_.empty()) {
      Field& last = fields_[order_.back()];
      if (++last.at < last.values.size()) return true;
      last.at = 0;
      last.is_read = false;
      order_.pop_back();
    }
    return false;
  }

  /// Assignments that there are.
  [[nodiscard]] double all() const {
    double all = 1;
    for (const Field& field : fields_) all *= static_cast<double>(field.values.size());
    return all;
  }
  /// Of them, those that agree with this one in all that was read.
  [[nodiscard]] double alike() const {
    double alike = 1;
    for (const Field& field : fields_)
      if (!field.is_read) alike *= static_cast<double>(field.values.size());
    return alike;
  }

 private:
  struct Field {
    std::vector<std::uint64_t> values;
    std::size_t at;
    bool is_read;
  };
  std::vector<Field> fields_;
  std::vector<std::size_t> order_;  // those that were read, in that order
};

}  // namespace slabproof
