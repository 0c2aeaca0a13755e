// Programs keep their meaning through bytes and text, and every byte string is a program.
#include <algorithm>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "model/program/codec.hpp"
#include "model/program/decoder.hpp"
#include "model/program/language.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

/// Mostly short, a few of thousands of operations; the swarm mask spares half of them.
std::vector<std::uint8_t> random_input(std::uint64_t seed) {
  std::vector<std::uint8_t> bytes = random_bytes(seed, seed % 1000 == 999 ? 20'000 : seed % 400);
  if (seed % 2 == 0 && bytes.size() >= format::header_size) bytes[format::swarm_at] = bytes[format::swarm_at + 1] = 0;
  return bytes;
}

/// The languages of all subjects, and some of a pool and a heap that take not everything.
constexpr Language languages[] = {
    slab_language,
    language_of(Shape::Pool),
    language_of(Shape::Heap),
    {.shape = Shape::Pool,
     .kinds = language_of(Shape::Pool).kinds,
     .instances = 1,
     .sizes = {.least = 24, .most = 72, .multiple_of = 8, .max_align = 8}},
    {.shape = Shape::Heap,
     .kinds = language_of(Shape::Heap).kinds,
     .instances = 1,
     .sizes = {.least = 3, .most = 70'000, .multiple_of = 3, .max_align = 64}},
};

TEST(Codec, ThousandsOfRandomProgramsSurviveBytesAndTextInEachLanguage) {
  for (const Language& language : languages) {
    std::uint64_t kinds = 0;
    for (std::uint64_t seed = 0; seed < (language.shape == Shape::SlabCache ? 10'000 : 2'000); ++seed) {
      const Program program = decode(random_input(seed), language);
      const std::vector<std::uint8_t> bytes = encode(program);
      ASSERT_EQ(decode(bytes, language), program) << "seed " << seed << "\n" << to_text(program);
      ASSERT_EQ(encode(decode(bytes, language)), bytes) << "seed " << seed;
      for (const Operation& operation : program.operations) {
        kinds |= std::uint64_t{1} << static_cast<unsigned>(operation.kind);
        if (has_size(operation.kind) && operation.kind != OperationKind::AllocateZeroed) {
          ASSERT_TRUE(language.sizes.allows_size(operation.argument)) << to_text(operation);
        }
      }
      const ParseResult parsed = parse(to_text(program));
      ASSERT_TRUE(parsed.program) << "seed " << seed << ", line " << parsed.error.line << ": " << parsed.error.expected
                                  << "\n"
                                  << to_text(program);
      ASSERT_EQ(*parsed.program, program) << "seed " << seed;
    }
    EXPECT_EQ(kinds, language.kinds) << "a kind never occurred, or one that the language does not have";
  }
}

TEST(Decoder, PicksSmallSizesOftenAndLargeOnesAroundPowersOfTwo) {
  constexpr SizeLimits limits{.most = SizeLimits::most_possible};
  std::size_t below_256 = 0, beside_a_power = 0, large = 0;
  for (unsigned pick = 0; pick < 1u << format::size_pick_bits; ++pick) {
    const std::uint32_t size = format::picked_size(pick, limits);
    ASSERT_TRUE(limits.allows_size(size));
    below_256 += size < 256;
    if (size <= 1024) continue;
    ++large;
    for (std::uint32_t power = 1024; power <= limits.most; power *= 2) beside_a_power += size + 64 - power < 128;
  }
  EXPECT_GE(below_256 * 2, 1u << format::size_pick_bits);
  EXPECT_GT(beside_a_power * 5, large * 2);
  EXPECT_LT(beside_a_power * 5, large * 4);
}

TEST(Codec, EveryHeaderFieldSurvives) {
  for (std::size_t byte = 0; byte < format::header_size; ++byte)
    for (unsigned value = 0; value < 256; ++value) {
      std::vector<std::uint8_t> bytes(format::header_size);
      bytes[format::shape_at] = format::two_caches | format::two_backends;
      bytes[byte] = static_cast<std::uint8_t>(value);
      const Program program = decode(bytes);
      ASSERT_EQ(decode(encode(program)), program) << "byte " << byte << " = " << value;
      ASSERT_EQ(parse(to_text(program)).program, program) << to_text(program);
    }
}

TEST(Decoder, TakesEveryOpcode) {
  for (unsigned opcode = 0; opcode < 256; ++opcode)
    for (const std::uint8_t selector : std::initializer_list<std::uint8_t>{0x00, 0x01, 0x7F, 0xFF}) {
      std::vector<std::uint8_t> bytes(format::header_size);
      bytes[format::shape_at] = format::two_caches | format::two_backends;
      bytes.insert(bytes.end(), {0x00, 0, 0, 0, 0x00, 0, 0, 0, 0x40, 0, 0, 0});  // one live object, one dead
      bytes.insert(bytes.end(), {static_cast<std::uint8_t>(opcode), selector, 0xFF, 0xFF});
      const Program program = decode(bytes);
      const std::size_t before = 3;
      ASSERT_GE(program.operations.size(), before);
      const Opcode meaning = opcode_of(static_cast<std::uint8_t>(opcode));
      // The selectors 0x7F and 0xFF name no error of a backend, 0x00 and 0x01 no call from on_misuse, the operand none
      // of the damages. These caches have no guards.
      const bool does_nothing = meaning.does_nothing() || meaning.operation == OperationKind::DamageInfo ||
                                guard_of(meaning.operation) != NeededGuard::None ||
                                (meaning.operation == OperationKind::Fault && (selector >> 1) % 8 > 5) ||
                                (meaning.operation == OperationKind::CallOnMisuse && (selector >> 1) % 8 < 3);
      ASSERT_EQ(program.operations.size() == before, does_nothing) << "opcode " << opcode;
      if (meaning.kind == OpcodeKind::Single && !does_nothing) {
        ASSERT_EQ(program.operations.back().kind, meaning.operation);
      }
      ASSERT_EQ(decode(encode(program)), program) << to_text(program);
    }
}

TEST(Decoder, TakesShortInputsAsZeros) {
  const Program empty = decode({});
  EXPECT_TRUE(empty.operations.empty());
  EXPECT_EQ(decode(std::vector<std::uint8_t>(format::header_size)), empty);
  const std::vector<std::uint8_t> input = random_bytes(7, 200);
  for (std::size_t size = 0; size < input.size(); ++size) {
    std::vector<std::uint8_t> shorter(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size)),
        padded = shorter;
    padded.resize(std::max(format::header_size, (size + 3) / 4 * 4));
    ASSERT_EQ(decode(shorter), decode(padded)) << size << " bytes";
  }
}

TEST(Decoder, StopsAtTheMostOperationsThatAProgramHas) {
  std::vector<std::uint8_t> bursts(Limits::max_file_size);
  for (std::size_t at = format::header_size; at + 4 <= bursts.size(); at += 4) {
    bursts[at] = at % 8 == 0 ? 0x90 : 0x98;
    bursts[at + 2] = 0xFF;
  }
  EXPECT_EQ(decode(bursts).operations.size(), Limits::max_operations);
  EXPECT_LE(decode(random_bytes(1, Limits::max_file_size)).operations.size(), Limits::max_operations);
}

TEST(Decoder, NamesOnlyWhatExists) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Program program = decode(random_input(seed));
    ASSERT_EQ(normalised(program), program) << "seed " << seed;
  }
}

