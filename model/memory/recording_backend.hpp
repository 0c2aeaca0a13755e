#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <slab/backend.hpp>

#include "model/execution/event_log.hpp"
#include "model/execution/injection.hpp"
#include "model/judge/verdict.hpp"
#include "model/memory/arena.hpp"
#include "model/memory/block_table.hpp"
#include "model/memory/memory_source.hpp"
#include "model/memory/region.hpp"
#include "model/program/operation.hpp"

namespace slabproof {

class CacheModel;

const char* to_string(BackendCall call);

/// A call as the event log has it, addresses relative to the arena, and its answer: an address, or 1 for a page that
/// was saved; 0 for nothing.
struct CallRecord {
  BackendCall call;
  std::uint8_t backend;
  std::uint64_t a, b, answer;
};
/// Where calls are noted for pictures of a run; one runner runs at a time.
inline std::vector<CallRecord>* call_log = nullptr;

/// A slab that a cache holds.
struct SlabRecord {
  std::uintptr_t base = 0;
  std::size_t size = 0;
  std::uint8_t cache = 0;
  bool misaligned = false;          // on purpose; must come straight back
  bool abandoned = false;           // its cache was destroyed while objects in it lived
  bool damaged = false;             // somebody else wrote to its SlabInfo, which its cache has not found yet
  bool set_aside = false;           // its cache found its SlabInfo damaged
  bool fresh = true;                // made by the operation under way
  bool save_refused = false;        // a page of it could not be saved; must go back
  std::uint32_t generation = 0;     // counts slabs made, to tell a returned slab from its successor
  std::uint32_t saved_pages = 0;
  std::uintptr_t info = 0;          // what its pages map to
  std::uint32_t used = 0;
  std::vector<bool> handed_out;  // slots that were an object since the slab was made
};

/// The calls that a row may make, a bit each.
constexpr std::uint8_t calls_of(slab::Row row) {
  constexpr auto bits = [](auto... calls) {
    return static_cast<std::uint8_t>((0u | ... | (1u << static_cast<unsigned>(calls))));
  };
  using enum BackendCall;
  constexpr std::uint8_t slabs = bits(AllocSlab, FreeSlab), map = bits(SaveSlabInfo, GetSlabInfo, DeleteSlabInfo),
                         infos = bits(AllocSlabInfo, FreeSlabInfo);
  return row == slab::Row::SmallSinglePage  ? slabs
         : row == slab::Row::SmallMultiPage ? slabs | map
                                            : slabs | map | infos;
}

/// What a backend got wrong in an operation, as its program says.
struct Erred {
  BackendError how{};
  std::uintptr_t given = 0;     // what it handed out although the cache has it, or the map knows it; 0: nothing
  std::size_t size = 0;
  std::uintptr_t reported = 0;  // the pointer that the cache must report; 0: the backend did not err
  std::uintptr_t slab = 0;      // whose memory that is, or whose SlabInfo the map named; 0: nobody's
  std::size_t offset = 0;       // of the page with an entry, in what was given
  unsigned let_be = 0;          // calls of the same kind that the operation made before
  [[nodiscard]] bool is_given(std::uintptr_t address) const { return address - given < size; }
};

/// The operation that calls the backend, and what it may call.
struct CallContext {
  bool is_under_way = false;          // nobody may call otherwise
  const CacheModel* cache = nullptr;  // null: no slab cache may
  std::uint8_t calls_of_row = 0;
  std::uint8_t cache_index = 0;
  OperationKind operation = OperationKind::Alloc;
  bool constructing = false;
  bool may_fail_to_construct = false;
  bool reentering = false;
  bool may_err = false;                     // the cache reports what the backend gets wrong
  std::uintptr_t freed = 0;                 // the pointer given to free()
  std::size_t wanted = 0;                   // the number given to reserve()
  bool is_asked = false;                    // can_make_slabs, by this reserve()
  bool has_said_no = false;                 // what it answered
  unsigned calls[backend_calls] = {};       // made by the operation so far
  std::size_t released = 0;                 // slabs, likewise
  Invariant misuse = Invariant::None;       // the invariant that governs a misuse: only get_slab_info may be called
  Invariant refused = Invariant::None;      // the invariant that governs the call that failed, if any
  Erred erred{};
};

/// Notified of every call before the backend answers, of slabs that are made and released, and of calls that fail.
class BackendObserver {
 public:
  virtual void on_backend_call(BackendCall call) = 0;
  virtual void on_slab_made(SlabRecord& slab) = 0;
  virtual void on_slab_released(SlabRecord& slab) = 0;
  /// A call is refused, or answered with misaligned memory; `invariant` says what must follow.
  virtual void on_refusal(Invariant invariant) = 0;

