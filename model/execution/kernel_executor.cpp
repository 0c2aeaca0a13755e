// The executor with every cache that programs ask for, as a kernel compiles it: examples/kernel is linked with it, and
// ci/kernel compares the event logs that it writes with the runner's.
#include <new>
#include <type_traits>

#include <slab/poison.hpp>
#include <slab/slab.hpp>

#include "model/execution/executor.hpp"
#include "model/execution/kernel_executor.hpp"

namespace slabproof {
namespace {

alignas(ArenaLayout::align) unsigned char arena[ArenaLayout::size];
Executor* executor = nullptr;

template <class Base, std::size_t Kept>
struct Policy : Base {
  static constexpr std::size_t empty_slabs_kept = Kept;
  static void on_misuse(const slab::MisuseReport&) noexcept { executor->note_report(); }
};

template <class C>
C& at(void* cache) {
  return *static_cast<C*>(cache);
}

// slabproof_flip_allocation()
std::uint64_t allocations_until_flip = 0;
std::uintptr_t flipped = 0;

void* perhaps_flipped(void* object) {
  if (!object || allocations_until_flip == 0 || --allocations_until_flip > 0) return object;
  flipped = reinterpret_cast<std::uintptr_t>(object) ^ 0xFF00;
  return reinterpret_cast<void*>(flipped);
}
void* not_flipped(void* object) {
  if (!object || reinterpret_cast<std::uintptr_t>(object) != flipped) return object;
  return reinterpret_cast<void*>(flipped ^ 0xFF00);
}

template <class C>
constexpr CacheCalls calls_of{.make = [](void* storage, const slab::Geometry& geometry,
                                         ExecutorBackend& backend) { ::new (storage) C{geometry, backend}; },
                              .alloc = [](void* cache) -> void* { return perhaps_flipped(at<C>(cache).alloc()); },
                              .alloc_no_grow = [](void* cache) -> void* { return at<C>(cache).alloc_no_grow(); },
                              .free = [](void* cache, void* object) { at<C>(cache).free(not_flipped(object)); },
                              .reserve = [](void* cache, std::size_t n) { return at<C>(cache).reserve(n); },
                              .shrink = [](void* cache) { return at<C>(cache).shrink(); },
                              .live_objects = [](void* cache) { return at<C>(cache).statistics().allocated_objects; },
                              .destroy = [](void* cache) { at<C>(cache).~C(); }};

template <class Base, std::size_t Kept>
const CacheCalls& calls_with(const CacheSpec& spec) {
  using P = Policy<Base, Kept>;
  static_assert(sizeof(slab::DynamicCache<slab::Row::Large, ExecutorBackend, P>) <= ArenaLayout::cache_storage);
  switch (spec.row()) {
    case slab::Row::SmallSinglePage:
      return calls_of<slab::DynamicCache<slab::Row::SmallSinglePage, ExecutorBackend, P>>;
    case slab::Row::SmallMultiPage: return calls_of<slab::DynamicCache<slab::Row::SmallMultiPage, ExecutorBackend, P>>;
    case slab::Row::Large: break;
  }
  return calls_of<slab::DynamicCache<slab::Row::Large, ExecutorBackend, P>>;
}

template <class Base>
const CacheCalls& calls_keeping(const CacheSpec& spec) {
  switch (spec.empty_slabs_kept) {
    case 0: return calls_with<Base, 0>(spec);
    case 1: return calls_with<Base, 1>(spec);
    default: return calls_with<Base, 2>(spec);
  }
}

#ifdef SLABPROOF_WITHOUT_GUARDS
constexpr bool has_guards = false;  // three quarters of what there is to compile
#else
constexpr bool has_guards = true;
#endif
bool lacks_cache = false;

/// A Cache with a constant geometry is a DynamicCache here: the event log is the same.
const CacheCalls& choose(const CacheSpec& spec) {
  if (!spec.checks) return calls_keeping<slab::Unchecked>(spec);
  if (spec.guards == Guards::None || (lacks_cache = !has_guards)) return calls_keeping<slab::Checked>(spec);
  return *with_guarded(spec.guards, [&]<Guards G>(Guarded<G>) {
    if constexpr (has_guards && is_possible(G, 0))
      if (spec.empty_slabs_kept == 0) return &calls_with<Guarded<G>, 0>(spec);
    return &calls_with<std::conditional_t<has_guards, Guarded<G>, slab::Checked>, 1>(spec);
  });
}

alignas(Executor) unsigned char place_of_executor[sizeof(Executor)];

}  // namespace
}  // namespace slabproof

extern "C" SlabproofRun slabproof_execute_steps(const std::uint8_t* data, std::size_t size,
                                                void (*after)(const SlabproofStep&)) {
  using namespace slabproof;
  if (!executor) executor = ::new (place_of_executor) Executor{reinterpret_cast<std::uintptr_t>(arena), choose};
  slab::detail::permit(arena, sizeof arena);  // the program before may have left caches with live objects
  lacks_cache = false;
  const bool has_room = executor->run(data, size, [after] {
    if (after) after({executor->log().count(), executor->log().digest()});
  });
  return {executor->log().count(), executor->log().digest(), has_room, !lacks_cache};
}

extern "C" std::uint64_t slabproof_execute(const std::uint8_t* data, std::size_t size, std::uint64_t* events) {
  const SlabproofRun run = slabproof_execute_steps(data, size, nullptr);
  *events = run.has_room ? run.events : 0;
  return run.digest;
}

extern "C" void slabproof_flip_allocation(std::uint64_t count) { slabproof::allocations_until_flip = count; }
