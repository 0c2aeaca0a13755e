// What pools and heaps say of themselves, each right once and wrong once.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "model/include/slabproof/subject.hpp"
#include "model/judge/runner.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

enum class Fault {
  None,
  Miscounts,
  OwnsAll,
  OwnsNothing,
  ForgetsToEnd,
  EndsOthers,
  FailsToConstruct,
  KeepsWhenItFails,
  RefusesNull,
  AnswersLive,
  OverlooksDoubleFree,
  OverlooksInterior,
  OverlooksForeign,
  OverlooksSize,
  CriesWolf,
  FreesWhatItTells,
  WritesAmidALiveOne,
  TrimsObjects,
  TakesWhenTrimmed,
};
Fault fault = Fault::None;

/// A heap with a block for each object, and a table of them.
class Talker {
 public:
  static constexpr Abilities abilities{.sizes = true,
                                       .resizes = true,
                                       .resizes_null = true,
                                       .resizes_to_zero = true,
                                       .accepts = {.most = 64, .max_align = 16},
                                       .takes_memory = true,
                                       .counts_live = true,
                                       .knows_its_own = true,
                                       .resets = true,
                                       .may_fail_to_construct = true,
                                       .trims = true};

  explicit Talker(Memory memory)
      : memory_{memory}, table_{static_cast<void**>(memory.take(most * sizeof(void*)))}, more_{memory.take(8)} {
    if (table_ && more_ && fault != Fault::FailsToConstruct) return;
    if (table_ && fault != Fault::KeepsWhenItFails) memory_.give(table_);
    if (more_) memory_.give(more_);
    throw std::bad_alloc{};
  }
  ~Talker() {
    while (count_ > 0) memory_.give(block_of(table_[--count_]));
    memory_.give(table_);
    memory_.give(more_);
  }
  void* allocate(std::size_t size, std::size_t) {
    auto* const block = static_cast<std::size_t*>(memory_.take(header + size, 16));
    if (!block) return nullptr;
    *block = size;
    last = reinterpret_cast<unsigned char*>(block) + header;
    return table_[count_++] = last;
  }
  void free(void* object) {
    *std::find(table_, table_ + count_, object) = table_[count_ - 1];
    --count_;
    memory_.give(block_of(object));
  }
  void* reallocate(void* object, std::size_t size) {
    if (!object) return fault == Fault::RefusesNull ? nullptr : allocate(size, 16);
    if (size == 0 && fault == Fault::AnswersLive && table_[0] != object) return table_[0];
    if (size == 0) return free(object), nullptr;
    void* const other = allocate(size, 16);
    if (!other) return nullptr;
    std::memcpy(other, object, std::min(*block_of(object), size));
    free(object);
    return other;
  }
  std::size_t trim() {
    if (fault == Fault::TrimsObjects && count_ > 0) *static_cast<unsigned char*>(table_[0]) ^= 1;
    if (fault == Fault::TakesWhenTrimmed) static_cast<void>(memory_.take(8));
    return 0;
  }
  std::size_t live_objects() const { return count_ + (fault == Fault::Miscounts && count_ == 2); }
  bool owns(const void* object) const {
    if (fault == Fault::OwnsAll || fault == Fault::OwnsNothing) return fault == Fault::OwnsAll;
    return std::find(table_, table_ + count_, object) != table_ + count_;
  }
  void reset() {
    if (fault == Fault::EndsOthers) *last ^= 1;
    while (count_ > (fault == Fault::ForgetsToEnd)) memory_.give(block_of(table_[--count_]));
  }

 private:
  static inline unsigned char* last = nullptr;  // of any of them
  static constexpr std::size_t header = 16;
  static std::size_t* block_of(void* object) {
    return reinterpret_cast<std::size_t*>(static_cast<unsigned char*>(object) - header);
  }
  static constexpr std::size_t most = Limits::max_live_objects;
  Memory memory_;
  void** table_;
  void* more_;
  std::size_t count_ = 0;
};

/// Eight slots of its own, which finds wrong frees and tells in one of three ways.
template <DetectedMisuse::By How>
class Guarded {
 public:
  static constexpr Abilities abilities{
      .accepts = {.most = 64, .max_align = 16},
      .capacity = 8,
      .detects = {.by = How, .double_free = true, .interior = true, .foreign = true},
  };

