#include "fuzz/replay/subject_test/texts.hpp"

namespace slabproof {

const char* const judge_of_test = R"text(/// An object that lives.
struct Object {
  std::byte* begin;
  std::size_t asked, size;  // size: bytes that may be written to
  const void* owner;
  std::size_t align = 1;
};
std::map<int, Object> live;  // by number
@double|std::map<int, Object> dead;
@stray|alignas(4096) unsigned char foreign[256];  // memory that it never had
@abort|bool has_aborted = false;  // which it must; it is in any state then

/// Nothing is called any more.
@if abort
bool is_over() { return testing::Test::HasFailure() || has_aborted; }
@else
bool is_over() { return testing::Test::HasFailure(); }
@end

/// What object `number` holds at an offset: in its words, or in its bytes where it is not aligned to words.
std::byte content(int number, const std::byte* begin, std::size_t size, std::size_t offset) {
  std::size_t unit = offset, words = size & ~std::size_t{7};
  if (reinterpret_cast<std::uintptr_t>(begin) % 8 == 0) {
    unit = offset < words ? offset & ~std::size_t{7} : words;
    for (const std::size_t bytes : {4u, 2u, 1u})
      if (offset >= words && (size & bytes) != 0 && offset >= unit + bytes) unit += bytes;
  }
  const std::uint64_t word =
      (static_cast<std::uint64_t>(number) + 1) * 0x9E3779B97F4A7C15u ^ unit * 0xD1342543DE82EF95u;
  return static_cast<std::byte>(word >> (offset - unit) * 8);
}
void fill(int number, std::byte* begin, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) begin[i] = content(number, begin, size, i);
}
void check_contents(int number, const std::byte* begin, std::size_t size) {
  for (std::size_t i = 0; i < size && !is_over(); ++i)
    EXPECT_EQ(begin[i], content(number, begin, size, i)) << "G12: #" << number << " has changed at offset " << i;
}
void check_contents() {
  for (const auto& [number, object] : live) check_contents(number, object.begin, object.size);
}

/// Where an allocator lies: behind as many bytes as in the harness, so that it is not aligned better here than there.
struct alignas(4096) Storage {
  std::byte words[$WORDS$];
  alignas(SlabproofSubject) std::byte subject[sizeof(SlabproofSubject)];
};

/// The allocator, and what must hold of each call. Its objects have numbers.
class Judged {
 public:
  Judged($PARAMETERS$) : $INITIALISERS$ { make(); }

@if pool
  void alloc(int number) {
    if (is_over()) return;
@calls|    const Call call{*this};
    made(number, subject_->alloc(), objects_.size, objects_.align);
  }
@else
  void allocate(int number, std::size_t size, std::size_t align) {
    if (is_over()) return;
@calls|    const Call call{*this};
@if resizes_null
    if (align == 1 && number % 4 == 3)
      made(number, subject_->reallocate(nullptr, size), size, align);
    else
      made(number, subject_->allocate(size, align), size, align);
@else
    made(number, subject_->allocate(size, align), size, align);
@end
  }
@end
@if zeroed
  void allocate_zeroed(int number, std::size_t count, std::size_t size) {
    if (is_over()) return;
@calls|    const Call call{*this};
    void* const object = subject_->allocate_zeroed(count, size);
@refuses_calls|    lift_refusal();
    if (is_over()) return;
    if (count > SIZE_MAX / 2 / size) {
      EXPECT_EQ(object, nullptr) << "H2: more bytes than there can be";
      return;
    }
    for (std::size_t i = 0; object && i < count * size && !is_over(); ++i)
      EXPECT_EQ(static_cast<std::byte*>(object)[i], std::byte{0}) << "H2: offset " << i;
    made(number, object, count * size, 1);
  }
@end
@if resizes
  void reallocate(int number, std::size_t size) {
    if (is_over() || !live.contains(number)) return;
    const Object before = live.at(number);
    check_contents(number, before.begin, before.size);
    if (is_over()) return;
@calls|    const Call call{*this};
    auto* const object = static_cast<std::byte*>(subject_->reallocate(before.begin, size));
@refuses_calls|    lift_refusal();
    if (is_over()) return;
    if (!object) {
      judge_null();
      check_contents(number, before.begin, before.size);
      return;
    }
    live.erase(number);
    check_place(number, object, size, 1);
    for (std::size_t i = 0; i < std::min(before.asked, size) && !is_over(); ++i)
      EXPECT_EQ(object[i], content(number, before.begin, before.size, i))
          << "H3: #" << number << " is not kept at offset " << i;
    enter(number, object, size);
  }
@end
@if asks_usable
  void usable_size(int number) {
    if (is_over() || !live.contains(number)) return;
@calls|    const Call call{*this, false};
    EXPECT_EQ(subject_->usable_size(live.at(number).begin), live.at(number).size) << "H4: as before";
  }
@end
  void free(int number) {
    if (is_over() || !live.contains(number)) return;
    const Object object = live.at(number);
    check_contents(number, object.begin, object.size);
    if (is_over()) return;
    live.erase(number);
@double|    dead[number] = object;
    --live_;
@calls|    const Call call{*this};
@if resizes_to_zero
    if (number % 4 == 3) {
      auto* const left = static_cast<std::byte*>(subject_->reallocate(object.begin, 0));
      for (const auto& [other, taken] : live)
        EXPECT_FALSE(left && left >= taken.begin && left < taken.begin + taken.size) << "H3: that is #" << other;
      if (left && !is_over()) subject_->free($LEFT$);
    } else {
      subject_->free($FREED$);
    }
@else
    subject_->free($FREED$);
@end
@source|    if (source_.blocks_of(this) < blocks_before_) room_ = live_;
  }
@if frees_null
  void free_null() {
    if (is_over()) return;
@calls|    const Call call{*this, false};
    subject_->free($NULL$);
  }
@end
@if double
  void double_free(int number) {
    if (is_over() || !dead.contains(number)) return;
    const Object object = dead.at(number);
    for (const auto& [other, taken] : live)  // whose bytes they are now
      if (object.begin >= taken.begin && object.begin < taken.begin + taken.size) return;
    free_wrongly(object.begin, object.asked);
  }
@end
@if interior
  void free_interior(int number, std::size_t which) {
    if (is_over() || !live.contains(number) || live.at(number).asked < 2) return;
    const Object object = live.at(number);
    free_wrongly(object.begin + 1 + which % (object.asked - 1), object.asked);
  }
@end
@if wrong_size
  void free_wrong_size(int number, std::size_t size) {
    if (is_over() || !live.contains(number)) return;
    const Object object = live.at(number);
    if (SlabproofSubject::abilities.detects.wrong_size(object.asked, object.align, size))
      free_wrongly(object.begin, size, object.align);
  }
@end
@if foreign
  void free_foreign(std::size_t offset) {
    if (!is_over()) free_wrongly(reinterpret_cast<std::byte*>(foreign) + offset, 1);
  }
@end
@if trims
  void trim() {
    check_contents();
    if (is_over()) return;
    {
@calls|      const Call call{*this};
      subject_->trim();
@source|      EXPECT_LE(source_.blocks_of(this), blocks_before_) << "H5: memory taken by trim()";
@source|      if (source_.blocks_of(this) < blocks_before_) room_ = live_;
    }
    check_contents();
  }
@end
@if again
  /// Ends it, and all its objects with it, and makes it again.
  void again() {
    if (is_over()) return;
@resets|    if (live_ > 0) return reset();
@if !owns
    for (const int number : numbers()) free(number);
@end
    destroy();
    if (!is_over()) make();
  }
@end
  void free_all() {
    for (const int number : numbers())
@if reset_ends_some
      if (number % 2 == 0) free(number);  // the others end with it
@else
      free(number);
@end
  }
  void destroy() {
    if (!is_over()) check_contents();
    if (is_over()) return;
@source|    source_.user = this;
    std::erase_if(live, [this](const auto& object) { return object.second.owner == this; });
@double|    std::erase_if(dead, [this](const auto& object) { return object.second.owner == this; });
    subject_->~SlabproofSubject();
    check_contents();
@if source
    source_.user = nullptr;
@if !keeps
    EXPECT_EQ(source_.blocks_of(this), 0u) << "B18: memory that is not given back";
@end
@end
  }

