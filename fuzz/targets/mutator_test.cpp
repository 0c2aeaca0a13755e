// Each mutation changes the byte form as its name says, within its bounds, and is deterministic.
#include "fuzz/targets/mutator.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/program/byte_format.hpp"
#include "model/program/decoder.hpp"
#include "model/program/layout.hpp"

namespace slabproof {
namespace {

using Bytes = std::vector<std::uint8_t>;
using format::header_size, format::record_size;
constexpr std::size_t first_row_at = format::cache_at(0) + format::row_at;
constexpr slab::Row rows[] = {slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large};

/// Stands for the fuzzer's byte mutations: changes the row's byte, and the number of bytes.
std::size_t touch_the_row(std::uint8_t* data, std::size_t size, std::size_t max_size) {
  if (size > first_row_at) ++data[first_row_at];
  return size < max_size ? size + 1 : size;
}

/// A buffer of max_size bytes whose first `size` are a program.
struct Buffer {
  Bytes bytes;
  std::size_t size;
  Buffer(std::uint64_t seed, std::size_t program_size, std::size_t max_size)
      : bytes{random_bytes(seed, program_size)}, size{program_size} {
    bytes.resize(max_size, 0xEE);
  }
  [[nodiscard]] Bytes program() const { return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}; }
};

Bytes mutated(Mutation mutation, const Bytes& program, std::size_t max_size, std::uint64_t seed) {
  Bytes bytes = program;
  bytes.resize(max_size, 0xEE);
  SplitMix random{seed};
  bytes.resize(apply_mutation(mutation, bytes.data(), program.size(), max_size, random, touch_the_row));
  return bytes;
}

std::vector<Bytes> records_of(const Bytes& program) {
  std::vector<Bytes> records;
  for (auto at = program.begin() + header_size; at != program.end(); at += record_size)
    records.emplace_back(at, at + record_size);
  return records;
}

Bytes header_of(const Bytes& program) { return {program.begin(), program.begin() + header_size}; }

/// Bytes in which two programs of one size differ.
std::vector<std::size_t> differences(const Bytes& one, const Bytes& other) {
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < one.size(); ++i)
    if (one[i] != other[i]) at.push_back(i);
  return at;
}

constexpr std::size_t program_size = header_size + 20 * record_size, max_size = header_size + 40 * record_size;

class Mutator : public testing::Test {
 protected:
  template <class Claim>
  void for_each(Mutation mutation, Claim claim) {
    std::size_t effective = 0;
    for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
      const Bytes before = random_bytes(seed, program_size), after = mutated(mutation, before, max_size, seed);
      if (after.empty()) continue;
      SCOPED_TRACE(seed);
      ASSERT_LE(after.size(), max_size);
      ASSERT_EQ((after.size() - header_size) % record_size, 0u);
      if (mutation != Mutation::Header) {
        ASSERT_EQ(header_of(after), header_of(before));
      }
      claim(before, after);
      if (HasFatalFailure()) return;
      effective += before != after;
    }
    EXPECT_GT(effective, 1'000u) << "mostly nothing happened";
  }
};

TEST_F(Mutator, InsertsWholeOperationsAndKeepsTheOthers) {
  for_each(Mutation::Insert, [](const Bytes& before, const Bytes& after) {
    ASSERT_GT(after.size(), before.size());
    const auto old = records_of(before), now = records_of(after);
    std::size_t kept = 0;
    for (const Bytes& record : now) kept += kept < old.size() && record == old[kept];
    ASSERT_EQ(kept, old.size());
  });
}

TEST_F(Mutator, InsertsNothingThatTheSwarmMaskKeepsOutAndEveryKindOtherwise) {
  std::map<OperationKind, std::size_t> kinds;
  std::size_t inserted = 0, wasted = 0;
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    Bytes header(header_size);
    header[format::swarm_at] = static_cast<std::uint8_t>(seed);
    for (const Bytes& record : records_of(mutated(Mutation::Insert, header, max_size, seed))) {
      const Opcode opcode = opcode_of(record[0]);
      const bool absent = format::Swarm::of(header.data()).keeps_out(opcode.operation);
      ++inserted;
      wasted += absent || opcode.kind == OpcodeKind::Unassigned;
      ++kinds[opcode.operation];
    }
  }
  EXPECT_LT(wasted * 20, inserted);
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(std::popcount(slab_language.kinds)));
  for (const auto& [kind, times] : kinds) EXPECT_GT(times * 100, inserted) << to_string(kind) << " is rare";
}

TEST_F(Mutator, DeletesOperationsInARow) {
  for_each(Mutation::Delete, [](const Bytes& before, const Bytes& after) {
    ASSERT_LT(after.size(), before.size());
    const std::size_t removed = before.size() - after.size();
    bool is_gap = false;
    for (std::size_t at = header_size; at <= after.size(); at += record_size)
      is_gap |= std::equal(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(at), before.begin()) &&
                std::equal(after.begin() + static_cast<std::ptrdiff_t>(at), after.end(),
                           before.begin() + static_cast<std::ptrdiff_t>(at + removed));
    ASSERT_TRUE(is_gap);
  });
}

TEST_F(Mutator, DuplicatesOperationsThatAreThere) {
  for_each(Mutation::Duplicate, [](const Bytes& before, const Bytes& after) {
    ASSERT_GT(after.size(), before.size());
    const auto old = records_of(before);
    for (const Bytes& record : records_of(after)) ASSERT_NE(std::find(old.begin(), old.end(), record), old.end());
  });
}

