// A program that misuses memory once, for the tools that must report it: properties/allocator/poison.cmake
// compiles it for each and reads what it says. usage: poison_victim POLICY MISUSE
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <slab/slab.hpp>

namespace {

/// A size that is padded to 24 bytes.
struct Object {
  unsigned char bytes[17];
};

struct Backend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    return std::memset(std::aligned_alloc(page_size, slab_size), 0,
                       slab_size);  // an object counts as uninitialised all the same
  }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept { std::free(slab); }
};

/// Prints what the default handler prints, and exits.
struct Checked : slab::Checked {
  static void on_misuse(const slab::MisuseReport& report) noexcept {
    std::printf("misuse: %s\n", slab::to_string(report.kind));
    std::fflush(stdout);
    std::_Exit(1);
  }
};

void read(const unsigned char& byte) { static_cast<void>(*const_cast<const volatile unsigned char*>(&byte)); }
void write(unsigned char& byte) { *const_cast<volatile unsigned char*>(&byte) = 1; }
void branch_on(const unsigned char& byte) {
  if (*const_cast<const volatile unsigned char*>(&byte) == 7) std::puts("seven");
}

/// LeakSanitizer takes what a returned function left on the stack for a pointer. Red zones would not be wiped.
[[gnu::noinline]] __attribute__((no_sanitize("address"))) void wipe_stack() {
  volatile unsigned char bytes[4096];
  for (volatile unsigned char& byte : bytes) byte = 0;
}

template <class Policy>
[[gnu::noinline]] void misuse(const char* what) {
  const auto is = [&](const char* name) { return std::strcmp(what, name) == 0; };
  Backend backend;
  slab::Cache<Object, slab::Config{}, Backend, Policy> cache{backend};
  Object* const neighbour = cache.alloc();
  Object* const object = cache.alloc();
  if (is("branch_on_new")) branch_on(object->bytes[0]);
  std::memset(object, 1, sizeof *object);
  std::memset(neighbour, 1, sizeof *neighbour);
  branch_on(object->bytes[16]);
  if (is("write_padding")) write((&object->bytes[0])[17]);
  cache.free(object);
  if (is("read_freed_first")) read(object->bytes[0]);
  if (is("read_freed_last")) read(object->bytes[16]);
  if (is("write_freed_first")) write(object->bytes[0]);
  if (is("write_freed_last")) write(object->bytes[16]);
  if (is("branch_on_freed_first")) branch_on(object->bytes[0]);
  if (is("branch_on_freed_last")) branch_on(object->bytes[16]);
  if (is("double_free")) cache.free(object);
  if (!is("leak")) cache.free(neighbour);
  // Freed, allocated, and given back: the result is no misuse.
  if (is("nothing")) {
    Object* const again = cache.alloc();
    std::memset(again, 2, sizeof *again);
    branch_on(again->bytes[0]);
    cache.free(again);
    cache.shrink();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::strcmp(argv[1], "Checked") == 0 ? misuse<Checked>(argv[2]) : misuse<slab::Unchecked>(argv[2]);
  wipe_stack();
  std::puts("done");
}
