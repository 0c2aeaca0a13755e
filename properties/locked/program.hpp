#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <slab/geometry.hpp>

#include "properties/locked/turns.hpp"

namespace turns {

enum class Op : std::uint8_t { Alloc, AllocNoGrow, Free, FreeDeferred, Shrink, Reserve, FreeInterior, Statistics };
inline constexpr const char* names_of_ops[] = {"alloc",  "alloc_no_grow", "free",          "free_deferred",
                                               "shrink", "reserve",       "free_interior", "statistics"};
constexpr bool is_alloc(Op op) { return op == Op::Alloc || op == Op::AllocNoGrow; }
constexpr bool is_free(Op op) { return op == Op::Free || op == Op::FreeDeferred || op == Op::FreeInterior; }

enum class PolicyKind : std::uint8_t { Checked, Unchecked, Guarded };
inline constexpr const char* names_of_policies[] = {"Checked", "Unchecked", "Guarded"};

/// One call of the cache.
struct Operation {
  Op op = Op::Alloc;
  std::uint8_t cpu = Cpus::none;  // none: before the CPUs begin
  std::uint16_t operand = 0;  // of an alloc or a free the object, by birth; of a reserve how many
};

/// The cache of a program.
struct Setup {
  slab::ObjectSizeType type = slab::ObjectSizeType::Small;
  PolicyKind policy = PolicyKind::Checked;
  std::uint8_t empty_slabs_kept = 1;
  std::uint16_t slab_size = 128, page_size = 64, object_size = 24;

  [[nodiscard]] slab::Row row() const {
    if (type == slab::ObjectSizeType::Large) return slab::Row::Large;
    return slab_size == page_size ? slab::Row::SmallSinglePage : slab::Row::SmallMultiPage;
  }
  friend bool operator==(const Setup&, const Setup&) = default;
};

/// A program of several CPUs, in the language of docs/format.md#turns: what each does, which call of the backend fails,
/// and who goes on where.
struct TurnProgram {
  Setup setup;
  std::vector<Operation> operations;  // of each CPU in this order
  std::optional<std::uint32_t> refused_after;  // so many calls of the backend that may fail do not; the next one does,
  bool are_all_refused = false;  // and all after it
  bool takes_turns_at_calls = true;  // of the backend, besides those of the lock
  std::string turns;  // a CPU for each place where more than one could go on

  [[nodiscard]] std::uint8_t cpus() const;
  /// Objects are named from 0 on; less than this.
  [[nodiscard]] std::size_t names() const;
};

inline constexpr std::size_t most_operations = 200, most_reserved = 64, most_names = 256;
inline constexpr std::uint16_t most_slab_size = 256, least_page_size = 64;

/// As text, one that parse() reads as the same program.
std::string to_text(const TurnProgram& program);
/// The program of a text; nothing if it is none, with what is wrong in `error`.
std::optional<TurnProgram> parse(const std::string& text, std::string& error);
/// Why there can be no such cache; empty if there can.
std::string problem_of(const Setup& setup);

}  // namespace turns
