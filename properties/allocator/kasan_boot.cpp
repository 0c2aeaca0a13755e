// A kernel under KASAN starts: it allocates before there is a shadow, then there is one.
#include <cstdio>
#include <cstdlib>

#include "properties/allocator/kasan_kernel.hpp"
#include "properties/allocator/kasan_runtime.hpp"

extern "C" int __asan_address_is_poisoned(const volatile void* address);

namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::printf("not so: %s\n", what);
  std::exit(1);
}

/// Which bytes of [begin, begin + size) are forbidden.
std::size_t forbidden(const char* begin, std::size_t size) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; ++i) count += __asan_address_is_poisoned(begin + i) != 0;
  return count;
}

struct Early {
  char *live, *freed;
};

Early before_shadow(const Kernel& kernel) {
  Early early{static_cast<char*>(kernel.alloc()), static_cast<char*>(kernel.alloc())};
  require(early.live != nullptr && early.freed != nullptr, "objects are allocated before there is a shadow");
  kernel.free(early.freed);
  kernel.touch(early.live);
  return early;
}

void with_shadow(const Kernel& kernel, const Early& early, bool has_checks) {
  const std::size_t stride = kernel.stride, size = Kernel::object_size;
  const char* const slab = early.live;  // the first slot
  require(forbidden(slab, kernel.end_of_slots) == 0, "a slab made early is open");
  auto* const again = static_cast<char*>(kernel.alloc());
  require(again == early.freed, "the slot freed early is handed out again");
  kernel.free(again);
  require(forbidden(again, stride) == stride, "a freed slot is forbidden, though it was freed early before");
  kernel.free(early.live);
  require(forbidden(early.live, stride) == stride, "an object allocated early is forbidden when it is freed");
  require(kernel.shrink() == 1, "the slab made early goes back");
  require(forbidden(slab, 4096) == 0, "and none of it is forbidden");

  // A slab made now.
  auto* const object = static_cast<char*>(kernel.alloc());
  require(forbidden(object, size) == 0, "an object is open");
  require(forbidden(object + size, kernel.end_of_slots - size) == kernel.end_of_slots - size,
          "its padding, the slots behind it and the tail waste are forbidden");
  require(forbidden(object + kernel.end_of_slots, 4096 - kernel.end_of_slots) == 0, "table and SlabInfo are open");
  require(kernel.objects_per_slab * stride < kernel.end_of_slots, "there is tail waste");
  require(kasan_reports == 0, "no report, whatever the cache did");
  kernel.touch(object + size - 1);
  require(kasan_reports == 0, "the object's last byte may be written");
  kernel.touch(object + size);
  require(kasan_reports == 1, "a write to its padding is reported");
  kernel.touch(object + kernel.end_of_slots - 1);
  require(kasan_reports == 2, "a write to tail waste is reported");
  kernel.free(object);
  kernel.touch(object);
  require(kasan_reports == 3, "a write to a freed object is reported");
  if (!has_checks) {
    kernel.free(object);
    require(kasan_reports == 4, "a second free of an Unchecked cache's object is reported");
  } else {
    require(kernel.shrink() == 1, "the slab goes back");
    require(forbidden(slab, 4096) == 0, "and none of it is forbidden");
  }
  kasan_reports = 0;
}

}  // namespace

int main() {
  const Early checked = before_shadow(checked_kernel), unchecked = before_shadow(unchecked_kernel);
  require(kasan_calls == 2 * (1 + 2 + 1), "each slab, alloc and free called one of the two functions");
  start_shadow();
  with_shadow(checked_kernel, checked, true);
  with_shadow(unchecked_kernel, unchecked, false);
  std::puts("done");
}