  void* alloc() {
    for (std::size_t i = 0; i < 8; ++i)
      if (!is_used_[i]) return is_used_[i] = true, slots_[i];
    return nullptr;
  }
  void free(void* object) {
    const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(object) - reinterpret_cast<std::uintptr_t>(slots_);
    if (at >= sizeof slots_) return fault == Fault::OverlooksForeign ? void() : tell();
    if (at % 64 != 0 && fault == Fault::FreesWhatItTells) is_used_[at / 64] = false;
    if (at % 64 != 0) return fault == Fault::OverlooksInterior ? void() : tell();
    if (!is_used_[at / 64]) return fault == Fault::OverlooksDoubleFree ? void() : tell();
    is_used_[at / 64] = false;
    if (fault == Fault::CriesWolf) ++misuses_;
  }
  std::size_t misuses() const { return misuses_; }

 private:
  void tell() {
    if (How == DetectedMisuse::By::Abort) std::abort();
    if (How == DetectedMisuse::By::Exception) throw 1;
    ++misuses_;
  }
  alignas(64) unsigned char slots_[8][64];
  bool is_used_[8] = {};
  std::size_t misuses_ = 0;
};

/// Of eight slots of 64 bytes the objects up to 32 bytes are of one class, the others of another. A wrong one is told,
/// and so is the alignment, by an alignment of its own.
class Classes {
 public:
  static constexpr Abilities abilities{
      .sizes = true,
      .sized_free = true,
      .accepts = {.most = 64, .max_align = 64},
      .capacity = 8,
      .detects = {.by = DetectedMisuse::By::Report,
                  .wrong_size = [](std::size_t asked, std::size_t,
                                   std::size_t told) { return (asked <= 32) != (told <= 32); }},
  };

  void* allocate(std::size_t size, std::size_t align) {
    for (std::size_t i = 0; i < 8; ++i)
      if (align_[i] == 0) return size_[i] = size, align_[i] = align, slots_[i];
    return nullptr;
  }
  void free(void* object, std::size_t size, std::size_t align) {
    const auto i = static_cast<std::size_t>(static_cast<unsigned char*>(object) - slots_[0]) / 64;
    if ((size <= 32) != (size_[i] <= 32) && fault != Fault::OverlooksSize) return void(++misuses_);
    if (align != align_[i]) std::abort();
    align_[i] = 0;
  }
  std::size_t misuses() const { return misuses_; }

 private:
  alignas(64) unsigned char slots_[8][64];
  std::size_t size_[8] = {}, align_[8] = {};
  std::size_t misuses_ = 0;
};

/// Four slots of which one has many bytes between those that are looked at all the time.
class Roomy {
 public:
  static constexpr Abilities abilities{
      .owns_live_objects = true, .accepts = {.most = 4096, .max_align = 16}, .capacity = 4};

  void* alloc() {
    if (fault == Fault::WritesAmidALiveOne && is_used_[0]) slots_[0][1000] ^= 1;
    for (std::size_t i = 0; i < 4; ++i)
      if (!is_used_[i]) return is_used_[i] = true, slots_[i];
    return nullptr;
  }
  void free(void* object) {
    for (std::size_t i = 0; i < 4; ++i)
      if (object == slots_[i]) is_used_[i] = false;
  }

 private:
  alignas(64) unsigned char slots_[4][4096];
  bool is_used_[4] = {};
};

/// A pool that is a megabyte itself and takes seven more.
class Spacious {
 public:
  static constexpr std::size_t slots = std::size_t{1} << 17;
  static constexpr Abilities abilities{
      .accepts = {.most = 56, .max_align = 8}, .takes_memory = true, .memory = std::size_t{15} << 20};
  static inline int blocks = 0;

  explicit Spacious(Memory memory) : memory_{memory} { std::memset(next_, 0, sizeof next_); }
  ~Spacious() {
    if (block_) memory_.give(block_);
  }
  void* alloc() {
    if (!block_) {
      block_ = static_cast<unsigned char*>(memory_.take(slots * 56));
      if (!block_) return nullptr;
      ++blocks;
    }
    if (freed_ == 0 && used_ == slots) return nullptr;
    const std::size_t slot = freed_ == 0 ? used_++ : freed_ - 1;
    if (freed_ != 0) freed_ = next_[slot];
    return block_ + slot * 56;
  }
  void free(void* object) {
    const auto slot = static_cast<std::size_t>(static_cast<unsigned char*>(object) - block_) / 56;
    next_[slot] = std::exchange(freed_, slot + 1);
  }

 private:
  Memory memory_;
  unsigned char* block_ = nullptr;
  std::size_t used_ = 0, freed_ = 0;  // the latter a slot, from 1
  std::size_t next_[slots];
};
static_assert(sizeof(Spacious) > std::size_t{1} << 20 && room_for<Spacious>().object >= sizeof(Spacious));

