#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <slab/misuse.hpp>

#include "model/execution/event_log.hpp"
#include "model/judge/answered.hpp"
#include "model/judge/cache_model.hpp"
#include "model/judge/checks.hpp"
#include "model/judge/expectation.hpp"
#include "model/judge/misuse_oracle.hpp"
#include "model/judge/reference.hpp"
#include "model/judge/step_mark.hpp"
#include "model/judge/stray_write.hpp"
#include "model/judge/verdict.hpp"
#include "model/memory/arena.hpp"
#include "model/memory/recording_backend.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/program/program.hpp"
#include "model/subject/report_log.hpp"
#include "model/subject/subject.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {

/// The one runner: executes programs against a subject and the model side by side and judges every outcome. It checks
/// all `o` invariants after every operation where that costs O(log n), audit() and the contents of all objects as often
/// as Checks says. Inside backend calls it runs audit() too: up to 8 slabs in each call that makes or releases one,
/// else in every 17th call, above 128 slabs in every (slabs/8)th. Reusable; a run depends on nothing that ran before.
class Runner final : private BackendObserver, private ReportObserver {
 public:
  static constexpr std::uint32_t deep_check_period = 16;
  /// What CorruptLink can write, by its argument.
  static constexpr std::uint8_t bad_links = 10;
  /// How many objects, slabs, slots and kilobytes Checks::EveryStep may look at in a run, unless more are allowed. Once
  /// they are used up, the rest of the run is checked as NowAndThen says.
  static constexpr std::size_t check_budget = std::size_t{1} << 20;

  /// For what this program judges.
  Runner() : Runner{tested_subject().make, Arena::default_base, tested_subject().language} {}
  /// For another subject. Bytes are read in `language`.
  explicit Runner(MakeSubject make, std::uintptr_t arena_base = Arena::default_base,
                  const Language& language = slab_language);

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

  // The same in steps: start, step for each operation, finish. Each returns false once an invariant did not hold;
  // nothing more is executed then.
  bool start(const Setup& setup);
  bool step(const Operation& operation);
  bool finish();
  [[nodiscard]] Verdict verdict() const;
  [[nodiscard]] bool violated() const { return judgement_.violated(); }

  // State exploration; SmallStateAccess does the rest.
  /// Makes the checks that are otherwise made now and then: contents, audit() and statistics, returned memory. False
  /// when an invariant does not hold.
  bool check();
  /// Frees any pointer through `cache` if the contract promises a report of that misuse. Returns whether it freed.
  bool free_stray(std::uint8_t cache, std::uintptr_t pointer);
  /// The pointer that a misuse frees, or 0, and the cache that it is freed through.
  [[nodiscard]] std::uintptr_t stray_of(const Operation& operation, std::uint8_t& cache);
  [[nodiscard]] std::optional<MisuseOracle::Expected> expected_of_stray(std::uint8_t cache,
                                                                        std::uintptr_t pointer) const {
    return oracle_.expected(cache, pointer);
  }
  /// Null after the cache was destroyed.
  [[nodiscard]] AnySubject* subject(std::size_t cache) const { return subjects_[cache]; }
  [[nodiscard]] const Arena& arena() const { return arena_; }
  [[nodiscard]] const Language& language() const { return language_; }
  /// What the backend got wrong in the last step.
  [[nodiscard]] const Erred& erred() const { return erred_; }
  /// The damage that was done in the last step, info 0 for none, and what the cache found in it, in its order.
  struct Damaged {
    std::uintptr_t slab = 0, info = 0, other = 0;  // other: the slab from whose SlabInfo the byte was copied
  };
  struct Found {
    std::uintptr_t slab = 0;
    std::size_t size = 0;
    std::uintptr_t info = 0;
    std::uint32_t used = 0;
  };
  [[nodiscard]] const Damaged& damaged() const { return damaged_; }
  [[nodiscard]] const std::vector<Found>& found() const { return found_; }
  /// What the last step's report of WriteBeyondObject or WriteAfterFree must have said; of size 0 if there must be
  /// none.
  [[nodiscard]] const Change& due_change() const { return due_change_; }
  /// Whether a byte that the program wrote astray still lies in a slab of the cache.
  [[nodiscard]] bool has_stray_writes(std::uint8_t cache) const {
    return std::any_of(stray_writes_.begin(), stray_writes_.end(),
                       [cache](const StrayWrite& write) { return write.cache == cache; });
  }
  /// The call from on_misuse in the last step.
  [[nodiscard]] const Answered& answered() const { return answered_; }

  [[nodiscard]] const EventLog& log() const { return log_; }
  /// Operations executed since construction, without those that did not apply.
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  void set_mark(StepMark* mark) { mark_ = mark; }
  /// Abstract states that runs have passed through since construction: an operation, the one before, whether a backend
  /// call failed, and buckets of slab counts and of N. Measures progress once all edges of a small allocator are
  /// covered.
  [[nodiscard]] std::uint64_t states() const { return states_; }

