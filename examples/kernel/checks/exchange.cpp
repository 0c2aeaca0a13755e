// Processors that allocate objects, and free those that others have allocated.
#include "examples/kernel/caches/backends.hpp"
#include "examples/kernel/checks/checks.hpp"
#include "examples/kernel/checks/stamp.hpp"
#include "examples/kernel/machine/processors.hpp"

namespace kernel {
namespace {

using Object = Stamped<128>;
template <class Lock>
using SharedCache = slab::Locked<slab::Cache<Object, slab::Config{.slab_size = 16384}, MappedBackend, Panic>, Lock>;

constexpr std::uint64_t boxes = 512, rounds = 10'000, rounds_without_lock = 3'000'000;
constinit std::uint64_t rounds_of_each = 0;
constinit std::size_t count = 0;  // of processors
/// What each is to free, in the order in which the processor before it has put it there; null: nothing.
constinit Object* box_of[most_processors][boxes] = {};

template <class Lock>
constinit slab::Immortal<SharedCache<Lock>> cache{mapped_backend};

/// Hands its objects to the next processor, and frees those of the one before.
template <class Lock>
void exchange(std::size_t processor) noexcept {
  const std::size_t next = (processor + 1) % count, before = (processor + count - 1) % count;
  for (std::uint64_t given = 0, freed = 0; given < rounds_of_each || freed < rounds_of_each;) {
    Object*& to = box_of[next][given % boxes];
    if (given < rounds_of_each && !__atomic_load_n(&to, __ATOMIC_ACQUIRE)) {
      Object* const object = cache<Lock>->alloc();
      require(object != nullptr, "no memory left");
      object->stamp(processor << 56 | given++ << 8);
      __atomic_store_n(&to, object, __ATOMIC_RELEASE);
    }
    Object*& from = box_of[processor][freed % boxes];
    if (Object* const object = __atomic_load_n(&from, __ATOMIC_ACQUIRE)) {
      __atomic_store_n(&from, nullptr, __ATOMIC_RELEASE);
      object->require_mark(before << 56 | freed++ << 8);
      cache<Lock>->free(object);
    } else {
      asm volatile("pause");
    }
  }
}

template <class Lock>
void exchange_on_all() noexcept {
  on_all_processors(exchange<Lock>);
  require(cache<Lock>->statistics().allocated_objects == 0 && cache<Lock>->audit(),
          "processors: the cache has lost count");
  print("processors: ", count, ", each allocated ", rounds_of_each, " objects and freed as many of another's\n");
}

}  // namespace

void exchange_objects(std::size_t processors, Locking locking) noexcept {
  count = processors;
  rounds_of_each = locking == Locking::None ? rounds_without_lock : rounds;
  if (locking == Locking::None) return exchange_on_all<NoLock>();
  exchange_on_all<SpinLock>();
}

}  // namespace kernel