// Shrinking relies on this: an operation means the same with or without another one before it.
TEST(Programs, LoseAnOperationAndNoOtherChangesItsMeaning) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Program program = decode(random_bytes(seed, 24 + 4 * 40));
    for (std::size_t dropped = 0; dropped < program.operations.size(); ++dropped) {
      Program without = program;
      without.operations.erase(without.operations.begin() + static_cast<std::ptrdiff_t>(dropped));
      const Program rest = decode(encode(without));
      ASSERT_EQ(rest, normalised(without));
      // The rest are operations of the program, in their order; those on the object are gone.
      const Operation& operation = program.operations[dropped];
      const bool was_born = makes_object(operation.kind);
      auto from = without.operations.begin();
      for (const Operation& kept : rest.operations) {
        ASSERT_FALSE(was_born && names_object(kept.kind) && kept.object == operation.object);
        const auto found = std::find(from, without.operations.end(), kept);
        ASSERT_NE(found, without.operations.end()) << to_text(kept) << " is no operation of\n" << to_text(program);
        for (; from != found; ++from)
          ASSERT_TRUE(from->object == operation.object || operation.kind == OperationKind::Destroy)
              << to_text(*from) << " fell away";
        ++from;
      }
    }
  }
}

}  // namespace
}  // namespace slabproof
