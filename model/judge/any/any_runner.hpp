#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/execution/event_log.hpp"
#include "model/judge/any/reference.hpp"
#include "model/judge/checks.hpp"
#include "model/judge/expectation.hpp"
#include "model/judge/step_mark.hpp"
#include "model/judge/verdict.hpp"
#include "model/memory/arena.hpp"
#include "model/memory/contents.hpp"
#include "model/memory/recording_backend.hpp"
#include "model/program/program.hpp"
#include "model/subject/subject.hpp"

namespace slabproof {

/// The judge of any allocator: executes programs against a subject and judges what may be asked of all of them. Objects
/// lie in memory that the subject has, are aligned, overlap no other and keep their contents; what is refused may be
/// refused; what was taken is given back; and what the subject says of itself is so. Contents and audit() are looked at
/// as often as Checks says. A subject with rules of its own has a class on top, which overrides what is virtual here.
/// Reusable; a run depends on nothing that ran before.
class AnyRunner : private BackendObserver {
 public:
  static constexpr std::uint32_t deep_check_period = 16;
  /// How many objects, slabs, slots and kilobytes Checks::EveryStep may look at in a run, unless more are allowed. Once
  /// they are used up, the rest of the run is checked as NowAndThen says.
  static constexpr std::size_t check_budget = std::size_t{1} << 20;

  /// Runs a whole program.
  Verdict run(const Program& program);
  /// Decodes and runs at once, without building a Program.
  Verdict run(std::span<const std::uint8_t> bytes);

  /// Applies to the following runs. Steps before `first` are checked as NowAndThen says.
  void set_checks(Checks checks, std::uint32_t first = 0, std::size_t budget = check_budget) {
    checks_ = checks;
    first_strict_step_ = first;
    allowed_ = budget;
  }

  /// What objects hold in the following runs.
  void set_contents(Contents contents) { contents_ = contents; }

  // The same in steps: start, step for each operation, finish. Each returns false once an invariant did not hold;
  // nothing more is executed then.
  virtual bool start(const Setup& setup);
  bool step(const Operation& operation);
  virtual bool finish();
  [[nodiscard]] Verdict verdict() const;
  [[nodiscard]] bool violated() const { return judgement_.violated(); }
  /// Makes the checks that are otherwise made now and then: contents, audit() and statistics, returned memory. False
  /// when an invariant does not hold.
  bool check();

  /// Null after the cache was destroyed.
  [[nodiscard]] AnySubject* subject(std::size_t cache) const { return subjects_[cache]; }
  [[nodiscard]] const Arena& arena() const { return arena_; }
  [[nodiscard]] const Language& language() const { return language_; }
  [[nodiscard]] const EventLog& log() const { return log_; }
  /// Operations executed since construction, without those that did not apply.
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  void set_mark(StepMark* mark) { mark_ = mark; }
  /// Abstract states that runs have passed through since construction: an operation, the one before, whether a backend
  /// call failed, and the shape of the subject's own state. Measures progress once all edges of a small allocator are
  /// covered.
  [[nodiscard]] std::uint64_t states() const { return states_; }

  // For pictures of a run.
  [[nodiscard]] const Setup& setup() const { return setup_; }
  [[nodiscard]] RecordingBackend& backend(std::size_t index) { return backends_[index]; }
  [[nodiscard]] const Reference& reference() const { return reference_; }
  /// The bytes of the object that an allocation of the last step gave, and that may not lie there: G8, G11, L4, G6.
  /// Empty where there is none.
  [[nodiscard]] const LiveRange& rejected() const { return rejected_; }

  friend class SubjectStateAccess;  // properties/explore/subject/state.hpp

 protected:
  /// Used in more than one place.
  static constexpr const char* live_objects = "% objects allocated";
  static constexpr std::size_t shapes_of_state = 256;

  enum class ObjectState : std::uint8_t { Absent, Live, Dead };
  struct Object {
    std::uintptr_t address = 0;
    std::uint32_t generation = 0;  // of its slab
    std::uint32_t live_index = 0;  // in live_, while it lives
    std::uint64_t incarnation = 0;  // of its cache
    std::uint8_t cache = 0;
    ObjectState state = ObjectState::Absent;
    std::size_t size = 0;  // that may be written to
    std::size_t asked = 0;  // that was asked for
    std::size_t align = 1;  // the same
  };
  /// How many objects of a pool or a heap live, the most that did at once, and that since memory was last given back.
  struct Population {
    std::size_t live = 0, most = 0, room = 0;
  };

  AnyRunner(MakeSubject make, std::uintptr_t arena_base, const Language& language, const Arena::Room& room);
  ~AnyRunner() = default;

  // What a subject with rules of its own has more of.
  virtual void mark(StepKind kind);
  virtual void begin(OperationKind kind, std::uint8_t cache);
  virtual void close();
  virtual void end();
  virtual void construct(std::uint8_t cache);
  virtual void judge_construction(std::uint8_t) {}
  virtual bool execute(const Operation& operation);
  virtual void free_object(std::uint32_t ordinal);
  virtual void destroy(std::uint8_t cache);
  virtual void check_audit(std::uint8_t cache);
  [[nodiscard]] virtual std::size_t cost_of_audit(std::uint8_t) const { return 0; }
  /// Less than shapes_of_state.
  [[nodiscard]] virtual std::size_t shape_of_state(std::uint8_t) const { return 0; }
  void on_refusal(Invariant invariant) override;

