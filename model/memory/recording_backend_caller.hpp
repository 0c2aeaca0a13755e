#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/judge/slab/cache_model.hpp"
#include "model/memory/address.hpp"
#include "model/memory/recording_backend.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

inline constexpr CacheSpec single_page{.slab_size = 256, .page_size = 256, .object_size = 64};
inline constexpr CacheSpec multi_page{.slab_size = 512, .page_size = 128, .object_size = 64};
inline constexpr CacheSpec large{
    .type = slab::ObjectSizeType::Large, .slab_size = 512, .page_size = 128, .object_size = 100};

/// A cache, as far as its backend sees it: an allocation is under way, and nothing was called in it.
class Caller : private BackendObserver {
 public:
  explicit Caller(const CacheSpec& spec) : model{spec}, backend{arena_, 0, judgement, log, context, *this} {
    backend.reset({});
    context.cache = &model;
    context.calls_of_row = calls_of(spec.row());
    context.is_under_way = true;
  }

  Judgement judgement;
  CallContext context;
  CacheModel model;
  EventLog log;
  Invariant refused = Invariant::None;  // last
  unsigned calls = 0, made = 0, released = 0;

 private:
  Arena arena_;

 public:
  RecordingBackend backend;

  [[nodiscard]] const CacheSpec& spec() const { return model.spec; }
  [[nodiscard]] std::uint64_t relative(std::uintptr_t at) const { return arena_.relative(at); }
  /// The next operation.
  void begin(OperationKind operation) {
    const CallContext before = context;
    context = {};
    context.cache = before.cache;
    context.calls_of_row = before.calls_of_row;
    context.is_under_way = true;
    context.operation = operation;
    for (SlabRecord* const slab : backend.slabs()) slab->fresh = false;
  }
  std::uintptr_t alloc_slab() { return address(backend.alloc_slab(spec().slab_size, spec().page_size)); }
  void free_slab(std::uintptr_t slab) { backend.free_slab(pointer(slab), spec().slab_size, spec().page_size); }
  std::uintptr_t alloc_info() { return address(backend.alloc_slab_info(model.layout.slab_info_size)); }
  void free_info(std::uintptr_t info) { backend.free_slab_info(pointer(info), model.layout.slab_info_size); }
  bool save(std::uintptr_t page, std::uintptr_t info) {
    return backend.save_slab_info(page, reinterpret_cast<slab::SlabInfo*>(info));
  }
  std::uintptr_t get(std::uintptr_t page) { return address(backend.get_slab_info(page)); }
  std::uintptr_t info_in(std::uintptr_t slab) const { return slab + model.layout.slab_info_offset; }
  /// A slab with all its pages saved; 0 if one was refused.
  std::uintptr_t make_slab() {
    const std::uintptr_t slab = alloc_slab();
    if (spec().row() == slab::Row::SmallSinglePage) return slab;
    const std::uintptr_t info = spec().row() == slab::Row::Large ? alloc_info() : info_in(slab);
    for (std::uintptr_t page = slab; page < slab + spec().slab_size; page += spec().page_size)
      if (!save(page, info)) return 0;
    return slab;
  }
  void delete_pages(std::uintptr_t slab) {
    for (std::uintptr_t page = slab; page < slab + spec().slab_size; page += spec().page_size)
      backend.delete_slab_info(page);
  }
  void fail(FailingCall call, FailureMode mode = FailureMode::Once, std::uint32_t after = 0) {
    Operation operation{.kind = OperationKind::Fail, .argument = after};
    operation.detail = Failure{call, mode}.packed();
    backend.fail(operation);
  }
  bool can_make(std::size_t count, std::optional<CacheSpec> of = {}) {
    return backend.can_make_slabs(geometry_of(of.value_or(spec())).value(), count);
  }
  SlabRecord& record(std::uintptr_t slab) { return *backend.find(slab); }

 private:
  void on_backend_call(BackendCall) override { ++calls; }
  void on_slab_made(SlabRecord&) override { ++made; }
  void on_slab_released(SlabRecord&) override { ++released; }
  void on_refusal(Invariant invariant) override { refused = invariant; }
};

}  // namespace slabproof