  // For pictures of a run.
  [[nodiscard]] const Setup& setup() const { return setup_; }
  [[nodiscard]] RecordingBackend& backend(std::size_t index) { return backends_[index]; }
  [[nodiscard]] const Reference& reference() const { return reference_; }
  [[nodiscard]] const CacheModel& cache_model(std::size_t index) const { return models_[index]; }
  /// Where the SlabInfo of a slab is; 0 if it has none.
  [[nodiscard]] std::uintptr_t info_of(const SlabRecord& slab) const;

 private:
  friend class SmallStateAccess;

  /// Used in more than one place.
  static constexpr const char* live_objects = "% objects allocated";

  /// Whether a call from on_misuse is under way, and how it must end.
  enum class Answering : std::uint8_t { No, Served, Refused };
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
  };
  /// How many objects of a pool or a heap live, the most that did at once, and that since memory was last given back.
  struct Population {
    std::size_t live = 0, most = 0, room = 0;
  };

  /// Where the next object must come from (L5): the current slab, else the one that became partial last, else an empty
  /// one, else the quarantine, else a new slab.
  struct Source {
    std::uintptr_t slab;  // 0: an empty or a new one
    bool is_current;
    std::uintptr_t object = 0;  // the oldest in quarantine
  };

  /// A slab that was made, or in which an object was handed out or freed, since its bytes were last looked at.
  struct Touched {
    std::uintptr_t slab;
    std::uint8_t cache;
    friend auto operator<=>(const Touched&, const Touched&) = default;
  };

  void on_backend_call(BackendCall call) override;
  void on_slab_made(SlabRecord& slab) override;
  void on_slab_released(SlabRecord& slab) override;
  void judge_return(const CacheModel& model);
  void on_refusal(Invariant invariant) override;
  void on_report() override;

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
  void begin(OperationKind kind, std::uint8_t cache);
  void close();
  void end();
  void mark(StepKind kind);
  /// Whether a backend call of this operation failed.
  [[nodiscard]] bool is_refused() const { return context_.refused != Invariant::None; }
  /// Whether this step is checked as EveryStep says; the budget may still forbid the next check.
  [[nodiscard]] bool is_strict() const {
    return checks_ == Checks::EveryStep && step_ >= first_strict_step_ && step_ < budget_ended_at_;
  }
  bool may_spend(std::size_t cost);
  [[nodiscard]] std::size_t cost_of_check() const;
  [[nodiscard]] std::size_t cost_of_audit(std::uint8_t cache) const;
  void count_state(OperationKind kind, std::uint8_t cache);

  void construct(std::uint8_t cache);
  bool execute(const Operation& operation);
  // The judge of any allocator.
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
  void judge_statements(std::uint8_t cache);
  bool free_wrongly(const Operation& operation);
  void note_born(std::uint8_t cache) {
    Population& population = populations_[cache];
    population.most = std::max(population.most, ++population.live);
    population.room = std::max(population.room, population.live);
  }

  // A slab cache's own rules.
  std::uintptr_t allocate(OperationKind kind, std::uint8_t cache, std::uint32_t ordinal);
  void expect_object(std::uint8_t cache);
  [[nodiscard]] Source expected_source(std::uint8_t cache) const;
  [[nodiscard]] Expectation expected_object(OperationKind kind, std::uint8_t cache, const Source& source) const;
  void judge_object(std::uint8_t cache, std::uint32_t ordinal, std::uintptr_t object, const Source& source);
  void judge_slot(std::uint8_t cache, SlabRecord& slab, std::uintptr_t object, const Source& source);
  void judge_source(const SlabRecord& slab, const Source& source);
  void retire(std::uint8_t cache, std::uintptr_t address);
  void judge_poisoning(const CacheModel& model, const SlabRecord& slab, std::size_t slot);
  void judge_open(const CacheModel& model, const SlabRecord& slab, std::uintptr_t address);
  void touch(const SlabRecord& slab) {
    if (has_asan && (touched_.empty() || touched_.back() != Touched{slab.base, slab.cache}))
      touched_.push_back({slab.base, slab.cache});
  }
  void check_poisoning(std::uint8_t cache);
  void check_poisoning(const CacheModel& model, const SlabRecord& slab);
  void judge_refusal(OperationKind kind, std::uint8_t cache);
  void check_given_back();
  void free_object(std::uint32_t ordinal);
  void judge_kept_slabs(std::uint8_t cache);
  bool reserve(std::uint8_t cache, std::size_t n);
  void shrink(std::uint8_t cache);
  void drop_live_objects(std::uint8_t cache);
  void destroy(std::uint8_t cache);
  bool misuse(const Operation& operation);
  [[nodiscard]] std::uint64_t bad_link(std::uint8_t cache, const SlabRecord& slab, std::uintptr_t slot,
                                       std::uint32_t argument);
  bool corrupt_link(std::uint8_t cache, const Object& object, std::uint32_t argument);
  void reenter(AnySubject& subject, slabproof::ReentrantCall call);
  bool arm_answer(const Operation& operation);
  void answer(std::uint8_t cache, slab::Misuse reported);
  void answer_in_vain(std::uint8_t cache, slab::Misuse reported, slabproof::ReentrantCall call);
  void serve_answer(std::uint8_t cache, slabproof::ReentrantCall call);
  void free_unnamed(std::uint8_t cache, std::uintptr_t object);
  /// Whether on_misuse has called the cache in the operation under way, which is not that call.
  [[nodiscard]] bool was_answered() const {
    return answering_ == Answering::No && answered_.is_made && !answered_.is_refused;
  }

  void free_misused(std::uint8_t cache, std::uintptr_t pointer, const MisuseOracle::Expected& expected);

  void check_reports();
  void note_error(const Erred& erred) {
    erred_ = erred;
    if (!mark_) return;
    mark_->erred = erred;
    mark_->erred_at = step_;
  }
  bool damage_info(const Operation& operation);
  void note_found();
  void heal(std::uint8_t cache);
  void leave_quarantine_until_found(std::uint8_t cache);
  void judge_found(std::uint8_t cache);
  [[nodiscard]] std::string seen_instead() const;
  void free_set_aside(std::uint32_t ordinal);
  void bury(Object& object);
  [[nodiscard]] Invariant audit_failure(std::uint8_t cache) const;
  void judge_error();
  [[nodiscard]] bool free_in_vain(std::uint32_t ordinal);

  [[nodiscard]] bool let_leave_quarantine(std::uint8_t cache);
  void leave_quarantine(std::uint8_t cache);
  void leave_quarantine_until_released(std::uint8_t cache);
  [[nodiscard]] std::size_t empty_after_quarantine(std::uint8_t cache);
  void judge_guards(std::uint8_t cache, std::uintptr_t object, bool was_handed_out, const Source& source);
  void judge_callers(std::uint8_t cache, const slab::MisuseReport& report, Invariant invariant);
  bool write_astray(const Operation& operation);
  [[nodiscard]] Change change_of(std::uintptr_t slot, std::uint8_t kept) const;
  void judge_change(const slab::MisuseReport& report, Invariant invariant);
  void judge_write_after_free(std::uint8_t cache, std::uintptr_t object);
  void free_written(std::uint8_t cache, std::uintptr_t object);
  [[nodiscard]] bool is_told_of(std::uint8_t cache, Invariant failed) const;
  void judge_audit(std::uint8_t cache, Invariant failed);
  void check_statistics(std::uint8_t cache, Invariant misused = Invariant::None);
  void check_contents();
  void check_contents(std::uint32_t ordinal);
  void check_audit(std::uint8_t cache);
  void check_returned();

  [[nodiscard]] RecordingBackend& backend_of(std::uint8_t cache) { return backends_[models_[cache].spec.backend]; }
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
  Setup setup_;
  CacheModel models_[Limits::max_caches];
  MisuseOracle oracle_{arena_, backends_, models_, reference_};
  AnySubject* subjects_[Limits::max_caches] = {};
  int armed_reentry_[Limits::max_caches] = {-1, -1}, armed_answer_[Limits::max_caches] = {-1, -1};
  unsigned calls_let_be_[Limits::max_caches] = {};  // before an armed reentry
  std::uint64_t times_called_back_ = 0;
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
  std::vector<std::uintptr_t> made_;  // slabs made by the operation under way
  std::vector<StrayWrite> stray_writes_;  // until they are reported or mended, or their slab goes back
  Change due_change_;
  std::vector<Touched> touched_;  // slabs with poisoning to check
  std::uint32_t step_ = 0;
  StepKind step_kind_;
  std::uint64_t operations_ = 0;
  std::size_t calls_since_audit_ = 0;
  StepMark* mark_ = nullptr;
  Expectation expected_;
  Erred erred_;
  Damaged damaged_;
  std::vector<Found> found_;
  Source source_{};  // of the allocation under way
  Answered answered_;
  Answering answering_ = Answering::No;
  Checks checks_ = Checks::NowAndThen;
  std::uint32_t first_strict_step_ = 0, budget_ended_at_ = no_step;
  std::size_t allowed_ = check_budget, budget_ = 0;
  std::bitset<std::size_t{operation_kinds} * operation_kinds * 2 * 256> seen_states_;
  std::uint64_t states_ = 0;
  OperationKind previous_ = OperationKind::Alloc;
};

}  // namespace slabproof
