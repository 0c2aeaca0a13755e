// A text that is no trace is refused with a place and a reason.
#include "model/program/trace.hpp"

#include <ostream>
#include <string>

#include <gtest/gtest.h>

namespace slabproof {
namespace {

constexpr const char* version = "slabproof trace 1\n";
constexpr const char* backend = "backend b0 reuse=lifo placement=adjacent seed=0\n";
constexpr const char* cache =
    "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
    "object_size=16 object_align=8\n";

std::string with(const std::string& operations) { return std::string{version} + backend + cache + operations; }
std::string with_cache(const std::string& line) { return std::string{version} + backend + line + "\n"; }

struct Mistake {
  const char* name;
  std::string text;
  const char* place;     // line:column
  const char* expected;  // a part of the sentence
};

const Mistake mistakes[] = {
    {"EmptyText", "", "1:1", "'slabproof'"},
    {"AnotherFile", "#include <cstdio>\n", "1:1", "'slabproof'"},
    {"NewerVersion", "slabproof trace 2\n", "1:17", "version 1 (this program reads nothing newer)"},
    {"VersionThatIsNoNumber", "slabproof trace one\n", "1:17", "version 1"},
    {"NoBackend", version, "2:1", "'backend b0"},
    {"CacheBeforeBackend", std::string{version} + cache, "2:1", "'backend b0"},
    {"NoCache", std::string{version} + backend, "3:1", "'cache c0"},
    {"OperationBeforeCache", std::string{version} + backend + "#0 = alloc c0\n", "3:1", "'cache c0"},
    {"WrongBackendNumber", std::string{version} + "backend b1 reuse=lifo placement=adjacent seed=0\n", "2:9", "'b0'"},
    {"UnknownReuse", std::string{version} + "backend b0 reuse=random placement=adjacent seed=0\n", "2:12",
     "one of reuse=lifo, reuse=fifo, reuse=never"},
    {"SeedTooLarge", std::string{version} + "backend b0 reuse=lifo placement=adjacent seed=256\n", "2:42",
     "'seed=' and a number from 0 to 255"},
    {"BackendAfterCache", with(backend), "4:1", "another operation"},
    {"ThirdCache",
     with("cache c1 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
          "object_size=16 "
          "object_align=8\ncache c2"),
     "5:1", "another operation"},
    {"CacheAfterOperation", with("#0 = alloc c0\ncache c1"), "5:1", "another operation"},
    {"BackendThatIsNot", with_cache("cache c0 on=b1"), "3:10", "'on=b' and a number from 0 to 0"},
    {"UnknownPolicy", with_cache("cache c0 on=b0 kind=Cache policy=None"), "3:27",
     "one of policy=Checked, policy=Unchecked"},
    {"MissingField", with_cache("cache c0 on=b0 kind=Cache"), "3:26", "one of policy=Checked, policy=Unchecked"},
    {"NoGeometry",
     with_cache("cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 "
                "page_size=4096 object_size=4096 object_align=8"),
     "3:126", "a geometry, but this is ObjectTooLarge"},
    {"AnotherNoGeometry",
     with_cache("cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 "
                "page_size=4095 object_size=16 object_align=8"),
     "3:124", "PageSizeNotPowerOfTwo"},
    {"PageTooLarge",
     with_cache("cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=8192 "
                "page_size=8192 object_size=16 object_align=8"),
     "3:124", "a page of at most 4096 bytes and a slab of at most 16 pages"},
    {"NoStaticCache",
     with_cache("cache c0 on=b0 kind=Cache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
                "object_size=17 object_align=8"),
     "3:117", "a geometry of model/program/static_caches.hpp"},
    {"StaticCacheThatKeepsTwo", with_cache("cache c0 on=b0 kind=Cache policy=Checked empty_slabs_kept=2"), "3:42",
     "0 or 1 for a Cache"},
    {"UnknownOperation", with("shrunk c0\n"), "4:1", "'#N = alloc', 'free' or another operation of docs/format.md"},
    {"UnknownAllocation", with("#0 = reserve c0\n"), "4:6", "one of alloc, alloc_no_grow"},
    {"MissingEqualsSign", with("#0 alloc c0\n"), "4:4", "'='"},
    {"OrdinalUsedTwice", with("#0 = alloc c0\n#0 = alloc c0\n"), "5:1", "'#' and a number from 1 to 65535"},
    {"OrdinalTooLarge", with("#65536 = alloc c0\n"), "4:1", "'#' and a number from 0 to 65535"},
    {"CacheThatIsNot", with("shrink c1\n"), "4:8", "'c' and a number from 0 to 0"},
    {"BackendOfFail", with("fail b1 any after=0 once\n"), "4:6", "'b' and a number from 0 to 0"},
    {"UnknownCall", with("fail b0 free_slab after=0 once\n"), "4:9",
     "one of any, alloc_slab, alloc_slab_info, save_slab_info"},
    {"TooManyCalls", with("fail b0 any after=64 once\n"), "4:13", "'after=' and a number from 0 to 63"},
    {"UnknownMode", with("fail b0 any after=0 twice\n"), "4:21", "one of once, always, misaligned"},
    {"MisalignedSave", with("fail b0 save_slab_info after=0 misaligned\n"), "4:32",
     "'once' or 'always' for save_slab_info"},
    {"ReserveTooLarge", with("reserve c0 1024\n"), "4:12", "a number from 0 to 1023"},
    {"UnknownReentrantCall", with("reenter c0 destroy\n"), "4:12",
     "one of alloc, alloc_no_grow, reserve, free, shrink"},
    {"UnknownCallFromOnMisuse", with("call_on_misuse c0 destroy\n"), "4:19",
     "one of alloc, alloc_no_grow, reserve, free, shrink"},
    {"MissingPick", with("#0 = alloc c0\nfree_interior #0\n"), "5:17", "'pick=' and a number from 0 to 127"},
    {"TooMuch", with("shrink c0 c0\n"), "4:11", "the end of the line"},
    {"NumberWithLetters", with("reserve c0 1x\n"), "4:12", "a number from 0 to 1023"},
    {"AfterComments", "\n// one\n\n" + with("  shrink\tc9 // two\n"), "7:10", "'c' and a number from 0 to 0"},
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << "\n" << mistake.text; }

class TraceMistake : public testing::TestWithParam<Mistake> {};

TEST_P(TraceMistake, IsRefusedWithItsPlaceAndWhatWasExpected) {
  const ParseResult parsed = parse(GetParam().text);
  ASSERT_FALSE(parsed.program);
  EXPECT_EQ(std::to_string(parsed.error.line) + ":" + std::to_string(parsed.error.column), GetParam().place);
  EXPECT_NE(parsed.error.expected.find(GetParam().expected), std::string::npos) << parsed.error.expected;
}

INSTANTIATE_TEST_SUITE_P(Trace, TraceMistake, testing::ValuesIn(mistakes),
                         [](const auto& tested) { return std::string{tested.param.name}; });

TEST(Trace, MayHaveCommentsAndBlankLinesAndNoLineEnd) {
  const ParseResult plain = parse(with("#3 = alloc c0\nfree #3\n"));
  const ParseResult commented = parse("// a comment\r\n\n  slabproof trace 1 // the version\n" + std::string{backend} +
                                      "\t\n" + cache + "#3 = alloc c0 //x\n// more\n\tfree  #3");
  ASSERT_TRUE(plain.program);
  ASSERT_TRUE(commented.program) << commented.error.line << ":" << commented.error.column << ": expected "
                                 << commented.error.expected;
  EXPECT_EQ(*commented.program, *plain.program);
}

TEST(Trace, WithTooManyOperationsIsRefused) {
  std::string operations;
  for (std::uint32_t i = 0; i < Limits::max_operations; ++i) operations += "shrink c0\n";
  EXPECT_TRUE(parse(with(operations)).program);
  const ParseResult parsed = parse(with(operations + "shrink c0\n"));
  ASSERT_FALSE(parsed.program);
  EXPECT_EQ(parsed.error.expected, "at most 65536 operations");
}

}  // namespace
}  // namespace slabproof
