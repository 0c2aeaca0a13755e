// The part of a kernel that KASAN asks for, in a process: the functions of docs/kernel.md, whose text
// properties/allocator/kasan.cmake takes from there, on a shadow of the whole address space, and the checks that the
// compiler calls. Not instrumented itself.
#include "properties/allocator/kasan_runtime.hpp"

#include <sys/mman.h>
#include <cstdio>
#include <cstdlib>

namespace {

std::uintptr_t map_shadow() {
  void* const shadow =
      mmap(nullptr, std::size_t{1} << 44, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (shadow == MAP_FAILED) {
    std::puts("no address space for a shadow");
    std::_Exit(2);
  }
  return reinterpret_cast<std::uintptr_t>(shadow);
}

}  // namespace

// 0 until there is a shadow: a write to it then ends the process.
constinit std::uintptr_t shadow_offset = 0;
constinit std::size_t kasan_reports = 0, kasan_calls = 0;

#define __asan_poison_memory_region poison_of_the_page
#define __asan_unpoison_memory_region unpoison_of_the_page
#include "docs/page.hpp"
#undef __asan_poison_memory_region
#undef __asan_unpoison_memory_region

extern "C" {
void __asan_poison_memory_region(const volatile void* begin, std::size_t size) {
  ++kasan_calls;
  if (reinterpret_cast<std::uintptr_t>(begin) % 8 != 0 || size % 8 != 0) std::puts("no multiple of 8"), std::_Exit(1);
  poison_of_the_page(begin, size);
}
void __asan_unpoison_memory_region(const volatile void* begin, std::size_t size) {
  ++kasan_calls;
  if (reinterpret_cast<std::uintptr_t>(begin) % 8 != 0) std::puts("no multiple of 8"), std::_Exit(1);
  unpoison_of_the_page(begin, size);
}

int __asan_address_is_poisoned(const volatile void* address) {
  const std::uint8_t open = *shadow_of(address);  // how many bytes, from the first; 0: all; above 7: none
  return open != 0 && (open > 7 || reinterpret_cast<std::uintptr_t>(address) % 8 >= open);
}
}

void start_shadow() {
  shadow_offset = map_shadow();
  has_shadow = true;
}

namespace {
void check(const volatile void* begin, std::size_t size) {
  if (!has_shadow) return;
  for (std::size_t i = 0; i < size; ++i)
    if (__asan_address_is_poisoned(static_cast<const volatile char*>(begin) + i)) return void(++kasan_reports);
}
}  // namespace

#define CHECKS(size)                                                          \
  void __asan_load##size##_noabort(const void* begin) { check(begin, size); } \
  void __asan_store##size##_noabort(const void* begin) { check(begin, size); }
extern "C" {
CHECKS(1)
CHECKS(2)
CHECKS(4)
CHECKS(8)
CHECKS(16)
void __asan_loadN_noabort(const void* begin, std::size_t size) { check(begin, size); }
void __asan_storeN_noabort(const void* begin, std::size_t size) { check(begin, size); }
void __asan_handle_no_return() {}
}
