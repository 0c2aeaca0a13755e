// The meaning of byte strings is fixed for good, since a committed corpus depends on it. Changes may give a meaning to
// unassigned opcodes or bits, but never another one to these.
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "model/program/codec.hpp"
#include "model/program/decoder.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

/// Hexadecimal bytes (shape, swarm mask, phases, two backends; a line for each cache; operations) and
/// the trace that they are, without its first line.
struct Golden {
  const char* name;
  const char* bytes;
  const char* trace;
};

constexpr Golden goldens[] = {
    {"Zeros", "00",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=128 page_size=128 "
     "object_size=1 object_align=1\n"},
    {"ATwoCacheHeader",
     "03 0000 00 0522 0A33 "
     "8200 4401 00 10 00 00 "
     "0103 3000 1F00 0000",
     "backend b0 reuse=fifo placement=scattered seed=34\n"
     "backend b1 reuse=never placement=barely_aligned seed=51\n"
     "cache c0 on=b1 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=2048 page_size=1024 "
     "object_size=17 object_align=2\n"
     "cache c1 on=b0 kind=DynamicCache policy=Unchecked empty_slabs_kept=0 type=Small slab_size=1024 page_size=64 "
     "object_size=119 object_align=1\n"},
    {"AStaticCache",
     "01 0000 00 0000 0000 "
     "0008 0100 0000 0000 "
     "020A 0200 0000 0000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=Cache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=2048 object_align=8\n"
     "cache c1 on=b0 kind=Cache policy=Checked empty_slabs_kept=0 type=Large slab_size=512 page_size=64 object_size=17 "
     "object_align=1\n"},
    {"BarelyOneObject",
     "00 0000 00 0400 0000 "
     "0002 02C7 0100 0000",
     "backend b0 reuse=lifo placement=scattered seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=0 type=Small slab_size=512 page_size=512 "
     "object_size=200 object_align=2\n"},
    {"EveryOperation",
     "03 0000 00 0000 0000 "
     "0100 1203 0F00 0000 "
     "8100 1203 0F00 0000 "
     "00000000 80010000 00000000 40000000 B2010000 A0000C00 A0FE0000 A4010000 "
     "A8000000 A9072500 AE140100 B0010000 B4000000 B80A0100 BA040100 BB060100 "
     "BC070000 BD000100 BE020100 BF0A0000 C0000000 C0080000 B3010000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "backend b1 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=1024 page_size=256 "
     "object_size=120 object_align=8\n"
     "cache c1 on=b1 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=256 page_size=256 "
     "object_size=24 object_align=8\n"
     "#0 = alloc c0\n#1 = alloc_no_grow c1\n#2 = alloc c0\nfree #0\nfree_null c1\nreserve c0 12\n"
     "reserve c0 everything\nshrink c1\nfail b0 any after=0 once\nfail b1 save_slab_info after=37 once\n"
     "fail b0 alloc_slab_info after=1 misaligned\nrecover b1\ndouble_free #0\nfree_interior #2 pick=5\n"
     "free_slab_info #2 pick=2\nfree_tail_waste #2 pick=3\nfree_foreign c1 pick=3\nfree_through_other #2\n"
     "free_never_allocated #2 pick=1\ncorrupt_link #0 pick=5\nreenter c0 alloc\nreenter c0 shrink\n"
     "destroy c1\n"},
    {"Statistics",
     "01 0000 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "00000000 EB000000 EBFFFFFF",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "cache c1 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=128 page_size=128 "
     "object_size=1 object_align=1\n"
     "#0 = alloc c0\nstatistics c0\nstatistics c1\n"},
    {"ASwarmMaskWithoutStatistics",
     "00 0004 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "00000000 EB000000 B8000000 A4000000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\nshrink c0\n"},
    {"EveryErrorOfABackend",
     "02 0000 00 0000 0000 "
     "0100 1203 0F00 0000 "
     "0000 0000 0000 0000 "
     "EE000000 EE030100 EE040500 EE063F00 EE084000 EE1A0000 EE0C0000 EE9CFFFF",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "backend b1 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=1024 page_size=256 "
     "object_size=120 object_align=8\n"
     "fault b0 slab_again after=0\nfault b1 slab_inside after=1\nfault b0 info_again after=5\n"
     "fault b0 entry_stale after=63\nfault b0 entry_lost after=0\nfault b0 entry_wrong after=0\n"},
    {"EveryCallFromOnMisuseAndRecordsOfNone",
     "01 0000 00 0000 0000 "
     "0100 1203 0F00 0000 "
     "0100 1203 0F00 0000 "
     "E4060000 E4090000 E40A0000 E4FC0000 E40E0000 E4000000 E4050000 E4110000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=1024 page_size=256 "
     "object_size=120 object_align=8\n"
     "cache c1 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=1024 page_size=256 "
     "object_size=120 object_align=8\n"
     "call_on_misuse c0 alloc\ncall_on_misuse c1 alloc_no_grow\ncall_on_misuse c0 reserve\n"
     "call_on_misuse c0 free\ncall_on_misuse c0 shrink\n"},
    {"ASwarmMaskWithoutErrors",
     "00 0001 00 0000 0000 "
     "0100 1203 0F00 0000 "
     "0000 0000 0000 0000 "
     "EE000000 A4000000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=1024 page_size=256 "
     "object_size=120 object_align=8\n"
     "shrink c0\n"},
    {"EveryWayToDamageASlabInfo",
     "00 0000 00 0000 0000 "
     "0100 1203 0F00 0000 "
     "0000 0000 0000 0000 "
     "00000000 00000000 D1000000 D1FF0100 D1000004 D17F0014 D17F0014 D1810014 D1FFFFFF",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=1024 page_size=256 "
     "object_size=120 object_align=8\n"
     "#0 = alloc c0\n#1 = alloc c0\ndamage_info #0 pick=0\ndamage_info #1 pick=127\ndamage_info #0 pick=128\n"
     "damage_info #0 pick=703\ndamage_info #0 pick=703\n"},
    {"PoliciesWithGuards",
     "03 0000 00 0000 0000 "
     "00E2 0200 0F00 0000 "
     "02DF 0200 0F00 0000 "
     "00000000 00010000 EC020000 EC000100 40000000 ED0E0000 ED000100",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "backend b1 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Debug empty_slabs_kept=1 type=Small slab_size=256 page_size=256 "
     "object_size=24 object_align=1\n"
     "cache c1 on=b0 kind=DynamicCache policy=Quarantine empty_slabs_kept=0 type=Large slab_size=256 page_size=256 "
     "object_size=32 object_align=1\n"
     "#0 = alloc c0\n#1 = alloc c1\nwrite_behind #0 pick=1\nfree #0\nwrite_freed #0 pick=7\n"
     "write_freed #0 pick=0\n"},
    {"AGuardedObjectNeedsRoom",
     "01 0000 00 0000 0000 "
     "00E6 0000 0100 0000 "
     "01DC 0000 0100 0000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Debug empty_slabs_kept=0 type=Small slab_size=128 page_size=128 "
     "object_size=8 object_align=1\n"
     "cache c1 on=b0 kind=DynamicCache policy=RedZone empty_slabs_kept=1 type=Small slab_size=256 page_size=128 "
     "object_size=72 object_align=1\n"},
    {"TheLastOpcodeOfEachKind",
     "01 0000 00 0000 0000 "
     "0100 1203 0F00 0000 "
     "0100 1203 0F00 0000 "
     "3F010000 8F000000 3F000000 3F000000 7F000000 9F000000 97000000 A3000100 A7000000 AF020000 B1000000 B7000000 "
     "B9000000 "
     "C2000000 FF000000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=1024 page_size=256 "
     "object_size=120 object_align=8\n"
     "cache c1 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=1024 page_size=256 "
     "object_size=120 object_align=8\n"
     "#0 = alloc c1\n#1 = alloc_no_grow c0\n#2 = alloc c0\n#3 = alloc c0\nfree #0\nfree #1\n#4 = alloc c0\n"
     "reserve c0 1\nshrink c0\nfail b0 alloc_slab after=0 once\nrecover b0\ndouble_free #0\n"
     "free_interior #2 pick=0\n"},
    {"BurstsInOrder",
     "00 0000 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "90000500 98000200 98000201",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\n#1 = alloc c0\n#2 = alloc c0\n#3 = alloc c0\n#4 = alloc c0\n#5 = alloc c0\nfree #0\n"
     "free #1\nfree #2\nfree #5\nfree #4\nfree #3\n"},
    {"ShuffledBurst",
     "00 0000 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "90000900 98050702",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\n#1 = alloc c0\n#2 = alloc c0\n#3 = alloc c0\n#4 = alloc c0\n#5 = alloc c0\n"
     "#6 = alloc c0\n#7 = alloc c0\n#8 = alloc c0\n#9 = alloc c0\nfree #1\nfree #6\nfree #9\nfree #8\n"
     "free #7\nfree #2\nfree #5\nfree #3\n"},
    {"ABurstEndsWithItsObjects",
     "01 0000 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "90010300 9800FF00 00000000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "cache c1 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=128 page_size=128 "
     "object_size=1 object_align=1\n"
     "#0 = alloc c1\n#1 = alloc c1\n#2 = alloc c1\n#3 = alloc c1\nfree #0\nfree #1\nfree #2\nfree #3\n"
     "#4 = alloc c0\n"},
    {"ASwarmMask",
     "00 0C00 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "00000000 40000000 B2000000 A0000100 A4000000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\nreserve c0 1\nshrink c0\n"},
    {"ASwarmMaskOfHighKinds",
     "00 0080 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "00000000 BE000000 BD000000 B3000000 A4000000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\ndestroy c0\nshrink c0\n"},
    {"FillAndDrain",
     "00 0000 01 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "40000080 40000080 40000000 00000080 00000080 00000080 00000080 00000080 "
     "00000080 00000000 40000080 00000080",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\n#1 = alloc c0\nfree #0\n#2 = alloc c0\n#3 = alloc c0\n#4 = alloc c0\n#5 = alloc c0\n"
     "#6 = alloc c0\nfree #3\n#7 = alloc c0\nfree #4\nfree #6\n"},
    {"FillChurnAndDrain",
     "00 0000 06 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "40000080 00000080 00000080 00000080 00000080 00000080 00000080 00000080 00000080 "
     "40000080 00000080 40000080 00000080 40000080 00000080 40000080 00000080 40000080 "
     "00000080 40000080 40000080 00000080",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\n#1 = alloc c0\n#2 = alloc c0\n#3 = alloc c0\n#4 = alloc c0\n#5 = alloc c0\n"
     "#6 = alloc c0\n#7 = alloc c0\n#8 = alloc c0\nfree #8\n#9 = alloc c0\nfree #9\n#10 = alloc c0\n"
     "free #10\n#11 = alloc c0\nfree #11\n#12 = alloc c0\nfree #12\nfree #0\nfree #2\nfree #4\nfree #6\n"},
    {"SkippedOrdinals",
     "00 0000 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "00000000 C1000300 00000000 C1FFFFFF 00000000",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\n#4 = alloc c0\n#5 = alloc c0\n"},
    {"OperandsChooseModulo",
     "00 0000 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "90000200 40010500 B4000700 00000000 B8FFFFFF",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\n#1 = alloc c0\n#2 = alloc c0\nfree #2\ndouble_free #2\n#3 = alloc c0\n"
     "free_interior #0 pick=127\n"},
    {"Truncated",
     "00 0000 00 0000 0000 "
     "0000 0600 0F00 0000 "
     "0000 0000 0000 0000 "
     "00000000 A0000C00 A00007",
     "backend b0 reuse=lifo placement=adjacent seed=0\n"
     "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=4096 page_size=4096 "
     "object_size=504 object_align=1\n"
     "#0 = alloc c0\nreserve c0 12\nreserve c0 7\n"},
};

std::vector<std::uint8_t> bytes_of(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  unsigned digits = 0, value = 0;
  for (const char c : text) {
    if (c == ' ') continue;
    value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'A' + 10);
    if (++digits % 2 == 0) bytes.push_back(static_cast<std::uint8_t>(value & 0xFF));
  }
  return bytes;
}

class GoldenBytes : public testing::TestWithParam<Golden> {};

TEST_P(GoldenBytes, KeepTheirMeaning) {
  const Program program = decode(bytes_of(GetParam().bytes));
  EXPECT_EQ(to_text(program), std::string{"slabproof trace 1\n"} + GetParam().trace);
}

void PrintTo(const Golden& golden, std::ostream* out) { *out << golden.bytes; }

INSTANTIATE_TEST_SUITE_P(Format, GoldenBytes, testing::ValuesIn(goldens),
                         [](const auto& tested) { return std::string{tested.param.name}; });

std::string name_of(const Opcode& opcode) {
  switch (opcode.kind) {
    case OpcodeKind::Single: return to_string(opcode.operation);
    case OpcodeKind::AllocBurst: return "alloc_burst";
    case OpcodeKind::FreeBurst: return "free_burst";
    case OpcodeKind::SkipOrdinals: return "skip_ordinals";
    case OpcodeKind::ExactSize: return "exact_size";
    case OpcodeKind::Unassigned: break;
  }
  return "-";
}

TEST(GoldenOpcodes, KeepTheirMeaning) {
  std::string table;
  for (unsigned first = 0, last = 0; first < 256; first = last + 1) {
    const auto name_at = [](unsigned byte) { return name_of(opcode_of(static_cast<std::uint8_t>(byte))); };
    for (last = first; last < 255 && name_at(last + 1) == name_at(first);) ++last;
    char range[16];
    std::snprintf(range, sizeof range, "%02X-%02X ", first, last);
    table += range + name_at(first) + "\n";
  }
  EXPECT_EQ(
      table,
      "00-3F alloc\n40-7F free\n80-8F alloc_no_grow\n90-97 alloc_burst\n98-9F free_burst\nA0-A3 reserve\nA4-A7 shrink\n"
      "A8-AF fail\nB0-B1 recover\nB2-B2 free_null\nB3-B3 destroy\nB4-B7 double_free\nB8-B9 free_interior\n"
      "BA-BA free_slab_info\nBB-BB free_tail_waste\nBC-BC free_foreign\nBD-BD free_through_other\n"
      "BE-BE free_never_allocated\nBF-BF corrupt_link\nC0-C0 reenter\nC1-C1 skip_ordinals\nC2-D0 -\nD1-D1 "
      "damage_info\nD2-E3 -\nE4-E4 call_on_misuse\nE5-EA -\nEB-EB statistics\n"
      "EC-EC write_behind\nED-ED write_freed\nEE-EE fault\nEF-FF -\n");
}

}  // namespace
}  // namespace slabproof
