#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/judge/any/any_runner.hpp"

namespace slabproof {

/// What the judge knows of an object of a pool or a heap.
struct KnownObject {
  std::uintptr_t address = 0;
  std::size_t size = 0, asked = 0;  // that may be written to, that was asked for
  std::uint32_t ordinal = 0;
};

/// The door into the runner and its memory for the explorer of any subject: reads between two operations all that their
/// later behaviour depends on, if the subject's state lies in its object, in the memory that it took and in `globals`.
/// One subject, cache 0 on backend 0, whose memory is handed out side by side with an even seed of ones.
class SubjectStateAccess {
 public:
  /// Appends the state in words of 8 bytes; two states have the same words only if they are the same.
  static void append(const AnyRunner& runner, std::span<const std::span<std::byte>> globals,
                     std::vector<std::uint64_t>& words);
  /// In the order of addresses.
  static void live_objects(const AnyRunner& runner, std::vector<KnownObject>& objects);
  /// Those that were freed and whose address is in no live object, of each address the last, in the order of addresses.
  static void dead_objects(const AnyRunner& runner, std::vector<KnownObject>& objects);
  /// Bytes that the subject has taken and not given back.
  [[nodiscard]] static std::size_t memory_taken(const AnyRunner& runner);
  /// Whether an object lies in what append() reads.
  [[nodiscard]] static bool is_inside(const AnyRunner& runner, std::span<const std::span<std::byte>> globals,
                                      const KnownObject& object);

 private:
  static void all_dead_objects(const AnyRunner& runner, std::vector<KnownObject>& objects);
};

}  // namespace slabproof
