#pragma once

#include <cstddef>
#include <cstdint>

#include "model/execution/executor_backend.hpp"
#include "model/program/decoder.hpp"

namespace slabproof {

/// The calls of a cache, of whatever type, that was made in some storage.
struct CacheCalls {
  void (*make)(void* storage, const slab::Geometry& geometry, ExecutorBackend& backend);
  void* (*alloc)(void* cache);
  void* (*alloc_no_grow)(void* cache);
  void (*free)(void* cache, void* object);
  bool (*reserve)(void* cache, std::size_t n);
  std::size_t (*shrink)(void* cache);
  std::size_t (*live_objects)(void* cache);  // by its own statistics
  void (*destroy)(void* cache);
};

/// Executes programs without misuse on real caches, and writes the event log that Runner writes of them. It predicts
/// nothing and judges nothing; it needs no library, and a kernel can run it.
class Executor {
 public:
  /// Which cache a program asks for.
  using ChooseCalls = const CacheCalls& (*)(const CacheSpec& spec);

  /// `arena` is ArenaLayout::size bytes of memory that are this program's, aligned to ArenaLayout::align.
  Executor(std::uintptr_t arena, ChooseCalls choose)
      : arena_{arena}, choose_{choose}, backends_{{arena_, 0, log_}, {arena_, 1, log_}} {}

  /// Runs a program from its bytes. False: it made more of its backend than the executor remembers, and its log says
  /// nothing. Calls `after` once the caches are made, after each operation and at the end.
  template <class After>
  bool run(const std::uint8_t* data, std::size_t size, After after) {
    Decoder decoder{data, size, slab_language_without_misuse};
    start(decoder.setup());
    after();
    for (Operation operation; decoder.next(operation);) {
      step(operation);
      after();
    }
    finish();
    after();
    return !backends_[0].is_out_of_room() && !backends_[1].is_out_of_room();
  }
  [[nodiscard]] const EventLog& log() const { return log_; }
  /// What on_misuse of every cache calls.
  void note_report() { ++reports_; }

 private:
  struct Object {
    std::uint32_t ordinal;
    std::uint8_t cache;
    void* address;
  };

  void start(const Setup& setup) {
    setup_ = setup;
    log_ = {};
    live_count_ = 0;
    for (std::uint8_t i = 0; i < setup.backend_count; ++i) backends_[i].reset(setup.backends[i]);
    for (std::uint8_t i = 0; i < setup.cache_count; ++i) make(i);
  }

  void step(const Operation& operation) {
    const std::uint8_t cache = operation.target;
    switch (operation.kind) {
      case OperationKind::Alloc: return allocate(operation, calls(cache).alloc(storage(cache)));
      case OperationKind::AllocNoGrow: return allocate(operation, calls(cache).alloc_no_grow(storage(cache)));
      case OperationKind::Free:
        for (std::size_t i = 0; i < live_count_; ++i)
          if (live_[i].ordinal == operation.object) return free(i);
        return;
      case OperationKind::FreeNull: return calls(cache).free(storage(cache), nullptr);
      case OperationKind::Reserve: {
        const std::size_t n = operation.argument == reserve_everything ? ~std::size_t{0} : operation.argument;
        return log_.done(operation.kind, n, calls(cache).reserve(storage(cache), n));
      }
      case OperationKind::Shrink: return log_.done(operation.kind, calls(cache).shrink(storage(cache)));
      case OperationKind::Destroy: return destroy(cache), make(cache);
      case OperationKind::Fail: return backends_[operation.target].fail(operation);
      case OperationKind::Recover: return backends_[operation.target].recover();
      case OperationKind::Statistics: return log_.done(operation.kind, calls(cache).live_objects(storage(cache)));
      default: return;  // not in the language
    }
  }

  void finish() {
    for (std::uint8_t i = 0; i < setup_.backend_count; ++i) backends_[i].recover();
    while (live_count_ > 0) free(0);
    for (std::uint8_t i = 0; i < setup_.cache_count; ++i) destroy(i);
  }

  void make(std::uint8_t cache) {
    const CacheSpec& spec = setup_.caches[cache];
    choose_(spec).make(storage(cache), geometry_of(spec).value(), backend_of(cache));
  }
  void allocate(const Operation& operation, void* object) {
    log_.done(operation.kind, object ? arena_.relative(reinterpret_cast<std::uintptr_t>(object)) : 0, operation.object);
    if (object) live_[live_count_++] = {operation.object, operation.target, object};
  }
  void free(std::size_t index) {
    const Object freed = live_[index];
    --live_count_;
    for (std::size_t i = index; i < live_count_; ++i) live_[i] = live_[i + 1];
    log_.done(OperationKind::Free, arena_.relative(reinterpret_cast<std::uintptr_t>(freed.address)), freed.ordinal);
    backend_of(freed.cache).set_freeing(true);
    calls(freed.cache).free(storage(freed.cache), freed.address);
    backend_of(freed.cache).set_freeing(false);
  }
  void destroy(std::uint8_t cache) {
    reports_ = 0;
    calls(cache).destroy(storage(cache));
    log_.done(OperationKind::Destroy, reports_);  // of live objects
    std::size_t kept = 0;
    for (std::size_t i = 0; i < live_count_; ++i)
      if (live_[i].cache != cache) live_[kept++] = live_[i];
    live_count_ = kept;
  }

  [[nodiscard]] const CacheCalls& calls(std::uint8_t cache) const { return choose_(setup_.caches[cache]); }
  [[nodiscard]] void* storage(std::uint8_t cache) const { return reinterpret_cast<void*>(arena_.cache(cache)); }
  [[nodiscard]] ExecutorBackend& backend_of(std::uint8_t cache) { return backends_[setup_.caches[cache].backend]; }

  ArenaLayout arena_;
  ChooseCalls choose_;
  EventLog log_;
  ExecutorBackend backends_[Limits::max_backends];
  Setup setup_;
  Object live_[Limits::max_live_objects];  // in the order of their ordinals
  std::size_t live_count_ = 0;
  std::size_t reports_ = 0;
};

}  // namespace slabproof