static_assert(Abilities{.takes_memory = true, .memory = (std::size_t{1} << 30) + 1}.contradiction());
static_assert(Abilities{.memory = 1}.contradiction());
static_assert(!Abilities{.takes_memory = true, .memory = 0}.contradiction());
static_assert(ArenaLayout{0, {.memory = 0}}.slab_bytes() == std::size_t{4} << 20);
static_assert(ArenaLayout{0, {.memory = 1}}.slab_bytes() == std::size_t{4} << 20);
static_assert(Abilities{.sizes = true, .resizes_null = true}.contradiction());
static_assert(Abilities{.may_fail_to_construct = true}.contradiction());
static_assert(Abilities{.detects = {.double_free = true}}.contradiction());
static_assert(Abilities{.detects = {.by = DetectedMisuse::By::Report}}.contradiction());
static_assert(Abilities{.instances = 1, .detects = {.by = DetectedMisuse::By::Abort, .foreign = true}}.contradiction());
static_assert(Abilities{.resets = true, .layout = true}.contradiction());
static_assert(Abilities{.trims = true, .layout = true}.contradiction());
static_assert(!Abilities{.detects = {.by = DetectedMisuse::By::Abort, .foreign = true}}.contradiction());

template <class S>
class Judged {
 public:
  /// The signature of the verdict on one program, with `wrong`.
  std::string operator()(Fault wrong, const std::string& operations, std::string* sentence = nullptr) {
    fault = wrong;
    const std::string subject =
        S::abilities.sizes
            ? "heap c0 on=b0\n"
            : "pool c0 on=b0 object_size=" + std::to_string(S::abilities.accepts.most) + " object_align=1\n";
    const auto program =
        parse("slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=1\n" + (subject + operations)).program;
    if (!program) return "no program";
    const Verdict verdict = runner_.run(*program);
    if (sentence) *sentence = verdict.sentence();
    return verdict.signature();
  }
  void agrees_with_random_programs() {
    fault = Fault::None;
    const std::uint64_t before = runner_.operations();
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
      const Program program = decode(random_bytes(seed, 600), runner_.language());
      ASSERT_TRUE(runner_.run(program).agreed()) << runner_.verdict().sentence() << "\n" << to_text(program);
    }
    EXPECT_GT(runner_.operations() - before, 5'000u);
  }

 private:
  Runner runner_{make_subject<S>, Arena::default_base, language_for(S::abilities), room_for<S>()};
};

const std::string four =
    "#0 = allocate c0 size=1 align=1\n#1 = allocate c0 size=2 align=1\n#2 = allocate c0 size=3 align=1\n"
    "#3 = allocate c0 size=4 align=1\n";

TEST(AHeap, IsJudgedByWhatItSaysOfItself) {
  Judged<Talker> judged;
  using enum Fault;
  EXPECT_EQ(judged(None, four + "free #3\ndestroy c0\n#4 = allocate c0 size=1 align=1\ndestroy c0\n"), "agreed");
  EXPECT_EQ(judged(Miscounts, four), "H6/allocate");
  EXPECT_EQ(judged(OwnsAll, four), "H7/start");
  EXPECT_EQ(judged(OwnsNothing, four), "H7/allocate");
  EXPECT_EQ(judged(ForgetsToEnd, four + "destroy c0\n"), "H6/destroy");
  std::string sentence;
  EXPECT_EQ(judged(RefusesNull, four, &sentence), "H1/allocate");
  EXPECT_NE(sentence.find("at step 3"), std::string::npos) << sentence;
  EXPECT_EQ(judged(AnswersLive, four + "free #3\n"), "H3/free");
  judged.agrees_with_random_programs();
}

TEST(AHeap, EndsNoObjectsOfOthersByItsReset) {
  Judged<Talker> judged;
  const std::string two = "heap c1 on=b0\n#0 = allocate c0 size=1 align=1\n#1 = allocate c1 size=1 align=1\n";
  EXPECT_EQ(judged(Fault::EndsOthers, two + "destroy c0\n"), "G12/destroy");
  EXPECT_EQ(judged(Fault::None, two + "destroy c0\nfree #1\n"), "agreed");
}

TEST(AHeap, MayFailToConstructOnlyWhereMemoryIsRefused) {
  Judged<Talker> judged;
  using enum Fault;
  EXPECT_EQ(judged(None, "fail b0 any after=1 once\ndestroy c0\n#0 = allocate c0 size=1 align=1\n"), "agreed");
  EXPECT_EQ(judged(KeepsWhenItFails, "fail b0 any after=1 once\ndestroy c0\n"), "B18/destroy");
  EXPECT_EQ(judged(FailsToConstruct, ""), "H9/start");
  EXPECT_EQ(judged(FailsToConstruct, four), "H9/start");
}

