// Who else there is: the bare free list that everything is compared with, pools that serve one size and one thread as a
// slab cache does, and mallocs, which serve every size and all threads.
#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory_resource>
#include <new>
#include <string>

#include <boost/pool/pool.hpp>

#include "bench/subject.hpp"

namespace bench {

std::vector<Subject>& subjects() {
  static std::vector<Subject> all;
  return all;
}

std::vector<Missing>& missing() {
  static std::vector<Missing> all;
  return all;
}

namespace {

/// The least that a pool can do: a list through the free objects, carved from one stretch of memory.
class BareList {
 public:
  explicit BareList(std::size_t size)
      : size_{size}, memory_{::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)} {
    if (memory_ == MAP_FAILED) throw std::bad_alloc{};
    carved_ = static_cast<std::byte*>(memory_);
  }
  ~BareList() { ::munmap(memory_, bytes); }
  BareList(const BareList&) = delete;
  BareList& operator=(const BareList&) = delete;

  void* alloc() {
    void* const object = free_;
    if (!object) return carve();
    free_ = *static_cast<void**>(object);
    return object;
  }
  void free(void* object) {
    *static_cast<void**>(object) = free_;
    free_ = object;
  }
  void give_back() {}

 private:
  static constexpr std::size_t bytes = std::size_t{1} << 32;
  static constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

  void* carve() {
    std::byte* const object = carved_;
    if (object + size_ > static_cast<std::byte*>(memory_) + bytes) return nullptr;
    carved_ += size_;
    return object;
  }

  std::size_t size_;
  void* memory_;
  std::byte* carved_ = nullptr;
  void* free_ = nullptr;
};

class BoostPool {
 public:
  explicit BoostPool(std::size_t size) : pool_{size} {}
  void* alloc() { return pool_.malloc(); }
  void free(void* object) { pool_.free(object); }
  void give_back() { pool_.purge_memory(); }

 private:
  boost::pool<> pool_;
};

class PmrPool {
 public:
  explicit PmrPool(std::size_t size) : size_{size} {}
  void* alloc() { return pool_.allocate(size_, 8); }
  void free(void* object) { pool_.deallocate(object, size_, 8); }
  void give_back() { pool_.release(); }

 private:
  std::size_t size_;
  std::pmr::unsynchronized_pool_resource pool_{std::pmr::new_delete_resource()};
};

class GlibcMalloc {
 public:
  explicit GlibcMalloc(std::size_t size) : size_{size} {}
  void* alloc() { return std::malloc(size_); }
  void free(void* object) { std::free(object); }
  void give_back() { ::malloc_trim(0); }

 private:
  std::size_t size_;
};

/// A malloc from a library, which would take this program's over if it were linked.
struct Library {
  const char *name, *file, *malloc, *free;
  void (*purge)(void* handle);
};

template <class Function>
Function* function_of(void* handle, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(handle, name));
}

void purge_mimalloc(void* handle) {
  if (auto* const collect = function_of<void(bool)>(handle, "mi_collect")) collect(true);
}
void purge_jemalloc(void* handle) {
  auto* const control = function_of<int(const char*, void*, std::size_t*, void*, std::size_t)>(handle, "mallctl");
  if (!control) return;
  control("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  control("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL: of every arena
}
void purge_tcmalloc(void* handle) {
  for (const char* const name : {"MallocExtension_MarkThreadIdle", "MallocExtension_ReleaseFreeMemory"})
    if (auto* const release = function_of<void()>(handle, name)) release();
}

constexpr Library libraries[] = {
    {"mimalloc", "libmimalloc.so.2", "mi_malloc", "mi_free", purge_mimalloc},
    {"jemalloc", "libjemalloc.so.2", "malloc", "free", purge_jemalloc},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "tc_malloc", "tc_free", purge_tcmalloc},
};

class LibraryMalloc {
 public:
  LibraryMalloc(std::size_t size, void* handle, const Library* library)
      : size_{size},
        malloc_{function_of<void*(std::size_t)>(handle, library->malloc)},
        free_{function_of<void(void*)>(handle, library->free)},
        handle_{handle},
        purge_{library->purge} {}
  void* alloc() { return malloc_(size_); }
  void free(void* object) { free_(object); }
  void give_back() { purge_(handle_); }

 private:
  std::size_t size_;
  void* (*malloc_)(std::size_t);
  void (*free_)(void*);
  void* handle_;
  void (*purge_)(void*);
};

void add_library(const Library& library) {
  void* const handle = ::dlopen(library.file, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return missing().push_back({library.name, ::dlerror()});
  if (!::dlsym(handle, library.malloc) || !::dlsym(handle, library.free))
    return missing().push_back({library.name, std::string{library.file} + " has no " + library.malloc});
  for (const std::size_t size : {32u, 64u, 256u, 2048u})
    add_subject<LibraryMalloc>(library.name, size, size, handle, &library);
}

}  // namespace

void add_peers() {
  for (const std::size_t size : {32u, 64u, 256u, 2048u}) {
    add_subject<BareList>("bare list", size, size);
    add_subject<BoostPool>("boost::pool", size, size);
    add_subject<PmrPool>("pmr::unsynchronized_pool_resource", size, size);
    add_subject<GlibcMalloc>("glibc malloc", size, size);
  }
  for (const Library& library : libraries) add_library(library);
}

}  // namespace bench
