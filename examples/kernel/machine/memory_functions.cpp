// The four functions that every compiler asks for. In assembly, since a compiler may make a call of memcpy from a loop
// in memcpy. Under KASAN they have their arguments checked: the compiler checks no call of them.
#include <cstddef>

#ifdef SLABPROOF_KASAN
extern "C" void __asan_loadN_noabort(const void* begin, std::size_t size);
extern "C" void __asan_storeN_noabort(const void* begin, std::size_t size);
#else
static void __asan_loadN_noabort(const void*, std::size_t) {}
static void __asan_storeN_noabort(const void*, std::size_t) {}
#endif

extern "C" {

void* memcpy(void* to, const void* from, std::size_t size) {
  __asan_loadN_noabort(from, size);
  __asan_storeN_noabort(to, size);
  void* const begin = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return begin;
}

void* memmove(void* to, const void* from, std::size_t size) {
  if (to <= from) return memcpy(to, from, size);
  __asan_loadN_noabort(from, size);
  __asan_storeN_noabort(to, size);
  void* last_to = static_cast<unsigned char*>(to) + size - 1;
  const void* last_from = static_cast<const unsigned char*>(from) + size - 1;
  asm volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(size) : : "memory", "cc");
  return to;
}

void* memset(void* to, int value, std::size_t size) {
  __asan_storeN_noabort(to, size);
  void* const begin = to;
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return begin;
}

int memcmp(const void* left, const void* right, std::size_t size) {
  const auto* const a = static_cast<const volatile unsigned char*>(left);
  const auto* const b = static_cast<const volatile unsigned char*>(right);
  for (std::size_t i = 0; i < size; ++i)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

}  // extern "C"
