#include "properties/explore/induction/access_trace.hpp"

#include <cstring>

namespace slabproof {

AccessTrace access_trace;

namespace {

void note(const volatile void* address, std::size_t size, bool is_write) {
  if (!access_trace.is_on) return;
  access_trace.is_on = false;  // the vector may be instrumented
  access_trace.accesses.push_back({reinterpret_cast<std::uintptr_t>(address), size, is_write});
  access_trace.is_on = true;
}

}  // namespace
}  // namespace slabproof

// What code that is compiled for ThreadSanitizer calls, of which nothing is linked here.
using slabproof::note;
#define SLABPROOF_TRACED(size)                                                    \
  void __tsan_read##size(void* address) { note(address, size, false); }           \
  void __tsan_write##size(void* address) { note(address, size, true); }           \
  void __tsan_read_write##size(void* address) { note(address, size, true); }      \
  void __tsan_unaligned_read##size(void* address) { note(address, size, false); } \
  void __tsan_unaligned_write##size(void* address) { note(address, size, true); } \
  void __tsan_unaligned_read_write##size(void* address) { note(address, size, true); }
extern "C" {
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
SLABPROOF_TRACED(1)
SLABPROOF_TRACED(2)
SLABPROOF_TRACED(4)
SLABPROOF_TRACED(8)
SLABPROOF_TRACED(16)
void __tsan_read_range(void* address, std::size_t size) { note(address, size, false); }
void __tsan_write_range(void* address, std::size_t size) { note(address, size, true); }
void* __tsan_memcpy(void* to, const void* from, std::size_t size) {
  note(from, size, false);
  note(to, size, true);
  return std::memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, std::size_t size) {
  note(from, size, false);
  note(to, size, true);
  return std::memmove(to, from, size);
}
void* __tsan_memset(void* to, int byte, std::size_t size) {
  note(to, size, true);
  return std::memset(to, byte, size);
}
void __tsan_atomic_signal_fence(int) {}
std::uint32_t __tsan_atomic32_load(const volatile std::uint32_t* address, int) {
  note(address, 4, false);
  return __atomic_load_n(address, __ATOMIC_RELAXED);
}
std::uint64_t __tsan_atomic64_load(const volatile std::uint64_t* address, int) {
  note(address, 8, false);
  return __atomic_load_n(address, __ATOMIC_RELAXED);
}
std::uint64_t __tsan_atomic64_fetch_add(volatile std::uint64_t* address, std::uint64_t term, int) {
  note(address, 8, true);
  return __atomic_fetch_add(address, term, __ATOMIC_RELAXED);
}
}