 private:
@if calls
  /// A call, at whose end is checked what holds after each.
  class Call {
   public:
@if refuses_calls
    explicit Call(Judged& judged, bool may_refuse = true) : judged_{judged} {
      judged_.is_refused_ = judged_.is_refusing_ = may_refuse && judged_.$REFUSALS$.next();
      if (judged_.is_refused_) judged_.subject_->refuse_memory(true);
@else
    explicit Call(Judged& judged, bool = true) : judged_{judged} {
@end
@if source
      judged_.source_.user = &judged_;
      judged_.source_.has_refused = false;
      judged_.blocks_before_ = judged_.source_.blocks_of(&judged_);
@end
    }
    ~Call() {
@refuses_calls|      judged_.lift_refusal();
@source|      judged_.source_.user = nullptr;
@says|      judged_.judge_statements();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Judged& judged_;
  };

@end
  void make() {
    live_ = most_ = room_ = 0;
    std::memset(&storage_, 0xA5, sizeof storage_);
@if source
    source_.user = this;
@refuses|    source_.may_refuse = $MAY_REFUSE_AT_FIRST$;
@if may_fail
    source_.has_refused = false;
    try {
      subject_ = new (storage_.subject) SlabproofSubject($ARGUMENTS$);
    } catch (const std::bad_alloc&) {
      EXPECT_TRUE(source_.has_refused) << "H9: it is not made although no memory was refused";
      EXPECT_EQ(source_.blocks_of(this), 0u) << "B18: memory that a constructor keeps which fails";
@refuses|      source_.refusals.end();
      subject_ = new (storage_.subject) SlabproofSubject($ARGUMENTS$);
    }
    is_made_ = true;
@else
    subject_ = new (storage_.subject) SlabproofSubject($ARGUMENTS$);
@end
    source_.user = nullptr;
@refuses|    source_.may_refuse = true;
@else
    subject_ = new (storage_.subject) SlabproofSubject($ARGUMENTS$);
@end
@by_report|    misuses_ = subject_->misuses();
@says|    judge_statements();
  }

@if resets
  void reset() {
    check_contents();
    if (is_over()) return;
    std::erase_if(live, [this](const auto& object) { return object.second.owner == this; });
@double|    std::erase_if(dead, [this](const auto& object) { return object.second.owner == this; });
    live_ = 0;
    {
@calls|      const Call call{*this, false};
      subject_->reset();
@source|      if (source_.blocks_of(this) < blocks_before_) room_ = 0;
    }
    check_contents();
  }
@end

)text";

}  // namespace slabproof
