// SLAB_OPERATOR_NEW in a program: every form of new and delete goes to the heap that it names, and one that must not be
// null stops the program. Exits with the line that is wrong, or 0.
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include <slab/operator_new.hpp>
#include <slab/size_classes.hpp>
#include <slab/slab.hpp>

namespace {

/// Asks for no operator new itself.
struct Pages {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    return is_dry ? nullptr : std::aligned_alloc(page_size, slab_size);
  }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept { std::free(slab); }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    for (Entry& entry : entries)
      if (!entry.info) return entry = {page_addr, info}, true;
    return false;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    for (const Entry& entry : entries)
      if (entry.info && entry.page_addr == page_addr) return entry.info;
    return nullptr;
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    for (Entry& entry : entries)
      if (entry.info && entry.page_addr == page_addr) entry = {};
  }

  struct Entry {
    std::uintptr_t page_addr;
    slab::SlabInfo* info;
  };
  Entry entries[1000] = {};
  bool is_dry = false;
};

int reports = 0;
struct Counting : slab::Checked {
  static void on_misuse(const slab::MisuseReport&) noexcept { ++reports; }
};

constinit Pages pages;
constinit slab::Immortal<slab::SizeClasses<Pages, slab::KernelSizes, Counting>> heap{pages};

}  // namespace

SLAB_OPERATOR_NEW(*heap);

namespace {

struct Node {
  virtual ~Node() = default;
  long values[5] = {};
};
struct alignas(256) Wide : Node {};

std::size_t live_before = 0;
bool lives(std::size_t objects) { return heap->live_objects() == live_before + objects && reports == 0; }
template <class T>
T* hidden(T* object) {  // or the compiler may leave out new and delete together
  __asm__ volatile("" : "+r"(object));
  return object;
}

#define REQUIRE(claim) \
  if (!(claim)) return __LINE__ % 256

int check_each_form() {
  live_before = heap->live_objects();
  Node* const nodes[] = {hidden(new Node), hidden(new Wide), hidden(new (std::nothrow) Node),
                         hidden(new (std::nothrow) Wide)};
  REQUIRE(lives(4));
  REQUIRE(reinterpret_cast<std::uintptr_t>(nodes[1]) % 256 == 0 &&
          reinterpret_cast<std::uintptr_t>(nodes[3]) % 256 == 0);
  for (Node* const node : nodes) delete node;
  REQUIRE(lives(0));
  Node* const some = hidden(new Node[3]);
  Wide* const wide = hidden(new Wide[3]);
  int* const numbers = hidden(new (std::nothrow) int[5000]);
  Wide* const more = hidden(new (std::nothrow) Wide[2]);
  REQUIRE(lives(4));
  delete[] some, delete[] wide, delete[] numbers, delete[] more;
  REQUIRE(lives(0));

  void* const plain = ::operator new(24);
  void* const aligned = ::operator new(24, std::align_val_t{64});
  REQUIRE(reinterpret_cast<std::uintptr_t>(plain) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0);
  REQUIRE(heap->usable_size(plain) == 32 && heap->usable_size(aligned) == 64 && lives(2));
  ::operator delete(plain, std::nothrow), ::operator delete(aligned, std::align_val_t{64}, std::nothrow);
  REQUIRE(lives(0));
  void* const array = ::operator new[](24);
  void* const aligned_array = ::operator new[](24, std::align_val_t{64});
  REQUIRE(heap->usable_size(array) == 32 && heap->usable_size(aligned_array) == 64 && lives(2));
  ::operator delete[](array, std::nothrow), ::operator delete[](aligned_array, std::align_val_t{64}, std::nothrow);
  REQUIRE(lives(0));

  void* const once = ::operator new(40);
  ::operator delete(once, std::size_t{400});
  ::operator delete[](once, std::size_t{400});
  ::operator delete(once, std::size_t{400}, std::align_val_t{8});
  ::operator delete[](once, std::size_t{400}, std::align_val_t{8});
  REQUIRE(reports == 4 && heap->live_objects() == live_before + 1);
  ::operator delete(once, std::size_t{40});
  REQUIRE(reports == 4 && heap->live_objects() == live_before);
  reports = 0;

  pages.is_dry = true;
  REQUIRE(hidden(new (std::nothrow) char[100'000]) == nullptr);
  REQUIRE(::operator new(100'000, std::align_val_t{64}, std::nothrow) == nullptr);
  pages.is_dry = false;
  return 0;
}

/// What a child says that asks for an object where there is no memory; nothing if it goes on.
std::string last_words() {
  int ends[2];
  if (::pipe(ends) != 0) return "there is no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    pages.is_dry = true;
    static_cast<void>(hidden(new char[100'000]));
    ::_exit(0);
  }
  ::close(ends[1]);
  char said[100] = {};
  const ssize_t size = ::read(ends[0], said, sizeof said - 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(ends[0]);
  return size > 0 && status != 0 ? said : "";
}

}  // namespace

int main() {
  {
    std::vector<std::string> strings;
    for (int i = 0; i < 300; ++i) strings.emplace_back(static_cast<std::size_t>(i), 'x');
  }
  if (const int line = check_each_form(); line != 0) return line;
  REQUIRE(last_words() == "slab: operator new: no memory left\n");
  return 0;
}
