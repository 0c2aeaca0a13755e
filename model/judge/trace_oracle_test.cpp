// The judge of the trace parser finds a wrong parser.
#include "model/judge/trace_oracle.hpp"

#include <string>

#include <gtest/gtest.h>

#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"

namespace slabproof {
namespace {

ParseResult refuse_at(std::size_t line, std::size_t column, const char* expected = "a program") {
  return {std::nullopt, {line, column, expected}};
}

Invariant invariant_of(std::string_view text, Parse parse) {
  const auto violation = judge_trace(text, parse);
  return violation ? violation->invariant : Invariant::None;
}

TEST(TraceOracle, TakesARefusalAtAnyPlaceOfTheText) {
  EXPECT_EQ(invariant_of("", [](std::string_view) { return refuse_at(1, 1); }), Invariant::None);
  EXPECT_EQ(invariant_of("ab\nc\n", [](std::string_view) { return refuse_at(1, 3); }), Invariant::None);
  EXPECT_EQ(invariant_of("ab\nc\n", [](std::string_view) { return refuse_at(3, 1); }), Invariant::None);
}

TEST(TraceOracle, FindsARefusalOutsideTheText) {
  EXPECT_EQ(invariant_of("ab\nc\n", [](std::string_view) { return refuse_at(0, 1); }), Invariant::T1);
  EXPECT_EQ(invariant_of("ab\nc\n", [](std::string_view) { return refuse_at(1, 0); }), Invariant::T1);
  EXPECT_EQ(invariant_of("ab\nc\n", [](std::string_view) { return refuse_at(1, 4); }), Invariant::T1);
  EXPECT_EQ(invariant_of("ab\nc\n", [](std::string_view) { return refuse_at(4, 1); }), Invariant::T1);
  EXPECT_EQ(invariant_of("ab\nc\n", [](std::string_view) { return refuse_at(1, 1, ""); }), Invariant::T1);
}

TEST(TraceOracle, FindsAProgramThatChangesOnItsWayThroughText) {
  const std::string text = to_text(decode(random_bytes(1, 100)));
  EXPECT_EQ(invariant_of(text, parse), Invariant::None);
  EXPECT_EQ(invariant_of(text,
                         [](std::string_view read) {
                           static int reads = 0;
                           return ++reads == 1 ? parse(read) : refuse_at(1, 1);
                         }),
            Invariant::T2);
  EXPECT_EQ(invariant_of(text,
                         [](std::string_view read) {
                           static std::uint8_t reads = 0;
                           ParseResult result = parse(read);
                           result.program->setup.backends[0].seed = reads++;
                           return result;
                         }),
            Invariant::T2);
}

TEST(TraceOracle, FindsAProgramThatBytesCannotSay) {
  EXPECT_EQ(invariant_of("",
                         [](std::string_view) {
                           Program program;
                           program.setup.caches[0].object_align = 3;
                           return ParseResult{program, {}};
                         }),
            Invariant::T3);
}

TEST(TraceOracle, IsContentWithTheParser) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    // A text with one wrong character.
    std::string text = to_text(decode(random_bytes(seed, 24 + 4 * (seed % 20))));
    SplitMix random{seed};
    if (seed % 4 != 0) text[random.below(text.size())] = static_cast<char>(random.byte());
    const auto violation = judge_trace(text);
    ASSERT_FALSE(violation) << to_string(violation->invariant) << ": expected " << violation->expected << ", observed "
                            << violation->observed << "\n"
                            << text;
  }
}

}  // namespace
}  // namespace slabproof
