#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <slab/misuse.hpp>

#include "model/judge/answered.hpp"
#include "model/judge/any/any_runner.hpp"
#include "model/judge/slab/cache_model.hpp"
#include "model/judge/slab/misuse_oracle.hpp"
#include "model/judge/slab/stray_write.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/subject/report_log.hpp"
#include "model/subject/tested_subject.hpp"

namespace slabproof {

/// The one runner: judges any allocator as AnyRunner does, and a slab cache by rules of its own on top, its first
/// subject that has them. A model of the cache runs beside it. All `o` invariants are checked after every operation
/// where that costs O(log n), audit() and the contents of all objects as often as Checks says. Inside backend calls it
/// runs audit() too: up to 8 slabs in each call that makes or releases one, else in every 17th call, above 128 slabs in
/// every (slabs/8)th.
class Runner final : public AnyRunner, private ReportObserver {
 public:
  /// What CorruptLink can write, by its argument.
  static constexpr std::uint8_t bad_links = 10;

  /// For what this program judges.
  Runner() : Runner{tested_subject().make, Arena::default_base, tested_subject().language, tested_subject().room} {}
  /// For another subject. Bytes are read in `language`.
  explicit Runner(MakeSubject make, std::uintptr_t arena_base = Arena::default_base,
                  const Language& language = slab_language, const Arena::Room& room = {})
      : AnyRunner{make, arena_base, language, room} {}

  bool start(const Setup& setup) override;
  bool finish() override;

  // State exploration; SmallStateAccess does the rest.
  /// Frees any pointer through `cache` if the contract promises a report of that misuse. Returns whether it freed.
  bool free_stray(std::uint8_t cache, std::uintptr_t pointer);
  /// The pointer that a misuse frees, or 0, and the cache that it is freed through.
  [[nodiscard]] std::uintptr_t stray_of(const Operation& operation, std::uint8_t& cache);
  [[nodiscard]] std::optional<MisuseOracle::Expected> expected_of_stray(std::uint8_t cache,
                                                                        std::uintptr_t pointer) const {
    return oracle_.expected(cache, pointer);
  }
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

  [[nodiscard]] const CacheModel& cache_model(std::size_t index) const { return models_[index]; }
  /// Where the SlabInfo of a slab is; 0 if it has none.
  [[nodiscard]] std::uintptr_t info_of(const SlabRecord& slab) const;

 private:
  friend class SmallStateAccess;

  /// Whether a call from on_misuse is under way, and how it must end.
  enum class Answering : std::uint8_t { No, Served, Refused };

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

  void mark(StepKind kind) override;
  void begin(OperationKind kind, std::uint8_t cache) override;
  void close() override;
  void end() override;
  void construct(std::uint8_t cache) override;
  void judge_construction(std::uint8_t cache) override;
  bool execute(const Operation& operation) override;
  void free_object(std::uint32_t ordinal) override;
  void destroy(std::uint8_t cache) override;
  void check_audit(std::uint8_t cache) override;
  [[nodiscard]] std::size_t cost_of_audit(std::uint8_t cache) const override;
  [[nodiscard]] std::size_t shape_of_state(std::uint8_t cache) const override;
  void on_backend_call(BackendCall call) override;
  void on_slab_made(SlabRecord& slab) override;
  void on_slab_released(SlabRecord& slab) override;
  void on_refusal(Invariant invariant) override;
  void on_report() override;

  void judge_return(const CacheModel& model);

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
  void judge_kept_slabs(std::uint8_t cache);
  bool reserve(std::uint8_t cache, std::size_t n);
  void shrink(std::uint8_t cache);
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

  bool has_slabs_ = false;  // otherwise only what AnyRunner does is done
  CacheModel models_[Limits::max_caches];
  MisuseOracle oracle_{arena_, backends_, models_, reference_};
  int armed_reentry_[Limits::max_caches] = {-1, -1}, armed_answer_[Limits::max_caches] = {-1, -1};
  unsigned calls_let_be_[Limits::max_caches] = {};  // before an armed reentry
  std::uint64_t times_called_back_ = 0;
  std::vector<std::uintptr_t> made_;  // slabs made by the operation under way
  std::vector<StrayWrite> stray_writes_;  // until they are reported or mended, or their slab goes back
  Change due_change_;
  std::vector<Touched> touched_;  // slabs with poisoning to check
  std::size_t calls_since_audit_ = 0;
  Erred erred_;
  Damaged damaged_;
  std::vector<Found> found_;
  Source source_{};  // of the allocation under way
  Answered answered_;
  Answering answering_ = Answering::No;
};

}  // namespace slabproof