TEST_F(Mutator, SwapsTwoOperations) {
  for_each(Mutation::Swap, [](const Bytes& before, const Bytes& after) {
    const auto old = records_of(before), now = records_of(after);
    std::size_t moved = 0;
    for (std::size_t i = 0; i < old.size(); ++i) moved += old[i] != now[i];
    ASSERT_EQ(moved, 2u);
    ASSERT_TRUE(std::is_permutation(old.begin(), old.end(), now.begin(), now.end()));
  });
}

TEST_F(Mutator, ChangesOneFieldOfOneOperation) {
  constexpr struct {
    Mutation mutation;
    std::size_t first, last;
  } fields[] = {{Mutation::Opcode, 0, 0}, {Mutation::Selector, 1, 1}, {Mutation::Operand, 2, 3}};
  for (const auto& field : fields)
    for_each(field.mutation, [&](const Bytes& before, const Bytes& after) {
      ASSERT_EQ(before.size(), after.size());
      std::set<std::size_t> records;
      for (const std::size_t at : differences(before, after)) {
        records.insert(at / record_size);
        ASSERT_GE((at - header_size) % record_size, field.first);
        ASSERT_LE((at - header_size) % record_size, field.last);
      }
      ASSERT_LE(records.size(), 1u);
    });
}

TEST_F(Mutator, ChangesEveryByteOfTheHeaderAndNoOperation) {
  std::set<std::size_t> changed;
  for_each(Mutation::Header, [&](const Bytes& before, const Bytes& after) {
    ASSERT_EQ(before.size(), after.size());
    const auto at = differences(before, after);
    for (const std::size_t byte : at) ASSERT_LT(byte, header_size);
    if (at.size() == 1) changed.insert(at[0]);
  });
  EXPECT_EQ(changed.size(), header_size);
}

TEST_F(Mutator, PutsObjectSizesWhereTheCountOfObjectsChanges) {
  std::size_t largest = 0, one_too_large = 0;
  for_each(Mutation::Header, [&](const Bytes& before, const Bytes& after) {
    if (differences(before, after).size() < 2) return;
    CacheSpec cache = decode_setup(after.data(), after.size()).caches[0];
    const std::size_t objects = layout_of(cache).objects_per_slab;
    if (objects > 8 || cache.is_static) return;
    largest += cache.object_size == largest_object(cache, objects);
    one_too_large += objects < 8 && cache.object_size - 1 == largest_object(cache, objects + 1);
  });
  EXPECT_GT(largest, 60u);
  EXPECT_GT(one_too_large, 60u);
}

TEST_F(Mutator, DrawsEveryKind) {
  std::set<Mutation> drawn;
  SplitMix random{1};
  for (int i = 0; i < 1'000; ++i) drawn.insert(draw_mutation(random));
  EXPECT_EQ(drawn.size(), mutations);
}

TEST_F(Mutator, DrawsProgramsAnewNowAndThenAndOftenWhereThereIsNoOperation) {
  for (const std::size_t size : {std::size_t{1}, header_size, program_size}) {
    std::size_t drawn = 0, operations = 0;
    for (std::uint32_t seed = 0; seed < 2'000; ++seed) {
      Bytes program(max_size);
      program.resize(mutate_program(program.data(), size, max_size, seed, slab::Row::Large, touch_the_row));
      if (program.size() < header_size || std::ranges::count(header_of(program), 0) > 8) continue;
      ++drawn;
      operations += (program.size() - header_size) / record_size;
    }
    const double expected = size <= header_size ? 1'000 : 125;
    EXPECT_NEAR(static_cast<double>(drawn), expected, expected / 4) << size;
    EXPECT_GT(operations, 20 * drawn) << size;
  }
}

TEST_F(Mutator, KeepsTheRowAndTheLargestSizeWhateverItIsGiven) {
  for (std::uint32_t seed = 0; seed < 20'000; ++seed) {
    const std::size_t max = 1 + seed % 200, size = seed % 7 == 0 ? 1 : 1 + seed * 31 % max;
    const slab::Row row = rows[seed % 3];
    Buffer buffer{seed, size, max};
    buffer.bytes.push_back(0xEE);  // one byte too far, on the heap for ASan, and for builds without it
    const std::size_t after = mutate_program(buffer.bytes.data(), size, max, seed, row, touch_the_row);
    ASSERT_GT(after, 0u);
    ASSERT_LE(after, max) << "seed " << seed;
    ASSERT_EQ(buffer.bytes[max], 0xEE) << "seed " << seed;
    if (max > first_row_at) {
      ASSERT_EQ(decode_setup(buffer.bytes.data(), after).caches[0].row(), row) << "seed " << seed;
    }
  }
}

TEST_F(Mutator, DoesTheSameForTheSameSeedAndOtherThingsForOthers) {
  std::set<std::string> results;  // not Bytes: g++ 12 at -O3 warns of its own comparison of vectors
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    Buffer one{1, program_size, max_size}, other{1, program_size, max_size};
    one.size = mutate_program(one.bytes.data(), one.size, max_size, seed, slab::Row::Large, touch_the_row);
    other.size = mutate_program(other.bytes.data(), other.size, max_size, seed, slab::Row::Large, touch_the_row);
    ASSERT_EQ(one.program(), other.program());
    results.emplace(one.bytes.begin(), one.bytes.begin() + static_cast<std::ptrdiff_t>(one.size));
  }
  EXPECT_GT(results.size(), 400u);
}

}  // namespace
}  // namespace slabproof
