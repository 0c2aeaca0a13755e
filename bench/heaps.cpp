// slab's heaps and mallocs replay what real programs ask for. ci/bench runs this and makes tables of what it prints.
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/callgrind.hpp"
#include "bench/heap.hpp"
#include "bench/mix.hpp"
#include "bench/resident.hpp"
#include "bench/subject.hpp"

namespace bench {
namespace {

constexpr const char* usage =
    "usage: heaps --list\n"
    "       heaps --time ROUNDS | --count [--requests N] [--heap NAME] FILE...\n"
    "       heaps --memory --heap NAME FILE\n"
    "\n"
    "Replays what a program asked for, a FILE.mix or a recording of bench/mixes/record.py --keep, and prints a line "
    "of\n"
    "JSON for each result: nanoseconds of processor time a pair of alloc and free; bytes held and handed out; or, "
    "under\n"
    "valgrind --tool=callgrind --collect-atstart=no, one file of counts each. Mallocs from libraries need, before the\n"
    "start, GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536\n"
    "\n"
    "exit: 0 measured, 2 not\n";

struct Options {
  std::string what, heap;
  std::size_t rounds = 1, requests = SIZE_MAX;
  std::vector<std::string> files;
};

struct Program {
  std::string name;
  Script script;
};

/// A heap, and whether it is told the size of what it frees.
struct Way {
  const Heap* heap;
  bool is_sized;
  [[nodiscard]] std::string name() const { return heap->name + (is_sized && heap->free ? ", sized" : ""); }
};

std::vector<Way> ways(const std::string& name) {
  std::vector<Way> found;
  for (const Heap& heap : heaps())
    for (const bool is_sized : {false, true})
      if ((is_sized ? heap.free_sized != nullptr : heap.free != nullptr) &&
          (name.empty() || Way{&heap, is_sized}.name() == name))
        found.push_back({&heap, is_sized});
  return found;
}

void touch(void* object, std::size_t size) {
  volatile char* const bytes = static_cast<char*>(object);
  bytes[0] = 1;
  bytes[size - 1] = 1;
}

std::vector<void*> objects;

// Each a function of its own, the same for all heaps. False: there was no memory, and what was allocated stays.

[[gnu::noinline]] bool run_pairs(const Script& script, const Heap& heap) {
  auto* const alloc = heap.alloc;
  auto* const free = heap.free;
  for (const Step step : script.steps) {
    void*& object = objects[step.slot];
    if (step.is_request) {
      object = alloc(step.size);
      if (!object) return false;
      touch(object, step.size);
    } else {
      free(object);
    }
  }
  return true;
}
[[gnu::noinline]] bool run_sized_pairs(const Script& script, const Heap& heap) {
  auto* const alloc = heap.alloc;
  auto* const free = heap.free_sized;
  for (const Step step : script.steps) {
    void*& object = objects[step.slot];
    if (step.is_request) {
      object = alloc(step.size);
      if (!object) return false;
      touch(object, step.size);
    } else {
      free(object, step.size, 0);
    }
  }
  return true;
}

void run(const Script& script, const Way& way) {
  objects.resize(std::max(objects.size(), script.slots));
  if (!(way.is_sized ? run_sized_pairs : run_pairs)(script, *way.heap))
    throw std::runtime_error{way.name() + " has no memory left"};
}

double processor_ns() {
  std::timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// In each round everybody once, one after the other and in another order.
void print_times(const std::vector<Program>& programs, std::vector<Way> measured, std::size_t rounds) {
  std::mt19937_64 random{1};
  for (std::size_t round = 0; round < rounds; ++round)
    for (const Program& program : programs) {
      std::shuffle(measured.begin(), measured.end(), random);
      for (const Way& way : measured) {
        run(program.script, way);  // what the others did to the caches is over
        const double begin = processor_ns();
        run(program.script, way);
        std::printf("{\"kind\": \"heap_time\", \"heap\": \"%s\", \"mix\": \"%s\", \"round\": %zu, \"ns\": %.3f}\n",
                    way.name().c_str(), program.name.c_str(), round,
                    (processor_ns() - begin) / static_cast<double>(program.script.pairs()));
        std::fflush(stdout);
      }
    }
}

void print_counts(const std::vector<Program>& programs, const std::vector<Way>& counted) {
  if (!can_count()) throw std::runtime_error{"it can count only under callgrind, compiled with its header"};
  for (const Program& program : programs)
    for (const Way& way : counted) {
      run(program.script, way);
      count([&] { run(program.script, way); },
            way.name() + "|" + program.name + "|" + std::to_string(program.script.pairs()));
    }
}

/// All of each object is written, as its user would.
void print_memory(const Program& program, const Way& way) {
  constexpr std::size_t samples = 256, small = 4096;
  objects.resize(program.script.slots);
  std::memset(objects.data(), 1, objects.size() * sizeof(void*));
  ::malloc_trim(0);
  resident();  // its buffers are then there
  const std::size_t before = resident(), every = program.script.steps.size() / samples + 1;
  std::size_t held = 0, asked = 0, usable = 0, asked_small = 0, usable_small = 0, done = 0;
  for (const Step step : program.script.steps) {
    void*& object = objects[step.slot];
    if (!step.is_request) {
      way.is_sized ? way.heap->free_sized(object, step.size, 0) : way.heap->free(object);
    } else {
      object = way.heap->alloc(step.size);
      if (!object) throw std::runtime_error{way.name() + " has no memory left"};
      std::memset(object, 1, step.size);
      const std::size_t has = way.heap->usable_size(object, step.size);
      asked += step.size;
      usable += has;
      asked_small += step.size <= small ? step.size : 0;
      usable_small += step.size <= small ? has : 0;
    }
    if (++done % every == 0) held = std::max(held, resident());
  }
  std::printf(
      "{\"kind\": \"heap_memory\", \"heap\": \"%s\", \"mix\": \"%s\", \"held\": %zu, \"live\": %zu, \"asked\": %zu, "
      "\"usable\": %zu, \"asked_small\": %zu, \"usable_small\": %zu}\n",
      way.name().c_str(), program.name.c_str(), held - std::min(before, held), program.script.most_bytes, asked, usable,
      asked_small, usable_small);
}

int list() {
  for (const Way& way : ways("")) std::printf("{\"kind\": \"heap\", \"heap\": \"%s\"}\n", way.name().c_str());
  for (const Missing& one : missing())
    std::printf("{\"kind\": \"missing\", \"subject\": \"%s\", \"reason\": \"%s\"}\n", one.name.c_str(),
                one.reason.c_str());
  return 0;
}

/// What is wrong with the arguments; empty if nothing is.
std::string parse(const std::vector<std::string>& words, Options& options) {
  const auto number = [](const std::string& word) {
    const bool is_one = !word.empty() && word.size() < 10 && word.find_first_not_of("0123456789") == word.npos;
    return is_one ? std::stoul(word) : 0;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string &word = words[i], next = i + 1 < words.size() ? words[i + 1] : "";
    if (word == "--list" || word == "--time" || word == "--count" || word == "--memory") options.what = word;
    if (word == "--time" || word == "--requests") {
      std::size_t& value = word == "--time" ? options.rounds : options.requests;
      if ((value = number(next)) == 0) return word + ": a number is missing";
      ++i;
    } else if (word == "--heap") {
      options.heap = next;
      if (next.empty()) return word + ": a name is missing";
      ++i;
    } else if (word.starts_with("--")) {
      if (word != options.what) return word + ": it is unknown";
    } else {
      options.files.push_back(word);
    }
  }
  if (options.what.empty()) return "it is not said what to do";
  return options.files.empty() && options.what != "--list" ? "no file is named" : "";
}

Program read(const std::string& file, std::size_t requests) {
  const std::filesystem::path path{file};
  if (path.extension() != ".mix")
    return {path.filename().string(), script_of_recording(file, std::min<std::size_t>(requests, 50'000'000))};
  const Mix mix = read_mix(file);
  return {path.stem().string(), script_of(mix, std::min(requests, mix.requests))};
}

int work(const std::vector<std::string>& words) {
  Options options;
  if (words.size() == 1 && words[0] == "--help") return std::printf("%s", usage), 0;
  if (const std::string wrong = parse(words, options); !wrong.empty()) throw std::runtime_error{wrong + "\n" + usage};
  add_mallocs();
  if (options.what == "--list") return list();
  const std::vector<Way> chosen = ways(options.heap);
  if (chosen.empty()) throw std::runtime_error{"there is no heap " + options.heap};
  std::vector<Program> programs;
  for (const std::string& file : options.files) programs.push_back(read(file, options.requests));
  if (options.what == "--time") return print_times(programs, chosen, options.rounds), 0;
  if (options.what == "--memory") {
    if (programs.size() != 1 || chosen.size() != 1)
      throw std::runtime_error{"--memory is of one heap and one file: what comes later finds memory that was used"};
    return print_memory(programs[0], chosen[0]), 0;
  }
  return print_counts(programs, chosen), 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) try {
  return bench::work({argv + 1, argv + argc});
} catch (const std::exception& error) {
  std::fprintf(stderr, "heaps: %s\n", error.what());
  return 2;
}
