#include "model/process/malloc_library.hpp"

#include <dlfcn.h>
#include <link.h>
#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "model/process/cannot_judge.hpp"
#include "model/process/child.hpp"
#include "model/process/shared_memory.hpp"

namespace slabproof {
namespace {

struct Functions {
  void* (*malloc)(std::size_t);
  void (*free)(void*);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  std::size_t (*malloc_usable_size)(void*);
} functions;
Abilities claimed = MallocLibrary::abilities;
constexpr auto writable_memory = RLIMIT_DATA;

/// Opened so that the library's own calls of malloc mean its own. AddressSanitizer ends a process that does so, since
/// its malloc must be everybody's; here it must not, and the library's memory is none of AddressSanitizer's.
void* open_library(const char* path, std::string& why) {
  void* const system = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  const auto open = reinterpret_cast<void* (*)(const char*, int)>(system ? dlsym(system, "dlopen") : nullptr);
  void* const library = open ? open(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) : nullptr;
  if (library) return library;
  const char* const said = open ? dlerror() : "this system's C library is not glibc";
  why = said ? said : "it cannot be loaded";
  if (why.find("static TLS block") != std::string::npos)
    why += "; with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536 in the environment there is room";
  return nullptr;
}

/// A function of the library itself or of what it depends on, but not the C library's, which every library depends on.
template <class F>
void find(void* library, const char* name, F*& function, std::string& found, std::string& missing) {
  void* const symbol = dlsym(library, name);
  link_map *asked = nullptr, *owner = nullptr, *system = nullptr;
  Dl_info info{};
  dlinfo(library, RTLD_DI_LINKMAP, &asked);
  if (void* const of_system = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD)) dlinfo(of_system, RTLD_DI_LINKMAP, &system);
  const bool is_known = symbol && dladdr1(symbol, &info, reinterpret_cast<void**>(&owner), RTLD_DL_LINKMAP) != 0;
  const bool is_its_own = is_known && (owner != system || asked == system);
  function = is_its_own ? reinterpret_cast<F*>(symbol) : nullptr;
  std::string& list = is_its_own ? found : missing;
  list += (list.empty() ? "" : ", ") + std::string{name};
}

void find_functions(void* library, std::string& found, std::string& missing) {
  find(library, "malloc", functions.malloc, found, missing);
  find(library, "free", functions.free, found, missing);
  find(library, "calloc", functions.calloc, found, missing);
  find(library, "realloc", functions.realloc, found, missing);
  find(library, "aligned_alloc", functions.aligned_alloc, found, missing);
  find(library, "posix_memalign", functions.posix_memalign, found, missing);
  find(library, "memalign", functions.memalign, found, missing);
  find(library, "malloc_usable_size", functions.malloc_usable_size, found, missing);
}

/// What a library does once, at its first calls, as in every process that uses it.
void warm_up() {
  for (const std::size_t size : {std::size_t{1}, std::size_t{1} << 20})
    if (void* const object = functions.malloc(size)) functions.free(object);
}

struct sigaction before_refusal[NSIG];
bool is_refusing = false;

/// A death while memory is refused: who reports it needs memory.
void lift_before_report(int signal, siginfo_t* info, void* context) {
  if (is_refusing) MallocLibrary{}.refuse_memory(false);
  const struct sigaction& before = before_refusal[signal];
  if (before.sa_flags & SA_SIGINFO) return before.sa_sigaction(signal, info, context);
  sigaction(signal, &before, nullptr);  // it comes again
}

void report_deaths_with_memory() {
  struct sigaction lift{};
  lift.sa_sigaction = lift_before_report;
  lift.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaction(signal, &lift, &before_refusal[signal]);
}

/// How far a child process came with the library, which may die of any of it.
enum class Stage : std::uint8_t { Loading, FirstCalls, Refusing, Done };
struct Trial {
  volatile Stage stage = Stage::Loading;
  volatile bool is_loaded = false, was_refused = false;
};

/// Whether the library answers null while memory is refused, and not when it no longer is.
bool sees_refusal() {
  MallocLibrary library;
  for (std::size_t size = std::size_t{1} << 20; size <= std::size_t{1} << 32; size *= 2) {
    library.refuse_memory(true);
    void* const refused = functions.malloc(size);
    library.refuse_memory(false);
    if (refused) continue;  // from memory that it had already
    void* const served = functions.malloc(size);
    functions.free(served);
    return served != nullptr;
  }
  return false;
}

Trial try_library(const char* path, std::string& how_it_ended) {
  const SharedMemory<Trial> trial;
  constexpr double patience_seconds = 10;
  Child child{[&] {
                std::string nothing;
                void* const library = open_library(path, nothing);
                if (!library) return 0;
                trial->is_loaded = true;
                find_functions(library, nothing, nothing);
                if (!functions.malloc || !functions.free) return 0;
                trial->stage = Stage::FirstCalls;
                warm_up();
                trial->stage = Stage::Refusing;
                trial->was_refused = sees_refusal();
                trial->stage = Stage::Done;
                return 0;
              },
              {.processor_seconds = patience_seconds}};
  const ChildEnd end = child.wait();
  how_it_ended = end.hung() ? "it hangs" : end.exited_with(0) ? "" : "it dies, " + end.text();
  return {trial->stage, trial->is_loaded, trial->was_refused};
}

/// Each function that gives objects of an alignment gets its share.
void* allocate_aligned(std::size_t size, std::size_t align) {
  const std::size_t turn = (size / 8) % 3;
  if (align == 1 || (align <= natural_align(size) && turn == 0)) return functions.malloc(size);
  align = std::max(align, sizeof(void*));
  if (functions.posix_memalign && (turn == 1 || !(functions.aligned_alloc || functions.memalign))) {
    void* object = nullptr;
    return functions.posix_memalign(&object, align, size) == 0 ? object : nullptr;
  }
  if (functions.memalign && (turn == 2 || !functions.aligned_alloc)) return functions.memalign(align, size);
  if (!functions.aligned_alloc) return functions.malloc(size);
  return functions.aligned_alloc(align, (size + align - 1) / align * align);  // C11 wants a multiple
}

/// What the library was seen to do, which guides libFuzzer where it is not compiled here. A counter for each function,
/// magnitude of the size, and distance from the object of the call before; the first of these is for null.
enum class Function : std::uint8_t { Allocate, AllocateZeroed, Reallocate, Free };
constexpr std::size_t magnitudes = 32, distances = 16, counters = 4 * magnitudes * 2 * distances;
[[gnu::section("__libfuzzer_extra_counters")]] std::uint8_t observations[counters];
std::uintptr_t object_before = 0;

void* observed(Function function, std::size_t size, void* object) {
  const auto magnitude = [](std::size_t number, std::size_t most) {
    return std::min(static_cast<std::size_t>(std::bit_width(number)), most);
  };
  const auto address = reinterpret_cast<std::uintptr_t>(object);
  const bool is_above = address > object_before;
  const std::size_t distance = is_above ? address - object_before : object_before - address;
  std::size_t at = static_cast<std::size_t>(function) * magnitudes + magnitude(size, magnitudes - 1);
  at = (at * 2 + is_above) * distances + (object ? 1 + magnitude(distance / 16, distances - 2) : 0);
  ++observations[at];
  if (object) object_before = address;
  return object;
}

}  // namespace