TEST(AHeap, KeepsItsObjectsAndTakesNothingWhenItTrims) {
  Judged<Talker> judged;
  EXPECT_EQ(judged(Fault::None, four + "shrink c0\nfree #0\nshrink c0\n"), "agreed");
  EXPECT_EQ(judged(Fault::TrimsObjects, four + "shrink c0\n"), "G12/shrink");
  EXPECT_EQ(judged(Fault::TakesWhenTrimmed, four + "shrink c0\n"), "H5/shrink");
}

TEST(APool, MayBeLargeAndTakeMuch) {
  Judged<Spacious> judged;
  const std::string both = "pool c1 on=b0 object_size=56 object_align=1\n#0 = alloc c0\n#1 = alloc c1\n";
  Spacious::blocks = 0;
  EXPECT_EQ(judged(Fault::None, both + "free #0\n#2 = alloc c0\nfree #1\n"), "agreed");
  EXPECT_EQ(Spacious::blocks, 2);
}

TEST(APool, WritesToNoByteOfALiveObject) {
  Judged<Roomy> judged;
  const std::string two = "#0 = alloc c0\n#1 = alloc c0\n";
  for (const auto& [operations, signature] :
       {std::pair{"", "G12/end"}, {"free #1\nfree #0\n", "G12/free"}, {"destroy c0\n", "G12/destroy"}}) {
    EXPECT_EQ(judged(Fault::WritesAmidALiveOne, two + operations), signature);
    EXPECT_EQ(judged(Fault::None, two + operations), "agreed");
  }
  judged.agrees_with_random_programs();
}

template <class S>
class WrongFrees : public testing::Test {};
using Ways = testing::Types<Guarded<DetectedMisuse::By::Report>, Guarded<DetectedMisuse::By::Exception>,
                            Guarded<DetectedMisuse::By::Abort>>;
TYPED_TEST_SUITE(WrongFrees, Ways);

TYPED_TEST(WrongFrees, AreToldAsIsSaid) {
  Judged<TypeParam> judged;
  using enum Fault;
  const std::string two = "#0 = alloc c0\n#1 = alloc c0\nfree #1\n";
  const std::string twice = two + "double_free #1\n", inside = two + "free_interior #0 pick=3\n",
                    foreign = two + "free_foreign c0 pick=3\n";
  for (const std::string& wrong : {twice, inside, foreign}) EXPECT_EQ(judged(None, wrong + "free #0\n"), "agreed");
  EXPECT_EQ(judged(OverlooksDoubleFree, twice), "H8/double_free");
  EXPECT_EQ(judged(OverlooksInterior, inside), "H8/free_interior");
  EXPECT_EQ(judged(OverlooksForeign, foreign), "H8/free_foreign");
  if (TypeParam::abilities.detects.by == DetectedMisuse::By::Report) {
    EXPECT_EQ(judged(CriesWolf, two), "H8/free");
  }
  const bool goes_on = TypeParam::abilities.detects.by != DetectedMisuse::By::Abort;
  EXPECT_EQ(judged(FreesWhatItTells, inside + "#2 = alloc c0\n#3 = alloc c0\n"), goes_on ? "L4/alloc" : "agreed");
  // Its slot is another object's by now.
  EXPECT_EQ(judged(OverlooksDoubleFree, two + "#2 = alloc c0\ndouble_free #1\n"), "agreed");
  judged.agrees_with_random_programs();
}

TEST(WrongSizes, AreToldWhereTheyLeadToAnotherClass) {
  Judged<Classes> judged;
  const std::string one = "#0 = allocate c0 size=20 align=16\n", wrong = one + "free_wrong_size #0 size=40\n";
  EXPECT_EQ(judged(Fault::None, wrong + "free #0\n"), "agreed");
  EXPECT_EQ(judged(Fault::OverlooksSize, wrong), "H8/free_wrong_size");
  EXPECT_EQ(judged(Fault::OverlooksSize, one + "free_wrong_size #0 size=32\nfree #0\n"), "agreed");  // does no harm
  EXPECT_EQ(judged(Fault::OverlooksSize, one + "free #0\nfree_wrong_size #0 size=40\n"), "agreed");  // it is dead
  judged.agrees_with_random_programs();
}
static_assert(Abilities{
    .sizes = true,
    .detects = {
        .by = DetectedMisuse::By::Report, .wrong_size = [](std::size_t, std::size_t, std::size_t) {
          return true;
        }}}.contradiction());

}  // namespace
}  // namespace slabproof