 protected:
  ~BackendObserver() = default;
};

/// Memory that a pool or a heap took.
struct MemoryRecord {
  std::uintptr_t base = 0;
  std::size_t size = 0;
  std::uint8_t cache = 0;
};

/// A backend on a Region of the arena that remembers everything it handed out, checks the protocol (invariants B1 to
/// B14, B17, B20, G2, G10, M13), writes the event log, fails and errs on demand. Supplies the functions of all rows; a
/// row that calls one it does not need violates B4 or B5.
class RecordingBackend final : public MemorySource {
 public:
  RecordingBackend(Arena& arena, std::uint8_t index, Judgement& judgement, EventLog& log, CallContext& context,
                   BackendObserver& observer);
  void reset(const BackendSpec& spec);

  // What a cache calls; slab::MemoryBackend of every row.
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept;
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept;
  /// Whether max_slabs allows it. A question, not a call: neither in the event log nor counted.
  bool can_make_slabs(const slab::Geometry& geometry, std::size_t count) noexcept;
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept;
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept;
  void delete_slab_info(std::uintptr_t page_addr) noexcept;
  void* alloc_slab_info(std::size_t size) noexcept;
  void free_slab_info(void* info, std::size_t size) noexcept;

  // For subjects with the ability takes_memory: null when the program says so and when there is no room.
  [[nodiscard]] void* take_memory(std::size_t size, std::size_t align) noexcept override;
  void give_memory(void* memory) noexcept override;

  // For the runner.
  /// Whether memory is refused to the call that a subject with memory of its own is about to get.
  [[nodiscard]] bool refuses_call() noexcept;
  void fail(const Operation& operation) { injection_.arm(operation); }
  void recover() {
    injection_.disarm();
    is_error_armed_ = false;
  }
  void err(const Operation& operation);
  /// Makes the next look-up, of a page of this slab, err, if the program says so. Nothing: it does not.
  Erred err_about(const SlabRecord& slab, std::uintptr_t object);
  /// The number of calls since reset() or load() that fail() could have chosen to fail.
  [[nodiscard]] std::uint32_t calls_that_may_fail() const { return calls_that_may_fail_; }
  /// The slab that holds `address`, or null. O(log slabs).
  [[nodiscard]] SlabRecord* find(std::uintptr_t address) { return slabs_.find(address); }
  [[nodiscard]] const BlockTable<SlabRecord>& slabs() const { return slabs_; }
  [[nodiscard]] const BlockTable<MemoryRecord>& memory() const { return memory_; }
  /// Leaves a slab, and its SlabInfo, to the objects that live in it.
  void abandon(SlabRecord& slab);
  /// Outstanding SlabInfos of a cache, abandoned ones aside.
  [[nodiscard]] std::size_t infos_of(std::uint8_t cache) const { return info_counts_[cache]; }
  /// Blocks of take_memory() that have not come back.
  [[nodiscard]] std::size_t memory_of(std::uint8_t cache) const { return memory_counts_[cache]; }
  /// Whether the bytes lie in one block of take_memory() for this cache. O(log blocks).
  [[nodiscard]] bool is_memory_of(std::uint8_t cache, std::uintptr_t begin, std::size_t size);
  [[nodiscard]] const Region& slab_region() const { return slab_region_; }
  [[nodiscard]] const Region& info_region() const { return info_region_; }
  [[nodiscard]] bool knows_page(std::uintptr_t page_addr) const { return lookup(page_addr) != 0; }