  /// Sets the expected result of the next call of the subject, and returns the expectation before it.
  Expectation expect(const Expectation& expected) {
    if (mark_) mark_->set(expected);
    return std::exchange(expected_, expected);
  }
  /// The expected result did not come.
  void violate_expected(std::string observed) {
    violate(expected_.invariant, expected_.cause, expected_.text(), std::move(observed));
  }
  void violate(Invariant invariant, Cause cause, std::string expected, std::string observed) {
    judgement_.violate(invariant, cause, std::move(expected), std::move(observed));
  }
  /// Whether a backend call of this operation failed.
  [[nodiscard]] bool is_refused() const { return context_.refused != Invariant::None; }
  /// Whether this step is checked as EveryStep says; the budget may still forbid the next check.
  [[nodiscard]] bool is_strict() const {
    return checks_ == Checks::EveryStep && step_ >= first_strict_step_ && step_ < budget_ended_at_;
  }
  bool may_spend(std::size_t cost);
  [[nodiscard]] std::size_t cost_of_check() const;
  void count_state(OperationKind kind, std::uint8_t cache);

  bool admit(std::uint8_t cache, std::uint32_t ordinal, std::uintptr_t object, std::size_t size, std::size_t align);
  [[nodiscard]] std::size_t promised_align(std::uint8_t cache, std::size_t size, std::size_t align) const;
  void enter(std::uint8_t cache, std::uint32_t ordinal, std::uintptr_t object, std::size_t size,
             std::uint32_t generation);
  [[nodiscard]] bool can_be_zeroed(const Operation& operation) const;
  void allocate_any(const Operation& operation);
  void judge_any_object(const Operation& operation, std::uintptr_t object, std::size_t size, std::size_t align);
  [[nodiscard]] std::size_t extent_of(std::uint8_t cache, std::uintptr_t object, std::size_t size);
  void judge_null(std::uint8_t cache, bool is_possible);
  void judge_growth(std::uint8_t cache, std::size_t blocks_before);
  bool reallocate(const Operation& operation);
  bool ask_usable_size(const Operation& operation);
  /// Of these objects reallocate() is asked for, with null, and told to free them, with size 0, where that is claimed.
  [[nodiscard]] static constexpr bool is_special(std::uint32_t ordinal) { return ordinal % 4 == 3; }
  void free_by_resizing(std::uint8_t cache, const Object& freed);
  bool construct_again(std::uint8_t cache);
  bool end_all_objects(std::uint8_t cache);
  void reset(std::uint8_t cache);
  void trim(std::uint8_t cache);
  void judge_statements(std::uint8_t cache);
  bool free_wrongly(const Operation& operation);
  bool free_with_wrong_size(const Operation& operation);
  bool judge_wrong_free(const Operation& operation, std::uint8_t cache, std::uintptr_t wrong, std::size_t size,
                        std::size_t align, const char* expected);
  void note_born(std::uint8_t cache) {
    Population& population = populations_[cache];
    population.most = std::max(population.most, ++population.live);
    population.room = std::max(population.room, population.live);
  }
  void bury(Object& object);
  void drop_live_objects(std::uint8_t cache);
  /// Of all live objects. All bytes of each are looked at before it ends at the latest.
  void check_contents(Look look = Look::AtSome);
  void check_contents(std::uint32_t ordinal, Look look = Look::AtAll);
  void check_returned();

  [[nodiscard]] RecordingBackend& backend_of(std::uint8_t cache) { return backends_[setup_.caches[cache].backend]; }
  [[nodiscard]] Object& object(std::uint32_t ordinal) {
    if (objects_.size() <= ordinal) objects_.resize(ordinal + 1);
    return objects_[ordinal];
  }
  [[nodiscard]] ObjectState state_of(const Object& object) const {
    return object.incarnation == incarnations_[object.cache] ? object.state : ObjectState::Absent;
  }

  MakeSubject make_;
  Language language_;
  Arena arena_;
  Judgement judgement_;
  EventLog log_;
  CallContext context_;
  std::array<RecordingBackend, Limits::max_backends> backends_;
  Reference reference_;
  LiveRange rejected_{};
  Setup setup_;
  AnySubject* subjects_[Limits::max_caches] = {};
  // Objects by ordinal. There are too many to clear after each program, so old ones stay; an object counts only if the
  // incarnation of its cache is the present one.
  std::vector<Object> objects_;
  std::uint64_t incarnations_[Limits::max_caches] = {};
  std::uint64_t last_incarnation_ = 0;
  std::vector<std::uint32_t> live_;  // ordinals of the live ones
  Population populations_[Limits::max_caches];
  bool may_fail_to_construct_[Limits::max_caches] = {};
  std::size_t misuses_[Limits::max_caches] = {};  // that a pool or a heap has reported
  bool is_over_ = false;  // an abort that had to come has come
  std::uint32_t step_ = 0;
  StepKind step_kind_;
  std::uint64_t operations_ = 0;
  StepMark* mark_ = nullptr;
  Expectation expected_;
  Checks checks_ = Checks::NowAndThen;
  Contents contents_ = Contents::ByOrdinal;
  std::uint32_t first_strict_step_ = 0, budget_ended_at_ = no_step;
  std::size_t allowed_ = check_budget, budget_ = 0;
  std::bitset<std::size_t{operation_kinds} * operation_kinds * 2 * shapes_of_state> seen_states_;
  std::uint64_t states_ = 0;
  OperationKind previous_ = OperationKind::Alloc;
};

}  // namespace slabproof
