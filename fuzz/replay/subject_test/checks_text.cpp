#include "fuzz/replay/subject_test/texts.hpp"

namespace slabproof {

const char* const checks_of_test = R"text(  std::vector<int> numbers() const {
    std::vector<int> own;
    for (const auto& [number, object] : live)
      if (object.owner == this) own.push_back(number);
    return own;
  }

@if refuses_calls
  /// Memory is refused as long as the call of the allocator takes; what is checked needs some.
  void lift_refusal() {
    if (std::exchange(is_refusing_, false)) subject_->refuse_memory(false);
  }
@end

  void made(int number, void* object, std::size_t size, std::size_t align) {
@refuses_calls|    lift_refusal();
    if (is_over()) return;
@if growth
    if (live_ < room_) {
      EXPECT_LE(source_.blocks_of(this), blocks_before_)
          << "H5: memory is taken for " << live_ + 1 << " objects, though there was room for " << room_;
    }
@end
    if (!object) return judge_null();
    check_place(number, static_cast<std::byte*>(object), size, align);
    if (is_over()) return;
    enter(number, static_cast<std::byte*>(object), size, align);
    most_ = std::max(most_, ++live_);
    room_ = std::max(room_, live_);
  }

  /// It answered null.
  void judge_null() {
@source|    if (source_.has_refused) return;
@refuses_calls|    if (is_refused_) return;
@capacity|    EXPECT_GE(live_, $CAPACITY$u) << "H1: null while fewer than $CAPACITY$ live";
@if null_only_when_refused
    ADD_FAILURE() << "H1: null although no memory was refused";
@else
@if !reuses_memory
    if (most_ > 0) return;
@end
    EXPECT_GT(live_, 0u) << "H1: null while none lives";
@pool|    EXPECT_GE(live_, most_) << "H1: null while fewer live than once did";
@end
  }

  void check_place(int number, std::byte* object, std::size_t size, std::size_t align) {
    const std::size_t usable = $USABLE$;
@if takes
    EXPECT_TRUE(source_.is_taken(this, object, usable))
        << "G8: #" << number << " lies outside of memory that it took";
@end
    for (const auto& [other, taken] : live)
      EXPECT_TRUE(object + usable <= taken.begin || taken.begin + taken.size <= object)
          << (object == taken.begin ? "L4: #" : "G11: #") << number << " overlaps #" << other;
    align = std::min(align, std::size_t{$MAX_ALIGN$});
@align_of|    align = std::max(align, SlabproofSubject::abilities.align_of(size));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % align, 0u)
        << "G6: #" << number << " is not aligned to " << align;
  }

  void enter(int number, std::byte* object, std::size_t size, std::size_t align = 1) {
    if (is_over()) return;
    const std::size_t usable = $USABLE$;
    fill(number, object, usable);
    live[number] = {object, size, usable, this, align};
  }

@if usable
  std::size_t usable_size(std::byte* object, std::size_t size) {
    const std::size_t usable = subject_->usable_size(object);
    EXPECT_GE(usable, size) << "H4: fewer bytes are usable than were asked for";
    return usable;
  }
@end

@if wrong
  void free_wrongly(std::byte* pointer, [[maybe_unused]] std::size_t size, [[maybe_unused]] std::size_t align = 1) {
@if takes
    if (pointer < reinterpret_cast<std::byte*>(foreign) || pointer >= reinterpret_cast<std::byte*>(foreign + 256))
      if (!source_.is_taken(this, pointer, 1)) return;  // nobody may look
@end
@calls|    const Call call{*this, false};
    const auto is_told = [&] {
@if by_abort
      static sigjmp_buf before;
      struct sigaction to_here{}, old{};
      to_here.sa_handler = [](int) { siglongjmp(before, 1); };
      sigaction(SIGABRT, &to_here, &old);
      bool is = true;
      if (sigsetjmp(before, 1) == 0) {
        subject_->free($WRONG$);
        is = false;
      }
      sigaction(SIGABRT, &old, nullptr);
      return is;
@end
@if by_exception
      try {
        subject_->free($WRONG$);
      } catch (...) {
        return true;
      }
      return false;
@end
@if by_report
      subject_->free($WRONG$);
      return subject_->misuses() == misuses_ + 1;
@end
    };
    EXPECT_TRUE(is_told()) << "H8: a wrong free is not told";
@by_report|    ++misuses_;
@by_abort|    has_aborted = true;
  }

@end
@if says
  /// What it says of itself.
  void judge_statements() {
    if (is_over()) return;
@counts|    EXPECT_EQ(subject_->live_objects(), live_) << "H6: live objects";
@by_report|    EXPECT_EQ(subject_->misuses(), misuses_) << "H8: a misuse is reported that was none";
@if own
    EXPECT_FALSE(subject_->owns(nullptr) || subject_->owns(foreign)) << "H7: null, or memory that it never had";
    for (const auto& [number, object] : live)
      EXPECT_EQ(subject_->owns(object.begin), object.owner == this) << "H7: #" << number;
@end
@audit|    EXPECT_EQ(subject_->audit(), slabproof::Invariant::None) << "audit()";
  }

@end
  Storage& storage_;
@objects|  slabproof::Objects objects_;
@if source
  Source& source_;
  std::size_t blocks_before_ = 0;
@end
@refusals_alone|  Refusals& refusals_;
@refuses_calls|  bool is_refused_ = false, is_refusing_ = false;
@by_report|  std::size_t misuses_ = 0;
@may_fail|  bool is_made_ = false;  // the first time, no memory is refused
  SlabproofSubject* subject_ = nullptr;
  // How many of its objects live; the most that did; the most since it last gave memory back.
  std::size_t live_ = 0, most_ = 0, room_ = 0;
};
Storage storage[$COUNT$];

)text";

}  // namespace slabproof
