// An interrupt that allocates while the code that it interrupts does, from the same cache.
#include "examples/kernel/caches/backends.hpp"
#include "examples/kernel/checks/checks.hpp"
#include "examples/kernel/checks/stamp.hpp"
#include "examples/kernel/machine/local_apic.hpp"

namespace kernel {
namespace {

using Object = Stamped<96>;
template <class Lock>
using Shared = slab::Immortal<slab::Locked<slab::Cache<Object, slab::Config{}, FrameBackend, Panic>, Lock>>;

constexpr std::uint64_t interrupts = 300, interrupts_without_lock = 100'000;
constexpr std::uint32_t ticks = 50'000;  // of QEMU's nanoseconds

/// Objects that whoever has it holds, the oldest of which it frees for a new one.
template <class Lock>
class Holder {
  using Cache = typename Shared<Lock>::Undestroyed;

 public:
  constexpr Holder(Cache& cache, std::uint64_t mark) noexcept : cache_{cache}, mark_{mark} {}
  void replace_oldest() noexcept {
    Object*& oldest = objects_[count_ % held];
    free(oldest, count_ - held);
    oldest = cache_.alloc();
    require(oldest != nullptr, "no memory left");
    oldest->stamp(mark_ + 16 * count_++);
  }
  void free_all() noexcept {
    for (std::size_t i = 0; i < held; ++i, ++count_) {
      free(objects_[count_ % held], count_ - held);
      objects_[count_ % held] = nullptr;
    }
  }

 private:
  static constexpr std::size_t held = 100;  // more than a slab has, so that slabs come and go
  void free(Object* object, std::uint64_t number) noexcept {
    if (!object) return;
    object->require_mark(mark_ + 16 * number);
    cache_.free(object);
  }

  Cache& cache_;
  std::uint64_t mark_, count_ = 0;
  Object* objects_[held] = {};
};

template <class Lock>
constinit Shared<Lock> cache{frame_backend};
template <class Lock>
constinit Holder<Lock> of_handler{*cache<Lock>, std::uint64_t{1} << 60};
constinit std::uint64_t handled = 0;

template <class Lock>
void allocate(std::uint64_t wanted) noexcept {
  Holder<Lock> of_main{*cache<Lock>, 0};
  handled = 0;
  on_timer = []() noexcept {
    for (int i = 0; i < 60; ++i) of_handler<Lock>.replace_oldest();
    __atomic_store_n(&handled, handled + 1, __ATOMIC_RELAXED);
    set_timer(ticks);  // from now on: the main loop must get on, however long this took
  };
  set_timer(ticks);
  enable_interrupts();
  std::uint64_t allocated = 0;
  for (; __atomic_load_n(&handled, __ATOMIC_RELAXED) < wanted; ++allocated) of_main.replace_oldest();
  disable_interrupts();
  set_timer(0);
  of_main.free_all();
  of_handler<Lock>.free_all();
  const slab::CacheStatistics statistics = cache<Lock>->statistics();
  require(statistics.allocated_objects == 0 && cache<Lock>->audit(), "timer: the cache has lost count");
  print("timer: ", handled, " interrupts allocated and freed 60 objects each while the main loop did ", allocated,
        "\n");
}

}  // namespace

void allocate_in_interrupts(Locking locking) noexcept {
  if (locking == Locking::None) return allocate<NoLock>(interrupts_without_lock);
  allocate<SpinLock>(interrupts);
}

}  // namespace kernel