 private:
  friend class SmallStateAccess;
  friend class SubjectStateAccess;
  static constexpr std::uint8_t no_cache = 0xFF;  // of an abandoned SlabInfo

  struct InfoRecord {
    std::uintptr_t base = 0;
    std::size_t size = 0;
    std::uint8_t cache = 0;
    bool misaligned = false;
    std::uintptr_t slab = 0;  // 0 until a page is saved with it
  };

  void note_call(BackendCall call, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t answer = 0) const {
    if (call_log) call_log->push_back({call, index_, a, b, answer});
  }
  static void note_answer(std::uint64_t answer) {
    if (call_log) call_log->back().answer = answer;
  }
  void enter(BackendCall call, std::uint64_t a = 0, std::uint64_t b = 0);
  void blame_caller(BackendCall call);
  void check_sizes(std::size_t slab_size, std::size_t page_size);
  using Injected = Injection::Outcome;
  /// Whether the program makes this call fail, and how.
  Injected injected(FailingCall call);
  void refuse(Invariant invariant) {
    context_.refused = invariant;
    observer_.on_refusal(invariant);
  }
  /// Whether the program makes the backend err in a call that could, in such a way.
  [[nodiscard]] bool errs(BackendError how);
  /// What alloc_slab and alloc_slab_info give where the program makes them err; 0 where it does not.
  [[nodiscard]] std::uintptr_t wrong_slab(std::size_t slab_size, std::size_t page_size);
  [[nodiscard]] std::uintptr_t wrong_info();
  [[nodiscard]] std::uintptr_t note(const Erred& erred);
  void forget_stale_entry();
  /// One of this cache's slabs in which an object lives, other than `but`; null if there is none.
  [[nodiscard]] const SlabRecord* choose_used(const SlabRecord* but = nullptr) const;
  [[nodiscard]] bool is_of_error(std::uintptr_t address) const {
    return context_.erred.reported != 0 && context_.erred.is_given(address);
  }
  void check_made_after_error(BackendCall call);
  void check_heeded(std::uintptr_t given_back);
  [[nodiscard]] std::uintptr_t& entry(std::uintptr_t page_addr);
  [[nodiscard]] std::uintptr_t lookup(std::uintptr_t page_addr) const;
  [[nodiscard]] bool info_belongs(const SlabRecord& slab, std::uintptr_t info);

  Arena& arena_;
  std::uint8_t index_;
  Judgement& judgement_;
  EventLog& log_;
  CallContext& context_;
  BackendObserver& observer_;
  Region slab_region_;
  Region info_region_;
  BlockTable<SlabRecord> slabs_;
  BlockTable<InfoRecord> infos_;
  BlockTable<MemoryRecord> memory_;
  std::size_t slab_counts_[Limits::max_caches] = {};
  std::size_t info_counts_[Limits::max_caches] = {};
  std::size_t memory_counts_[Limits::max_caches] = {};
  std::vector<std::uintptr_t> page_map_;  // one entry for 64 bytes of the slab region
  std::size_t saved_pages_ = 0;           // entries of it that are not 0

  Injection injection_;
  std::uint32_t calls_that_may_fail_ = 0;
  std::uint32_t slabs_made_ = 0;

  bool is_error_armed_ = false;
  BackendError error_{};
  std::uint32_t calls_let_be_ = 0, error_choice_ = 0;
  bool is_lie_due_ = false;  // the next look-up answers `lie_`
  std::uintptr_t lie_ = 0;
};

}  // namespace slabproof