const Abilities& MallocLibrary::claims() { return claimed; }

void MallocLibrary::load(const char* path) {
  if (!path || !*path) cannot_judge("no library is named; ci/subject --malloc LIBRARY.so does that");
  const std::string name = path;
  std::string end, why, found, missing;
  const Trial trial = try_library(path, end);
  if (!trial.is_loaded && !end.empty()) cannot_judge(name + ": " + end + ", while it is loaded");
  void* const library = open_library(path, why);
  if (!library) cannot_judge(why);
  find_functions(library, found, missing);
  if (!functions.malloc || !functions.free)
    cannot_judge(name + " has no " + (functions.malloc ? "free" : "malloc") +
                 " of its own; name a library that does, or write an adapter (docs/subjects.md)");
  claimed.zeroed = functions.calloc;
  claimed.resizes = claimed.resizes_null = claimed.resizes_to_zero = functions.realloc;
  claimed.usable_size = functions.malloc_usable_size;
  if (!functions.aligned_alloc && !functions.posix_memalign && !functions.memalign) claimed.accepts.max_align = 1;
  claimed.refuses_memory = trial.was_refused || trial.stage == Stage::Refusing;
  const std::string refusal = trial.stage == Stage::FirstCalls ? "in its first calls " + end
                              : trial.stage == Stage::Refusing ? "memory is refused to it at times, of which " + end
                              : trial.was_refused              ? "memory is refused to it at times"
                                                               : "memory cannot be refused to it";
  std::fprintf(stderr, "%s has %s%s%s; %s; memory errors in it are not seen\n", path, found.c_str(),
               missing.empty() ? "" : "; not ", missing.c_str(), refusal.c_str());
  if (trial.stage > Stage::FirstCalls) warm_up();
  if (claimed.refuses_memory) report_deaths_with_memory();
}

MallocLibrary::MallocLibrary() { object_before = 0; }

void* MallocLibrary::allocate(std::size_t size, std::size_t align) {
  return observed(Function::Allocate, size, allocate_aligned(size, align));
}

void* MallocLibrary::allocate_zeroed(std::size_t count, std::size_t size) {
  return observed(Function::AllocateZeroed, count, functions.calloc(count, size));
}
void* MallocLibrary::reallocate(void* object, std::size_t size) {
  return observed(Function::Reallocate, size, functions.realloc(object, size));
}
std::size_t MallocLibrary::usable_size(void* object) { return functions.malloc_usable_size(object); }
void MallocLibrary::free(void* object) {
  observed(Function::Free, 0, object);
  functions.free(object);
}

void MallocLibrary::refuse_memory(bool is_refused) {
  static rlimit before{};
  is_refusing = is_refused;
  if (is_refused && getrlimit(writable_memory, &before) != 0) cannot_judge_for_errno("getrlimit");
  // Less than a page, and not 0, which the kernel takes for no limit where the hard one is higher.
  const rlimit wanted{is_refused ? 1 : before.rlim_cur, before.rlim_max};
  if (setrlimit(writable_memory, &wanted) != 0) cannot_judge_for_errno("setrlimit");
}

const TestedSubject& tested_library(const char* path, const char* file) {
  MallocLibrary::load(path);
  static const TestedSubject subject{.name = "malloc",
                                     .make = [](void* storage, const CacheSpec&,
                                                RecordingBackend&) { return make_subject_in<MallocLibrary>(storage); },
                                     .language = language_for(claimed),
                                     .capacity = claimed.capacity,
                                     .abilities = &claimed,
                                     .file = file,
                                     .is_library = true};
  return subject;
}

}  // namespace slabproof
